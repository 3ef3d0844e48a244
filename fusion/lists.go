package fusion

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// What a right pair is told from while a Match is learnt: rivals, half of them with another's matched modality, half with its own beside
// another's rest. Of each half hard ones are the likeliest of a pool, the rest is drawn at random. What is looked at on the way has random ones
// only: beside rivals that were chosen for their similarity, whatever forgets about similarity seems better than it is.
const (
	rivals = 8
	hard   = 1
	pool   = 128
	unit   = 1 + rivals // samples of a list, the right one first
)

// lists makes a list of each sample that belongs together. Rivals are of other groups, and neither what is matched nor the rest is the same.
func (d *Data) lists(seed uint64, hard int) (*Data, error) {
	matched := max(0, slices.IndexFunc(d.Modalities, func(m Modality) bool { return m.Matched }))
	var rights []*Sample
	for i := range d.Samples {
		if s := &d.Samples[i]; s.Values[0] > 0.5 && s.Has(matched) {
			rights = append(rights, s)
		}
	}
	r, like := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), newSimilarity(d.Modalities)
	out := d.With(nil)
	for _, s := range rights {
		var others []rival
		for range pool {
			if o := rights[r.IntN(len(rights))]; mistaken(s, o, matched) {
				texts, rest := s.with(o, matched), o.with(s, matched)
				others = append(others, rival{texts, like.within(&texts)}, rival{rest, like.within(&rest)})
			}
		}
		if len(others) == 0 {
			continue
		}
		out.Samples = append(out.Samples, *s)
		for side := range 2 {
			out.Samples = append(out.Samples, choose(others, side, hard, s.Group)...)
		}
	}
	if len(out.Samples) == 0 {
		return nil, errors.New("fusion: no sample has another that it could be mistaken for: want samples of other groups with other features")
	}
	return out, nil
}

// A rival is a wrong sample, and how alike what it joins is.
type rival struct {
	Sample
	like float64
}

// choose is half of the rivals, so many of them hard: of those at side, side+2 … of others.
func choose(others []rival, side, hard int, group string) (list []Sample) {
	var some []rival
	for i := side; i < len(others); i += 2 {
		some = append(some, others[i])
	}
	alike := slices.Clone(some)
	slices.SortStableFunc(alike, func(a, b rival) int { return cmp.Compare(b.like, a.like) })
	for i := range rivals / 2 {
		s := some[i%len(some)].Sample
		if i < hard {
			s = alike[i%len(some)].Sample
		}
		s.Values, s.Group = []float32{0}, group
		list = append(list, s)
	}
	return list
}

// mistaken reports whether a sample may be a wrong one beside another.
func mistaken(s, o *Sample, matched int) bool {
	if s == o || s.Group != "" && s.Group == o.Group || slices.Equal(s.Features[matched], o.Features[matched]) {
		return false
	}
	for m := range s.Features {
		if m != matched && !slices.Equal(s.Features[m], o.Features[m]) {
			return true
		}
	}
	return false
}

// with is s with another's modality.
func (s *Sample) with(o *Sample, modality int) Sample {
	out := *s
	out.Features = slices.Clone(s.Features)
	out.Features[modality] = o.Features[modality]
	if s.Origins != nil {
		out.Origins = slices.Clone(s.Origins)
		out.Origins[modality] = o.Origins[modality]
	}
	return out
}

// within is the mean similarity within a sample, 0 for none.
func (l *Similarity) within(s *Sample) (sum float64) {
	n := 0.0
	for _, pair := range l.of {
		if s.Has(pair.a) && s.Has(pair.b) {
			sum += pair.cosine(s)
			n++
		}
	}
	return sum / max(n, 1)
}

// list is the mean loss of lists of samples: the cross-entropy of their logits [lists·unit, 1]. Unless into is nil it seeds the way back with
// weight times its derivatives.
func (l *loss) list(x *tensor.Tensor, weight float64, into *tensor.Gradients) (sum float64) {
	logits := x.Floats()
	l.seed = l.seed[:0]
	n := float64(len(logits) / unit)
	for first := 0; first < len(logits); first += unit {
		one := logits[first : first+unit]
		top, all := float64(slices.Max(one)), 0.0
		for _, v := range one {
			all += math.Exp(float64(v) - top)
		}
		sum += (top + math.Log(all) - float64(one[0])) / n
		for i, v := range one {
			slope := math.Exp(float64(v)-top) / all
			if i == 0 {
				slope--
			}
			l.seed = append(l.seed, float32(weight*slope/n))
		}
	}
	if into != nil && x.Learns() {
		x.Seed(l.seed)
	}
	return sum
}

// match has a run learn a Match from lists: it begins with what similarity tells, and keeps that unless something ranks the lists of valid
// better. kept is the step whose weights stay.
func (l *learner) match(run *train.Run, valid *Data, keep func(), kept *int) (err error) {
	m := l.model
	m.Similarity.begin(l.data.Samples)
	for _, p := range []*tensor.Tensor{m.Head.Weight, m.Head.Bias} {
		clear(p.Own())
		p.Changed()
	}
	if l.data, err = l.data.lists(l.Seed, hard); err != nil {
		return err
	}
	lists, err := valid.lists(l.Seed, 0)
	if err != nil {
		return err
	}
	l.unit = unit
	if l.Tuning != nil {
		l.BatchSize = max(1, l.BatchSize/unit)
	}
	before, _, err := l.rank(lists)
	if err != nil {
		return err
	}
	keep()
	var now ranking
	run.Evaluate = func(context.Context, int) (mean float64, err error) {
		now, mean, err = l.rank(lists)
		return mean, err
	}
	run.Best = func(step int, _ float64) error {
		if now.above(before, lists) {
			*kept = step
			keep()
		}
		return nil
	}
	return nil
}

// A ranking is the reciprocal rank of the right one of each list, a tie counting as lost.
type ranking []float64

func (l *learner) rank(d *Data) (r ranking, mean float64, err error) {
	logits, err := l.logits(d)
	if err != nil {
		return nil, 0, err
	}
	for first := 0; first < len(logits); first += unit {
		place := 1.0
		for _, v := range logits[first+1 : first+unit] {
			if !(v < logits[first]) {
				place++
			}
		}
		r = append(r, 1/place)
		mean += unit / place / float64(len(logits))
	}
	return r, mean, nil
}

// logits is what the model says of samples as it is.
func (l *learner) logits(d *Data) (all []float64, err error) {
	for first := 0; first < len(d.Samples); first += len(l.samples) {
		b, err := l.show(d, first)
		if err != nil {
			return nil, err
		}
		fused, _ := l.model.Forward(l.pass, b)
		if err := l.pass.Err(); err != nil {
			return nil, err
		}
		for _, v := range fused.Floats() {
			all = append(all, float64(v))
		}
	}
	return all, nil
}

// above reports whether lists are ranked better than they were by more than twice the standard error of the difference, groups counting as one.
func (r ranking) above(before ranking, lists *Data) bool {
	groups, total := map[string]float64{}, 0.0
	for i, v := range r {
		groups[lists.Samples[i*unit].Group] += v - before[i]
		total += v - before[i]
	}
	n, square := float64(len(groups)), 0.0
	for _, sum := range groups {
		square += (sum - total/n) * (sum - total/n)
	}
	return total > 2*math.Sqrt(square*n/max(n-1, 1))
}

// calibrate scales what the model says, so that its probabilities are right where as many samples belong together as do not.
func (l *learner) calibrate(valid *Data) error {
	logits, err := l.logits(valid)
	if err != nil {
		return err
	}
	right := make([]bool, len(logits))
	for i := range right {
		right[i] = valid.Samples[i].Values[0] > 0.5
	}
	if !slices.Contains(right, true) || !slices.Contains(right, false) {
		return nil
	}
	scale, bias := metric.Platt(logits, right, nil)
	if !(scale > 0) {
		return nil
	}
	if scale > 1 { // few samples that are told apart wholly would make it as sure as one likes
		scale, bias = 1, bias/scale
	}
	l.model.scale(scale, bias)
	return nil
}
