package fusion

import (
	"iter"
	"math"
)

// parts is opinions as they are, and as if experts took no part, so that stacking learns to do without some: each set of 4 experts or fewer, of
// more all, all but one, and one alone.
func (o opinions) parts() iter.Seq[opinions] {
	all := 1<<len(o) - 1
	var sets []int
	if len(o) <= 4 {
		sets = subsets(len(o))
	} else {
		sets = append(sets, all)
		for k := range o {
			sets = append(sets, 1<<k, all&^(1<<k))
		}
	}
	return func(yield func(opinions) bool) {
		seen := map[int]bool{0: true}
		for _, set := range sets {
			some, there := make(opinions, len(o)), 0
			for k, logits := range o {
				if set&(1<<k) != 0 && logits != nil {
					some[k], there = logits, there|1<<k
				}
			}
			if !seen[there] && !yield(some) {
				return
			}
			seen[there] = true
		}
	}
}

// product is the weights of the stacking that is the product of experts: what each says of a class counts once for that class. With few samples to
// learn from, stacking stays near it.
func (c *Combination) product() []float32 {
	classes, width := c.Stack.Weight.Dim(0), c.Stack.Weight.Dim(1)
	weights := make([]float32, classes*width)
	for class := range classes {
		for first := 0; first < width; first += classes + 1 {
			weights[class*width+first+class] = 1
		}
	}
	return weights
}

// stacked appends the features of stacking to x: of each expert the logarithms of its probabilities after temperature scaling, and whether it
// takes part.
func (m *Model) stacked(x []float32, o opinions) []float32 {
	for k, logits := range o {
		if logits == nil {
			for range m.Config.Task.Outputs + 1 {
				x = append(x, 0)
			}
			continue
		}
		top, sum, calm := math.Inf(-1), 0.0, m.Late.temperature(k)
		for _, v := range logits {
			top = max(top, v/calm)
		}
		for _, v := range logits {
			sum += math.Exp(v/calm - top)
		}
		for _, v := range logits {
			x = append(x, float32(math.Log(max(math.Exp(v/calm-top)/sum, 1e-6))))
		}
		x = append(x, 1)
	}
	return x
}
