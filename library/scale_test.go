package library

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/index"
)

// filled is a library of so many files that exist in its catalogue only, with vectors that a model could give them. It is kept in $CHIASM_SCALE, if
// that is set, and taken from there.
func filled(b *testing.B, m *chiasm.Model, n int) string {
	b.Helper()
	dir := os.Getenv("CHIASM_SCALE")
	if dir == "" {
		dir = b.TempDir()
	} else if _, err := os.Stat(filepath.Join(dir, "catalogue.db")); err == nil {
		return dir
	}
	l, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	ctx := context.Background()
	s, err := l.ensureSpace(ctx, m)
	if err != nil {
		b.Fatal(err)
	}
	x, err := l.vectors(ctx, s)
	if err != nil {
		b.Fatal(err)
	}
	if err := scatter(ctx, x, m, s.Dimension, n); err != nil {
		b.Fatal(err)
	}
	if err := l.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("INSERT INTO roots(id, path, include, exclude) VALUES(1, '/photos', '[]', '[]')"); err != nil {
			return err
		}
		statements := []string{
			`INSERT INTO files(id, root, path, size, modified, hash, kind, width, height, duration, taken, camera, place)
				SELECT i, 1, CAST('/photos/' || (i / 500) || '/IMG' || i || '.jpg' AS BLOB), 1000 + (i * 7901) % 9000000, i * 1000000000, randomblob(32),
				CASE WHEN i % 20 = 7 THEN 'audio' WHEN i % 10 = 3 THEN 'video' ELSE 'image' END, 4000, 3000, CASE WHEN i % 20 = 7 OR i % 10 = 3 THEN i % 300 END,
				1000000000 + (i * 7919) % 500000000, 'Camera ' || (i % 7), CASE i % 3 WHEN 0 THEN 'Place ' || (i / 1000 % 1000) END FROM n`,
			"INSERT INTO embedded(file, space, described) SELECT i, 1, 1 FROM n",
			"INSERT INTO pieces(id, file, space, sound) SELECT i, i, 1, i % 20 = 7 FROM n",
			"INSERT INTO tags SELECT i, 'tag ' || (i / 10 % 200), 'file' FROM n WHERE i % 10 = 0",
			"INSERT INTO seen SELECT i, 1, 'word ' || (i * 31 % 290), 0.9 FROM n UNION ALL SELECT i, 1, 'word ' || (290 + i % 17), 0.8 FROM n",
			"INSERT INTO words(rowid, name, folder, tags, caption) SELECT i, 'IMG ' || i, 'photos', '', '' FROM n",
		}
		for _, statement := range statements {
			with := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n)
			if _, err := tx.Exec(with + statement); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	return dir
}

// texts are 4,096 that a user could ask for.
func texts() (out []string) {
	for _, what := range strings.Fields("dog cat horse bird boat car train bicycle cake apple flower tree house bridge child guitar") {
		for _, like := range strings.Fields("red green blue white black old new small large wet broken sleeping wooden shiny lost happy") {
			for _, where := range strings.Fields("beach snow forest street kitchen garden mountain river table window bed bag water field night rain") {
				out = append(out, "a "+like+" "+what+" and "+where)
			}
		}
	}
	return out
}

// scatter fills an index with n vectors: sums of what the model makes of two texts, and of some noise.
func scatter(ctx context.Context, x *index.Index, m *chiasm.Model, d, n int) error {
	const batch, noises = 10000, 1024
	some, err := m.EmbedTexts(ctx, texts())
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]float32, noises+d)
	for i := range noise {
		noise[i] = float32(r.NormFloat64() / math.Sqrt(float64(d)))
	}
	for first := 0; first < n; first += batch {
		var ids []uint64
		var values []float32
		for i := first; i < min(first+batch, n); i++ {
			v := make([]float32, d)
			a, b, c, length := some[r.IntN(len(some))].Values, some[r.IntN(len(some))].Values, noise[r.IntN(noises):], 0.0
			for k := range v {
				v[k] = a[k] + 0.6*b[k] + 0.6*c[k]
				length += float64(v[k]) * float64(v[k])
			}
			for k := range v {
				v[k] /= float32(math.Sqrt(length))
			}
			ids, values = append(ids, uint64(i+1)), append(values, v...)
		}
		if err := x.Add(ids, values); err != nil {
			return err
		}
	}
	return x.Compact(ctx)
}

// BenchmarkScale times what a page asks of a large library, of $CHIASM_FILES pictures, else 100,000, with the model $CHIASM_MODEL, else one of few dimensions.
func BenchmarkScale(b *testing.B) {
	n := 100000
	if text := os.Getenv("CHIASM_FILES"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	ctx := context.Background()
	m, err := chiasm.Open(ctx, cmp.Or(os.Getenv("CHIASM_MODEL"), seer), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	dir := filled(b, m, n)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			l, err := Open(dir, Options{})
			if err != nil {
				b.Fatal(err)
			}
			l.Close()
		}
	})
	b.Run("open and search", func(b *testing.B) {
		for b.Loop() {
			l, err := Open(dir, Options{ReadOnly: true})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := l.Search(ctx, m, Query{Terms: []Term{{Text: "x", Weight: 1}}, NoWords: true}); err != nil {
				b.Fatal(err)
			}
			l.Close()
		}
	})
	l, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	search := func(name string, q Query, fresh bool) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if fresh {
					clear(l.filters)
				}
				if _, err := l.Search(ctx, m, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	asked := func(name string, q Query) { // from a text to the result, each of them for the first time
		b.Run(name, func(b *testing.B) {
			var took []float64
			some := texts()
			for i := 0; b.Loop(); i++ {
				q.Terms = []Term{{Text: some[i*1031%len(some)], Weight: 1}}
				start := time.Now()
				if _, err := l.Search(ctx, m, q); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start).Seconds()*1e3)
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2], "p50-ms")
			b.ReportMetric(took[len(took)*99/100], "p99-ms")
		})
	}
	asked("a text, by meaning", Query{NoWords: true})
	asked("a text, by meaning and words", Query{})
	asked("a text, pictures of a camera", Query{Types: []string{Image}, Cameras: []string{"camera 3"}})
	for _, offset := range []int{0, n / 2, n - 100} {
		search(fmt.Sprintf("newest from %d", offset), Query{Limit: 100, Offset: offset}, false)
		search(fmt.Sprintf("newest pictures from %d", offset), Query{Types: []string{Image}, Limit: 100, Offset: offset}, false)
	}
	words := []Term{{Text: "x", Weight: 1}}
	search("words", Query{Terms: words}, false)
	search("words of a camera", Query{Terms: words, Cameras: []string{"camera 3"}}, false)
	search("words in a folder, the first time", Query{Terms: words, Paths: []string{"photos/7"}}, true)
	search("words of a year, the first time", Query{Terms: words, After: time.Unix(1100000000, 0), Before: time.Unix(1131536000, 0)}, true)
	search("words and what was seen, the first time", Query{Terms: words, Words: []string{"word 300"}}, true)
	search("words of a camera, the first time", Query{Terms: words, Cameras: []string{"camera 3"}}, true)
	search("words, page 100", Query{Terms: words, NoWords: true, Limit: 100, Offset: 10000}, false)
	b.Run("facets of a camera", func(b *testing.B) {
		for b.Loop() {
			clear(l.facets)
			if _, err := l.Facets(ctx, Query{Cameras: []string{"camera 3"}}, "en"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("facets", func(b *testing.B) {
		for b.Loop() {
			clear(l.facets)
			if _, err := l.Facets(ctx, Query{}, "en"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
