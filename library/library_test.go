package library

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chiasm/chiasm"
)

// The models: one that sees, and one that sees and hears.
const (
	seer = "../model/clip/testdata/transformers"
	omni = "../model/embeddinggemma/testdata"
)

func model(t *testing.T, name string) *chiasm.Model {
	t.Helper()
	m, err := chiasm.Open(context.Background(), name, nil)
	must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string, o Options) *Library {
	t.Helper()
	l, err := Open(dir, o)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// put copies a file of testdata.
func put(t *testing.T, from string, to ...string) string {
	t.Helper()
	data, err := os.ReadFile(from)
	must(t, err)
	path := filepath.Join(to...)
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, data, 0o644))
	return path
}

func run(t *testing.T, l *Library, m Model, o IndexOptions) Summary {
	t.Helper()
	s, err := l.Index(t.Context(), m, o)
	must(t, err)
	return s
}

const pictures = "../media/image/testdata/pictures/"

func TestIndex(t *testing.T) {
	dir, photos := t.TempDir(), t.TempDir()
	a := put(t, pictures+"exif6.jpg", photos, "a.jpg")
	put(t, pictures+"alpha.heic", photos, "sub", "b.heic")
	put(t, pictures+"bilevel.bmp", photos, "sub", "c.bmp")
	must(t, os.WriteFile(filepath.Join(photos, "broken.png"), []byte("\x89PNG\r\n\x1a\nxx"), 0o644))
	must(t, os.WriteFile(filepath.Join(photos, "notes.doc"), []byte("nothing"), 0o644))
	m := model(t, seer)
	l := open(t, dir, Options{})
	s := run(t, l, m, IndexOptions{Paths: []string{photos}})
	if s.Added != 3 || s.Failed != 1 || s.Embedded != 3 || !s.Complete {
		t.Fatalf("%+v", s)
	}
	s = run(t, l, m, IndexOptions{})
	if s.Unchanged != 4 || s.Added+s.Failed+s.Changed+s.Removed != 0 {
		t.Fatalf("again: %+v", s)
	}
	must(t, os.Rename(a, filepath.Join(photos, "sub", "moved.jpg")))
	put(t, pictures+"exif8.jpg", photos, "sub", "c.bmp")
	must(t, os.Remove(filepath.Join(photos, "sub", "b.heic")))
	s = run(t, l, m, IndexOptions{})
	if s.Moved != 1 || s.Changed != 1 || s.Removed != 1 || s.Embedded != 1 {
		t.Fatalf("changes: %+v", s)
	}
	found, err := l.Check(t.Context())
	must(t, err)
	if len(found) > 0 {
		t.Fatal(found)
	}
}
