package index

import (
	"cmp"
	"math"
	"slices"

	"github.com/chiasm/chiasm/internal/kernel"
)

// A place is a cell, and about how near to a query its rows are.
type place struct {
	score float64
	v     *view
	b     *block
	cell  int
}

// An opening prepares the queries of a scan, and answers those that want no more than a look at the nearest cells.
type opening scan

// Run opens one query.
func (o *opening) Run(n int) {
	t := &o.queries[n]
	for _, f := range o.now.frames {
		t.lenses = append(t.lenses, f.view(t.Vector))
	}
	floor := math.Inf(-1)
	if t.Least != nil {
		floor = *t.Least
	}
	t.floor.Store(math.Float64bits(floor))
	if o.now.cells == 0 {
		return
	}
	few := seedCells
	approximate := t.Recall > 0 && t.Recall < 1 && t.Filter == nil
	if approximate {
		few = Probe
	}
	h := &hunt{}
	for _, p := range t.places(o.now, few) {
		h.at(t, p.v)
		h.rows(p.b, int(p.b.cells[p.cell].first), p.b.end(p.cell))
	}
	if approximate {
		for i := range o.now.views {
			v := &o.now.views[i]
			for j := range v.blocks {
				if b := &v.blocks[j]; len(b.cells) == 0 {
					h.at(t, v)
					h.rows(b, 0, len(b.ids))
				}
			}
		}
		t.done = true
		t.collect(h)
	} else if len(h.lower) == t.K { // the scan meets these rows again: all that is kept is how near they are
		t.floor.Store(math.Float64bits(max(floor, h.lower[0])))
	}
}

const seedCells = 8

// Probe is experimental.
var Probe = 32

// places are the n cells whose middles are nearest to the query, the nearest first.
func (t *search) places(now *snapshot, n int) []place {
	var worst scores // of the n best so far
	var best []place
	var products []int32
	for i := range now.views {
		v := &now.views[i]
		l := t.lenses[v.lens]
		for j := range v.blocks {
			b := &v.blocks[j]
			if len(b.cells) == 0 {
				continue
			}
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
