package library

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/chiasm/chiasm"
)

// filled is a library of so many pictures that exist in its catalogue only, with random vectors of a model.
func filled(b *testing.B, m *chiasm.Model, n int) string {
	b.Helper()
	dir := b.TempDir()
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
	r := rand.New(rand.NewPCG(1, 2))
	const batch = 10000
	ids, values := make([]uint64, batch), make([]float32, batch*s.Dimension)
	for first := 0; first < n; first += batch {
		for i := range ids {
			ids[i] = uint64(first + i + 1)
			v := values[i*s.Dimension:][:s.Dimension]
			var length float64
			for d := range v {
				v[d] = float32(r.NormFloat64())
				length += float64(v[d]) * float64(v[d])
			}
			for d := range v {
				v[d] /= float32(max(length, 1e-9))
			}
		}
		if err := x.Add(ids, values); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("INSERT INTO roots(id, path, include, exclude) VALUES(1, '/photos', '[]', '[]')"); err != nil {
			return err
		}
		statements := []string{
			`INSERT INTO files(id, root, path, size, modified, hash, kind, width, height, taken, camera)
				SELECT i, 1, CAST('/photos/' || (i / 500) || '/IMG' || i || '.jpg' AS BLOB), 1000 + i, i * 1000000000, randomblob(32), 'image', 4000, 3000,
				1000000000 + (i * 7919) % 500000000, 'Camera ' || (i % 7) FROM n`,
			"INSERT INTO embedded(file, space, described) SELECT i, 1, 1 FROM n",
			"INSERT INTO pieces(id, file, space, sound) SELECT i, i, 1, 0 FROM n",
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

// BenchmarkScale times what a page asks of a large library, of $CHIASM_FILES pictures, else 100,000.
func BenchmarkScale(b *testing.B) {
	n := 100000
	if text := os.Getenv("CHIASM_FILES"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	ctx := context.Background()
	m, err := chiasm.Open(ctx, seer, nil)
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
	for _, offset := range []int{0, n / 2, n - 100} {
		search(fmt.Sprintf("newest from %d", offset), Query{Limit: 100, Offset: offset}, false)
		search(fmt.Sprintf("newest pictures from %d", offset), Query{Types: []string{Image}, Limit: 100, Offset: offset}, false)
	}
	words := []Term{{Text: "x", Weight: 1}}
	search("words", Query{Terms: words}, false)
	search("words of a camera", Query{Terms: words, Cameras: []string{"camera 3"}}, false)
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
