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
// another's rest. Of each half some are the likeliest of a pool, among them whatever says the same in another order, the others are drawn at random.
const (
	rivals = 8
	hard   = 2
	pool   = 2048
	unit   = 1 + rivals // samples of a list, the right one first
)

// rights are the samples that belong together, in an order of their own, so many at most.
func (d *Data) rights(r *rand.Rand, most int) (list []*Sample, matched int) {
	matched = max(0, slices.IndexFunc(d.Modalities, func(m Modality) bool { return m.Matched }))
	for i := range d.Samples {
		if s := &d.Samples[i]; s.Values[0] > 0.5 && s.Has(matched) {
			list = append(list, s)
		}
	}
	if len(list) > most {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = list[:most]
	}
	return list, matched
}

var errAlike = errors.New("fusion: no sample has another that it could be mistaken for: want samples of other groups with other features")

// Lists are what samples that belong together are told from. Rivals are of other groups, and neither what is matched nor the rest is the same.
type lists struct {
	rights, others []*Sample
	hardest        [][2][hard]rival // of each right one, with another's matched modality and with another's rest: the likeliest, and the nearest to its own
	matched        int
	room           []Sample
}

// A rival is a wrong sample, one's rest with another's matched modality, and how alike they are.
type rival struct {
	rest, matched *Sample
	like          float64
}

func (d *Data) lists(seed uint64) (*lists, error) {
	r, like := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), newSimilarity(d.Modalities)
	l := &lists{}
	all, matched := d.rights(r, math.MaxInt)
	l.matched = matched
	l.others, _ = d.rights(r, pool)
	for _, s := range all {
		var best [2][hard]rival
		for _, o := range l.others {
			if !mistaken(s, o, matched) {
				continue
			}
			text, rest := d.near(s, o, matched)
			for i, like := range [...]float64{like.within(s.Features, o.Features, matched), text} {
				if k := &best[0][i]; k.rest == nil || like > k.like {
					*k = rival{s, o, like}
				}
			}
			for i, like := range [...]float64{like.within(o.Features, s.Features, matched), rest} {
				if k := &best[1][i]; k.rest == nil || like > k.like {
					*k = rival{o, s, like}
				}
			}
		}
		if best[0][0].rest != nil {
			l.rights, l.hardest = append(l.rights, s), append(l.hardest, best)
		}
	}
	if len(l.rights) == 0 {
		return nil, errAlike
	}
	return l, nil
}

// near is how alike two samples are in what is matched, and in the mean of the rest.
func (d *Data) near(s, o *Sample, matched int) (own, rest float64) {
	n := 0.0
	for m, k := range d.Modalities {
		if !s.Has(m) || !o.Has(m) {
			continue
		}
		like := pair{m, m, k.Width}.cosine(s.Features[m], o.Features[m])
		if m == matched {
			own = like
		} else {
			rest += like
			n++
		}
	}
	return own, rest / max(n, 1)
}

// begin makes room for so many lists.
func (l *lists) begin(n int) { l.room = slices.Grow(l.room[:0], n*unit) }

// draw is the list of a right one, which is there until the next begin: random rivals are others each time.
func (l *lists) draw(r *rand.Rand, i int) []Sample {
	s, first := l.rights[i], len(l.room)
	l.room = append(l.room, *s)
	for side := range 2 {
		for k := range rivals / 2 {
			it := l.hardest[i][side][k%hard]
			for try := 0; k >= hard && try < 20; try++ {
				if o := l.others[r.IntN(len(l.others))]; mistaken(s, o, l.matched) {
					if it = (rival{rest: s, matched: o}); side == 1 {
						it = rival{rest: o, matched: s}
					}
					break
				}
			}
			wrong := it.rest.with(it.matched, l.matched)
			wrong.Values, wrong.Group = []float32{0}, s.Group
			l.room = append(l.room, wrong)
		}
	}
	return l.room[first:]
}

// What is looked at on the way is what the model is for: what is matched asks for its rest among the first hits by similarity of all. So many
// ask at most, and so many hits are put in order. Where the right one is not among them no order of theirs finds it, and nothing is asked.
const (
	asking = 128
	hits   = 64
)

// A gallery is the hits of each that asks, the right one first.
type gallery struct {
	*Data
	starts []int // of each list, and the end
}

// gallery makes that of d.
func (d *Data) gallery(seed uint64) (*gallery, error) {
	r, like := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), newSimilarity(d.Modalities)
	rights, matched := d.rights(r, asking)
	others, _ := d.rights(r, pool)
	var rests []*Sample
	for _, o := range others {
		if !slices.ContainsFunc(rests, func(s *Sample) bool { return alikeBut(s, o, matched) }) {
			rests = append(rests, o)
		}
	}
	g := &gallery{d.With(nil), []int{0}}
	for _, s := range rights {
		own, place := like.within(s.Features, s.Features, matched), 0
		var list []rival
		for _, o := range rests {
			if mistaken(s, o, matched) {
				k := rival{o, s, like.within(o.Features, s.Features, matched)}
				if list = append(list, k); k.like > own {
					place++
				}
			}
		}
		if len(list) == 0 || place >= hits {
			continue
		}
		slices.SortStableFunc(list, func(a, b rival) int { return cmp.Compare(b.like, a.like) })
		g.Samples = append(g.Samples, *s)
		for _, k := range list[:min(hits, len(list))] {
			wrong := k.rest.with(s, matched)
			wrong.Values, wrong.Group = []float32{0}, s.Group
			g.Samples = append(g.Samples, wrong)
		}
		g.starts = append(g.starts, len(g.Samples))
	}
	if len(g.Samples) == 0 {
		return nil, errAlike
	}
	return g, nil
}

// mistaken reports whether a sample may be a wrong one beside another.
func mistaken(s, o *Sample, matched int) bool {
	return s != o && (s.Group == "" || s.Group != o.Group) && !slices.Equal(s.Features[matched], o.Features[matched]) && !alikeBut(s, o, matched)
}

// alikeBut reports whether two samples are the same but for one modality.
func alikeBut(s, o *Sample, but int) bool {
	for m := range s.Features {
		if m != but && !slices.Equal(s.Features[m], o.Features[m]) {
			return false
		}
	}
	return true
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

// within is the mean similarity of the modalities of rest with that of matched in place of its own, 0 for none.
func (l *Similarity) within(rest, matched [][]float32, at int) (sum float64) {
	n := 0.0
	of := func(m int) []float32 {
		if m == at {
			return matched[m]
		}
		return rest[m]
	}
	for _, pair := range l.of {
		if a, b := of(pair.a), of(pair.b); a != nil && b != nil {
			sum += pair.cosine(a, b)
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
	if l.lists, err = l.data.lists(l.Seed); err != nil {
		return err
	}
	lists, err := valid.gallery(l.Seed)
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

func (l *learner) rank(g *gallery) (r ranking, mean float64, err error) {
	logits, err := l.logits(g.Data)
	if err != nil {
		return nil, 0, err
	}
	n := len(g.starts) - 1
	for i := range n {
		list := logits[g.starts[i]:g.starts[i+1]]
		place := 1.0
		for _, v := range list[1:] {
			if !(v < list[0]) {
				place++
			}
		}
		r = append(r, 1/place)
		mean += 1 / place / float64(n)
	}
	return r, mean, nil
}

// logits is what the model says of samples as it is.
func (l *learner) logits(d *Data) (all []float64, err error) {
	if l.Tuning != nil {
		if d, err = l.anew(l.ctx, d); err != nil {
			return nil, err
		}
	}
	for first := 0; first < len(d.Samples); first += len(l.samples) {
		b := l.lay(d, first)
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
func (r ranking) above(before ranking, lists *gallery) bool {
	groups, total := map[string]float64{}, 0.0
	for i, v := range r {
		groups[lists.Samples[lists.starts[i]].Group] += v - before[i]
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
