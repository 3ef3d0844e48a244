package train

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/tensor"
)

// A Contrast is what a contrastive loss learns beside the model: how the cosine of two vectors becomes a logit, scale·cosine + bias.
type Contrast struct {
	LogScale *tensor.Tensor // a parameter [], the logarithm of the scale
	Bias     *tensor.Tensor // a parameter [], of the sigmoid loss; nil for 0

	logits, slopes []float64 // kept, so that a step allocates nothing
	seed           []float32
	vectors        [2][]float32 // of a batch in parts, then the derivatives by them
}

// MaxScale is the largest scale that [Contrast.Clamp] allows, CLIP's own (Radford et al. 2021).
const MaxScale = 100

// Clamp brings the scale into 1 to [MaxScale]. It is for after each step: without it learning may run away.
func (c *Contrast) Clamp() {
	v := c.LogScale.Own()
	v[0] = max(0, min(float32(math.Log(MaxScale)), v[0]))
	c.LogScale.Changed()
}

// A Loss is a function of the logits [n, n] of a batch, of which row i and column i belong together. It writes its derivatives by them to
// slopes.
type Loss func(slopes, logits []float64, n int) float64

// Learn computes a loss over vectors of length 1, a and b [n, D], of which row i of one belongs to row i of the other. Given gradients
// it adds to those of the scale and the bias, and seeds the way back of the recording pass that a and b were computed in. It is an error
// to compare fewer than two pairs.
func (c *Contrast) Learn(loss Loss, a, b *tensor.Tensor, into *tensor.Gradients) (float64, error) {
	n := a.Rows()
	if n != b.Rows() {
		return 0, fmt.Errorf("train: %d vectors of one kind and %d of the other, want pairs", n, b.Rows())
	}
	if n < 2 {
		return 0, fmt.Errorf("train: a contrastive loss over %d pairs, want 2 or more: there is nothing to tell a single pair from", n)
	}
	cosines := a.Dots(b, 1)
	scale, bias := math.Exp(float64(c.LogScale.Floats()[0])), 0.0
	if c.Bias != nil {
		bias = float64(c.Bias.Floats()[0])
	}
	if len(c.logits) < n*n {
		c.logits, c.slopes, c.seed = make([]float64, n*n), make([]float64, n*n), make([]float32, n*n)
	}
	for i, v := range cosines.Floats() {
		c.logits[i] = scale*float64(v) + bias
	}
	value := loss(c.slopes[:n*n], c.logits[:n*n], n)
	if into != nil {
		c.back(cosines, scale, into)
	}
	return value, nil
}

// back hands the derivatives by the logits on.
func (c *Contrast) back(cosines *tensor.Tensor, scale float64, into *tensor.Gradients) {
	var byScale, byBias float64
	seed := c.seed[:cosines.Len()]
	for i, g := range c.slopes[:len(seed)] {
		byScale += g * scale * float64(cosines.Floats()[i])
		byBias += g
		seed[i] = float32(g * scale)
	}
	if cosines.Learns() { // else only the scale does
		cosines.Seed(seed)
	}
	if g := into.Of(c.LogScale); g != nil {
		g[0] += float32(byScale)
	}
	if c.Bias != nil {
		if g := into.Of(c.Bias); g != nil {
			g[0] += float32(byBias)
		}
	}
}

// InfoNCE is the mean of two cross-entropies: of each row's own column among all, and of each column's own row (Radford et al. 2021).
func InfoNCE(slopes, logits []float64, n int) (loss float64) {
	clear(slopes)
	for i := range n {
		own := i * (n + 1)
		loss += logSum(slopes[i*n:], logits[i*n:], n, 1) + logSum(slopes[i:], logits[i:], n, n) - 2*logits[own]
		slopes[own] -= 2
	}
	return mean(loss, slopes, 2*n)
}

// Shared is InfoNCE for rows that belong to several columns, or more to some than to others: the cross-entropies are against the shares
// that weights [n, n], none below 0, have in the sum of their row and of their column (Yang et al. 2022). A row or column of zeros
// counts for nothing. Positives are weights of 1; the similarities of a teacher, after a softmax, are a distillation.
func Shared(weights []float64) Loss {
	return func(slopes, logits []float64, n int) (loss float64) {
		clear(slopes)
		for i := range n {
			loss += shares(slopes[i*n:], logits[i*n:], weights[i*n:], n, 1)
			loss += shares(slopes[i:], logits[i:], weights[i:], n, n)
		}
		return mean(loss, slopes, 2*n)
	}
}

// shares is the cross-entropy of n logits that lie step apart against the shares of weights. It adds its derivatives to slopes.
func shares(slopes, x, weights []float64, n, step int) (loss float64) {
	sum := 0.0
	for j := range n {
		sum += weights[j*step]
	}
	if sum == 0 {
		return 0
	}
	loss = logSum(slopes, x, n, step)
	for j := range n {
		share := weights[j*step] / sum
		loss -= share * x[j*step]
		slopes[j*step] -= share
	}
	return loss
}

// logSum is log Σ exp(x) of n logits that lie step apart. It adds its derivatives, a softmax, to slopes.
func logSum(slopes, x []float64, n, step int) float64 {
	top, sum := math.Inf(-1), 0.0
	for j := range n {
		top = max(top, x[j*step])
	}
	for j := range n {
		sum += math.Exp(x[j*step] - top)
	}
	for j := range n {
		slopes[j*step] += math.Exp(x[j*step]-top) / sum
	}
	return top + math.Log(sum)
}

// mean divides a sum and its derivatives by n.
func mean(sum float64, slopes []float64, n int) float64 {
	for i := range slopes {
		slopes[i] /= float64(n)
	}
	return sum / float64(n)
}

// Sigmoid is the sum of -log σ(±logit), + for what belongs together, - for what does not, divided by n (Zhai et al. 2023).
func Sigmoid(slopes, logits []float64, n int) (loss float64) {
	for i, x := range logits {
		sign := -1.0
		if i/n == i%n {
			sign = 1
		}
		z := sign * x
		loss += max(-z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
		slopes[i] = -sign / (1 + math.Exp(z)) / float64(n)
	}
	return loss / float64(n)
}
