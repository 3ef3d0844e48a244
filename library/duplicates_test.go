package library

import (
	"context"
	"errors"
	stdimage "image"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/index"
)

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
	must(t, l.DeleteSame(t.Context(), groups))
	if _, err := os.Stat(gone.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", first, err)
	}
	sound(t, l)
}

// One file by several names is no duplicate, and what has changed since it was indexed is not deleted, nor what it was the copy of.
func TestDuplicatesAreFiles(t *testing.T) {
	photos, links := t.TempDir(), t.TempDir()
	original := put(t, pictures+"exif6.jpg", photos, "a-long-name.jpg")
	if err := errors.Join(os.Symlink(original, filepath.Join(links, "a.jpg")), os.Link(original, filepath.Join(photos, "b.jpg"))); err != nil {
		t.Skip(err)
	}
	m, l := model(t, seer), open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos, links}})
	for _, least := range []float64{0, 0.9} {
		if groups, err := l.Duplicates(t.Context(), DuplicateOptions{Least: least}); err != nil || len(groups) != 0 {
			t.Fatalf("%+v, %v", groups, err)
		}
	}
	twin := put(t, pictures+"exif6.jpg", photos, "twin.jpg")
	run(t, l, m, IndexOptions{})
	groups, err := l.Duplicates(t.Context(), DuplicateOptions{})
	must(t, err)
	if len(groups) != 1 || len(groups[0].Same) == 0 {
		t.Fatalf("%+v", groups)
	}
	now := time.Now().Add(time.Hour)
	must(t, os.Chtimes(groups[0].Keep.Path, now, now))
	if err := l.DeleteSame(t.Context(), groups); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Error(err)
	}
	for _, path := range []string{original, twin} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	sound(t, l)
}

// Groups are those of comparing all pictures with all, the better ones first, whatever is near what: also where there are thousands of nearly the same.
func TestClustering(t *testing.T) {
	const d = 64
	r := rand.New(rand.NewPCG(3, 4))
	var vectors []float32
	near := func(center []float32, noise float64, n int) {
		for range n {
			v, sum := make([]float32, d), 0.0
			for i := range v {
				v[i] = center[i] + float32(noise*r.NormFloat64())
				sum += float64(v[i]) * float64(v[i])
			}
			for _, x := range v {
				vectors = append(vectors, x/float32(math.Sqrt(sum)))
			}
		}
	}
	random := func() []float32 {
		v := make([]float32, d)
		for i := range v {
			v[i] = float32(r.NormFloat64()) / 8
		}
		return v
	}
	near(random(), 0.001, 3000) // all the same
	near(random(), 0.035, 300)  // some of them, near the threshold
	for range 100 {
		near(random(), 0.01, 2)
		near(random(), 0, 1)
	}
	n := len(vectors) / d
	x, err := index.Open(t.TempDir(), index.Options{Dimension: d})
	must(t, err)
	defer x.Close()
	ids := make([]uint64, n)
	for i, p := range r.Perm(n) {
		ids[i] = uint64(p)
	}
	must(t, x.Add(ids, vectors))
	const least = 0.93
	last := 0
	c := clustering{x: x, least: least, told: func(done, total int) {
		if done <= last || total != n {
			t.Errorf("%d of %d after %d of %d", done, total, last, n)
		}
		last = done
	}}
	for id := range n {
		c.order = append(c.order, uint64(id))
	}
	var groups [][]uint64
	must(t, c.run(t.Context(), func(ids []uint64) error {
		slices.Sort(ids[1:])
		groups = append(groups, ids)
		return nil
	}))
	if last != n {
		t.Errorf("%d of %d are done", last, n)
	}
	at := make([][]float32, n)
	for i, id := range ids {
		at[id] = vectors[i*d : (i+1)*d]
	}
	var want [][]uint64
	taken := make([]bool, n)
	for id := range at {
		if taken[id] {
			continue
		}
		group := []uint64{uint64(id)}
		for other := id + 1; other < n; other++ {
			if !taken[other] && cosine(at[id], at[other]) >= least {
				taken[other] = true
				group = append(group, uint64(other))
			}
		}
		if len(group) > 1 {
			want = append(want, group)
		}
	}
	if len(want) < 110 || !slices.EqualFunc(groups, want, slices.Equal) {
		t.Errorf("%d groups, want %d", len(groups), len(want))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.run(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// counted counts the pictures that a model has looked at.
type counted struct {
	*chiasm.Model
	pictures *int
}

func (c counted) EmbedImages(ctx context.Context, imgs []stdimage.Image) ([]chiasm.Embedding, error) {
	*c.pictures += len(imgs)
	return c.Model.EmbedImages(ctx, imgs)
}

// A copy of a file gets the vectors of the first one without a second look, and says of itself what is beside it.
func TestCopies(t *testing.T) {
	photos := t.TempDir()
	a := put(t, pictures+"exif6.jpg", photos, "a.jpg")
	m := counted{model(t, seer), new(int)}
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	put(t, pictures+"exif6.jpg", photos, "b.jpg")
	must(t, os.WriteFile(filepath.Join(photos, "b.txt"), []byte("a second one"), 0o644))
	if s := run(t, l, m, IndexOptions{}); s.Added != 1 || *m.pictures != 1 {
		t.Errorf("%+v, %d pictures were looked at", s, *m.pictures)
	}
	got := find(t, l, m, `like:"`+a+`"`)
	if len(got.Hits) != 2 || got.Hits[0].Score != got.Hits[1].Score || got.Hits[0].Width == 0 || got.Hits[0].Width != got.Hits[1].Width {
		t.Errorf("%+v", got.Hits)
	}
	if got := find(t, l, m, "second"); len(got.Hits) != 2 || filepath.Base(got.Hits[0].Path) != "b.jpg" {
		t.Errorf("%+v", bases(got.Hits))
	}
	must(t, os.Remove(a))
	if s := run(t, l, m, IndexOptions{}); s.Removed != 1 {
		t.Errorf("%+v", s)
	}
	if got := find(t, l, m, "x"); len(got.Hits) != 1 {
		t.Errorf("%+v", got.Hits)
	}
	sound(t, l)
}

// Pictures belong to a burst if they are near in time and alike, each with the next.
func TestBursts(t *testing.T) {
	photos := t.TempDir()
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	for name, seconds := range map[string]int{"a": 0, "b": 20, "c": 40, "later": 300, "other": 41} {
		from := "exif6.png"
		if name == "other" {
			from = "bilevel.bmp"
		}
		path := put(t, pictures+from, photos, name)
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteString(name) // so that no two are the same file
		must(t, errors.Join(err, f.Close(), os.Chtimes(path, at, at.Add(time.Duration(seconds)*time.Second))))
	}
	l, m := open(t, t.TempDir(), Options{}), model(t, seer)
	if s := run(t, l, m, IndexOptions{Paths: []string{photos}}); s.Added != 5 {
		t.Fatalf("%+v", s)
	}
	groups, err := l.Bursts(t.Context(), BurstOptions{Least: 0.999})
	must(t, err)
	if len(groups) != 1 || len(groups[0].Same) != 2 || groups[0].Exact {
		t.Fatalf("%+v", groups)
	}
	for _, o := range []BurstOptions{{Within: 10 * time.Second, Least: 0.999}, {Least: 1.1}} {
		if groups, err := l.Bursts(t.Context(), o); err != nil || len(groups) != 0 {
			t.Errorf("%+v: %+v, %v", o, groups, err)
		}
	}
}

// Many files of one content that move are found again, each once, and so are some of them.
func TestManyCopies(t *testing.T) {
	photos := t.TempDir()
	data, err := os.ReadFile(pictures + "bilevel.bmp")
	must(t, err)
	from, to := filepath.Join(photos, "a"), filepath.Join(photos, "b")
	must(t, os.MkdirAll(from, 0o755))
	for i := range 3 * fewPlaces {
		must(t, os.WriteFile(filepath.Join(from, strings.Repeat("x", i+1)+".bmp"), data, 0o644))
	}
	m := counted{model(t, seer), new(int)}
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	must(t, os.Rename(from, to))
	*m.pictures = 0
	if s := run(t, l, m, IndexOptions{}); s.Moved != 3*fewPlaces || s.Added+s.Removed+*m.pictures != 0 {
		t.Errorf("all: %+v, %d pictures were looked at", s, *m.pictures)
	}
	must(t, os.MkdirAll(from, 0o755))
	must(t, os.Rename(filepath.Join(to, "x.bmp"), filepath.Join(from, "x.bmp")))
	must(t, os.Remove(filepath.Join(to, "xx.bmp")))
	if s := run(t, l, m, IndexOptions{}); s.Moved != 1 || s.Removed != 1 || s.Added != 0 {
		t.Errorf("one: %+v", s)
	}
	sound(t, l)
}
