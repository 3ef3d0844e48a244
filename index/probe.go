package index

import (
	"cmp"
	"math"
	"slices"

	"github.com/chiasm/chiasm/internal/kernel"
)

const (
	seedCells = 8    // that an exact search begins with, so that what follows has much to beat
	glance    = 0.4  // the part of a rest's length that an approximate search reckons with: rests are hardly ever parallel
	narrow    = 0.05 // a filter that lets less than this share through is answered exactly
)

// A place is a cell, and about how near to a query its rows are.
type place struct {
	score float64
	v     *view
	b     *block
	cell  int
}

// An opening prepares the queries of a scan, and answers those that are content with a look at the nearest cells.
type opening scan

// Run opens one query.
func (o *opening) Run(n int) {
	t := &o.queries[n]
	t.least = math.Inf(-1)
	if t.Least != nil {
		t.least = *t.Least
	}
	t.floor.Store(math.Float64bits(t.least))
	h := &hunt{}
	if depth := o.now.depth(&t.Query); depth > 0 {
		t.look(o.now, glance)
		t.probe(o.now, h, depth)
		o.loose(t, h)
		if len(h.lower) == t.K || t.Filter == nil { // else there may be more elsewhere
			t.done = true
			t.collect(h)
			return
		}
		h = &hunt{}
	}
	t.look(o.now, 1)
	if o.now.cells > 0 {
		t.probe(o.now, h, seedCells)
		if len(h.lower) == t.K { // the scan meets these rows again: all that is kept is how near they are
			t.floor.Store(math.Float64bits(max(t.least, h.lower[0])))
		}
	}
}

// look makes the query's lenses.
func (t *search) look(now *snapshot, glance float64) {
	t.lenses = t.lenses[:0]
	for _, f := range now.frames {
		t.lenses = append(t.lenses, f.view(t.Vector, glance))
	}
}

// probe looks through the n nearest cells.
func (t *search) probe(now *snapshot, h *hunt, n int) {
	h.begin(t)
	for _, p := range t.places(now, n) {
		h.at(p.v)
		h.rows(p.b, int(p.b.cells[p.cell].first), p.b.end(p.cell))
	}
}

// loose looks through the rows that lie in no cell.
func (o *opening) loose(t *search, h *hunt) {
	for i := range o.now.views {
		v := &o.now.views[i]
		for j := range v.blocks {
			if b := &v.blocks[j]; len(b.cells) == 0 && len(b.ids) > 0 {
				h.at(v)
				h.rows(b, 0, len(b.ids))
			}
		}
	}
}

// places are the n cells whose middles are nearest to the query, the nearest first.
func (t *search) places(now *snapshot, n int) []place {
	n = min(n, now.cells)
	worst := make(scores, 0, n) // of the best so far
	best := make([]place, 0, 4*n)
	var products []int32
	for i := range now.views {
		v := &now.views[i]
		for j := range v.blocks {
			b := &v.blocks[j]
			if len(b.cells) == 0 {
				continue
			}
			l := t.lenses[v.lens]
			products = slices.Grow(products[:0], len(b.cells))[:len(b.cells)]
			kernel.ScanInt8(products, b.middle, l.near, 1)
			for k := range b.cells {
				c := &b.cells[k]
				score := l.base + float64(c.offset) + float64(products[k])*l.nearScale*float64(c.scale)
				if len(worst) == n && score <= worst[0] {
					continue
				}
				worst.push(score, n)
				best = append(best, place{score, v, b, k})
			}
		}
	}
	best = slices.DeleteFunc(best, func(p place) bool { return p.score < worst[0] })
	slices.SortStableFunc(best, func(a, b place) int { return cmp.Compare(b.score, a.score) })
	return best[:min(n, len(best))]
}

// A depth says how many of the nearest cells hold a share of the ten nearest vectors.
type depth struct {
	Recall float64 `json:"recall"`
	Cells  int     `json:"cells"`
}

// depth is how many cells a query is to look through; 0 where it wants everything.
func (s *snapshot) depth(q *Query) int {
	if s.cells == 0 || q.Recall == 0 {
		return 0
	}
	i := slices.IndexFunc(s.depths, func(d depth) bool { return d.Recall >= q.Recall })
	if i < 0 {
		return 0
	}
	n := s.depths[i].Cells
	if q.Filter != nil {
		share := s.share(q.Filter)
		if share < narrow {
			return 0
		}
		n = int(float64(n) / share)
	}
	if n*2 > s.cells {
		return 0
	}
	return n
}

// share is about which share of the ids a filter lets through.
func (s *snapshot) share(f Filter) float64 {
	const asked = 512
	step, at, n, passed := max(s.live/asked, 1), 0, 0, 0
	for i := range s.views {
		for j := range s.views[i].blocks {
			ids := s.views[i].blocks[j].ids
			for ; at < len(ids); at += step {
				n++
				if f.Has(ids[at]) {
					passed++
				}
			}
			at -= len(ids)
		}
	}
	return float64(passed) / float64(max(n, 1))
}
