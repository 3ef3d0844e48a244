package train

import (
	"slices"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// A Mine finds hard negatives for the next epoch: of a pool of vectors those nearest to a query that are not its own. What is nearer than a
// share of its own similarity is left out, since it is likely to belong to the query too (Moreira et al. 2024, NV-Retriever: "positive-aware").
type Mine struct {
	Width   int     // of a vector of length 1
	Count   int     // negatives wanted for each query
	Share   float64 // of the similarity to its own that a negative may have at most, such as 0.95; 0 for any
	Workers int     // 0 for all cores
}

// Find returns, for each query [n, Width], the rows of pool [m, Width] that it takes for negatives, hardest first: Count, or fewer if the pool
// has no more. own says which row of the pool belongs to each query. Rows of the pool that share a key with it are left out; keys may be nil.
func (m Mine) Find(queries, pool []float32, own []int32, keys []uint64) [][]int32 {
	t := &mineTask{m, queries, pool, own, keys, make([][]int32, len(own))}
	par.Do(t, len(own), m.Workers)
	return t.found
}

// A mineTask finds the negatives of one query a chunk.
type mineTask struct {
	Mine
	queries, pool []float32
	own           []int32
	keys          []uint64
	found         [][]int32
}

// A candidate is a row of the pool.
type candidate struct {
	row    int32
	cosine float32
}

// Run does query i.
func (t *mineTask) Run(i int) {
	query, own := t.queries[i*t.Width:][:t.Width], t.own[i]
	most := kernel.Dot(query, t.pool[int(own)*t.Width:][:t.Width]) * float32(t.Share)
	harder := func(a, b candidate) int {
		if a.cosine != b.cosine {
			if a.cosine > b.cosine {
				return -1
			}
			return 1
		}
		return int(a.row - b.row)
	}
	var best []candidate // sorted, at most Count
	for row := range int32(len(t.pool) / t.Width) {
		if row == own || t.keys != nil && t.keys[row] == t.keys[own] {
			continue
		}
		c := candidate{row, kernel.Dot(query, t.pool[int(row)*t.Width:][:t.Width])}
		if t.Share > 0 && c.cosine > most {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, c, harder)
		if at < t.Count {
			best = slices.Insert(best, at, c)
			best = best[:min(len(best), t.Count)]
		}
	}
	rows := make([]int32, len(best))
	for k, c := range best {
		rows[k] = c.row
	}
	t.found[i] = rows
}
