package train

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/tensor"
)

// A Classify is the mean cross-entropy of logits [n, classes], a modality of the batch, against labels; with weights of classes it is a mean
// that is weighted by those of the labels, as PyTorch's. It is an [Objective].
type Classify struct {
	Logits    int       // the modality
	Labels    []int32   // of the items of the whole batch; below 0 for none
	Weights   []float64 // of the classes; nil if all count alike
	Smoothing float64   // the share of a target that goes to all classes alike (Szegedy et al. 2016); without weights

	Right, Seen int // of the last batch: how many labels had the largest logit, of how many

	values, slopes []float64
	seed           []float32
}

// Learn computes the loss, as [Objective] says; 0 if no item has a label.
func (c *Classify) Learn(b Batch, weight float64, into *tensor.Gradients) (float64, error) {
	c.Right, c.Seen = 0, 0
	v, err := b.modality(c.Logits)
	if err != nil || v.X == nil {
		return 0, err
	}
	n, classes, all := v.X.Rows(), v.X.Dim(-1), 0.0
	if c.Weights != nil && (len(c.Weights) != classes || c.Smoothing != 0) {
		return 0, fmt.Errorf("train: %d weights of %d classes and smoothing %v, want as many weights and no smoothing", len(c.Weights), classes, c.Smoothing)
	}
	for i := range n {
		label, err := c.label(v, i, classes)
		if err != nil {
			return 0, err
		}
		if label >= 0 {
			c.Seen++
			all += c.weight(label)
		}
	}
	if all == 0 {
		return 0, nil
	}
	if len(c.seed) < n*classes {
		c.seed = make([]float32, n*classes)
	}
	if len(c.values) < classes {
		c.values, c.slopes = make([]float64, classes), make([]float64, classes)
	}
	seed, loss := c.seed[:n*classes], 0.0
	clear(seed)
	for i := range n {
		if label, _ := c.label(v, i, classes); label >= 0 {
			share := c.weight(label) / all
			loss += share * c.row(seed[i*classes:][:classes], v.X.Floats()[i*classes:][:classes], label, weight*share)
		}
	}
	if into != nil && v.X.Learns() {
		v.X.Seed(seed)
	}
	return loss, nil
}

// weight is that of a class.
func (c *Classify) weight(label int) float64 {
	if c.Weights == nil {
		return 1
	}
	return c.Weights[label]
}

// label is that of row i, -1 for none.
func (c *Classify) label(v Vectors, i, classes int) (int, error) {
	owner := v.owner(i)
	if owner < 0 || int(owner) >= len(c.Labels) {
		return 0, fmt.Errorf("train: logits of item %d, want labels of as many: got %d", owner, len(c.Labels))
	}
	label := c.Labels[owner]
	if int(label) >= classes {
		return 0, fmt.Errorf("train: item %d has label %d, want less than the %d classes", owner, label, classes)
	}
	return int(max(label, -1)), nil
}

// row is the loss of one row; its derivatives, times weight, go to seed.
func (c *Classify) row(seed, logits []float32, label int, weight float64) (loss float64) {
	best := 0
	for j, v := range logits {
		c.values[j] = float64(v)
		if v > logits[best] {
			best = j
		}
	}
	if best == label {
		c.Right++
	}
	all, even := logSum(c.values[:len(logits)], len(logits), 1), c.Smoothing/float64(len(logits))
	for j, x := range c.values[:len(logits)] {
		target := even
		if j == label {
			target += 1 - c.Smoothing
		}
		loss -= target * (x - all)
		seed[j] = float32(weight * (math.Exp(x-all) - target))
	}
	return loss
}
