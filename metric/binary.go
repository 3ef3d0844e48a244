package metric

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Scores of what is right and what is wrong, as a detector's, a label's or a cut-off's. All panic with a *SizeError if there is not
// one truth for each score.

// ROCAUC is the probability that something right scores higher than something wrong, equal scores counting half: the area under the curve
// of the receiver's operating characteristic (Hanley & McNeil 1982), as scikit-learn's roc_auc_score. It is NaN if either is missing.
func ROCAUC(scores []float64, right []bool) float64 {
	positives, negatives, wins := 0, 0, 0.0
	for _, g := range groups(scores, right) { // from the highest score down
		wins += float64(g.wrong) * (float64(positives) + float64(g.right)/2)
		positives += g.right
		negatives += g.wrong
	}
	return wins / (float64(positives) * float64(negatives))
}

// AveragePrecision is the precision at each score of something right, averaged over what is right: Σ (Rₙ - Rₙ₋₁)·Pₙ, where what scores
// equally is let in together, as scikit-learn's average_precision_score. It is NaN if nothing is right.
func AveragePrecision(scores []float64, right []bool) float64 {
	found, seen, sum := 0, 0, 0.0
	for _, g := range groups(scores, right) {
		found += g.right
		seen += g.right + g.wrong
		sum += float64(g.right) * float64(found) / float64(seen)
	}
	if found == 0 {
		return math.NaN()
	}
	return sum / float64(found)
}

// PrecisionAt is the share of right ones among what scores threshold or more, and the share of what is right that these are (recall). The
// first is NaN if nothing scores so high, the second if nothing is right.
func PrecisionAt(scores []float64, right []bool, threshold float64) (precision, recall float64) {
	check(scores, right)
	taken, found, all := 0, 0, 0
	for i, s := range scores {
		if right[i] {
			all++
		}
		if s >= threshold {
			taken++
			if right[i] {
				found++
			}
		}
	}
	return float64(found) / float64(taken), float64(found) / float64(all)
}

// A group is what has the same score.
type group struct{ right, wrong int }

// groups counts right and wrong ones of each score, the highest first, NaN last.
func groups(scores []float64, right []bool) []group {
	check(scores, right)
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	var list []group
	for at, i := range order {
		if at == 0 || cmp.Compare(scores[i], scores[order[at-1]]) != 0 {
			list = append(list, group{})
		}
		if last := &list[len(list)-1]; right[i] {
			last.right++
		} else {
			last.wrong++
		}
	}
	return list
}

func check(scores []float64, right []bool) {
	if len(scores) != len(right) {
		panic(&SizeError{fmt.Sprintf("%d scores and %d truths", len(scores), len(right))})
	}
}

// Platt is the scale and the bias with which sigmoid(scale·score + bias) tells right from wrong most likely: logistic regression (Platt
// 1999) by Newton's method. Each score counts weights times, or once if weights is nil; it panics with a *SizeError if one is missing.
func Platt(scores []float64, right []bool, weights []float64) (scale, bias float64) {
	check(scores, right)
	if weights != nil && len(weights) != len(scores) {
		panic(&SizeError{fmt.Sprintf("%d scores and %d weights", len(scores), len(weights))})
	}
	scale = 1
	for range 50 {
		var ga, gb, aa, ab, bb float64
		for i, s := range scores {
			p, w := 1/(1+math.Exp(-scale*s-bias)), 1.0
			if weights != nil {
				w = weights[i]
			}
			e, slope := p, w*(p*(1-p)+1e-9)
			if right[i] {
				e--
			}
			ga, gb = ga+w*e*s, gb+w*e
			aa, ab, bb = aa+slope*s*s, ab+slope*s, bb+slope
		}
		det := aa*bb - ab*ab
		if !(det > 0) {
			break
		}
		scale -= (bb*ga - ab*gb) / det
		bias -= (aa*gb - ab*ga) / det
	}
	return scale, bias
}
