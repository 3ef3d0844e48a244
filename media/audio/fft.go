package audio

import (
	"fmt"
	"math"
)

// lanes is how many transforms go side by side: every value is a row of lanes, so that what is done to one is done to all,
// with one set of factors, and can be done to all at once.
const lanes = 4

type row [lanes]float64

// A cell is a complex number in each lane.
type cell struct{ r, i row }

// An fft gives the power spectra of frames of n real samples: a complex transform of n/2 points by Stockham's method in
// passes of radix 5, 4 and 2, and the step that takes the two halves of a real signal apart. In 64 bits, since the decibels
// of CLAP reach far below the loudest bin.
type fft struct {
	n      int
	passes []pass
	turnR  []float64 // exp(-2πik/n) for k up to n/4
	turnI  []float64
}

// A pass does butterflies of one radix. Factors are exp(-2πi·p·k/size) for p < m, k from 1 to radix-1.
type pass struct {
	radix, m, stride int
	wr, wi           []float64
}

// newFFT makes the transform of n samples; n is even, and n/2 a product of twos and fives.
func newFFT(n int) *fft {
	f := &fft{n: n}
	size, stride := n/2, 1
	for size > 1 {
		p := pass{stride: stride}
		switch {
		case size%5 == 0:
			p.radix = 5
		case size%4 == 0:
			p.radix = 4
		case size%2 == 0:
			p.radix = 2
		default:
			panic(fmt.Sprintf("audio: expected an FFT of 2·2^a·5^b values, got %d", n))
		}
		p.m = size / p.radix
		for j := range p.m {
			for k := 1; k < p.radix; k++ {
				s, c := math.Sincos(-2 * math.Pi * float64(j*k) / float64(size))
				p.wr, p.wi = append(p.wr, c), append(p.wi, s)
			}
		}
		f.passes = append(f.passes, p)
		size = p.m
		stride *= p.radix
	}
	for k := range n/4 + 1 {
		s, c := math.Sincos(-2 * math.Pi * float64(k) / float64(n))
		f.turnR, f.turnI = append(f.turnR, c), append(f.turnI, s)
	}
	return f
}

// A work is the memory of one fft at work: the values, and as much again to go to and fro.
type work struct{ a, b []cell }

func (f *fft) newWork() *work {
	return &work{make([]cell, f.n/2), make([]cell, f.n/2)}
}

// power transforms the samples in w.a, the even ones real and the odd ones imaginary, and writes |X|² of bins 0 to n/2 to dst.
func (f *fft) power(dst []row, w *work) {
	x, y := w.a, w.b
	for i := range f.passes {
		p := &f.passes[i]
		switch p.radix {
		case 5:
			p.five(y, x)
		case 4:
			p.four(y, x)
		default:
			p.two(y, x)
		}
		x, y = y, x
	}
	f.split(dst, x)
}

// split takes the spectra of even and odd samples apart and joins them: X = E + exp(-2πik/n)·O.
func (f *fft) split(dst []row, z []cell) {
	h := f.n / 2
	dst = dst[:h+1]
	for l := range lanes {
		e, o := z[0].r[l], z[0].i[l]
		dst[0][l], dst[h][l] = (e+o)*(e+o), (e-o)*(e-o)
	}
	for k := 1; k <= h/2; k++ {
		c, s := f.turnR[k], f.turnI[k]
		a, b := &z[k], &z[h-k]
		low, high := &dst[k], &dst[h-k]
		for l := range lanes {
			er, ei := (a.r[l]+b.r[l])/2, (a.i[l]-b.i[l])/2
			or, oi := (a.i[l]+b.i[l])/2, (b.r[l]-a.r[l])/2
			tr, ti := or*c-oi*s, or*s+oi*c
			low[l] = (er+tr)*(er+tr) + (ei+ti)*(ei+ti)
			high[l] = (er-tr)*(er-tr) + (ei-ti)*(ei-ti)
		}
	}
}

func (p *pass) two(y, x []cell) {
	s := p.stride
	for j := range p.m {
		wr, wi := p.wr[j], p.wi[j]
		for q := range s {
			in, out := j*s+q, 2*j*s+q
			a, b, c, d := &x[in], &x[in+p.m*s], &y[out], &y[out+s]
			for l := range lanes {
				c.r[l], c.i[l] = a.r[l]+b.r[l], a.i[l]+b.i[l]
				ur, ui := a.r[l]-b.r[l], a.i[l]-b.i[l]
				d.r[l], d.i[l] = ur*wr-ui*wi, ur*wi+ui*wr
			}
		}
	}
}

func (p *pass) four(y, x []cell) {
	s, ms := p.stride, p.m*p.stride
	for j := range p.m {
		w := 3 * j
		w1r, w1i, w2r, w2i, w3r, w3i := p.wr[w], p.wi[w], p.wr[w+1], p.wi[w+1], p.wr[w+2], p.wi[w+2]
		for q := range s {
			in, out := j*s+q, 4*j*s+q
			a, b, c, d := &x[in], &x[in+ms], &x[in+2*ms], &x[in+3*ms]
			o0, o1, o2, o3 := &y[out], &y[out+s], &y[out+2*s], &y[out+3*s]
			for l := range lanes {
				pr, pi, mr, mi := a.r[l]+c.r[l], a.i[l]+c.i[l], a.r[l]-c.r[l], a.i[l]-c.i[l]
				qr, qi, nr, ni := b.r[l]+d.r[l], b.i[l]+d.i[l], b.r[l]-d.r[l], b.i[l]-d.i[l]
				o0.r[l], o0.i[l] = pr+qr, pi+qi
				ur, ui := mr+ni, mi-nr // m - i·n
				o1.r[l], o1.i[l] = ur*w1r-ui*w1i, ur*w1i+ui*w1r
				ur, ui = pr-qr, pi-qi
				o2.r[l], o2.i[l] = ur*w2r-ui*w2i, ur*w2i+ui*w2r
				ur, ui = mr-ni, mi+nr
				o3.r[l], o3.i[l] = ur*w3r-ui*w3i, ur*w3i+ui*w3r
			}
		}
	}
}

// Cosines and sines of fifths of the circle.
var (
	fifth1C, fifth1S = math.Cos(2 * math.Pi / 5), math.Sin(2 * math.Pi / 5)
	fifth2C, fifth2S = math.Cos(4 * math.Pi / 5), math.Sin(4 * math.Pi / 5)
)

func (p *pass) five(y, x []cell) {
	s, ms := p.stride, p.m*p.stride
	c1, s1, c2, s2 := fifth1C, fifth1S, fifth2C, fifth2S
	for j := range p.m {
		wr, wi := (*[4]float64)(p.wr[4*j:]), (*[4]float64)(p.wi[4*j:])
		for q := range s {
			in, out := j*s+q, 5*j*s+q
			a, b, c, d := &x[in], &x[in+ms], &x[in+2*ms], &x[in+3*ms]
			e := &x[in+4*ms]
			o0, o1, o2, o3 := &y[out], &y[out+s], &y[out+2*s], &y[out+3*s]
			o4 := &y[out+4*s]
			for l := range lanes {
				b4r, b4i, d4r, d4i := b.r[l]+e.r[l], b.i[l]+e.i[l], b.r[l]-e.r[l], b.i[l]-e.i[l]
				c3r, c3i, d3r, d3i := c.r[l]+d.r[l], c.i[l]+d.i[l], c.r[l]-d.r[l], c.i[l]-d.i[l]
				o0.r[l], o0.i[l] = a.r[l]+b4r+c3r, a.i[l]+b4i+c3i
				pr, pi := a.r[l]+c1*b4r+c2*c3r, a.i[l]+c1*b4i+c2*c3i
				qr, qi := s1*d4i+s2*d3i, -s1*d4r-s2*d3r // -i times the sines' part
				ur, ui := pr+qr, pi+qi
				o1.r[l], o1.i[l] = ur*wr[0]-ui*wi[0], ur*wi[0]+ui*wr[0]
				ur, ui = pr-qr, pi-qi
				o4.r[l], o4.i[l] = ur*wr[3]-ui*wi[3], ur*wi[3]+ui*wr[3]
				pr, pi = a.r[l]+c2*b4r+c1*c3r, a.i[l]+c2*b4i+c1*c3i
				qr, qi = s2*d4i-s1*d3i, -s2*d4r+s1*d3r
				ur, ui = pr+qr, pi+qi
				o2.r[l], o2.i[l] = ur*wr[1]-ui*wi[1], ur*wi[1]+ui*wr[1]
				ur, ui = pr-qr, pi-qi
				o3.r[l], o3.i[l] = ur*wr[2]-ui*wi[2], ur*wi[2]+ui*wr[2]
			}
		}
	}
}
