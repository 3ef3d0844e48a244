package index

import (
	"math"
	"slices"

	"github.com/chiasm/chiasm/internal/kernel"
)

const (
	seedCells = 8    // that an exact search begins with, so that what follows has much to beat; more where a filter leaves less than K rows in them
	narrow    = 0.05 // a filter that lets less than this share through is answered exactly
)

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
	h := (*scan)(o).hunt()
	defer o.hunts.Put(h)
	t.share = o.now.share(t.Filter)
	if depth := o.now.depth(t.Recall, t.share); depth > 0 {
		t.look(o.now, o.now.sounding.Glance)
		t.probe(o.now, h, depth, depth)
		o.loose(t, h)
		if len(h.lower) == t.K || t.Filter == nil && t.Least != nil { // else there may be more elsewhere
			t.done = true
			t.collect(h)
			return
		}
	}
	t.look(o.now, 1)
	if o.now.cells > 0 {
		t.probe(o.now, h, seedCells, int(math.Ceil(seedCells/max(t.share, narrow))))
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

// probe looks through the nearest cells: the first some, and on until they held K rows or most have been looked through.
func (t *search) probe(now *snapshot, h *hunt, some, most int) {
	h.begin(t)
	for i, number := range t.places(now, most) {
		if i >= some {
			if h.closer(); len(h.lower) == t.K {
				break
			}
		}
		s := now.shelf(number)
		c := number - s.first
		h.at(s.v)
		h.rows(s.b, int(s.b.cells[c].first), s.b.end(c))
	}
	h.closer()
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
	h.closer()
}

// A shelf is a block with cells, which follow those of the shelves before.
type shelf struct {
	v     *view
	b     *block
	first int
}

// shelf is the one that a cell is of.
func (s *snapshot) shelf(cell int) *shelf {
	at, ok := slices.BinarySearchFunc(s.shelves, cell, func(s shelf, n int) int { return s.first - n })
	if !ok {
		at--
	}
	return &s.shelves[at]
}

// places are the numbers of the n cells whose middles are nearest to the query, the nearest first.
func (t *search) places(now *snapshot, n int) []int {
	n = min(n, now.cells)
	best := make(least[uint64], 0, n)
	products := make([]int32, 0, 256)
	for i := range now.shelves {
		s := &now.shelves[i]
		l := t.lenses[s.v.lens]
		products = slices.Grow(products[:0], len(s.b.cells))[:len(s.b.cells)]
		kernel.ScanInt8(products, s.b.middle, l.near, 1)
		for k, p := range products {
			c := &s.b.cells[k]
			score := float32(l.base) + c.offset + float32(float32(p)*float32(l.nearScale)*c.scale)
			best.push(uint64(ordered(score))<<32|uint64(math.MaxUint32-s.first-k), n)
		}
	}
	slices.Sort(best)
	out := make([]int, len(best))
	for i, key := range best {
		out[len(best)-1-i] = math.MaxUint32 - int(uint32(key))
	}
	return out
}

// ordered is a number whose order is that of floats.
func ordered(x float32) uint32 {
	b := math.Float32bits(x)
	if b>>31 != 0 {
		return ^b
	}
	return b | 1<<31
}

// A sounding says how an index is searched that need not be searched everywhere.
type sounding struct {
	Glance float64 `json:"glance,omitempty"` // the part of the rests' lengths by which the near codes mostly mistake the nearest
	Depths []depth `json:"depths,omitempty"`
}

// A depth says how many of the nearest cells hold a share of the ten nearest vectors.
type depth struct {
	Recall float64 `json:"recall"`
	Cells  int     `json:"cells"`
}

// depth is how many cells a query is to look through whose filter lets a share of the ids through; 0 where it wants everything.
func (s *snapshot) depth(recall, share float64) int {
	if s.cells == 0 || recall == 0 || share < narrow {
		return 0
	}
	i := slices.IndexFunc(s.sounding.Depths, func(d depth) bool { return d.Recall >= recall })
	if i < 0 {
		return 0
	}
	n := int(float64(s.sounding.Depths[i].Cells) / share)
	if n*2 > s.cells {
		return 0
	}
	return n
}
