package library

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whatever lies in a folder, it is listed and the rest goes on.
func TestBadInput(t *testing.T) {
	photos := collection(t)
	whole, err := os.ReadFile(pictures + "cmyk.tif")
	must(t, err)
	write := func(name string, data []byte) {
		must(t, os.WriteFile(filepath.Join(photos, name), data, 0o644))
	}
	write("cut.tif", whole[:len(whole)/3])
	write("text.jpg", []byte("this is no picture"))
	write("empty.png", nil)
	write("huge.bmp", append([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\x7f\x01\x00\x18\x00"), make([]byte, 64)...))
	write("broken.mp4", []byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42"))
	write("README", []byte("nothing that anybody looks for")) // which is no failure
	failures := 5
	good, err := os.ReadFile(pictures + "exif8.tif")
	must(t, err)
	names := []string{"mislabelled.png", "-n.tif", "two\nlines.tif", "latin\xe9.tif"}
	for i, name := range names {
		write(name, append(slices.Clone(good), byte(i))) // no two are the same
	}
	must(t, os.Symlink(photos, filepath.Join(photos, "holiday", "loop")))
	must(t, os.Symlink("nowhere", filepath.Join(photos, "dangling.jpg")))
	failures++
	elsewhere := t.TempDir()
	put(t, pictures+"exif4.tif", elsewhere, "linked.tif")
	must(t, os.Symlink(elsewhere, filepath.Join(photos, "link")))
	must(t, os.Symlink(elsewhere, filepath.Join(photos, "same")))
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	s := run(t, l, m, IndexOptions{Paths: []string{photos}})
	list, err := l.Errors(t.Context())
	must(t, err)
	if s.Added != 5+len(names)+1 || s.Failed != failures || len(list) != failures {
		t.Fatalf("%+v\n%+v", s, list)
	}
	for _, f := range list {
		if f.Error == "" || strings.Contains(f.Error, "\n") {
			t.Errorf("%+v", f)
		}
	}
	if s := run(t, l, m, IndexOptions{}); s.Failed != 1 || s.Unchanged != 5+len(names)+1+failures-1 {
		t.Errorf("again: %+v", s) // the link that leads nowhere is told of each time
	}
	if got := find(t, l, m, `path:"two"`); len(got.Hits) != 1 || filepath.Base(got.Hits[0].Path) != names[2] {
		t.Errorf("%+v", got.Hits)
	}
	odd := find(t, l, m, "path:latin").Hits
	if len(odd) != 1 {
		t.Fatalf("%+v", odd)
	}
	text, err := json.Marshal(odd[0])
	must(t, err)
	var back Hit
	must(t, json.Unmarshal(text, &back))
	it, err := l.Item(t.Context(), odd[0].ID)
	must(t, err)
	if want := filepath.Join(photos, names[3]); string(back.PathBytes) != want || string(it.PathBytes) != want || it.Path != want {
		t.Errorf("a name that is not UTF-8: %s, %q", text, it.PathBytes)
	}
	sound(t, l)
}

// What is damaged on disk is said, the rest is found, and the whole comes back.
func TestDamage(t *testing.T) {
	photos := collection(t)
	m := model(t, seer)
	dir := t.TempDir()
	l := open(t, dir, Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	put(t, pictures+"exif3.tif", photos, "late.tif")
	run(t, l, m, IndexOptions{})
	for name, at := range map[string]int{"a block": 64, "a vector": 1000} {
		must(t, l.Close())
		segments, err := filepath.Glob(filepath.Join(dir, "vectors", "*", "*.vectors"))
		must(t, err)
		data, err := os.ReadFile(segments[0])
		must(t, err)
		data[at] ^= 0x40
		must(t, os.WriteFile(segments[0], data, 0o644))
		l = open(t, dir, Options{})
		if list, err := l.Errors(t.Context()); err != nil || len(list) == 0 && name == "a block" {
			t.Errorf("%s: errors: %v, %v", name, list, err)
		}
		find(t, l, m, "x")
		if found, err := l.Check(t.Context()); err != nil || len(found) == 0 {
			t.Errorf("%s: check: %v, %v", name, found, err)
		}
		if found, err := l.Repair(t.Context()); err != nil || len(found) != 0 {
			t.Errorf("%s: repair: %v, %v", name, found, err)
		}
		if s := run(t, l, m, IndexOptions{}); s.Embedded == 0 {
			t.Errorf("%s: %+v", name, s)
		}
		if got := find(t, l, m, "x"); len(got.Hits) != 6 {
			t.Errorf("%s: afterwards: %d", name, len(got.Hits))
		}
	}
	must(t, l.Close())
	manifests, err := filepath.Glob(filepath.Join(dir, "vectors", "*", "manifest.json"))
	must(t, err)
	must(t, os.WriteFile(manifests[0], []byte("{"), 0o644))
	l = open(t, dir, Options{})
	if _, err := l.Index(t.Context(), m, IndexOptions{}); err == nil || !strings.Contains(err.Error(), "repair the library") {
		t.Errorf("a manifest: index: %v", err)
	}
	if found, err := l.Repair(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("a manifest: repair: %v, %v", found, err)
	}
	if s := run(t, l, m, IndexOptions{}); s.Embedded != 6 || !s.Complete {
		t.Errorf("a manifest: %+v", s)
	}
	sound(t, l)
	must(t, l.Close())
	const newer = `{"version":1000,"dimension":3}`
	must(t, os.WriteFile(manifests[0], []byte(newer), 0o644))
	l = open(t, dir, Options{})
	if _, err := l.Repair(t.Context()); err == nil || !strings.Contains(err.Error(), "version 1000") {
		t.Errorf("vectors of a newer version: repair: %v", err)
	}
	if text, err := os.ReadFile(manifests[0]); err != nil || string(text) != newer {
		t.Errorf("vectors of a newer version: repair left %q, %v", text, err)
	}
}
