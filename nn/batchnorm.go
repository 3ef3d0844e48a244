package nn

import (
	"math"

	"github.com/chiasm/chiasm/tensor"
)

// A BatchNorm normalises each column by what it knows of it, then scales and shifts it (Ioffe & Szegedy 2015). A recording pass that
// learns its weight or bias normalises by the rows that it sees; the way back brings their statistics into those that the layer keeps.
type BatchNorm struct {
	Weight   *tensor.Tensor `weight:"weight"`
	Bias     *tensor.Tensor `weight:"bias"`
	Mean     *tensor.Tensor `weight:"running_mean"`
	Var      *tensor.Tensor `weight:"running_var"`
	Eps      float32
	Momentum float32 // the part of a batch in new statistics
	Frozen   bool    // the statistics stay as they are, even if weight and bias are learnt
}

// NewBatchNorm makes a layer for rows of length c, without values.
func NewBatchNorm(c int, eps, momentum float32) *BatchNorm {
	return &BatchNorm{
		Weight: tensor.Param(c), Bias: tensor.Param(c), Mean: tensor.Statistic(c), Var: tensor.Statistic(c), Eps: eps, Momentum: momentum,
	}
}

// Forward maps x [..., C] to the same shape, and applies an activation.
func (n *BatchNorm) Forward(x *tensor.Tensor, act tensor.Activation) *tensor.Tensor {
	return x.BatchNorm(tensor.BatchNorm{
		Gain: n.Weight, Bias: n.Bias, Mean: n.Mean, Var: n.Var, Eps: n.Eps, Momentum: n.Momentum, Frozen: n.Frozen,
	}, act)
}

// Normed is the layer followed by a norm, unless that is nil, as after [Linear.Fold], and an activation.
func (l *Linear) Normed(x *tensor.Tensor, norm *BatchNorm, act tensor.Activation) *tensor.Tensor {
	if norm == nil {
		return x.Linear(l.Weight, l.Bias, act)
	}
	return norm.Forward(l.Forward(x), act)
}

// Fold makes a layer with rows of weights, such as a convolution's, what it is with a norm behind it, by the statistics that the norm
// keeps: each row is multiplied by a number, and the bias, which there is from then on, shifted. The norm is not needed any more. It
// returns nil for the caller to put in its place, and does nothing if it is nil already. No pass may be using the layer.
func (l *Linear) Fold(n *BatchNorm) *BatchNorm {
	if n == nil {
		return nil
	}
	rows := l.Weight.Dim(0)
	scale, bias := make([]float32, rows), make([]float32, rows)
	for i, v := range n.Var.Floats() {
		s := float64(n.Weight.Floats()[i]) / math.Sqrt(float64(v)+float64(n.Eps))
		b := float64(n.Bias.Floats()[i]) - float64(n.Mean.Floats()[i])*s
		if l.Bias != nil {
			b += float64(l.Bias.Floats()[i]) * s
		}
		bias[i] = float32(b)
		if was := l.Weight.RowScales(); was != nil {
			s *= float64(was[i])
		}
		scale[i] = float32(s)
	}
	l.Weight.StoreScaled(l.Weight.DType(), l.Weight.Bytes(), scale, nil)
	l.Bias = tensor.Param(rows)
	l.Bias.Store(tensor.F32, tensor.EntryOf("", bias).Data, nil)
	return nil
}
