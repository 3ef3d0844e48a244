package nn

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/chiasm/chiasm/tensor"
)

// An RMSNorm scales each row to a mean square of 1, and then its values by their gains (Zhang & Sennrich 2019).
type RMSNorm struct {
	Weight *tensor.Tensor `weight:"weight"`
	Eps    float32
}

// NewRMSNorm makes a layer for rows of length c, or for the parts of that length of a row, without values.
func NewRMSNorm(c int, eps float32) *RMSNorm { return &RMSNorm{Weight: tensor.Param(c), Eps: eps} }

// Forward maps x [..., C] to the same shape; C is what the layer was made for, or a multiple.
func (l *RMSNorm) Forward(x *tensor.Tensor) *tensor.Tensor {
	return x.RMSNorm(l.Weight, l.Weight.Len(), l.Eps)
}

// A Rotary knows the angles of rotary position embeddings (Su et al. 2021) and keeps them. It may be used by many goroutines.
type Rotary struct {
	Theta float64 // the first pair of a share turns by 1 per place, the last by little more than 1/Theta
	Width int     // values of a head
	Axes  int     // shares of a head, each of which has a place of its own; 0 for 1

	mu    sync.Mutex
	table atomic.Pointer[angles]
}

// angles is a row of cosines and of sines for each place.
type angles struct{ cos, sin []float32 }

// Forward turns the heads of x [T, H·Width] in place, by the places of each row, one for each axis and less than limit.
func (r *Rotary) Forward(x *tensor.Tensor, places []int32, limit int) *tensor.Tensor {
	t := r.angles(limit)
	return x.Rotate(t.cos, t.sin, r.Width, places)
}

// angles is the table for n places or more. Frequencies and angles are rounded to float32, as transformers does.
func (r *Rotary) angles(n int) *angles {
	share := r.Width / max(r.Axes, 1)
	half := share / 2
	if t := r.table.Load(); t != nil && len(t.cos) >= n*half {
		return t
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.table.Load(); t != nil && len(t.cos) >= n*half {
		return t
	}
	size := 64
	for size < n {
		size *= 2
	}
	t := &angles{make([]float32, size*half), make([]float32, size*half)}
	for i := range half {
		frequency := 1 / float32(math.Pow(r.Theta, float64(float32(2*i)/float32(share))))
		for place := range size {
			sin, cos := math.Sincos(float64(float32(place) * frequency))
			t.cos[place*half+i], t.sin[place*half+i] = float32(cos), float32(sin)
		}
	}
	r.table.Store(t)
	return t
}
