package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// resourceFile makes a Qt resource file of version 3 with a folder and files in it, compressed or not.
func resourceFile(folder string, files map[string]string, compressed bool) []byte {
	u16, u32 := binary.BigEndian.AppendUint16, binary.BigEndian.AppendUint32
	var names, contents []byte
	name := func(s string) uint32 {
		at := uint32(len(names))
		units := utf16.Encode([]rune(s))
		names = u32(u16(names, uint16(len(units))), 0)
		for _, u := range units {
			names = u16(names, u)
		}
		return at
	}
	node := func(name uint32, flags uint16, a, b uint32) []byte {
		return append(u32(u32(u16(u32(nil, name), flags), a), b), make([]byte, 8)...)
	}
	tree := node(name(""), rccFolder, 1, 1)
	tree = append(tree, node(name(folder), rccFolder, uint32(len(files)), 2)...)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		content, flags := []byte(files[file]), uint16(0)
		if compressed {
			var b bytes.Buffer
			z := zlib.NewWriter(&b)
			z.Write(content)
			z.Close()
			content, flags = append(u32(nil, uint32(len(content))), b.Bytes()...), rccZlib
		}
		tree = append(tree, node(name(file), flags, 0, uint32(len(contents)))...)
		contents = append(u32(contents, uint32(len(content))), content...)
	}
	head := u32(append([]byte("qres"), 0, 0, 0, 3), 20)
	head = u32(u32(head, uint32(20+len(tree))), uint32(20+len(tree)+len(contents)))
	return slices.Concat(head, tree, contents, names)
}

func everything(string) bool { return true }

func TestResources(t *testing.T) {
	files := map[string]string{"fish.webp": "a fish", "鱼.txt": strings.Repeat("long ", 100), "empty": ""}
	for _, compressed := range []bool{false, true} {
		got := map[string]string{}
		data := resourceFile("photos", files, compressed)
		if err := walkResources(data, everything, func(path string, content []byte) error {
			got[path] = string(content)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for name, content := range files {
			want["/photos/"+name] = content
		}
		if !maps.Equal(got, want) {
			t.Errorf("compressed %t: read %q, want %q", compressed, got, want)
		}
		for n := range data {
			broken := slices.Clone(data)
			broken[n] ^= 0xff
			walkResources(broken, everything, func(string, []byte) error { return nil }) // it may fail, not panic or hang
			if err := walkResources(data[:n], everything, func(string, []byte) error { return nil }); err == nil {
				t.Errorf("cut after %d of %d bytes: no error", n, len(data))
			}
		}
	}
}

func TestResourcesInACircle(t *testing.T) {
	data := resourceFile("a", map[string]string{"b": "c"}, false)
	binary.BigEndian.PutUint32(data[20+rccNode2+10:], 1) // the folder's first child is itself
	err := walkResources(data, everything, func(string, []byte) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "more than fit") {
		t.Errorf("error %v, want one about too many entries", err)
	}
}

func FuzzResources(f *testing.F) {
	f.Add(resourceFile("photos", map[string]string{"fish": "a fish", "cat": "a cat"}, true))
	f.Add(resourceFile("", map[string]string{"": ""}, false))
	f.Fuzz(func(t *testing.T, data []byte) {
		walkResources(data, everything, func(string, []byte) error { return nil })
	})
}
