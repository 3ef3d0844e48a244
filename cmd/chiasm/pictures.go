package main

import (
	"bytes"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/image"
)

// An item is one input of a verb.
type item struct {
	name string // as in the output: the text, the path, "-" for stdin
	kind string // "text" or "image"
	open func(*image.Options) (*image.RGB, error)

	options image.Options // how a picture is read
	damage  error         // what was wrong with it though it could be read
	img     *image.RGB    // what open gave
	err     error         // why there is no answer for it
	told    func(*item)   // is told of damage, in the order of the items
}

// read opens the picture.
func (it *item) read() (*image.RGB, error) {
	o := it.options
	o.Warn = func(err error) { it.damage = err }
	return it.open(&o)
}

// reading sets how pictures are read: JPEG files at a reduced size if that is asked for, damaged ones as far as they go, with a note.
func (a *app) reading(items iter.Seq[*item], m *chiasm.Model, f *modelFlags) iter.Seq[*item] {
	var o image.Options
	if f.fast {
		o.Shrink = m.Processor()
	}
	told := func(it *item) { a.note("%s: %s", it.name, it.damage) }
	return func(yield func(*item) bool) {
		for it := range items {
			if it.options, it.told = o, told; !yield(it) {
				return
			}
		}
	}
}

// The kinds of items.
const (
	kindText  = "text"
	kindImage = "image"
	kindSound = "sound"
)

// extensions are those of picture files. A folder's other files are looked into if they have no extension at all.
var extensions = []string{
	".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".heic", ".heif", ".avif",
}

// pictures gives the pictures that the arguments name: see [files]. What cannot be found is an item with an error.
func pictures(args []string, stdin io.Reader) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for name, err := range files(args, "pictures", isPicture) {
			it := picture(name)
			if it.err = err; name == "-" {
				it.open = func(o *image.Options) (*image.RGB, error) { return image.Read(stdin, o) }
			}
			if !yield(it) {
				return
			}
		}
	}
}

// picture is a file as an item.
func picture(path string) *item {
	return &item{name: path, kind: kindImage, open: func(o *image.Options) (*image.RGB, error) { return image.Open(path, o) }}
}

// isPicture tells a picture by its extension, or without one by how it begins.
func isPicture(path string) bool {
	if ext := strings.ToLower(filepath.Ext(path)); ext != "" {
		info, err := os.Stat(path) // through links
		return slices.Contains(extensions, ext) && (err != nil || info.Mode().IsRegular())
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false // opening a pipe could wait for ever
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := io.ReadFull(f, head)
	return beginsAsPicture(head[:n])
}

func beginsAsPicture(head []byte) bool {
	for _, magic := range []string{"\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF87a", "GIF89a", "II*\x00", "MM\x00*"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	if len(head) < 12 {
		return false
	}
	switch string(head[4:8]) {
	case "ftyp":
		return slices.Contains([]string{"heic", "heix", "heif", "mif1", "msf1", "avif", "avis"}, string(head[8:12]))
	}
	return string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP" ||
		string(head[:2]) == "BM" && string(head[6:10]) == "\x00\x00\x00\x00"
}
