package index

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chiasm/chiasm/internal/par"
)

const (
	measureQueries = 256
	measureNearest = 10
	reserve        = 1.15 // what a search does beyond what was measured
)

// recalls are those that a query may be content with; more than the last is answered exactly.
var recalls = [...]float64{0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.999}

// measure finds out how many cells hold which share of the ten nearest: for some of the vectors, without themselves, the nearest are looked for
// exactly, and their cells in the order in which a search would come to them.
func (s *snapshot) measure(ctx context.Context, dimension int) ([]depth, error) {
	scan := &scan{ctx: ctx, now: s}
	var all []source
	for i := range s.views {
		for j := range s.views[i].blocks {
			if b := &s.views[i].blocks[j]; len(b.cells) > 0 {
				all = append(all, source{&s.views[i], b, 0})
			}
		}
	}
	r := rand.New(rand.NewPCG(4, uint64(s.live)))
	scan.queries = make([]search, measureQueries)
	asked := make([]source, measureQueries)
	for i := range asked {
		asked[i] = all[r.IntN(len(all))]
		asked[i].at = r.IntN(len(asked[i].b.ids))
		scan.queries[i].Query = Query{Vector: asked[i].vector(dimension), K: measureNearest + 1}
	}
	par.Do((*opening)(scan), len(scan.queries), 0)
	for i := range scan.queries {
		scan.exact = append(scan.exact, &scan.queries[i])
	}
	scan.run()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := &measuring{s: s, scan: scan, asked: asked, dimension: dimension, ranks: make([][]int, measureQueries)}
	par.Do(m, measureQueries, 0)
	ranks := slices.Concat(m.ranks...)
	slices.Sort(ranks)
	var depths []depth
	for _, share := range recalls {
		if len(ranks) > 0 {
			at := min(int(math.Ceil(share*float64(len(ranks)))), len(ranks)) - 1
			depths = append(depths, depth{share, int(math.Ceil(reserve * float64(ranks[at]+1)))})
		}
	}
	return depths, nil
}

// A measuring finds the ranks of the cells of what some queries found.
type measuring struct {
	s         *snapshot
	scan      *scan
	asked     []source
	dimension int
	ranks     [][]int
}

// Run does one query.
func (m *measuring) Run(n int) {
	t := &m.scan.queries[n]
	t.finish(m.dimension)
	slices.SortFunc(t.doubt, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	type key struct {
		b    *block
		cell int
	}
	ranks := map[key]int{}
	for i, p := range t.places(m.s, m.s.cells) {
		ranks[key{p.b, p.cell}] = i
	}
	for _, c := range t.doubt[:min(measureNearest+1, len(t.doubt))] {
		if c.b == m.asked[n].b && c.at == m.asked[n].at || len(c.b.cells) == 0 {
			continue
		}
		cell, _ := slices.BinarySearchFunc(c.b.cells, c.at, func(a cell, at int) int {
			if int(a.first) <= at {
				return -1
			}
			return 1
		})
		m.ranks[n] = append(m.ranks[n], ranks[key{c.b, cell - 1}])
	}
}
