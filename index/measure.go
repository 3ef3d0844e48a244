package index

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

const (
	measureQueries = 256
	measureNearest = 10
	reserve        = 1.1   // what a search does beyond what was measured
	mostMistakes   = 0.997 // the share of the nearest that no mistake of near codes is to hide
)

// recalls are those that a query may be content with; more than the last is answered exactly.
var recalls = [...]float64{0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.999}

// measure finds out how many cells hold which share of the ten nearest: for some of the vectors, without themselves, the nearest are looked for
// exactly, and their cells in the order in which a search would come to them. And by how much the near codes mistake their scores.
func (s *snapshot) measure(ctx context.Context, dimension int) (found sounding, err error) {
	scan := &scan{ctx: ctx, now: s, hunts: &sync.Pool{}}
	r := rand.New(rand.NewPCG(4, uint64(s.live)))
	scan.queries = make([]search, measureQueries)
	asked := make([]source, measureQueries)
	for i := range asked {
		at := s.shelves[r.IntN(len(s.shelves))]
		asked[i] = source{at.v, at.b, r.IntN(len(at.b.ids))}
		scan.queries[i].Query = Query{Vector: asked[i].vector(dimension), K: measureNearest + 1}
	}
	par.Do((*opening)(scan), len(scan.queries), 0)
	for i := range scan.queries {
		scan.exact = append(scan.exact, &scan.queries[i])
	}
	scan.run()
	if err := ctx.Err(); err != nil {
		return found, err
	}
	m := &measuring{
		s: s, scan: scan, asked: asked, dimension: dimension, ranks: make([][]int, measureQueries), mistakes: make([][]float64, measureQueries),
	}
	par.Do(m, measureQueries, 0)
	ranks := slices.Concat(m.ranks...)
	if len(ranks) == 0 {
		return found, nil
	}
	slices.Sort(ranks)
	part := func(share float64) int { return min(int(math.Ceil(share*float64(len(ranks)))), len(ranks)) - 1 }
	for _, share := range recalls { // mistakes hide some of what is in the cells
		found.Depths = append(found.Depths, depth{share, int(math.Ceil(reserve * float64(ranks[part(share/mostMistakes)]+1)))})
	}
	mistakes := slices.Concat(m.mistakes...)
	slices.Sort(mistakes)
	found.Glance = max(0.1, min(1, mistakes[part(mostMistakes)]))
	return found, nil
}

// A measuring finds the ranks of the cells of what some queries found.
type measuring struct {
	s         *snapshot
	scan      *scan
	asked     []source
	dimension int
	ranks     [][]int
	mistakes  [][]float64
}

// Run does one query.
func (m *measuring) Run(n int) {
	t := &m.scan.queries[n]
	t.finish(m.dimension)
	slices.SortFunc(t.doubt, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	ranks := make([]int, m.s.cells)
	for i, number := range t.places(m.s, m.s.cells) {
		ranks[number] = i
	}
	for _, c := range t.doubt[:min(measureNearest+1, len(t.doubt))] {
		i := slices.IndexFunc(m.s.shelves, func(s shelf) bool { return s.b == c.b })
		if i < 0 || c.b == m.asked[n].b && c.at == m.asked[n].at {
			continue
		}
		shelf := &m.s.shelves[i]
		next := sort.Search(len(c.b.cells), func(k int) bool { return int(c.b.cells[k].first) > c.at })
		m.ranks[n] = append(m.ranks[n], ranks[shelf.first+max(next-1, 0)])
		m.mistakes[n] = append(m.mistakes[n], t.lenses[shelf.v.lens].mistake(&c))
	}
}

// mistake is what the near codes leave out of a score, as a part of what they may leave out at most.
func (l *lens) mistake(c *candidate) float64 {
	var sum [1]int32
	kernel.PickUint8(sum[:], c.b.near, []uint32{uint32(c.at)}, l.near)
	stride := eights(len(c.b.ids))
	near := l.base + float64(c.b.facts[stride+c.at]) + float64(sum[0]-l.nearOffset)*l.nearScale*float64(c.b.facts[c.at])
	if most := l.fourth * float64(c.b.facts[3*stride+c.at]); most > 0 {
		return (c.score - near) / most
	}
	return 0
}
