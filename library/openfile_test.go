package library

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// An original is read where it lay: also behind a link that was followed, and never behind one that took a file's or a folder's place.
func TestOpenFile(t *testing.T) {
	root, elsewhere, secret := t.TempDir(), t.TempDir(), t.TempDir()
	plain := put(t, pictures+"exif6.jpg", root, "sub", "a.jpg")
	put(t, pictures+"exif8.jpg", elsewhere, "in", "b.jpg")
	single := put(t, pictures+"exif3.jpg", t.TempDir(), "c.jpg")
	put(t, pictures+"exif2.jpg", secret, "a.jpg")
	put(t, pictures+"exif2.jpg", secret, "in", "b.jpg")
	for link, target := range map[string]string{"folder": elsewhere, "c.jpg": single} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Skip(err)
		}
	}
	l, m := open(t, t.TempDir(), Options{}), model(t, seer)
	run(t, l, m, IndexOptions{Paths: []string{root}})
	ids := map[string]int64{}
	for _, h := range find(t, l, m, "").Hits {
		ids[filepath.Base(h.Path)] = h.ID
	}
	read := func(name string) (string, error) {
		_, f, err := l.OpenFile(t.Context(), ids[name])
		if err != nil {
			return "", err
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		return string(data), err
	}
	for name, from := range map[string]string{"a.jpg": plain, "b.jpg": filepath.Join(elsewhere, "in", "b.jpg"), "c.jpg": single} {
		want, err := os.ReadFile(from)
		must(t, err)
		if got, err := read(name); err != nil || got != string(want) {
			t.Errorf("%s: %d bytes, want %d: %v", name, len(got), len(want), err)
		}
	}
	relink := func(link, target string) {
		must(t, os.RemoveAll(link))
		must(t, os.Symlink(target, link))
	}
	was, err := read("b.jpg")
	must(t, err)
	relink(filepath.Join(root, "folder"), secret)
	if got, err := read("b.jpg"); err != nil || got != was { // the link is not asked any more
		t.Errorf("behind a changed link: %v", err)
	}
	relink(filepath.Join(root, "sub"), secret)
	relink(filepath.Join(elsewhere, "in"), filepath.Join(secret, "in"))
	must(t, os.Remove(single))
	must(t, os.Mkdir(single, 0o755))
	for name := range ids {
		if _, err := read(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s leads out: %v", name, err)
		}
	}
}
