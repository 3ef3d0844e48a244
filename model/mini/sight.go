package mini

import (
	"math"
	"slices"

	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Sight maps what EfficientNet sees in a picture into the space.
type Sight struct {
	Classes *tensor.Tensor `weight:"classes"` // [D, classes], what the names of each class mean
	Norm    *nn.BatchNorm  `weight:"norm"`    // of the features
	Head    *Head          `weight:"head"`
	Config  SightConfig
}

// A Head is a layer with a hidden one beside it.
type Head struct {
	Direct *nn.Linear `weight:"direct"`
	Up     *nn.Linear `weight:"up"`
	Down   *nn.Linear `weight:"down"`
}

// A SightConfig is the numbers of a Sight.
type SightConfig struct {
	Likeliest   int     `json:"likeliest"`        // classes that are mixed
	Temperature float32 `json:"temperature"`      // by which their logits are divided
	Weight      float32 `json:"weight"`           // of the head beside the classes
	Centre      float32 `json:"centre,omitempty"` // how much of what all classes have in common is taken away
}

// NewHead makes a head without values.
func NewHead(features, hidden, d int) *Head {
	return &Head{Direct: nn.NewLinear(features, d, true), Up: nn.NewLinear(features, hidden, true), Down: nn.NewLinear(hidden, d, true)}
}

// Forward maps normed features [B, F] to [B, D]. In a recording pass with a random source, part of them is dropped.
func (h *Head) Forward(x *tensor.Tensor, drop float32) *tensor.Tensor {
	hidden := x.Linear(h.Up.Weight, h.Up.Bias, tensor.GELU)
	if drop > 0 {
		x, hidden = x.Dropout(drop), hidden.Dropout(drop)
	}
	return hidden.LinearAdd(h.Down.Weight, h.Down.Bias, h.Direct.Forward(x))
}

// NewSight makes a Sight without values for the features of an image tower.
func NewSight(c *Config, features int) *Sight {
	return &Sight{
		Classes: tensor.Param(c.Dimension, c.Classes), Norm: nn.NewBatchNorm(features, 1e-5, 0.1),
		Head: NewHead(features, c.HeadHidden, c.Dimension), Config: c.Sight,
	}
}

// Base is the mix of the vectors of the likeliest classes, of length 1: logits [B, classes] to [B, D].
func (s *Sight) Base(logits *tensor.Tensor) *tensor.Tensor {
	p, n := logits.Pass(), logits.Dim(1)
	shares := p.Empty(logits.Dim(0), n)
	for i := range logits.Dim(0) {
		s.Config.mix(shares.Floats()[i*n:][:n], logits.Floats()[i*n:][:n])
	}
	return shares.Linear(s.Classes, nil, tensor.None).Normalize(1e-12)
}

// mix fills in the shares of the classes: a softmax over the likeliest, 0 for the rest. Of equal ones at the edge all count.
func (c *SightConfig) mix(shares, logits []float32) {
	copy(shares, logits)
	slices.Sort(shares)
	edge, top := shares[max(0, len(shares)-c.Likeliest)], shares[len(shares)-1]
	sum := float32(0)
	for i, v := range logits {
		if shares[i] = 0; v >= edge {
			shares[i] = float32(math.Exp(float64((v - top) / c.Temperature)))
			sum += shares[i]
		}
	}
	for i := range shares {
		shares[i] /= sum
	}
}

// Forward maps the features of pictures [B, F] to vectors [B, D].
func (s *Sight) Forward(features *tensor.Tensor, tower *efficientnet.Tower) *tensor.Tensor {
	return s.Centred(s.Join(s.Base(tower.Logits(features)), s.Head.Forward(s.Norm.Forward(features, tensor.None), 0)))
}

// Centred takes from vectors [B, D], brought to length 1, a share of the mean of the classes: a text that is near to that is a little near to
// every picture, which says nothing of any (Mu and Viswanath, "All-but-the-Top", 2018).
func (s *Sight) Centred(x *tensor.Tensor) *tensor.Tensor {
	if s.Config.Centre == 0 {
		return x
	}
	same := x.Pass().Empty(x.Dim(0), s.Classes.Dim(1))
	for i := range same.Floats() {
		same.Floats()[i] = 1 / float32(s.Classes.Dim(1))
	}
	return x.Normalize(1e-12).Add(same.Linear(s.Classes, nil, tensor.None).Scaled(-s.Config.Centre))
}

// Join adds what the head says [B, D], brought to a length, to the base [B, D], whose memory it may take.
func (s *Sight) Join(base, head *tensor.Tensor) *tensor.Tensor {
	return base.Add(head.Normalize(1e-12).Scaled(s.Config.Weight))
}
