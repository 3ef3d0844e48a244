package library

import (
	"context"
	stdimage "image"
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

// paths of hits, without the folder.
func bases(hits []Hit) (out []string) {
	for _, h := range hits {
		out = append(out, filepath.Base(h.Path))
	}
	return out
}

func find(t *testing.T, l *Library, m Model, query string) Results {
	t.Helper()
	q, err := ParseQuery(query)
	must(t, err)
	r, err := l.Search(t.Context(), m, q)
	must(t, err)
	return r
}

// A collection of pictures, some of which say what they are by their names.
func collection(t *testing.T) string {
	photos := t.TempDir()
	put(t, pictures+"exif6.jpg", photos, "holiday", "BeachHouse.jpg")
	put(t, pictures+"exif6.png", photos, "holiday", "b.png")
	put(t, pictures+"alpha.heic", photos, "\u6d77\u6ee9\u65e5\u843d.heic")
	put(t, pictures+"bilevel.bmp", photos, "c.bmp")
	put(t, pictures+"cmyk.jpg", photos, "d.jpg")
	must(t, os.WriteFile(filepath.Join(photos, "d.txt"), []byte("Grandmother's birthday"), 0o644))
	return photos
}

// sound checks that nothing is wrong with a library.
func sound(t *testing.T, l *Library) {
	t.Helper()
	found, err := l.Check(t.Context())
	must(t, err)
	if len(found) > 0 {
		t.Fatal(found)
	}
}

// A root that is away keeps what it held; a folder that cannot be read likewise.
func TestMissing(t *testing.T) {
	photos := collection(t)
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	away := photos + "-away"
	must(t, os.Rename(photos, away))
	if s := run(t, l, m, IndexOptions{}); len(s.Missing) != 1 || s.Removed != 0 {
		t.Fatalf("%+v", s)
	}
	if got := find(t, l, m, "x"); len(got.Hits) != 5 {
		t.Errorf("while it is away: %d", len(got.Hits))
	}
	must(t, os.Rename(away, photos))
	if s := run(t, l, m, IndexOptions{}); s.Removed+s.Added+s.Embedded != 0 || s.Unchanged != 5 {
		t.Fatalf("back: %+v", s)
	}
	must(t, l.RemoveRoot(t.Context(), photos))
	if i, err := l.Info(t.Context()); err != nil || i.Files[Image] != 0 || i.Vectors != 0 || len(i.Roots) != 0 {
		t.Errorf("forgotten: %+v, %v", i, err)
	}
	sound(t, l)
}

// A stopping model ends a run after some calls.
type stopping struct {
	Model
	after int
	stop  func()
}

func (s *stopping) EmbedImages(ctx context.Context, imgs []stdimage.Image) ([]chiasm.Embedding, error) {
	if s.after--; s.after < 0 {
		s.stop()
		return nil, ctx.Err()
	}
	return s.Model.EmbedImages(ctx, imgs)
}
