package library

import (
	"context"
	stdimage "image"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// So does a root on another device none of whose files are met, and a drive below a root, until it is forgotten.
func TestUnmounted(t *testing.T) {
	if device(t.TempDir()) == 0 {
		t.Skip("devices have no numbers here")
	}
	photos := collection(t)
	drive := filepath.Join(photos, "holiday")
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	sql := func(query string, args ...any) {
		t.Helper()
		_, err := l.db.ExecContext(t.Context(), query, args...)
		must(t, err)
	}
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	expect := func(what string, want Summary) {
		t.Helper()
		got := run(t, l, m, IndexOptions{})
		if got.Added != want.Added || got.Removed != want.Removed || got.Unchanged != want.Unchanged || !slices.Equal(got.Missing, want.Missing) {
			t.Fatalf("%s: %+v", what, got)
		}
	}
	elsewhere := func() { sql("INSERT OR REPLACE INTO facts VALUES(?, ?)", mountFact+drive, `{"device":1}`) }
	elsewhere()
	expect("a drive by another number", Summary{Unchanged: 5})
	elsewhere()
	away := t.TempDir()
	must(t, os.Rename(drive, filepath.Join(away, "drive")))
	expect("its folder is away", Summary{Unchanged: 3, Missing: []string{drive}})
	must(t, os.Mkdir(drive, 0o755))
	put(t, pictures+"exif1.jpg", drive, "left.jpg")
	expect("another in its place", Summary{Added: 1, Unchanged: 3, Missing: []string{drive}})
	must(t, os.RemoveAll(drive))
	must(t, os.Rename(filepath.Join(away, "drive"), drive))
	expect("it is back", Summary{Removed: 1, Unchanged: 5})
	elsewhere()
	must(t, os.RemoveAll(drive))
	expect("it is away again", Summary{Unchanged: 3, Missing: []string{drive}})
	must(t, l.RemoveRoot(t.Context(), drive))
	expect("it is forgotten", Summary{Unchanged: 3})
	if got := find(t, l, m, "x"); len(got.Hits) != 3 {
		t.Errorf("%d files are left", len(got.Hits))
	}
	all, err := filepath.Glob(filepath.Join(photos, "*.*"))
	must(t, err)
	for _, path := range all {
		must(t, os.Remove(path))
	}
	put(t, pictures+"exif1.jpg", photos, "left.jpg")
	sql("UPDATE roots SET device = 1")
	expect("another root in its place", Summary{Added: 1, Missing: []string{photos}})
	sound(t, l)
}

// What a root leaves out stays out however it is named, and what it takes in stays in.
func TestLeftOut(t *testing.T) {
	photos := collection(t)
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	put(t, pictures+"exif5.tif", photos, ".hidden", "h.tif")
	expect := func(what string, o IndexOptions, unchanged, removed int) {
		t.Helper()
		if s := run(t, l, m, o); s.Unchanged != unchanged || s.Removed != removed {
			t.Errorf("%s: %+v", what, s)
		}
	}
	refused := func(o IndexOptions, want string) {
		t.Helper()
		if _, err := l.Index(t.Context(), m, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	expect("a folder", IndexOptions{Paths: []string{photos}}, 0, 0)
	refused(IndexOptions{Paths: []string{filepath.Join(photos, ".hidden")}}, "left out")
	expect("what is hidden", IndexOptions{Hidden: true}, 5, 0)
	expect("again", IndexOptions{}, 6, 0)
	refused(IndexOptions{Paths: []string{filepath.Join(photos, "holiday")}, Exclude: []string{"*.png"}}, "covered with its own patterns")
	expect("other patterns", IndexOptions{Paths: []string{photos}, Exclude: []string{"holiday"}}, 3, 3)
	refused(IndexOptions{Paths: []string{filepath.Join(photos, "holiday", "b.png")}}, "left out")
	expect("at the end", IndexOptions{}, 3, 0)
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
