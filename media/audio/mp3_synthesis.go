package audio

import "math"

// Tables of the hybrid synthesis, ISO 11172-3, 2.4.3.4.
var (
	aliasS, aliasA = aliasGains()
	windows        = blockWindows()
	cosines36      = imdctCosines(18)
	cosines12      = imdctCosines(6)
	dctScale       = dctScales()
	polyphase      = polyphaseWindow()
)

func aliasGains() (s, a [8]float32) {
	for i, c := range [8]float64{-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037} {
		s[i], a[i] = float32(1/math.Sqrt(1+c*c)), float32(c/math.Sqrt(1+c*c))
	}
	return s, a
}

// blockWindows gives the four windows; the short one has 12 values.
func blockWindows() (w [4][36]float32) {
	long := func(i int) float32 { return float32(math.Sin(math.Pi / 36 * (float64(i) + 0.5))) }
	short := func(i int) float32 { return float32(math.Sin(math.Pi / 12 * (float64(i) + 0.5))) }
	for i := range 36 {
		w[0][i] = long(i)
	}
	for i := range 12 {
		w[2][i] = short(i)
	}
	for i := range 18 {
		w[1][i], w[3][18+i] = long(i), long(18+i)
	}
	for i := range 6 {
		w[1][18+i], w[1][24+i] = 1, short(6+i)
		w[3][6+i], w[3][12+i] = short(i), 1
	}
	return w
}

// imdctCosines gives the rows of an inverse modified cosine transform of n values that are not mirrors of others: the first
// half of the first half of its 2n results, and of the second.
func imdctCosines(n int) []float32 {
	c := make([]float32, n*n)
	for row := range n {
		i := row
		if row >= n/2 {
			i = n + row - n/2
		}
		for k := range n {
			c[row*n+k] = float32(math.Cos(math.Pi / float64(4*n) * float64((2*i+1+n)*(2*k+1))))
		}
	}
	return c
}

func dctScales() (s [32]float32) { // of the halves of 32, 16, 8, 4 and 2 values, one after the other
	at := 0
	for n := 32; n > 1; n /= 2 {
		for i := range n / 2 {
			s[at] = float32(0.5 / math.Cos(math.Pi/float64(2*n)*float64(2*i+1)))
			at++
		}
	}
	return s
}

// antialias joins neighbouring sub-bands of long windows.
func (p *part) antialias(x *[granule]float32) {
	bands := (p.nonzero + 17) / 18
	switch {
	case p.block == 2 && !p.mixed:
		return
	case p.block == 2:
		bands = 1
	}
	for sb := 1; sb <= min(bands, 31); sb++ {
		for i := range 8 {
			down, up := &x[18*sb-1-i], &x[18*sb+i]
			*down, *up = *down*aliasS[i]-*up*aliasA[i], *up*aliasS[i]+*down*aliasA[i]
		}
	}
	if p.nonzero > 0 {
		p.nonzero = min(granule, p.nonzero+8)
	}
}

// hybrid turns each sub-band's 18 values into samples of that band in time, adding the half that overlaps.
func (p *part) hybrid(x *[granule]float32, overlap *[granule]float32) {
	var out [36]float32
	for sb := range 32 {
		in, old := x[18*sb:18*sb+18], overlap[18*sb:18*sb+18]
		if 18*sb >= p.nonzero {
			copy(in, old)
			clear(old)
		} else {
			if p.block == 2 && !(p.mixed && sb < 2) {
				imdctShort(&out, in)
			} else {
				block := p.block
				if p.mixed && sb < 2 {
					block = 0
				}
				imdctLong(&out, in, &windows[block])
			}
			for i := range in {
				in[i] = out[i] + old[i]
				old[i] = out[18+i]
			}
		}
		if sb&1 == 1 {
			for i := 1; i < 18; i += 2 {
				in[i] = -in[i]
			}
		}
	}
}

func imdctLong(out *[36]float32, in []float32, window *[36]float32) {
	x := (*[18]float32)(in)
	for i := range 9 {
		a, b := (*[18]float32)(cosines36[18*i:]), (*[18]float32)(cosines36[18*(i+9):])
		var s, t float32
		for k, v := range x {
			s += v * a[k]
			t += v * b[k]
		}
		out[i], out[17-i] = s*window[i], -s*window[17-i]
		out[18+i], out[35-i] = t*window[18+i], t*window[35-i]
	}
}

func imdctShort(out *[36]float32, in []float32) {
	*out = [36]float32{}
	window := &windows[2]
	for w := range 3 {
		o := out[6+6*w : 18+6*w]
		for i := range 3 {
			var s, t float32
			for k := range 6 {
				v := in[3*k+w]
				s += v * cosines12[6*i+k]
				t += v * cosines12[6*(i+3)+k]
			}
			o[i] += s * window[i]
			o[5-i] -= s * window[5-i]
			o[6+i] += t * window[6+i]
			o[11-i] += t * window[11-i]
		}
	}
}

// dct is the discrete cosine transform of type II of x in place, by halving (B. G. Lee, 1984). tmp is as long.
func dct(x, tmp, scale []float32) {
	n := len(x)
	if n == 1 {
		return
	}
	half := n / 2
	a, b := tmp[:half], tmp[half:n]
	s := scale[:half]
	for i := range half {
		u, v := x[i], x[n-1-i]
		a[i], b[i] = u+v, (u-v)*s[i]
	}
	dct(a, x[:half], scale[half:])
	dct(b, x[half:], scale[half:])
	for i := range half - 1 {
		x[2*i], x[2*i+1] = a[i], b[i]+b[i+1]
	}
	x[n-2], x[n-1] = a[half-1], b[half-1]
}

// A bank is the state of the polyphase filter of a channel: 16 blocks of 64 values, the newest at block at.
type bank struct {
	v  [1024]float32
	at int
}

// synthesize writes the granule's samples, step apart.
func (f *bank) synthesize(dst []float32, step int, x *[granule]float32) {
	var s, tmp, acc [32]float32
	for slot := range 18 {
		for sb := range 32 {
			s[sb] = x[18*sb+slot]
		}
		dct(s[:], tmp[:], dctScale[:])
		f.at = (f.at + 15) & 15
		v := (*[64]float32)(f.v[64*f.at:])
		for i := range 16 {
			v[i], v[48+i] = s[16+i], -s[i]
			v[17+i], v[32+i] = -s[31-i], -s[16-i]
		}
		v[16] = 0
		acc = [32]float32{}
		for i := range 8 {
			a := (*[32]float32)(f.v[64*((f.at+2*i)&15):])
			b := (*[32]float32)(f.v[64*((f.at+2*i+1)&15)+32:])
			w := (*[64]float32)(polyphase[64*i:])
			for j := range acc {
				acc[j] += a[j]*w[j] + b[j]*w[32+j]
			}
		}
		for j, v := range acc {
			dst[(32*slot+j)*step] = v
		}
	}
}
