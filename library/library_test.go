package library

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	stdimage "image"
	"io/fs"
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

func TestSearch(t *testing.T) {
	photos := collection(t)
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})

	// A file is nearest to itself, and the whole order is that of the cosines.
	c := filepath.Join(photos, "c.bmp")
	r := find(t, l, m, `like:"`+c+`"`)
	if len(r.Hits) != 5 || r.Hits[0].Path != c || r.Hits[0].Score < 0.9999 || r.Hits[0].Kind != Image || r.Hits[0].Start != nil {
		t.Fatalf("%+v", r)
	}
	if !slices.IsSortedFunc(r.Hits, func(a, b Hit) int { return cmp.Compare(b.Score, a.Score) }) {
		t.Fatalf("not in order: %+v", r.Hits)
	}
	outside := put(t, pictures+"bilevel.bmp", t.TempDir(), "x.bmp")
	if again := find(t, l, m, `like:"`+outside+`"`); again.Hits[0].Path != c {
		t.Errorf("by a file that is elsewhere: %+v", again.Hits)
	}
	if away := find(t, l, m, `-like:"`+c+`"`); away.Hits[len(away.Hits)-1].Path != c {
		t.Errorf("away from it: %+v", bases(away.Hits))
	}

	// Words find names, folders and captions; each page follows the one before.
	for query, want := range map[string]string{
		"beach": "BeachHouse.jpg", "\u6d77\u6ee9": "\u6d77\u6ee9\u65e5\u843d.heic", "grandmother": "d.jpg", "the house at the beach": "BeachHouse.jpg",
	} {
		q, err := ParseQuery(query)
		must(t, err)
		found, err := l.lexical(t.Context(), &q, nil, 5)
		must(t, err)
		if len(found) != 1 {
			t.Errorf("%q: %d files hold it", query, len(found))
			continue
		}
		it, err := l.Item(t.Context(), found[0].file)
		must(t, err)
		if filepath.Base(it.Path) != want {
			t.Errorf("%q: %s, want %s", query, it.Path, want)
		}
	}
	whole := find(t, l, m, "something green")
	var pages []Hit
	for offset := 0; offset < 6; offset += 2 {
		r, err := l.Search(t.Context(), m, Query{Terms: []Term{{Text: "something green", Weight: 1}}, Limit: 2, Offset: offset})
		must(t, err)
		if r.More != (offset < 4) {
			t.Errorf("offset %d: more %v", offset, r.More)
		}
		pages = append(pages, r.Hits...)
	}
	if !slices.Equal(bases(pages), bases(whole.Hits)) {
		t.Errorf("pages %v, whole %v", bases(pages), bases(whole.Hits))
	}

	// Conditions never shorten the answer.
	if got := find(t, l, m, "green path:holiday"); len(got.Hits) != 2 || got.Files != 2 {
		t.Errorf("path: %+v", got)
	}
	if got := find(t, l, m, "green type:video"); len(got.Hits) != 0 {
		t.Errorf("type: %+v", got)
	}
	must(t, l.Tag(t.Context(), r.Hits[0].ID, []string{"Old", "paper"}, nil))
	if got := find(t, l, m, "tag:old"); len(got.Hits) != 1 || got.Hits[0].Path != c {
		t.Errorf("tag: %+v", got)
	}
	if got := find(t, l, m, "size:>1TB"); len(got.Hits) != 0 {
		t.Errorf("size: %+v", got)
	}
	if got := find(t, l, m, "before:1990"); len(got.Hits) != 0 {
		t.Errorf("before: %+v", got)
	}
}

// Another process has a message or a view; a later version, and a folder without a library, are refused by name.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
	photos := collection(t)
	m := model(t, seer)
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	view := open(t, dir, Options{ReadOnly: true})
	if got := find(t, view, m, "x"); len(got.Hits) != 5 {
		t.Errorf("a view: %+v", got)
	}
	put(t, pictures+"exif3.tif", photos, "new.tif")
	run(t, l, m, IndexOptions{})
	if got := find(t, view, m, "x"); len(got.Hits) != 6 {
		t.Errorf("a view of what is new: %d", len(got.Hits))
	}
	if _, err := view.Index(t.Context(), m, IndexOptions{}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing to a view: %v", err)
	}
	must(t, view.Close())
	if _, err := l.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	must(t, l.Close())
	for _, readOnly := range []bool{false, true} {
		if _, err := Open(dir, Options{ReadOnly: readOnly}); !errors.Is(err, ErrNewer) {
			t.Errorf("a later version: %v", err)
		}
	}
	if _, err := Open(t.TempDir(), Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no library: %v", err)
	}
}

// A new model is embedded beside the old one, which answers until then; what was dropped is gone.
func TestSpaces(t *testing.T) {
	photos := collection(t)
	old, young := model(t, seer), model(t, omni)
	l := open(t, t.TempDir(), Options{})
	run(t, l, old, IndexOptions{Paths: []string{photos}})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := l.Index(ctx, &stopping{Model: young, after: 0, stop: cancel}, IndexOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: %v", err)
	}
	if s, _, err := l.Current(t.Context()); err != nil || s.Name != old.Space().String() {
		t.Fatalf("while it is built: %+v, %v", s, err)
	}
	if got := find(t, l, old, "x"); len(got.Hits) != 5 {
		t.Errorf("the old one: %d", len(got.Hits))
	}
	s := run(t, l, young, IndexOptions{})
	if !s.Switched || !s.Complete {
		t.Fatalf("%+v", s)
	}
	if s, _, err := l.Current(t.Context()); err != nil || s.Name != young.Space().String() {
		t.Fatalf("afterwards: %+v, %v", s, err)
	}
	if got := find(t, l, old, "x"); len(got.Hits) != 5 {
		t.Errorf("the old one is kept: %d", len(got.Hits))
	}
	if err := l.DropSpace(t.Context(), young.Space().String()); err == nil {
		t.Error("the current one was dropped")
	}
	must(t, l.DropSpace(t.Context(), old.Space().String()))
	if _, err := l.Search(t.Context(), old, Query{Terms: []Term{{Text: "x", Weight: 1}}}); err == nil || !strings.Contains(err.Error(), old.Space().String()) {
		t.Errorf("a dropped space: %v", err)
	}
	if got := find(t, l, young, "x"); len(got.Hits) != 5 {
		t.Errorf("the new one: %d", len(got.Hits))
	}
	sound(t, l)
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
}

// What was exported comes back the same.
func TestExport(t *testing.T) {
	photos := collection(t)
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	var b bytes.Buffer
	must(t, l.Export(t.Context(), &b))
	dir := filepath.Join(t.TempDir(), "copy")
	data := b.Bytes()
	must(t, Import(t.Context(), dir, bytes.NewReader(data)))
	other := open(t, dir, Options{})
	sound(t, other)
	want, got := find(t, l, m, "something"), find(t, other, m, "something")
	if !slices.Equal(bases(want.Hits), bases(got.Hits)) || len(got.Hits) != 5 {
		t.Errorf("%v, want %v", bases(got.Hits), bases(want.Hits))
	}
	if s := run(t, other, m, IndexOptions{}); s.Unchanged != 5 {
		t.Errorf("%+v", s)
	}
	if err := Import(t.Context(), dir, bytes.NewReader(data)); err == nil {
		t.Error("over another one")
	}
	if err := Import(t.Context(), t.TempDir(), bytes.NewReader(data[:len(data)/2])); err == nil {
		t.Error("half of it")
	}
}

func TestDuplicates(t *testing.T) {
	photos := collection(t)
	first := put(t, pictures+"bilevel.bmp", photos, "c-copy.bmp")
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	groups, err := l.Duplicates(t.Context(), DuplicateOptions{})
	must(t, err)
	if len(groups) != 1 || !groups[0].Exact || len(groups[0].Same) != 1 {
		t.Fatalf("%+v", groups)
	}
	all, err := l.Duplicates(t.Context(), DuplicateOptions{Least: -1 + 1e-9})
	must(t, err)
	if len(all) != 1 { // a threshold below 0 is none
		t.Errorf("%+v", all)
	}
	near, err := l.Duplicates(t.Context(), DuplicateOptions{Least: 1e-6})
	must(t, err)
	if len(near) < 2 || near[1].Exact {
		t.Errorf("%+v", near)
	}
	gone := groups[0].Same[0]
	must(t, l.Delete(t.Context(), gone.ID))
	if _, err := os.Stat(gone.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", first, err)
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

// A calibrated model's answer holds what is likely to be meant, and says when it left something out.
func TestCut(t *testing.T) {
	photos := collection(t)
	m, err := chiasm.Open(t.Context(), chiasm.Shipped, nil)
	if err != nil {
		t.Skip(err) // there is none inside this build
	}
	defer m.Close()
	fits, ok := m.Relevance(Image)
	if !ok {
		t.Skip("the model inside the program is not calibrated")
	}
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	q := Query{Terms: []Term{{Text: "a steam locomotive", Weight: 1}}, NoWords: true}
	all, err := l.Search(t.Context(), m, q)
	must(t, err)
	if len(all.Hits) != 5 || all.Cut {
		t.Fatalf("%+v", all)
	}
	for _, strictness := range []float64{0.01, 0.5, 0.9, 1} {
		q.Strictness = strictness
		r, err := l.Search(t.Context(), m, q)
		must(t, err)
		want := 0
		for _, h := range all.Hits {
			if fits.Of(float32(h.Score)) >= min(strictness, strictest) {
				want++
			}
		}
		if len(r.Hits) != want || r.Cut != (want < 5) {
			t.Errorf("strictness %v: %d hits, cut %v, want %d", strictness, len(r.Hits), r.Cut, want)
		}
	}
}
