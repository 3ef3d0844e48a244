package metric

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// Scores is a matrix of similarities, a row for each query and a column for each item, that need not be in memory as a whole: Rows
// writes rows first to last-1, [last-first, Items], when they are wanted.
type Scores struct {
	Queries, Items int
	Rows           func(first, last int, to []float32)
	Workers        int // threads to compute with, 0 for all; no result depends on it
}

// Matrix is scores that are there: values [queries, items], row after row.
func Matrix(values []float32, queries, items int) Scores {
	if len(values) != queries*items {
		panic(&SizeError{fmt.Sprintf("a matrix of %d×%d scores has %d values", queries, items, len(values))})
	}
	return Scores{Queries: queries, Items: items, Rows: func(first, last int, to []float32) {
		copy(to, values[first*items:last*items])
	}}
}

// Dots is the inner products of queries [Q, d] and items [N, d]: the cosines, where they have length 1. The sums are float32, and the
// same for any number of workers.
func Dots(queries, items []float32, d, workers int) Scores {
	if d < 1 || len(queries)%d != 0 || len(items)%d != 0 {
		panic(&SizeError{fmt.Sprintf("%d and %d values are no vectors of %d", len(queries), len(items), d)})
	}
	n := len(items) / d
	packed := kernel.NewPacked(n, d, kernel.F32)
	packed.SetRows(0, items)
	weights := []*kernel.Packed{packed}
	return Scores{Queries: len(queries) / d, Items: n, Workers: workers, Rows: func(first, last int, to []float32) {
		if n == 0 || first == last {
			return
		}
		g := &kernel.Gemm{C: to, LDC: n, A: queries[first*d : last*d], LDA: d, M: last - first, W: weights}
		par.Do(g, g.Plan(workers), workers)
	}}
}

// blockBytes is how much of a matrix is in memory at once.
const blockBytes = 16 << 20

// each gives the rows of the matrix to f, block after block, those of a block at once.
func (s Scores) each(f func(query int, row []float32)) {
	if s.Queries == 0 {
		return
	}
	n := min(max(1, blockBytes/(4*max(1, s.Items))), s.Queries)
	block := make([]float32, n*s.Items)
	for first := 0; first < s.Queries; first += n {
		last := min(first+n, s.Queries)
		s.Rows(first, last, block[:(last-first)*s.Items])
		par.Do(rowTask(func(i int) { f(first+i, block[i*s.Items:(i+1)*s.Items]) }), last-first, s.Workers)
	}
}

type rowTask func(i int)

func (t rowTask) Run(i int) { t(i) }

// Ranks is the place of each query's best relevant item among all, from 1: one more than the items that are not relevant and score as
// high or higher. What scores NaN comes before what is relevant, unless it is relevant itself, then it comes last. relevant lists the
// columns that belong to each query, each once; a query without any has rank 0, which the summaries leave out.
func Ranks(s Scores, relevant [][]int32) []int {
	if len(relevant) != s.Queries {
		panic(&SizeError{fmt.Sprintf("%d lists of relevant items for %d queries", len(relevant), s.Queries)})
	}
	ranks := make([]int, s.Queries)
	s.each(func(query int, row []float32) { ranks[query] = rank(row, relevant[query]) })
	return ranks
}

func rank(row []float32, relevant []int32) int {
	if len(relevant) == 0 {
		return 0
	}
	best := float32(math.Inf(-1))
	for _, i := range relevant {
		if row[i] > best {
			best = row[i]
		}
	}
	ahead := 1
	for _, v := range row {
		if !(v < best) {
			ahead++
		}
	}
	for _, i := range relevant {
		if !(row[i] < best) {
			ahead--
		}
	}
	return ahead
}

// One is the lists of relevant items where each query has one: its class, or its partner.
func One(items []int32) [][]int32 {
	lists := make([][]int32, len(items))
	for i := range items {
		lists[i] = items[i : i+1 : i+1]
	}
	return lists
}

// A SizeError is the caller's bug of lists that do not belong together. It is always a panic value.
type SizeError struct{ what string }

// Error says which.
func (e *SizeError) Error() string { return "metric: " + e.what }
