package audio

import (
	"fmt"
	"math"
)

// lanes is how many transforms go side by side: every value is a row of lanes, so that what is done to one is done to all,
// with one set of factors, and can be done to all at once.
const lanes = 4

type row [lanes]float64

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

// A work is the memory of one fft at work: real and imaginary parts, and as much again to go to and fro.
type work struct{ ar, ai, br, bi []row }

func (f *fft) newWork() *work {
	h := f.n / 2
	return &work{make([]row, h+1), make([]row, h+1), make([]row, h), make([]row, h)}
}

// power transforms the samples in w.ar (even ones) and w.ai (odd ones), and writes |X|² of bins 0 to n/2 to dst.
func (f *fft) power(dst []row, w *work) {
	xr, xi, yr, yi := w.ar[:f.n/2], w.ai[:f.n/2], w.br, w.bi
	for i := range f.passes {
		p := &f.passes[i]
		switch p.radix {
		case 5:
			p.five(yr, yi, xr, xi)
		case 4:
			p.four(yr, yi, xr, xi)
		default:
			p.two(yr, yi, xr, xi)
		}
		xr, xi, yr, yi = yr, yi, xr, xi
	}
	f.split(dst, xr, xi)
}

// split takes the spectra of even and odd samples apart and joins them: X = E + exp(-2πik/n)·O.
func (f *fft) split(dst []row, zr, zi []row) {
	h := f.n / 2
	dst = dst[:h+1]
	for l := range lanes {
		e, o := zr[0][l], zi[0][l]
		dst[0][l], dst[h][l] = (e+o)*(e+o), (e-o)*(e-o)
	}
	for k := 1; k <= h/2; k++ {
		c, s := f.turnR[k], f.turnI[k]
		ar, ai, br, bi := &zr[k], &zi[k], &zr[h-k], &zi[h-k]
		low, high := &dst[k], &dst[h-k]
		for l := range lanes {
			er, ei := (ar[l]+br[l])/2, (ai[l]-bi[l])/2
			or, oi := (ai[l]+bi[l])/2, (br[l]-ar[l])/2
			tr, ti := or*c-oi*s, or*s+oi*c
			low[l] = (er+tr)*(er+tr) + (ei+ti)*(ei+ti)
			high[l] = (er-tr)*(er-tr) + (ei-ti)*(ei-ti)
		}
	}
}

func (p *pass) two(yr, yi, xr, xi []row) {
	s := p.stride
	for j := range p.m {
		wr, wi := p.wr[j], p.wi[j]
		for q := range s {
			in, out := j*s+q, 2*j*s+q
			ar, ai, br, bi := &xr[in], &xi[in], &xr[in+p.m*s], &xi[in+p.m*s]
			cr, ci, dr, di := &yr[out], &yi[out], &yr[out+s], &yi[out+s]
			for l := range lanes {
				cr[l], ci[l] = ar[l]+br[l], ai[l]+bi[l]
				ur, ui := ar[l]-br[l], ai[l]-bi[l]
				dr[l], di[l] = ur*wr-ui*wi, ur*wi+ui*wr
			}
		}
	}
}

func (p *pass) four(yr, yi, xr, xi []row) {
	s, ms := p.stride, p.m*p.stride
	for j := range p.m {
		w := 3 * j
		w1r, w1i, w2r, w2i, w3r, w3i := p.wr[w], p.wi[w], p.wr[w+1], p.wi[w+1], p.wr[w+2], p.wi[w+2]
		for q := range s {
			in, out := j*s+q, 4*j*s+q
			ar, ai, br, bi := &xr[in], &xi[in], &xr[in+ms], &xi[in+ms]
			cr, ci, dr, di := &xr[in+2*ms], &xi[in+2*ms], &xr[in+3*ms], &xi[in+3*ms]
			o0r, o0i, o1r, o1i := &yr[out], &yi[out], &yr[out+s], &yi[out+s]
			o2r, o2i, o3r, o3i := &yr[out+2*s], &yi[out+2*s], &yr[out+3*s], &yi[out+3*s]
			for l := range lanes {
				pr, pi, mr, mi := ar[l]+cr[l], ai[l]+ci[l], ar[l]-cr[l], ai[l]-ci[l]
				qr, qi, nr, ni := br[l]+dr[l], bi[l]+di[l], br[l]-dr[l], bi[l]-di[l]
				o0r[l], o0i[l] = pr+qr, pi+qi
				ur, ui := mr+ni, mi-nr // m - i·n
				o1r[l], o1i[l] = ur*w1r-ui*w1i, ur*w1i+ui*w1r
				ur, ui = pr-qr, pi-qi
				o2r[l], o2i[l] = ur*w2r-ui*w2i, ur*w2i+ui*w2r
				ur, ui = mr-ni, mi+nr
				o3r[l], o3i[l] = ur*w3r-ui*w3i, ur*w3i+ui*w3r
			}
		}
	}
}

// Cosines and sines of fifths of the circle.
var (
	fifth1C, fifth1S = math.Cos(2 * math.Pi / 5), math.Sin(2 * math.Pi / 5)
	fifth2C, fifth2S = math.Cos(4 * math.Pi / 5), math.Sin(4 * math.Pi / 5)
)

func (p *pass) five(yr, yi, xr, xi []row) {
	s, ms := p.stride, p.m*p.stride
	c1, s1, c2, s2 := fifth1C, fifth1S, fifth2C, fifth2S
	for j := range p.m {
		wr, wi := (*[4]float64)(p.wr[4*j:]), (*[4]float64)(p.wi[4*j:])
		for q := range s {
			in, out := j*s+q, 5*j*s+q
			ar, ai, br, bi := &xr[in], &xi[in], &xr[in+ms], &xi[in+ms]
			cr, ci, dr, di := &xr[in+2*ms], &xi[in+2*ms], &xr[in+3*ms], &xi[in+3*ms]
			er, ei := &xr[in+4*ms], &xi[in+4*ms]
			o0r, o0i, o1r, o1i := &yr[out], &yi[out], &yr[out+s], &yi[out+s]
			o2r, o2i, o3r, o3i := &yr[out+2*s], &yi[out+2*s], &yr[out+3*s], &yi[out+3*s]
			o4r, o4i := &yr[out+4*s], &yi[out+4*s]
			for l := range lanes {
				b4r, b4i, d4r, d4i := br[l]+er[l], bi[l]+ei[l], br[l]-er[l], bi[l]-ei[l]
				c3r, c3i, d3r, d3i := cr[l]+dr[l], ci[l]+di[l], cr[l]-dr[l], ci[l]-di[l]
				o0r[l], o0i[l] = ar[l]+b4r+c3r, ai[l]+b4i+c3i
				pr, pi := ar[l]+c1*b4r+c2*c3r, ai[l]+c1*b4i+c2*c3i
				qr, qi := s1*d4i+s2*d3i, -s1*d4r-s2*d3r // -i times the sines' part
				ur, ui := pr+qr, pi+qi
				o1r[l], o1i[l] = ur*wr[0]-ui*wi[0], ur*wi[0]+ui*wr[0]
				ur, ui = pr-qr, pi-qi
				o4r[l], o4i[l] = ur*wr[3]-ui*wi[3], ur*wi[3]+ui*wr[3]
				pr, pi = ar[l]+c2*b4r+c1*c3r, ai[l]+c2*b4i+c1*c3i
				qr, qi = s2*d4i-s1*d3i, -s2*d4r+s1*d3r
				ur, ui = pr+qr, pi+qi
				o2r[l], o2i[l] = ur*wr[1]-ui*wi[1], ur*wi[1]+ui*wr[1]
				ur, ui = pr-qr, pi-qi
				o3r[l], o3i[l] = ur*wr[2]-ui*wi[2], ur*wi[2]+ui*wr[2]
			}
		}
	}
}
