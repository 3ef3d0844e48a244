package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// vectors is n vectors of length 1 around a few centres, so that many are near one another.
func vectors(r *rand.Rand, n, d, centres int) []float32 {
	middle := make([]float32, centres*d)
	for i := range middle {
		middle[i] = float32(r.NormFloat64())
	}
	out := make([]float32, n*d)
	for i := range n {
		c := r.IntN(centres)
		v := out[i*d : (i+1)*d]
		for j := range v {
			v[j] = middle[c*d+j] + 0.3*float32(r.NormFloat64())
		}
		length := float32(norm(v))
		for j := range v {
			v[j] /= length
		}
	}
	return out
}

func numbers(from, n int) []uint64 {
	ids := make([]uint64, n)
	for i := range ids {
		ids[i] = uint64(from + i)
	}
	return ids
}

func open(t *testing.T, dir string, o Options) *Index {
	t.Helper()
	x, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// all is what Search must find: every score, sorted.
func all(x *Index, q Query) (hits []Hit) {
	x.Each(func(id uint64, v []float32) bool {
		one := []uint64{1}
		if q.Filter != nil {
			q.Filter.Keep(one, []uint64{id})
		}
		if score := inner(q.Vector, v); one[0] == 1 && (q.Least == nil || score >= *q.Least) {
			hits = append(hits, Hit{id, score})
		}
		return true
	})
	slices.SortFunc(hits, func(a, b Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID)) })
	return hits[:min(q.K, len(hits))]
}

var (
	odd = Func(func(id uint64) bool { return id%2 == 1 })
	few = Func(func(id uint64) bool { return id%97 == 5 })
)

// Search is the plain scan, whatever the dimension, the data, the filter and the number of queries.
func TestSearchIsExact(t *testing.T) {
	for _, d := range []int{1, 7, 64, 200, 512} {
		r := rand.New(rand.NewPCG(uint64(d), 1))
		x := open(t, t.TempDir(), Options{Dimension: d})
		const n = 3000
		v := vectors(r, n, d, 5)
		copy(v[10*d:11*d], v[20*d:21*d]) // of one score
		clear(v[30*d : 31*d])
		for first := 0; first < n; first += 700 {
			last := min(first+700, n)
			must(t, x.Add(numbers(first, last-first), v[first*d:last*d]))
		}
		must(t, x.Delete(3, 4, 5, 2999, 777777))
		must(t, x.Add(numbers(100, 50), vectors(r, 50, d, 2))) // replaced
		if x.Len() != n-4 {
			t.Fatalf("%d vectors, want %d", x.Len(), n-4)
		}
		half := 0.5
		var queries []Query
		for i := range 13 {
			q := Query{Vector: v[i*31*d : (i*31+1)*d], K: []int{1, 10, 500, 5000}[i%4]}
			if i%3 == 1 {
				q.Filter = odd
			}
			if i%5 == 2 {
				q.Filter, q.K = few, 40
			}
			if i%6 == 5 {
				q.Least = &half
			}
			queries = append(queries, q)
		}
		queries = append(queries, Query{Vector: make([]float32, d), K: 3})
		together, err := x.SearchAll(context.Background(), queries)
		must(t, err)
		for i, q := range queries {
			want := all(x, q)
			got, err := x.Search(context.Background(), q)
			must(t, err)
			if !slices.Equal(got, want) || !slices.Equal(together[i], want) {
				t.Fatalf("dimension %d, query %d: %d hits %.3v, want %d %.3v", d, i, len(got), got[:min(4, len(got))], len(want), want[:min(4, len(want))])
			}
		}
	}
}

// What was added is there after opening again, by another index and by one that only reads.
func TestReopen(t *testing.T) {
	dir, d := t.TempDir(), 24
	r := rand.New(rand.NewPCG(1, 2))
	v := vectors(r, 500, d, 3)
	x := open(t, dir, Options{Dimension: d, Space: "a", SegmentBytes: 20000}) // several segments
	for i := 0; i < 500; i += 50 {
		must(t, x.Add(numbers(i, 50), v[i*d:(i+50)*d]))
	}
	must(t, x.Delete(7))
	must(t, x.Add([]uint64{8, 8}, append(slices.Clone(v[:d]), v[d:2*d]...)))
	if len(x.segments) < 3 {
		t.Fatalf("%d segments, want several", len(x.segments))
	}
	q := Query{Vector: v[9*d : 10*d], K: 600}
	want := all(x, q)

	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Fatalf("opened twice for writing: %v", err)
	}
	reader := open(t, dir, Options{ReadOnly: true})
	if got, _ := reader.Search(context.Background(), q); !slices.Equal(got, want) {
		t.Fatal("a reader sees something else")
	}
	if err := reader.Add([]uint64{1}, v[:d]); !errors.Is(err, ErrReadOnly) {
		t.Fatalf("a reader writes: %v", err)
	}
	must(t, x.Add([]uint64{1000}, v[:d]))
	must(t, reader.Refresh())
	if reader.Len() != 500 || reader.Get(1000) == nil || reader.Get(7) != nil || !slices.Equal(reader.Get(8), v[d:2*d]) {
		t.Fatal("a reader does not see what was written since")
	}
	must(t, x.Close())
	if _, err := x.Search(context.Background(), q); err == nil {
		t.Fatal("a closed index is searched")
	}
	if _, err := Open(dir, Options{Space: "b"}); err == nil {
		t.Fatal("an index of another space is opened")
	}
	if _, err := Open(dir, Options{Dimension: 23}); err == nil {
		t.Fatal("an index of another dimension is opened")
	}
	again := open(t, dir, Options{})
	must(t, again.Delete(1000))
	if got, _ := again.Search(context.Background(), q); !slices.Equal(got, want) {
		t.Fatal("what was added is not there after opening again")
	}
}

// Compacting changes no answer, gives room back, and lets others write and search meanwhile.
func TestCompact(t *testing.T) {
	dir, d := t.TempDir(), 32
	r := rand.New(rand.NewPCG(5, 2))
	v := vectors(r, 4000, d, 3)
	x := open(t, dir, Options{Dimension: d, SegmentBytes: 100000})
	for i := 0; i < 4000; i += 20 {
		must(t, x.Append(numbers(i, 20), v[i*d:(i+20)*d]))
	}
	must(t, x.Sync())
	var ids []uint64
	for i := uint64(0); i < 4000; i += 3 {
		ids = append(ids, i)
	}
	must(t, x.Delete(ids...))
	size := func() (n int64) {
		paths, _ := filepath.Glob(filepath.Join(dir, "*.vectors"))
		for _, p := range paths {
			info, err := os.Stat(p)
			must(t, err)
			n += info.Size()
		}
		return n
	}
	before, ctx := size(), context.Background()
	var wait sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wait.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				hits, err := x.Search(ctx, Query{Vector: v[:d], K: 50})
				if err != nil || len(hits) != 50 {
					t.Errorf("while compacting: %d hits, %v", len(hits), err)
					return
				}
			}
		})
	}
	wait.Go(func() {
		for i := range 40 {
			if err := x.Delete(uint64(3*i + 1)); err != nil {
				t.Error(err)
			}
			if err := x.Add([]uint64{uint64(5000 + i)}, v[i*d:(i+1)*d]); err != nil {
				t.Error(err)
			}
		}
	})
	for range 3 {
		must(t, x.Compact(ctx))
	}
	wait.Go(func() { close(stop) })
	wait.Wait()
	q := Query{Vector: v[5*d : 6*d], K: 5000}
	want := all(x, q)
	if n := 4000 - len(ids); len(want) != n {
		t.Fatalf("%d vectors, want %d", len(want), n)
	}
	if after := size(); after > before*8/10 {
		t.Errorf("%d bytes after compacting, %d before", after, before)
	}
	must(t, x.Close())
	x = open(t, dir, Options{})
	if got, _ := x.Search(ctx, q); !slices.Equal(got, want) {
		t.Fatalf("%d vectors after opening again, want %d", len(got), len(want))
	}
	must(t, x.Check(ctx))
}

func TestRefused(t *testing.T) {
	x := open(t, t.TempDir(), Options{Dimension: 2})
	nan := float32(math.NaN())
	for _, v := range [][]float32{{1}, {1, nan}, {float32(math.Inf(1)), 0}, {1, 2, 3}} {
		if x.Add([]uint64{1}, v) == nil {
			t.Errorf("%v is taken", v)
		}
	}
	for _, q := range []Query{{Vector: []float32{1}, K: 1}, {Vector: []float32{1, 1}}, {Vector: []float32{nan, 1}, K: 1}} {
		if _, err := x.Search(context.Background(), q); err == nil {
			t.Errorf("the query %v is answered", q)
		}
	}
	hits, err := x.Search(context.Background(), Query{Vector: []float32{1, 0}, K: 4})
	if len(hits) != 0 || err != nil {
		t.Errorf("an empty index answers %v, %v", hits, err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), Options{}); err == nil {
		t.Error("an index without dimension is made")
	}
}

// Filters of every density leave the answer that of comparing every vector, in indexes that are sorted and those that are not.
func TestFilterDensities(t *testing.T) {
	const d, n = 48, 6000
	r := rand.New(rand.NewPCG(13, 1))
	v := vectors(r, n, d, 40)
	plain := open(t, t.TempDir(), Options{Dimension: d, SegmentBytes: 1 << 20})
	must(t, plain.Add(numbers(0, n), v))
	inCells := sorted(t, v, d)
	for _, x := range []*Index{plain, inCells} {
		must(t, x.Delete(numbers(40, 300)...))
		must(t, x.Add(numbers(n, 77), vectors(r, 77, d, 2)))
	}
	chance := func(share float64) Filter {
		return Func(func(id uint64) bool { return float64(id*0x9e3779b97f4a7c15>>11)/(1<<53) < share })
	}
	one := Func(func(id uint64) bool { return id == 4321 })
	filters := []Filter{chance(0), one, chance(0.001), chance(0.01), chance(0.1), chance(0.2), chance(0.3), chance(0.5), chance(0.95), chance(1), Func(func(id uint64) bool { return id < 500 })}
	var queries []Query
	for i, f := range filters {
		for _, k := range []int{1, 10, 400} {
			queries = append(queries, Query{Vector: v[i*50*d : (i*50+1)*d], K: k, Filter: f})
		}
	}
	for _, x := range []*Index{plain, inCells} {
		got, err := x.SearchAll(context.Background(), queries)
		must(t, err)
		for i, q := range queries {
			if want := all(x, q); !slices.Equal(got[i], want) {
				t.Fatalf("query %d: %d hits %.3v, want %d %.3v", i, len(got[i]), got[i][:min(4, len(got[i]))], len(want), want[:min(4, len(want))])
			}
		}
	}
}

// A set is ids as bits, as who has many of them would keep them.
type set []uint64

func (s set) Keep(mask, ids []uint64) {
	for i := range mask {
		var in uint64
		some := ids[64*i : min(64*i+64, len(ids))]
		for _, id := range some { // from the top down, by shifts of a constant
			in = in>>1 | s[id/64]>>(id%64)<<63
		}
		mask[i] &= in >> (64 - len(some))
	}
}

// curved is n vectors of length 1 that vary along 32 directions, less and less, and a little along all others.
func curved(r *rand.Rand, n, d int) []float32 {
	const along = 32
	directions := make([]float32, along*d)
	for i := range directions {
		directions[i] = float32(r.NormFloat64())
	}
	out := make([]float32, n*d)
	for i := range n {
		v := out[i*d : (i+1)*d]
		for j := range v {
			v[j] = 2 + 1.5*float32(r.NormFloat64())
		}
		for k := range along {
			x := 4 * float32(r.NormFloat64()) / float32(math.Sqrt(float64(k+1)))
			for j, e := range directions[k*d : (k+1)*d] {
				v[j] += x * e
			}
		}
		length := float32(norm(v))
		for j := range v {
			v[j] /= length
		}
	}
	return out
}

// BenchmarkFilter searches sorted vectors, of which a filter lets a share through.
func BenchmarkFilter(b *testing.B) {
	const n, d, asked = 100_000, 512, 100
	v := curved(rand.New(rand.NewPCG(1, 1)), n+asked, d)
	x, err := Open(b.TempDir(), Options{Dimension: d})
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	for first := 0; first < n; first += 10000 {
		if err := x.Append(numbers(first, 10000), v[first*d:(first+10000)*d]); err != nil {
			b.Fatal(err)
		}
	}
	if err := x.Compact(context.Background()); err != nil {
		b.Fatal(err)
	}
	for _, share := range []float64{1, 0.9, 0.5, 0.3, 0.2, 0.1, 0.01, 0.00001} {
		b.Run(fmt.Sprintf("share=%v", share), func(b *testing.B) {
			q := Query{K: 10}
			if share < 1 {
				s := make(set, n/64+1)
				r := rand.New(rand.NewPCG(2, 2))
				for id := range n {
					if r.Float64() < share {
						s[id/64] |= 1 << (id % 64)
					}
				}
				q.Filter = s
			}
			for i := 0; b.Loop(); i++ {
				q.Vector = v[(n+i%asked)*d : (n+i%asked+1)*d]
				if _, err := x.Search(context.Background(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	const d = 512
	for _, n := range []int{100_000} {
		r := rand.New(rand.NewPCG(1, 1))
		x, err := Open(b.TempDir(), Options{Dimension: d})
		if err != nil {
			b.Fatal(err)
		}
		for first := 0; first < n; first += 10000 {
			if err := x.Append(numbers(first, 10000), vectors(r, 10000, d, 100)); err != nil {
				b.Fatal(err)
			}
		}
		v := vectors(r, 64, d, 64)
		for _, m := range []int{1, 64} {
			queries := make([]Query, m)
			for i := range queries {
				queries[i] = Query{Vector: v[i*d : (i+1)*d], K: 10}
			}
			b.Run(fmt.Sprintf("vectors=%d/queries=%d", n, m), func(b *testing.B) {
				for b.Loop() {
					if _, err := x.SearchAll(context.Background(), queries); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
