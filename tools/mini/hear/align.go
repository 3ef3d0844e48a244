package main

import (
	"math"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// An aligner teaches the ear, patch by patch, which phoneme it hears, as if phonemes took the time that is usual for their kind: the flat
// start of speech recognition. It is rough, but tells a network that knows nothing where to look.
type aligner struct {
	Phoneme *nn.Linear `weight:"phoneme"`

	slopes []float32
}

const symbols = 128

func newAligner(width int) *aligner { return &aligner{Phoneme: nn.NewLinear(width, symbols, true)} }

// lengths is how long the symbols of a pronunciation usually take, relative to one another.
func length(c byte) float64 {
	switch {
	case strings.IndexByte("',_#2;|%-", c) >= 0:
		return 0
	case c == ':':
		return 0.6
	case strings.IndexByte("aeiouAEIOUV3@0", c) >= 0:
		return 1.2
	}
	return 1
}

// learn adds weight times the mean cross-entropy of the patches x [T, C], whose sounds are pronounced so, and seeds its derivatives.
func (a *aligner) learn(x *tensor.Tensor, seq tensor.Spans, said []string, weight float64) (loss float64) {
	logits := a.Phoneme.Forward(x)
	if cap(a.slopes) < logits.Len() {
		a.slopes = make([]float32, logits.Len())
	}
	slopes := a.slopes[:logits.Len()]
	each := weight / float64(seq.Rows())
	for i, s := range said {
		first, last := int(seq[i]), int(seq[i+1])
		total := 0.0
		for _, c := range []byte(s) {
			total += length(c & 127)
		}
		for t := first; t < last; t++ {
			y, g := logits.Floats()[t*symbols:][:symbols], slopes[t*symbols:][:symbols]
			sum, top := 0.0, float32(math.Inf(-1))
			for _, v := range y {
				top = max(top, v)
			}
			for j, v := range y {
				e := math.Exp(float64(v - top))
				g[j] = float32(e)
				sum += e
			}
			for j := range g {
				g[j] *= float32(each / sum)
			}
			if total == 0 || s[0] > 127 { // an instrument
				clear(g)
				continue
			}
			// The symbols that overlap the patch share its target.
			from, to := (float64(t-first)-0.3)/float64(last-first), (float64(t-first)+1.3)/float64(last-first)
			from, to = max(from, 0), min(to, 1)
			at := 0.0
			for _, c := range []byte(s) {
				next := at + length(c&127)/total
				if part := min(next, to) - max(at, from); part > 0 {
					part /= to - from
					g[c&127] -= float32(each * part)
					loss -= each * part * (float64(y[c&127]-top) - math.Log(sum))
				}
				at = next
			}
		}
	}
	logits.Seed(slopes)
	return loss
}
