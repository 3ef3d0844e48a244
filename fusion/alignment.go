package fusion

import (
	"math"
	"slices"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// An Alignment tells the tokens of a modality which tokens of another they are alike, where both lie in one space: of a word in which places of a picture
// it is, of a place which words are about it. What is learnt is what to make of that, not what is alike, so that it holds for words that no sample
// had (after SCAN, Lee et al. 2018, and FILIP, Yao et al. 2021, which end with such similarities; here they are where attention begins).
type Alignment struct {
	Proj *nn.Linear `weight:"proj"` // [C, tokens of the other]
	to   int        // the modality whose tokens are told
	from int        // the other
}

// newAlignments makes those of all pairs of modalities that share a space, one of which has tokens, without values.
func newAlignments(modalities []Modality, c int) (list []*Alignment) {
	for i, a := range modalities {
		for j, b := range modalities {
			if i != j && a.Space != "" && a.Space == b.Space && a.Width == b.Width && b.Tokens > 1 {
				list = append(list, &Alignment{nn.NewLinear(b.Tokens, c, false), i, j})
			}
		}
	}
	return list
}

// told reports whether a modality's tokens are no more than where they are and what they are told: where it is asked what belongs to it, and so what counts is in
// what asks. Their own values would have it learn by heart, of a few hundred pairs, what is in which picture.
func (m *Model) told(modality int) bool {
	if m.Config.Task.Kind != Match || m.Config.Modalities[modality].Matched {
		return false
	}
	return slices.ContainsFunc(m.Aligned, func(l *Alignment) bool { return l.to == modality })
}

// Forward is what it tells the tokens of a: [rows of a, C]. a and b are directions, as [Input.direction] gives them. Tokens of samples that lack b
// are told nothing.
func (l *Alignment) Forward(p *tensor.Pass, a, b Set) *tensor.Tensor {
	most := l.Proj.Weight.Dim(1)
	scores := zeros(p, a.X.Rows(), most)
	all, c := scores.Floats(), a.X.Dim(-1)
	from, to := a.X.Floats(), b.X.Floats()
	for i, sample := range a.Of {
		j, ok := slices.BinarySearch(b.Of, sample)
		if !ok {
			continue
		}
		first, n := int(b.Seq[j]), int(b.Seq[j+1]-b.Seq[j])
		for r := int(a.Seq[i]); r < int(a.Seq[i+1]); r++ {
			row := all[r*most:][:n]
			for k := range row {
				row[k] = kernel.Dot(from[r*c:][:c], to[(first+k)*c:][:c])
			}
			standardise(row)
		}
	}
	return l.Proj.Forward(scores)
}

// align adds what is alike to the tokens in sets, those of a batch.
func (m *Model) align(p *tensor.Pass, b Batch, sets []Set) {
	if len(m.Aligned) == 0 {
		return
	}
	directions := make([]Set, len(sets))
	for i, s := range b.Sets {
		if s.X != nil {
			directions[i] = Set{m.Inputs[i].direction(p, s.X), s.Of, s.Seq}
		}
	}
	for _, l := range m.Aligned {
		a, other := directions[l.to], directions[l.from]
		if a.X != nil && other.X != nil {
			sets[l.to].X = sets[l.to].X.Add(l.Forward(p, a, other))
		}
	}
}

// standardise brings values to mean 0 and variance 1; all to 0 where they are the same.
func standardise(row []float32) {
	mean, square := 0.0, 0.0
	for _, v := range row {
		mean += float64(v)
		square += float64(v) * float64(v)
	}
	mean /= float64(len(row))
	spread := math.Sqrt(max(0, square/float64(len(row))-mean*mean))
	if spread < 1e-6 {
		clear(row)
		return
	}
	for i, v := range row {
		row[i] = float32((float64(v) - mean) / spread)
	}
}

// direction is where features point from the mean of those that the model learnt from, so that what all have in common makes none alike.
func (in *Input) direction(p *tensor.Pass, x *tensor.Tensor) *tensor.Tensor {
	n, c := x.Rows(), in.Mean.Len()
	y := p.Empty(n, c)
	to, from := y.Floats(), x.Floats()
	for i := range n {
		row := to[i*c:][:c]
		for j, v := range in.Mean.Floats() {
			row[j] = from[i*c+j] - v
		}
		scale := 1 / max(1e-12, float32(math.Sqrt(float64(kernel.Dot(row, row)))))
		for j := range row {
			row[j] *= scale
		}
	}
	return y
}
