package library

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is wrong with a file is said of the kind that its name promises.
func TestUnrecognised(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{"empty.png": "is empty", "empty.mp4": "is empty", "text.mp4": "not a video", "text.mp3": "not a sound", "text.jpg": "not a picture"}
	for name := range want {
		text := "no medium at all"
		if strings.HasPrefix(name, "empty") {
			text = ""
		}
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	l := open(t, t.TempDir(), Options{})
	if s := run(t, l, model(t, seer), IndexOptions{Paths: []string{dir}}); s.Failed != len(want) {
		t.Errorf("%+v", s)
	}
	failures, err := l.Errors(t.Context())
	must(t, err)
	for _, f := range failures {
		if w := want[filepath.Base(f.Path)]; w == "" || !strings.Contains(f.Error, w) {
			t.Errorf("%s: %s, want %q", f.Path, f.Error, w)
		}
	}
	if len(failures) != len(want) {
		t.Errorf("%+v", failures)
	}
}

// A picture that ends too early is found by what is there of it, and listed for as long as it is so.
func TestOnlyInPart(t *testing.T) {
	dir := t.TempDir()
	whole := put(t, pictures+"exif6.jpg", dir, "whole.jpg")
	data, err := os.ReadFile(whole)
	must(t, err)
	part, again := filepath.Join(dir, "part.jpg"), filepath.Join(dir, "again.jpg")
	must(t, os.WriteFile(part, data[:len(data)-len(data)/4], 0o644))
	l, m := open(t, t.TempDir(), Options{}), model(t, seer)
	if s := run(t, l, m, IndexOptions{Paths: []string{dir}}); s.Damaged != 1 || s.Failed != 0 || s.Embedded != 2 {
		t.Errorf("%+v", s)
	}
	must(t, os.WriteFile(again, data[:len(data)-len(data)/4], 0o644)) // its vectors are copied
	must(t, os.Rename(part, filepath.Join(dir, "moved.jpg")))
	run(t, l, m, IndexOptions{})
	list, err := l.Errors(t.Context())
	must(t, err)
	if len(list) != 2 || filepath.Base(list[0].Path) != "again.jpg" || filepath.Base(list[1].Path) != "moved.jpg" || !strings.Contains(list[0].Error, "only in part: jpeg: truncated file") {
		t.Errorf("%+v", list)
	}
	must(t, os.WriteFile(again, data, 0o644))
	must(t, os.Remove(filepath.Join(dir, "moved.jpg")))
	run(t, l, m, IndexOptions{})
	if list, err = l.Errors(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

// A file that goes while it is on its way is no failure; a link that leads nowhere is one.
func TestVanished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jpg")
	_, err := os.Open(path)
	j := &job{found: found{path: path}}
	if !vanished(j, err) || vanished(j, os.ErrPermission) {
		t.Error("a file that is gone is taken for one that cannot be read, or the other way round")
	}
	if err := os.Symlink("nowhere", path); err == nil && vanished(j, os.ErrNotExist) {
		t.Error("a link that leads nowhere is taken for a file that is gone")
	}
}
