package metric

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// MeanPerClass is the share of right answers of each class, averaged over the classes that occur, so that a frequent one counts no more
// than a rare one: the balanced accuracy. Answer i is right or not, and its truth is class of[i]. It is NaN without answers.
func MeanPerClass(right []bool, of []int32) float64 {
	if len(right) != len(of) {
		panic(&SizeError{fmt.Sprintf("%d answers and %d classes", len(right), len(of))})
	}
	counts := map[int32][2]int{}
	for i, c := range of {
		n := counts[c]
		n[1]++
		if right[i] {
			n[0]++
		}
		counts[c] = n
	}
	sum := 0.0
	for _, c := range slices.Sorted(maps.Keys(counts)) { // in order, so that the sum is always the same
		sum += float64(counts[c][0]) / float64(counts[c][1])
	}
	return sum / float64(len(counts))
}

// MeanAveragePrecision is [AveragePrecision] of each row, averaged over the rows that have something relevant: of queries that have
// several relevant items, listed as for [Ranks], or of classes whose members are relevant, where a thing may belong to several. It is NaN
// if there is nothing relevant.
func MeanAveragePrecision(s Scores, relevant [][]int32) float64 {
	if len(relevant) != s.Queries {
		panic(&SizeError{fmt.Sprintf("%d lists of relevant items for %d queries", len(relevant), s.Queries)})
	}
	each := make([]float64, s.Queries)
	s.each(func(query int, row []float32) {
		scores, right := make([]float64, len(row)), make([]bool, len(row))
		for i, v := range row {
			scores[i] = float64(v)
		}
		for _, i := range relevant[query] {
			right[i] = true
		}
		each[query] = AveragePrecision(scores, right)
	})
	sum, n := 0.0, 0
	for _, ap := range each {
		if !math.IsNaN(ap) {
			sum += ap
			n++
		}
	}
	return sum / float64(n)
}

// CalibrationError is how far probabilities are from how often they come true: the difference between the mean confidence and the share of
// right answers within each of so many equal stretches of (0, 1], weighted by how many answers fall there (Guo et al. 2017). A
// confidence of 0 belongs to the first stretch. It is NaN without answers.
func CalibrationError(confidence []float64, right []bool, bins int) float64 {
	check(confidence, right)
	if bins < 1 {
		panic(&SizeError{fmt.Sprintf("%d stretches", bins)})
	}
	sums, hits := make([]float64, bins), make([]float64, bins)
	for i, p := range confidence {
		b := min(max(int(math.Ceil(p*float64(bins)))-1, 0), bins-1)
		sums[b] += p
		if right[i] {
			hits[b]++
		}
	}
	off := 0.0
	for b := range sums {
		off += math.Abs(sums[b] - hits[b])
	}
	return off / float64(len(confidence))
}
