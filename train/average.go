package train

import (
	"slices"

	"github.com/chiasm/chiasm/tensor"
)

// An Average is the exponential moving average of parameters that are being learnt (Polyak & Juditsky 1992): it often does better than
// the last values.
type Average struct {
	keep   float32
	of     []tensor.Learnt
	values [][]float32
}

// NewAverage begins with the present values. At each update it keeps a share of itself, such as 0.999.
func NewAverage(g *tensor.Gradients, keep float64) *Average {
	a := &Average{keep: float32(keep), of: g.All()}
	for _, l := range a.of {
		a.values = append(a.values, slices.Clone(l.Param.Own()))
	}
	return a
}

// Update takes the present values in, after a step.
func (a *Average) Update() {
	take := 1 - a.keep
	for i, l := range a.of {
		values := a.values[i]
		for j, v := range l.Param.Own()[:len(values)] {
			values[j] += float32(take * float32(v-values[j]))
		}
	}
}

// Swap exchanges the average for the parameters' values: once to use it, again to go on learning.
func (a *Average) Swap() {
	for i, l := range a.of {
		own := l.Param.Own()
		for j, v := range a.values[i] {
			own[j], a.values[i][j] = v, own[j]
		}
		l.Param.Changed()
	}
}
