package wave

import (
	"fmt"
	"math"
)

// Lanes is how many transforms go side by side.
const Lanes = 8

// A Float is what is computed with.
type Float interface{ float32 | float64 }

// A Row is one number of each lane.
type Row[T Float] [Lanes]T

// A Cell is a complex number of each lane.
type Cell[T Float] struct{ R, I Row[T] }

// An FFT gives the power spectra of frames of n real samples: a complex transform of n/2 points by Stockham's method in
// passes of radix 4, 2 and 5, and the step that takes the two halves of a real signal apart. It doesn't
// change and is safe for any number of goroutines.
type FFT[T Float] struct {
	n      int
	passes []pass[T]
	turns  []turn[T] // exp(-2πik/n) for k up to n/4
}

// A turn is a complex number on the unit circle.
type turn[T Float] struct{ r, i T }

func newTurn[T Float](k, n int) turn[T] {
	s, c := math.Sincos(-2 * math.Pi * float64(k) / float64(n))
	return turn[T]{T(c), T(s)}
}

// A pass does butterflies of one radix. Factors are exp(-2πi·j·k/size) for j < m, k from 1 to radix-1.
type pass[T Float] struct {
	radix, m, stride int
	w                []turn[T]
}

// NewFFT makes the transform of n samples. It panics unless n is even, and n/2 a product of twos and fives.
func NewFFT[T Float](n int) *FFT[T] {
	f := &FFT[T]{n: n}
	size, stride := n/2, 1
	for size > 1 {
		p := pass[T]{stride: stride}
		switch { // the factors of a last pass are 1, which saves most with radix 5
		case size%4 == 0:
			p.radix = 4
		case size%2 == 0:
			p.radix = 2
		case size%5 == 0:
			p.radix = 5
		default:
			panic(fmt.Sprintf("wave: expected an FFT of 2·2^a·5^b values, got %d", n))
		}
		p.m = size / p.radix
		for j := range p.m {
			for k := 1; k < p.radix; k++ {
				p.w = append(p.w, newTurn[T](j*k, size))
			}
		}
		f.passes = append(f.passes, p)
		size = p.m
		stride *= p.radix
	}
	for k := range n/4 + 1 {
		f.turns = append(f.turns, newTurn[T](k, n))
	}
	return f
}

// Size is the number of samples of a frame.
func (f *FFT[T]) Size() int { return f.n }

// A Work is the memory of one FFT at work.
type Work[T Float] struct{ a, b []Cell[T] }

// NewWork makes memory for one goroutine.
func (f *FFT[T]) NewWork() *Work[T] {
	return &Work[T]{make([]Cell[T], f.n/2), make([]Cell[T], f.n/2)}
}

// Load puts a frame into each lane, times the window. Frames and window are of one length, an even one up to the size of
// the transform; zeros follow.
func (f *FFT[T]) Load(w *Work[T], frames *[Lanes][]float32, window []T) {
	n := len(window)
	for _, x := range frames {
		if len(x) != n || n > f.n || n%2 != 0 {
			panic(fmt.Sprintf("wave: expected frames of %d samples, got %d, for a transform of %d", n, len(x), f.n))
		}
	}
	load(w.a, frames, window)
	clear(w.a[n/2:])
}

// GenericLoad defines what Load does with a whole number of pairs of samples: the first of each is a real part.
func GenericLoad[T Float](cells []Cell[T], frames *[Lanes][]float32, window []T) {
	for i := range len(window) / 2 {
		c := &cells[i]
		for l := range Lanes {
			x := frames[l][2*i : 2*i+2]
			c.R[l], c.I[l] = T(x[0])*window[2*i], T(x[1])*window[2*i+1]
		}
	}
}

// Power transforms what was loaded, and writes |X|² of the bins 0 to n/2 to dst.
func (f *FFT[T]) Power(dst []Row[T], w *Work[T]) {
	if len(dst) < f.n/2+1 || len(w.a) != f.n/2 {
		panic(fmt.Sprintf("wave: expected space for %d bins, got %d", f.n/2+1, len(dst)))
	}
	x, y := w.a, w.b
	for i := range f.passes {
		f.passes[i].do(y, x)
		x, y = y, x
	}
	h := f.n / 2
	for l := range Lanes {
		e, o := x[0].R[l], x[0].I[l]
		dst[0][l], dst[h][l] = (e+o)*(e+o), (e-o)*(e-o)
	}
	if h > 1 {
		split(dst[:h+1], x, f.turns)
	}
}

// GenericSplit takes the spectra of even and odd samples apart and joins them, X = E + exp(-2πik/n)·O, for all bins but the
// first and the last.
func GenericSplit[T Float](dst []Row[T], z []Cell[T], turns []turn[T]) {
	h := len(z)
	for k := 1; k <= h/2; k++ {
		c, s := turns[k].r, turns[k].i
		a, b := &z[k], &z[h-k]
		low, high := &dst[k], &dst[h-k]
		for l := range Lanes {
			er, ei := (a.R[l]+b.R[l])/2, (a.I[l]-b.I[l])/2
			or, oi := (a.I[l]+b.I[l])/2, (b.R[l]-a.R[l])/2
			tr, ti := or*c-oi*s, or*s+oi*c
			low[l] = (er+tr)*(er+tr) + (ei+ti)*(ei+ti)
			high[l] = (er-tr)*(er-tr) + (ei-ti)*(ei-ti)
		}
	}
}
