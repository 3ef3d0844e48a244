package index

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chiasm/chiasm/internal/par"
)

// A Query asks for the vectors whose inner products with Vector are largest: the cosines, where all are of length 1.
type Query struct {
	Vector []float32
	K      int      // how many
	Filter Filter   // which ids may answer; nil for all
	Least  *float64 // the smallest score that counts; nil for none
	// Recall is the share of the nearest that is enough: with 0.95 a search looks where they mostly are, in a small part of the time. The share is a mean
	// over queries that are like the vectors themselves, and for the ten nearest. 0 and 1 are for all of them, and so is any other while [Index.Compact]
	// has not found it worthwhile to sort the vectors, and for a filter that lets few through.
	Recall float64
}

// A Hit is a vector that was found.
type Hit struct {
	ID    uint64
	Score float64 // the inner product, summed in float64
}

// Search finds the nearest vectors, the nearest first, those of one score by their ids. The answer is exact unless the query says otherwise, and
// the filter never shortens it: there are K hits unless fewer vectors count.
func (x *Index) Search(ctx context.Context, q Query) ([]Hit, error) {
	hits, err := x.SearchAll(ctx, []Query{q})
	if err != nil {
		return nil, err
	}
	return hits[0], nil
}

// SearchAll is [Index.Search] for several queries, which read the vectors together.
func (x *Index) SearchAll(ctx context.Context, queries []Query) ([][]Hit, error) {
	now := x.acquire()
	if now == nil {
		return nil, fmt.Errorf("index: %s: it is closed", x.dir)
	}
	defer now.release()
	for i, q := range queries {
		if len(q.Vector) != x.Dimension() {
			return nil, fmt.Errorf("index: query %d has %d values, want %d", i, len(q.Vector), x.Dimension())
		}
		if q.K < 1 {
			return nil, fmt.Errorf("index: query %d asks for %d vectors, want 1 or more", i, q.K)
		}
		if n := norm(q.Vector); math.IsNaN(n) || n > 1e15 {
			return nil, fmt.Errorf("index: query %d is %v long, want a finite vector", i, n)
		}
		if !(q.Recall >= 0 && q.Recall <= 1) {
			return nil, fmt.Errorf("index: query %d asks for a recall of %v, want 0 to 1", i, q.Recall)
		}
	}
	s := &scan{ctx: ctx, now: now, queries: make([]search, len(queries)), hunts: &x.hunts}
	for i, q := range queries {
		s.queries[i].Query = q
	}
	par.Do((*opening)(s), len(queries), 0)
	for i := range s.queries {
		if t := &s.queries[i]; !t.done {
			s.exact = append(s.exact, t)
		}
	}
	s.run()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := make([][]Hit, len(queries))
	for i := range s.queries {
		out[i] = s.queries[i].finish(x.Dimension())
	}
	return out, ctx.Err()
}

const (
	groupRows    = 128 // rows whose codes stay in the cache for the next query
	spanRows     = 64 * groupRows
	groupQueries = 256 // queries that are read for together
)

// A span is some rows of a block, a chunk of work.
type span struct {
	v           *view
	b           *block
	first, last int // rows of the block
}

// A scan is a search under way.
type scan struct {
	ctx     context.Context
	now     *snapshot
	spans   []span
	queries []search
	exact   []*search // those that every row is looked at for
	active  []*search
	hunts   *sync.Pool
}

// A search is one query of a scan.
type search struct {
	Query
	lenses []*lens // for each frame
	share  float64 // about which share of the ids the filter lets through
	done   bool    // every row that counts has been looked at
	least  float64 // the smallest score that counts

	floor atomic.Uint64 // bits of a score that K rows are known to reach; only ever rises

	mu    sync.Mutex
	lower least[float64] // the K largest of the scores that rows are known to reach
	doubt []candidate
}

// A candidate is a row that may be among the nearest.
type candidate struct {
	b     *block
	at    int // row of the block
	upper float64
	score float64
}

func (t *search) known() float64 { return math.Float64frombits(t.floor.Load()) }

// run looks at every row for the queries that want it.
func (s *scan) run() {
	if len(s.exact) == 0 {
		return
	}
	for i := range s.now.views {
		v := &s.now.views[i]
		for j := range v.blocks {
			b := &v.blocks[j]
			for first := 0; first < len(b.ids); first += spanRows {
				s.spans = append(s.spans, span{v, b, first, min(first+spanRows, len(b.ids))})
			}
		}
	}
	for first := 0; first < len(s.exact) && s.ctx.Err() == nil; first += groupQueries {
		s.active = s.exact[first:min(first+groupQueries, len(s.exact))]
		par.Do(s, len(s.spans), 0)
	}
}

// Run looks at one span.
func (s *scan) Run(n int) {
	if s.ctx.Err() != nil {
		return
	}
	sp := &s.spans[n]
	var hunts [groupQueries]*hunt
	for i, t := range s.active {
		hunts[i] = s.hunt()
		hunts[i].begin(t)
		hunts[i].at(sp.v)
	}
	for first := sp.first; first < sp.last; first += groupRows {
		for i := range s.active {
			hunts[i].rows(sp.b, first, min(first+groupRows, sp.last))
		}
	}
	for i, t := range s.active {
		t.collect(hunts[i])
		s.hunts.Put(hunts[i])
	}
}

// hunt is one that nobody uses.
func (s *scan) hunt() *hunt {
	if h, ok := s.hunts.Get().(*hunt); ok {
		return h
	}
	return new(hunt)
}

// collect takes in what a hunt found.
func (t *search) collect(h *hunt) {
	h.closer()
	if len(h.found) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range h.lower {
		t.lower.push(s, t.K)
	}
	floor := t.known()
	if len(t.lower) == t.K && t.lower[0] > floor {
		floor = t.lower[0]
		t.floor.Store(math.Float64bits(floor))
	}
	for _, c := range h.found {
		if c.upper >= floor {
			t.doubt = append(t.doubt, c)
		}
	}
	if len(t.doubt) > 4*t.K+4096 {
		t.doubt = slices.DeleteFunc(t.doubt, func(c candidate) bool { return c.upper < floor })
	}
}

// finish computes the scores of what is in doubt and picks the nearest.
func (t *search) finish(d int) []Hit {
	floor := t.known()
	t.doubt = slices.DeleteFunc(t.doubt, func(c candidate) bool { return c.upper < floor })
	exact := &rescore{t: t, d: d}
	par.Do(exact, (len(t.doubt)+rescoreRows-1)/rescoreRows, 0)
	hits := make([]Hit, 0, len(t.doubt))
	for _, c := range t.doubt {
		if c.score >= t.least {
			hits = append(hits, Hit{c.b.ids[c.at], c.score})
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
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

// A least is a heap of the largest that were pushed, the smallest of them first.
type least[T cmp.Ordered] []T

// push keeps the k largest.
func (s *least[T]) push(x T, k int) {
	h := *s
	if len(h) < k {
		h = append(h, x)
		i := len(h) - 1
		for i > 0 && h[(i-1)/2] > x {
			h[i], i = h[(i-1)/2], (i-1)/2
		}
		h[i] = x
		*s = h
		return
	}
	if x <= h[0] {
		return
	}
	i := 0
	for {
		c := 2*i + 1
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if c >= len(h) || h[c] >= x {
			break
		}
		h[i], i = h[c], c
	}
	h[i] = x
}
