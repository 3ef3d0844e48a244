package index

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// A Query asks for the vectors whose inner products with Vector are largest: the cosines, where all are of length 1.
type Query struct {
	Vector []float32
	K      int      // how many
	Filter Filter   // which ids may answer; nil for all
	Least  *float64 // the smallest score that counts; nil for none
}

// A Filter is a set of ids. Has is called by several goroutines at once.
type Filter interface{ Has(id uint64) bool }

// A Hit is a vector that was found.
type Hit struct {
	ID    uint64
	Score float64 // the inner product, summed in float64
}

// Search finds the nearest vectors, the nearest first, those of one score by their ids. The answer is exact, and the filter never
// shortens it: there are K hits unless fewer vectors count.
func (x *Index) Search(ctx context.Context, q Query) ([]Hit, error) {
	hits, err := x.SearchAll(ctx, []Query{q})
	if err != nil {
		return nil, err
	}
	return hits[0], nil
}

// SearchAll is [Index.Search] for several queries, which read the vectors together.
func (x *Index) SearchAll(ctx context.Context, queries []Query) ([][]Hit, error) {
	s := x.acquire()
	if s == nil {
		return nil, fmt.Errorf("index: %s: it is closed", x.dir)
	}
	defer s.release()
	scan := &scan{ctx: ctx, d: x.Dimension(), width: widthOf(x.Dimension())}
	for i, q := range queries {
		if len(q.Vector) != scan.d {
			return nil, fmt.Errorf("index: query %d has %d values, want %d", i, len(q.Vector), scan.d)
		}
		if q.K < 1 {
			return nil, fmt.Errorf("index: query %d asks for %d vectors, want 1 or more", i, q.K)
		}
		if n := norm(q.Vector); math.IsNaN(n) || n > 1e15 {
			return nil, fmt.Errorf("index: query %d is %v long, want a finite vector", i, n)
		}
	}
	scan.prepare(s, queries)
	for first := 0; first < len(queries); first += groupQueries {
		scan.active = scan.queries[first:min(first+groupQueries, len(queries))]
		par.Do(scan, len(scan.spans), 0)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	out := make([][]Hit, len(queries))
	for i := range scan.queries {
		out[i] = scan.queries[i].finish(s, scan.d)
	}
	return out, ctx.Err()
}

const (
	groupRows    = 256 // rows whose codes are read together, so that they stay in the cache for the next query
	spanRows     = 32 * groupRows
	groupQueries = 256 // queries whose codes stay in the cache
)

// A span is some rows of a block, a chunk of work.
type span struct {
	v           *view
	b           *block
	first, last int // rows of the block
}

// A scan is a search under way.
type scan struct {
	ctx      context.Context
	d, width int
	spans    []span
	queries  []search
	active   []search
	codes    []int16 // [queries, width]
	buffers  sync.Pool
}

// A search is one query of a scan.
type search struct {
	Query
	codes []int16
	scale float64 // the query is scale·codes …
	loose float64 // … but for an error that moves no score by more than loose·(a row's scale)
	long  float64 // its length, rounded up

	floor atomic.Uint64 // bits of a score that K rows are known to reach; only ever rises

	mu    sync.Mutex
	lower scores // the K largest of the scores that rows are known to reach
	doubt []candidate
}

// A candidate is a row that may be among the nearest.
type candidate struct {
	v     *view
	b     *block
	at    int // row of the block
	upper float64
	score float64
}

func (s *scan) prepare(now *snapshot, queries []Query) {
	for i := range now.views {
		v := &now.views[i]
		for j := range v.blocks {
			b := &v.blocks[j]
			for first := 0; first < len(b.ids); first += spanRows {
				s.spans = append(s.spans, span{v, b, first, min(first+spanRows, len(b.ids))})
			}
		}
	}
	s.queries = make([]search, len(queries))
	s.codes = make([]int16, len(queries)*s.width)
	for i, q := range queries {
		t := &s.queries[i]
		t.Query, t.codes = q, s.codes[i*s.width:]
		t.encode(s.width)
		least := math.Inf(-1)
		if q.Least != nil {
			least = *q.Least
		}
		t.floor.Store(math.Float64bits(least))
	}
	s.buffers.New = func() any { return &buffer{products: make([]int32, 4*groupRows)} }
}

// encode rounds the query.
func (t *search) encode(width int) {
	var top float64
	for _, v := range t.Vector {
		top = max(top, math.Abs(float64(v)))
	}
	t.scale = top / float64(min(8191, 1<<31/(128*width)-1)) // so that no product leaves int32
	rest := 0.0
	if t.scale > 0 {
		for i, v := range t.Vector {
			c := math.RoundToEven(float64(v) / t.scale)
			t.codes[i] = int16(c)
			e := float64(v) - c*t.scale
			rest += e * e
		}
	}
	const up = 1 + 1e-9
	d := math.Sqrt(float64(len(t.Vector)))
	t.long = norm(t.Vector) * up
	t.loose = math.Sqrt(rest)*127*d*up + t.long*127*d*1e-12 // the second is for rounding in sums of float64
}

// A buffer is a worker's memory.
type buffer struct {
	products []int32
	found    []candidate
}

// Run scans one span.
func (s *scan) Run(n int) {
	if s.ctx.Err() != nil {
		return
	}
	w := s.buffers.Get().(*buffer)
	defer s.buffers.Put(w)
	sp := &s.spans[n]
	for first := sp.first; first < sp.last; first += groupRows {
		rows := min(groupRows, sp.last-first)
		codes := sp.b.codes[first*s.width : (first+rows)*s.width]
		for i := 0; i < len(s.active); {
			n := 1
			if i+4 <= len(s.active) {
				n = 4
			}
			kernel.ScanInt8(w.products[:n*rows], codes, s.active[i].several(n, s.width), n)
			for k := range n {
				s.active[i+k].sift(sp, first, rows, w.products[k:n*rows], n, w)
			}
			i += n
		}
	}
}

// several is the codes of n queries from this one on, which lie one after the other.
func (t *search) several(n, width int) []int16 { return t.codes[:n*width] }

// sift keeps the rows that may be among the nearest. Products are n apart.
func (t *search) sift(sp *span, first, rows int, products []int32, n int, w *buffer) {
	floor := math.Float64frombits(t.floor.Load())
	found := w.found[:0]
	for i, f := range sp.b.facts[first : first+rows] {
		scale := float64(f.scale)
		score := float64(products[i*n]) * t.scale * scale
		slack := t.long*float64(f.err) + t.loose*scale
		if score+slack < floor {
			continue
		}
		at := first + i
		if sp.v.isDead(uint32(sp.b.first+at)) || t.Filter != nil && !t.Filter.Has(sp.b.ids[at]) {
			continue
		}
		found = append(found, candidate{sp.v, sp.b, at, score + slack, score - slack})
	}
	w.found = found
	if len(found) > 0 {
		t.collect(found)
	}
}

// collect takes candidates in, whose score is for now what they reach at least.
func (t *search) collect(found []candidate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range found {
		if len(t.lower) < t.K {
			heap.Push(&t.lower, c.score)
		} else if c.score > t.lower[0] {
			t.lower[0] = c.score
			heap.Fix(&t.lower, 0)
		}
	}
	floor := math.Float64frombits(t.floor.Load())
	if len(t.lower) == t.K && t.lower[0] > floor {
		floor = t.lower[0]
		t.floor.Store(math.Float64bits(floor))
	}
	for _, c := range found {
		if c.upper >= floor {
			t.doubt = append(t.doubt, c)
		}
	}
	if len(t.doubt) > 4*t.K+4096 {
		t.doubt = slices.DeleteFunc(t.doubt, func(c candidate) bool { return c.upper < floor })
	}
}

// finish computes the scores of what is in doubt and picks the nearest.
func (t *search) finish(now *snapshot, d int) []Hit {
	floor := math.Float64frombits(t.floor.Load())
	t.doubt = slices.DeleteFunc(t.doubt, func(c candidate) bool { return c.upper < floor })
	exact := &rescore{t: t, d: d}
	par.Do(exact, (len(t.doubt)+rescoreRows-1)/rescoreRows, 0)
	hits := make([]Hit, 0, len(t.doubt))
	for _, c := range t.doubt {
		if t.Least == nil || c.score >= *t.Least {
			hits = append(hits, Hit{c.b.ids[c.at], c.score})
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		if c := cmp.Compare(b.Score, a.Score); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return hits[:min(t.K, len(hits)):min(t.K, len(hits))]
}

const rescoreRows = 64

// A rescore computes scores of the whole vectors.
type rescore struct {
	t *search
	d int
}

// Run does some candidates.
func (r *rescore) Run(n int) {
	for i := n * rescoreRows; i < min((n+1)*rescoreRows, len(r.t.doubt)); i++ {
		c := &r.t.doubt[i]
		c.score = inner(r.t.Vector, c.b.values[c.at*r.d:(c.at+1)*r.d])
	}
}

// inner is the inner product, summed in float64.
func inner(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	for len(a) >= 4 {
		s0 += float64(a[0]) * float64(b[0])
		s1 += float64(a[1]) * float64(b[1])
		s2 += float64(a[2]) * float64(b[2])
		s3 += float64(a[3]) * float64(b[3])
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += float64(v) * float64(b[i])
	}
	return (s0 + s1) + (s2 + s3)
}

// scores is a heap, the smallest first.
type scores []float64

func (s scores) Len() int           { return len(s) }
func (s scores) Less(i, j int) bool { return s[i] < s[j] }
func (s scores) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

// Push adds a score.
func (s *scores) Push(x any) { *s = append(*s, x.(float64)) }

// Pop takes the last one.
func (s *scores) Pop() any {
	old := *s
	x := old[len(old)-1]
	*s = old[:len(old)-1]
	return x
}
