package metric

import (
	"math"
	"math/rand/v2"
	"slices"
)

// An Interval is between what bounds a figure lies, with the confidence of its [Bootstrap].
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// A Bootstrap finds how much a figure owes to the choice of the queries that it was measured on: it measures the figure again on as
// many queries drawn from the same ones with replacement, many times, and takes percentiles of what comes out (Efron & Tibshirani
// 1993). The zero value draws 1000 times, for confidence 0.95, from seed 0; the same seed gives the same bounds.
type Bootstrap struct {
	Draws int
	Level float64 // confidence, as 0.95
	Seed  uint64
}

// Times is how often it draws.
func (b Bootstrap) Times() int {
	if b.Draws == 0 {
		return 1000
	}
	return b.Draws
}

// Confidence is that of its intervals.
func (b Bootstrap) Confidence() float64 {
	if b.Level == 0 {
		return 0.95
	}
	return b.Level
}

// Intervals is the bounds of every number that figures gives of a sample: indices of queries 0 to n-1, any of them several times. It
// is nil without queries. A figure that is NaN for some sample is NaN.
func (b Bootstrap) Intervals(n int, figures func(sample []int32) []float64) []Interval {
	if n == 0 {
		return nil
	}
	b.Draws, b.Level = b.Times(), b.Confidence()
	r := rand.New(rand.NewPCG(b.Seed, 0x6a09e667f3bcc908))
	sample := make([]int32, n)
	var drawn [][]float64 // [figure][draw]
	for range b.Draws {
		for i := range sample {
			sample[i] = r.Int32N(int32(n))
		}
		for i, v := range figures(sample) {
			if i == len(drawn) {
				drawn = append(drawn, nil)
			}
			drawn[i] = append(drawn[i], v)
		}
	}
	out := make([]Interval, len(drawn))
	for i, values := range drawn {
		slices.Sort(values) // NaN first
		if math.IsNaN(values[0]) {
			out[i] = Interval{math.NaN(), math.NaN()}
			continue
		}
		out[i] = Interval{Percentile(values, (1-b.Level)/2), Percentile(values, (1+b.Level)/2)}
	}
	return out
}

// Mean is the interval of the mean of values, such as 0 and 1 for what failed and what was right.
func (b Bootstrap) Mean(values []float64) Interval {
	list := b.Intervals(len(values), func(sample []int32) []float64 {
		sum := 0.0
		for _, i := range sample {
			sum += values[i]
		}
		return []float64{sum / float64(len(sample))}
	})
	if list == nil {
		return Interval{}
	}
	return list[0]
}

// Percentile is the value below which a share of sorted values lies, in a line between the two nearest ones: numpy's percentile. It is
// NaN for no values.
func Percentile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := share * float64(len(sorted)-1)
	low := min(max(int(at), 0), len(sorted)-1)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (sorted[high]-sorted[low])*(at-float64(low))
}
