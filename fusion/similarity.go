package fusion

import (
	"math"
	"slices"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Similarity is what the encoder of vectors in one space knows already of whether they belong together: Σ wᵢ·cosᵢ + bᵢ over the pairs of
// modalities of one space that a sample has. Of tokens the first stands for the whole. A model of a Match task begins as this, and learns what to add to it.
type Similarity struct {
	Pairs []*nn.Linear `weight:"pairs"` // [1, 1] of each pair
	of    []pair
}

// A pair is two modalities whose tokens have a width.
type pair struct{ a, b, width int }

// newSimilarity makes one without values; nil where no two modalities share a space.
func newSimilarity(modalities []Modality) *Similarity {
	l := &Similarity{}
	for j, b := range modalities {
		for i, a := range modalities[:j] {
			if a.Space != "" && a.Space == b.Space && a.Width == b.Width {
				l.Pairs, l.of = append(l.Pairs, nn.NewLinear(1, 1, true)), append(l.of, pair{i, j, a.Width})
			}
		}
	}
	if len(l.of) == 0 {
		return nil
	}
	return l
}

// Forward gives logits [N, 1] of N samples by their features.
func (l *Similarity) Forward(p *tensor.Pass, n int, features []Set) *tensor.Tensor {
	sum := zeros(p, n, 1)
	for i, pair := range l.of {
		a, b := features[pair.a], features[pair.b]
		if a.X == nil || b.X == nil {
			continue
		}
		var rows, others, of []int32
		for row, s := range a.Of {
			if other, ok := slices.BinarySearch(b.Of, s); ok {
				rows, others, of = append(rows, a.Seq[row]), append(others, b.Seq[other]), append(of, s)
			}
		}
		if len(of) == 0 {
			continue
		}
		k, c := len(of), a.X.Dim(-1)
		products := a.X.Select(rows).Normalize(1e-12).Mul(b.X.Select(others).Normalize(1e-12))
		cos := products.Reshaped(k*c, 1).MeanRows(p.Spans(k, c), 0).Scaled(float32(c))
		sum.AddRows(l.Pairs[i].Forward(cos), of)
	}
	return sum
}

// begin gives it the values that tell samples that belong together from others by each similarity alone: nearer never counts for less.
func (l *Similarity) begin(samples []Sample) {
	for i, pair := range l.of {
		var scores []float64
		var right []bool
		for k := range samples {
			if s := &samples[k]; s.Has(pair.a) && s.Has(pair.b) {
				scores, right = append(scores, pair.cosine(s.Features[pair.a], s.Features[pair.b])), append(right, s.Values[0] > 0.5)
			}
		}
		scale, bias := 1.0, 0.0
		if slices.Contains(right, true) && slices.Contains(right, false) {
			scale, bias = metric.Platt(scores, right, nil)
		}
		if !(scale > 0) {
			scale, bias = 1, 0
		}
		set(l.Pairs[i].Weight, scale)
		set(l.Pairs[i].Bias, bias)
	}
}

func set(p *tensor.Tensor, v float64) {
	p.Own()[0] = float32(v)
	p.Changed()
}

// cosine is that of the angle between the first tokens of the two, 0 where one is zero.
func (k pair) cosine(a, b []float32) float64 {
	a, b = a[:k.width], b[:k.width]
	aa, bb := float64(kernel.Dot(a, a)), float64(kernel.Dot(b, b))
	if aa == 0 || bb == 0 {
		return 0
	}
	return float64(kernel.Dot(a, b)) / math.Sqrt(aa*bb)
}
