package vad

import (
	"context"
	_ "embed"
	"math"
	"sync"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// What the network hears.
const (
	Rate  = 16000 // Hz
	Chunk = 512   // samples for which there is one probability

	past   = 64  // samples before a chunk that it is heard with
	size   = 256 // samples of a frame
	hop    = 128 // samples between frames
	frames = 4   // in a chunk
	bins   = size/2 + 1
	state  = 128
)

// A network is Silero's: the spectrum of four frames, four convolutions over them that leave one, a recurrent layer from chunk to chunk,
// and a logit. Weights of convolutions are [out, taps, in].
type network struct {
	Spectrum *tensor.Tensor `weight:"stft.weight"` // [2·bins, size], real parts and then imaginary ones
	Encoder  []*nn.Linear   `weight:"encoder"`
	Input    *nn.Linear     `weight:"lstm.ih"` // [4·state, state], the gates for input, forgetting, cell and output
	Memory   *nn.Linear     `weight:"lstm.hh"` // likewise, of the state before
	Head     *nn.Linear     `weight:"head"`
}

//go:embed silero.safetensors
var silero []byte

// load is the network with the weights that the program holds.
var load = sync.OnceValue(func() *network {
	n := &network{
		Spectrum: tensor.Param(2*bins, size), Input: nn.NewLinear(state, 4*state, true), Memory: nn.NewLinear(state, 4*state, true),
		Head: nn.NewLinear(state, 1, true),
	}
	for _, c := range []struct{ in, taps, out int }{{bins, 3, 128}, {128, 3, 64}, {64, 3, 64}, {64, 1, 128}} {
		layer := nn.NewLinear(c.taps*c.in, c.out, true)
		if c.taps > 1 {
			layer.Weight = tensor.Param(c.out, c.taps, c.in)
		}
		n.Encoder = append(n.Encoder, layer)
	}
	set, err := weights.Parse(silero)
	if err == nil {
		var entries []tensor.Entry
		for _, name := range set.Names() {
			e, _ := set.Get(name)
			entries = append(entries, e)
		}
		err = nn.Bind(n, entries, nil)
	}
	if err != nil {
		panic(err) // the file is part of the program
	}
	return n
})

// A Stream is the network at work on one sound. It is for one goroutine.
type Stream struct {
	net   *network
	pass  *tensor.Pass
	heard [past]float32  // the end of the chunk before
	h, c  [state]float32 // of the recurrent layer
}

// NewStream starts at the beginning of a sound.
func NewStream() *Stream { return &Stream{net: load(), pass: tensor.NewPass(context.Background(), 1)} }

// together is how many chunks go through the convolutions at once.
const together = 64

// Probabilities writes the probability that there is speech, from 0 to 1, of each of the next len(dst) chunks of the sound. It panics
// unless there are len(dst)·[Chunk] samples.
func (s *Stream) Probabilities(dst, samples []float32) {
	if len(samples) != Chunk*len(dst) {
		panic(&tensor.ShapeError{Op: "vad", Want: "512 samples for each probability", Got: "another number"})
	}
	for len(dst) > 0 {
		n := min(together, len(dst))
		s.run(dst[:n], samples[:n*Chunk])
		dst, samples = dst[n:], samples[n*Chunk:]
	}
}

func (s *Stream) run(dst, samples []float32) {
	p, net, n := s.pass, s.net, len(dst)
	p.Reset(context.Background())
	x := s.magnitudes(s.cut(samples, n).Linear(net.Spectrum, nil, tensor.None))
	for i, c := range []struct{ from, to, stride int }{{4, 4, 1}, {4, 2, 2}, {2, 1, 2}} {
		x = taps(x, n, c.from, c.to, c.stride).Linear(net.Encoder[i].Weight, net.Encoder[i].Bias, tensor.ReLU)
	}
	x = x.Linear(net.Encoder[3].Weight, net.Encoder[3].Bias, tensor.ReLU)
	gates := net.Input.Forward(x).Floats()
	weight, bias := net.Head.Weight.Floats(), net.Head.Bias.Floats()[0]
	for i := range dst {
		m := p.Mark()
		sum := p.Input(s.h[:], 1, state).LinearAdd(net.Memory.Weight, net.Memory.Bias, p.Input(gates[i*4*state:][:4*state], 1, 4*state))
		logit := bias
		s.step(sum.Floats())
		for j, h := range s.h {
			logit += max(h, 0) * weight[j]
		}
		dst[i] = sigmoid(logit)
		p.Keep(m, x)
	}
}

// cut is the frames of n chunks, [n·frames, size]. Each chunk is heard with the end of the one before it, and mirrored at its own end.
func (s *Stream) cut(samples []float32, n int) *tensor.Tensor {
	x := s.pass.Empty(n*frames, size)
	rows := x.Floats()
	var sound [past + Chunk + past]float32
	for i := range n {
		copy(sound[:], s.heard[:])
		copy(sound[past:], samples[i*Chunk:(i+1)*Chunk])
		copy(s.heard[:], sound[Chunk:])
		for j := range past {
			sound[past+Chunk+j] = sound[past+Chunk-2-j]
		}
		for f := range frames {
			copy(rows[(i*frames+f)*size:][:size], sound[f*hop:])
		}
	}
	return x
}

// magnitudes is the spectrum's lengths, [rows, bins].
func (s *Stream) magnitudes(x *tensor.Tensor) *tensor.Tensor {
	y := s.pass.Empty(x.Rows(), bins)
	from, to := x.Floats(), y.Floats()
	for r := range x.Rows() {
		re, im := from[r*2*bins:][:bins], from[r*2*bins+bins:][:bins]
		for i := range re {
			to[r*bins+i] = float32(math.Sqrt(float64(re[i]*re[i] + im[i]*im[i])))
		}
	}
	return y
}

// taps lays three neighbouring rows of each chunk's x [n·from, C] side by side, every stride-th one in the middle, with nothing beyond the
// chunk: [n·to, 3·C].
func taps(x *tensor.Tensor, n, from, to, stride int) *tensor.Tensor {
	c := x.Dim(-1)
	y := x.Pass().Empty(n*to, 3*c)
	in, out := x.Floats(), y.Floats()
	for i := range n {
		for t := range to {
			for k := range 3 {
				row := out[((i*to+t)*3+k)*c:][:c]
				if at := t*stride + k - 1; at >= 0 && at < from {
					copy(row, in[(i*from+at)*c:])
				} else {
					clear(row)
				}
			}
		}
	}
	return y
}

// step moves the recurrent layer on by its gates (Hochreiter and Schmidhuber 1997, as PyTorch's LSTM).
func (s *Stream) step(gates []float32) {
	for i := range state {
		in, forget, cell, out := gates[i], gates[state+i], gates[2*state+i], gates[3*state+i]
		s.c[i] = sigmoid(forget)*s.c[i] + sigmoid(in)*tanh(cell)
		s.h[i] = sigmoid(out) * tanh(s.c[i])
	}
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func tanh(x float32) float32 { return float32(1 - 2/(1+math.Exp(2*float64(x)))) }
