package fusion

import (
	"math"
	"slices"
)

// Information is how much of what the modalities say about the answer is redundant, unique or synergistic, in bits, after partial information
// decomposition (Williams & Beer 2010).
//
// The estimator: the information that a set of modalities has about the answer is the entropy of the answer less the least cross-entropy
// of any candidate that was given this set, both over samples that the candidate had not learnt from: a lower bound, if an optimistic one,
// being the best of several. (For numbers it is log₂(variance/squared error)/2.) What is redundant is what two modalities at least have each: of
// two the less of both (minimal mutual information, Barrett 2015), of more what the second best has; what is unique to a modality is what it has beyond that; the
// rest of what all have together is synergistic. Two modalities that each know another half of the answer count as redundant and synergistic, as in every decomposition by
// that measure: it does not see whether they say the same.
type Information struct {
	Entropy     float64 // of the answer; of numbers 0
	All         float64 // what all modalities have together
	Single      []float64
	Redundant   float64
	Unique      []float64 // of each modality
	Synergistic float64
}

// inform estimates information from what the candidates answered.
func inform(d *Data, candidates []Candidate) Information {
	n := len(d.Modalities)
	info := Information{Single: make([]float64, n)}
	if d.Task.Kind != Regression {
		info.Entropy = surpriseOfGuess(d)
	}
	for i := range candidates {
		for set, answers := range candidates[i].parts {
			bits := d.bits(answers, info.Entropy)
			if set == 1<<n-1 {
				info.All = max(info.All, bits)
			}
			for m := range n {
				if set == 1<<m {
					info.Single[m] = max(info.Single[m], bits)
				}
			}
		}
	}
	return info.divided()
}

// divided is with its parts, which add up to all.
func (i Information) divided() Information {
	known := slices.Sorted(slices.Values(i.Single))
	best := known[len(known)-1]
	i.All, i.Unique = max(i.All, best), make([]float64, len(known))
	if len(known) > 1 {
		i.Redundant = known[len(known)-2]
	}
	for m, v := range i.Single {
		i.Unique[m] = max(0, v-i.Redundant)
	}
	i.Synergistic = i.All - best
	return i
}

// bits is the information of answers about what is true.
func (d *Data) bits(answers [][]float64, entropy float64) float64 {
	if d.Task.Kind == Regression {
		least := average(Scores(d, answers))
		return max(0, 0.5*math.Log2(guess(d)/least))
	}
	sum, n := 0.0, 0.0
	for i, a := range answers {
		s := &d.Samples[i]
		if d.Task.Kind != Single || s.Class >= 0 {
			sum -= d.Task.logBelief(a, s)
			n++
		}
	}
	return max(0, entropy-sum/n/math.Ln2)
}

// surpriseOfGuess is the entropy of the answer, in bits: for several classes, the sum of theirs.
func surpriseOfGuess(d *Data) (sum float64) {
	counts, known := make([]float64, d.Task.Outputs), make([]float64, d.Task.Outputs)
	all := 0.0
	for i := range d.Samples {
		s := &d.Samples[i]
		if d.Task.Kind == Single {
			if s.Class >= 0 {
				counts[s.Class]++
				all++
			}
			continue
		}
		for j, v := range s.Values {
			if v >= 0 {
				known[j]++
			}
			if v > 0 {
				counts[j]++
			}
		}
	}
	for j, c := range counts {
		if d.Task.Kind == Single {
			sum += entropy([]float64{c / all})
		} else {
			sum += entropy([]float64{c / known[j], 1 - c/known[j]})
		}
	}
	return sum / math.Ln2
}
