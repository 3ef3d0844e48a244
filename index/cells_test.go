package index

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// sorted is an index of n vectors, sorted into cells.
func sorted(t *testing.T, v []float32, d int) *Index {
	t.Helper()
	x := open(t, t.TempDir(), Options{Dimension: d, SegmentBytes: 1 << 20})
	x.clusterAt = 1000
	n := len(v) / d
	for first := 0; first < n; first += 700 {
		last := min(first+700, n)
		must(t, x.Add(numbers(first, last-first), v[first*d:last*d]))
	}
	must(t, x.Compact(context.Background()))
	if s := x.now.Load(); s.cells < 2 || len(s.frames) != 1 || s.live != n {
		t.Fatalf("%d vectors in %d cells and %d frames", s.live, s.cells, len(s.frames))
	}
	return x
}

// Sorted or not, whatever is added, deleted and sorted again, the answer is that of comparing every vector.
func TestCellsAreExact(t *testing.T) {
	ctx, dimensions := context.Background(), []int{1, 7, 200}
	if testing.Short() {
		dimensions = dimensions[:2]
	}
	for _, d := range dimensions {
		r := rand.New(rand.NewPCG(uint64(d), 8))
		const n = 4000
		v := vectors(r, n, d, 40)
		for i := range d { // far from 0 and of other lengths
			for j := range n {
				v[j*d+i] = v[j*d+i]*float32(1+j%3) + 2
			}
		}
		copy(v[10*d:11*d], v[20*d:21*d])
		x := sorted(t, v, d)
		check := func(when string) {
			t.Helper()
			var queries []Query
			for i := range 9 {
				q := Query{Vector: slices.Clone(v[i*31*d : (i*31+1)*d]), K: []int{1, 10, 300, 5000}[i%4], Recall: []float64{0, 1, 0.9999}[i%3]}
				if i%2 == 1 {
					q.Filter = odd
				}
				if i%5 == 2 {
					q.Filter, q.K, q.Recall = few, 40, 0.9 // too few for anything but everything
				}
				if i > 6 { // unlike any vector
					for j := range q.Vector {
						q.Vector[j] = float32(r.NormFloat64()) * 100
					}
				}
				queries = append(queries, q)
			}
			got, err := x.SearchAll(ctx, queries)
			must(t, err)
			for i, q := range queries {
				if want := all(x, q); !slices.Equal(got[i], want) {
					t.Fatalf("dimension %d, %s, query %d: %d hits %.4v, want %d %.4v", d, when, i, len(got[i]), got[i][:min(4, len(got[i]))], len(want), want[:min(4, len(want))])
				}
			}
		}
		check("sorted")
		must(t, x.Delete(numbers(3, 900)...))
		must(t, x.Add(numbers(500, 800), vectors(r, 800, d, 3)))
		check("with changes")
		before := x.now.Load().frames
		must(t, x.Compact(ctx))
		check("sorted in part")
		must(t, x.Add(numbers(9000, 3000), vectors(r, 3000, d, 9)))
		must(t, x.Compact(ctx))
		if slices.Equal(x.now.Load().frames, before) {
			t.Fatal("nothing has been learnt anew")
		}
		check("sorted again")
		must(t, x.Check(ctx))
		must(t, x.Close())
		x = open(t, x.dir, Options{})
		if len(x.now.Load().frames) != 1 {
			t.Fatalf("%d frames after opening again", len(x.now.Load().frames))
		}
		check("opened again")
	}
}

// What a search is content with, it finds: the recall that was asked for on vectors that the index does not hold, and never fewer hits.
func TestRecall(t *testing.T) {
	const d, n = 64, 8000
	asked := 100
	if testing.Short() {
		asked = 20
	}
	r := rand.New(rand.NewPCG(9, 9))
	v := vectors(r, n+asked, d, 150)
	x := sorted(t, v[:n*d], d)
	ctx := context.Background()
	for _, c := range []struct {
		filter Filter
		recall float64
		k      int
	}{{nil, 0.9, 10}, {nil, 0.5, 10}, {odd, 0.9, 10}, {few, 0.9, 10}, {odd, 0.8, 4000}} {
		found, want := 0, 0
		for i := range asked {
			q := Query{Vector: v[(n+i)*d : (n+i+1)*d], K: c.k, Filter: c.filter, Recall: c.recall}
			hits, err := x.Search(ctx, q)
			must(t, err)
			q.Recall = 0
			exact, err := x.Search(ctx, q)
			must(t, err)
			if len(hits) != len(exact) {
				t.Fatalf("%+v: %d hits, want %d", c, len(hits), len(exact))
			}
			for _, h := range hits {
				if slices.Contains(exact, h) {
					found++
				}
			}
			want += len(exact)
			if c.k > 100 && i > 5 {
				break
			}
		}
		if share := float64(found) / float64(want); c.k == 10 && share < c.recall-0.02 {
			t.Errorf("%+v: a recall of %.3f", c, share)
		}
	}
	if depth := x.now.Load().depth(0.5, 1); depth == 0 || depth*2 > x.now.Load().cells {
		t.Errorf("a recall of 0.5 needs %d of %d cells", depth, x.now.Load().cells)
	}
	if _, err := x.Search(ctx, Query{Vector: v[:d], K: 1, Recall: 1.5}); err == nil {
		t.Error("a recall of 1.5 is given")
	}
}

// The same vectors make the same files.
func TestSortedAlike(t *testing.T) {
	const d = 48
	v := vectors(rand.New(rand.NewPCG(10, 9)), 3000, d, 30)
	files := func(x *Index) (all []byte) {
		paths, err := filepath.Glob(filepath.Join(x.dir, "*"))
		must(t, err)
		for _, p := range paths {
			data, err := os.ReadFile(p)
			must(t, err)
			all = append(all, data...)
		}
		return all
	}
	if !bytes.Equal(files(sorted(t, v, d)), files(sorted(t, v, d))) {
		t.Fatal("the same vectors were sorted otherwise")
	}
}

// A segment whose frame is broken is named, and answers as before.
func TestBrokenFrame(t *testing.T) {
	const d = 40
	v := vectors(rand.New(rand.NewPCG(11, 9)), 3000, d, 30)
	x := sorted(t, v, d)
	q := Query{Vector: v[:d], K: 50}
	want := all(x, q)
	path := x.segments[0].path
	must(t, x.Close())
	data, err := os.ReadFile(path)
	must(t, err)
	data[headerBytes+headerBytes+7] ^= 1
	must(t, os.WriteFile(path, data, 0o644))
	x = open(t, x.dir, Options{})
	if len(x.Damages()) != 1 || x.Len() != 3000 || x.Check(context.Background()) == nil {
		t.Fatalf("%d vectors, %v", x.Len(), x.Damages())
	}
	got, err := x.Search(context.Background(), q)
	must(t, err)
	if !slices.Equal(got, want) {
		t.Fatalf("%.3v, want %.3v", got[:3], want[:3])
	}
	must(t, x.Add([]uint64{5000}, v[:d]))
	if x.Len() != 3001 {
		t.Fatal("nothing can be added")
	}
}
