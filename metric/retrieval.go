package metric

// A Ranking sums up the ranks of queries that have something relevant to find.
type Ranking struct {
	Queries int     `json:"queries"` // that count
	R1      float64 `json:"r1"`      // share of the queries with a relevant item first
	R5      float64 `json:"r5"`      // among the first five
	R10     float64 `json:"r10"`     // among the first ten
	Median  float64 `json:"median_rank"`
	Mean    float64 `json:"mean_rank"`
	MRR     float64 `json:"mrr"` // mean of 1/rank
}

// Summarize is the figures of a list of ranks, as [Ranks] gives them: zero if none of them counts. R1, R5 and R10 are what papers on
// CLIP call recall: whether anything relevant is found, not how much of it.
func Summarize(ranks []int) Ranking {
	tally := newTally(ranks)
	for _, r := range ranks {
		tally.add(r)
	}
	return tally.ranking()
}

// Intervals is between which bounds each figure of a ranking lies.
type Intervals struct {
	R1     Interval `json:"r1"`
	R5     Interval `json:"r5"`
	R10    Interval `json:"r10"`
	Median Interval `json:"median_rank"`
	Mean   Interval `json:"mean_rank"`
	MRR    Interval `json:"mrr"`
}

// Ranking is the intervals of [Summarize] over other queries of the same kind. Queries with rank 0 are left out first.
func (b Bootstrap) Ranking(ranks []int) Intervals {
	var counted []int
	for _, r := range ranks {
		if r > 0 {
			counted = append(counted, r)
		}
	}
	tally := newTally(counted)
	list := b.Intervals(len(counted), func(sample []int32) []float64 {
		tally.clear()
		for _, i := range sample {
			tally.add(counted[i])
		}
		r := tally.ranking()
		return []float64{r.R1, r.R5, r.R10, r.Median, r.Mean, r.MRR}
	})
	if list == nil {
		return Intervals{}
	}
	return Intervals{list[0], list[1], list[2], list[3], list[4], list[5]}
}

// A tally counts how often each rank occurs, so that a median needs no sorting.
type tally struct {
	counts []int
	n      int
	sum    int
	mrr    float64
	best   []int // sums of counts up to 1, 5 and 10
}

var cuts = [...]int{1, 5, 10}

func newTally(ranks []int) *tally {
	top := 0
	for _, r := range ranks {
		top = max(top, r)
	}
	return &tally{counts: make([]int, top+1), best: make([]int, len(cuts))}
}

func (t *tally) clear() {
	clear(t.counts)
	clear(t.best)
	t.n, t.sum, t.mrr = 0, 0, 0
}

func (t *tally) add(rank int) {
	if rank == 0 {
		return
	}
	t.counts[rank]++
	t.n++
	t.sum += rank
	t.mrr += 1 / float64(rank)
	for i, k := range cuts {
		if rank <= k {
			t.best[i]++
		}
	}
}

// at is the i-th smallest rank, from 0.
func (t *tally) at(i int) float64 {
	for rank, n := range t.counts {
		if i -= n; i < 0 {
			return float64(rank)
		}
	}
	return 0
}

func (t *tally) ranking() Ranking {
	if t.n == 0 {
		return Ranking{}
	}
	n := float64(t.n)
	return Ranking{
		Queries: t.n, R1: float64(t.best[0]) / n, R5: float64(t.best[1]) / n, R10: float64(t.best[2]) / n,
		Median: (t.at((t.n-1)/2) + t.at(t.n/2)) / 2, Mean: float64(t.sum) / n, MRR: t.mrr / n,
	}
}
