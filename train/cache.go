package train

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/tensor"
)

// A Cache classifies by likeness to a few examples, beside what texts say (Tip-Adapter, Zhang et al. 2022): to the logits of zero-shot
// classification it adds Alpha·Σ exp(-Beta·(1 - cosine)) of the examples of each class. It works at once, and better when its keys are learnt:
// it is an [Objective] over a batch of features [n, D] of length 1 and their zero-shot logits [n, classes].
type Cache struct {
	Keys    *tensor.Tensor // a parameter [m, D]: the examples' features
	Labels  []int32        // theirs
	Classes int
	Alpha   float64 // 0 for 1
	Beta    float64 // 0 for 5.5
	Targets []int32 // labels of the items of the batch to learn from

	Right int // of the last batch: how many had the largest logit

	classify     Classify
	logits, near []float32
	seed         []float32
}

// NewCache remembers examples. Features are brought to length 1.
func NewCache(e Examples) (*Cache, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	c := &Cache{Keys: zeros(len(e.Labels), e.Width), Labels: e.Labels, Classes: e.Classes}
	keys := c.Keys.Own()
	for i := range e.Labels {
		row, sum := keys[i*e.Width:][:e.Width], 0.0
		for j, v := range e.Features[i*e.Width:][:e.Width] {
			row[j], sum = v, sum+float64(v)*float64(v)
		}
		for j := range row {
			row[j] = float32(float64(row[j]) / max(math.Sqrt(sum), 1e-12))
		}
	}
	return c, nil
}

// Logits is those of features [n, D], given their zero-shot logits [n, classes]: n·classes values, valid until the next call.
func (c *Cache) Logits(features, zero *tensor.Tensor) ([]float32, error) {
	_, err := c.nearness(features, zero)
	return c.logits, err
}

func (c *Cache) sharpness() (alpha, beta float64) {
	if alpha, beta = c.Alpha, c.Beta; alpha == 0 {
		alpha = 1
	}
	if beta == 0 {
		beta = 5.5
	}
	return alpha, beta
}

// nearness computes the cosines [n, m] of features and examples, and the logits.
func (c *Cache) nearness(features, zero *tensor.Tensor) (*tensor.Tensor, error) {
	n := features.Rows()
	if zero.Rows() != n || zero.Dim(-1) != c.Classes {
		return nil, fmt.Errorf("train: cache: zero-shot logits %v for %d rows of features, want [%d, %d]", zero.Shape(), n, n, c.Classes)
	}
	if d := c.Keys.Dim(-1); features.Dim(-1) != d {
		return nil, fmt.Errorf("train: cache: features of %d values, want %d as the examples'", features.Dim(-1), d)
	}
	cosines := features.Linear(c.Keys, nil, tensor.None)
	c.add(cosines, zero)
	return cosines, nil
}

// add computes the logits from the cosines.
func (c *Cache) add(cosines, zero *tensor.Tensor) {
	alpha, beta := c.sharpness()
	m := len(c.Labels)
	c.logits, c.near = append(c.logits[:0], zero.Floats()...), resize(c.near, cosines.Len())
	for i, v := range cosines.Floats() {
		c.near[i] = float32(alpha * math.Exp(-beta*(1-float64(v))))
		c.logits[i/m*c.Classes+int(c.Labels[i%m])] += c.near[i]
	}
}

// Learn is the cross-entropy of the logits against Targets, as [Objective] says.
func (c *Cache) Learn(b Batch, weight float64, into *tensor.Gradients) (float64, error) {
	features, zero, err := both(b, 0, 1)
	if err != nil || features.X == nil || zero.X == nil {
		return 0, err
	}
	cosines, err := c.nearness(features.X, zero.X)
	if err != nil {
		return 0, err
	}
	p := features.X.Pass()
	logits := p.Input(c.logits, features.X.Rows(), c.Classes)
	if into != nil {
		logits.Watch()
	}
	c.classify.Labels = c.Targets
	loss, err := c.classify.Learn(Batch{{X: logits, Of: features.Of}}, weight, into)
	c.Right = c.classify.Right
	if err != nil || into == nil || !cosines.Learns() {
		return loss, err
	}
	_, beta := c.sharpness()
	c.seed = resize(c.seed, len(c.near))
	m, slopes := len(c.Labels), logits.Gradient()
	for i, near := range c.near {
		c.seed[i] = float32(beta*float64(near)) * slopes[i/m*c.Classes+int(c.Labels[i%m])]
	}
	cosines.Seed(c.seed)
	return loss, nil
}

// Tune chooses Alpha and Beta, on a grid of those given, for the most right answers among examples with their zero-shot logits; the
// first of equals. It returns the share that is right.
func (c *Cache) Tune(p *tensor.Pass, valid Examples, zero []float32, alphas, betas []float64) (accuracy float64, err error) {
	if err := valid.check(); err != nil {
		return 0, err
	}
	features := p.Input(valid.Features, len(valid.Labels), valid.Width)
	logits := p.Input(zero, len(valid.Labels), c.Classes)
	cosines, err := c.nearness(features, logits)
	if err != nil {
		return 0, err
	}
	accuracy = -1
	var alpha, beta float64
	for _, c.Beta = range betas {
		for _, c.Alpha = range alphas {
			c.add(cosines, logits)
			right := 0
			for i, l := range valid.Labels {
				if row := c.logits[i*c.Classes:][:c.Classes]; argmax(row) == int(l) {
					right++
				}
			}
			if a := float64(right) / float64(len(valid.Labels)); a > accuracy {
				accuracy, alpha, beta = a, c.Alpha, c.Beta
			}
		}
	}
	c.Alpha, c.Beta = alpha, beta
	return accuracy, p.Err()
}

// argmax is where the largest value is, the first of equals.
func argmax(x []float32) (best int) {
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}
