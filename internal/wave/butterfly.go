package wave

import "math"

// generic defines a pass: from x to y.
func (p *pass[T]) generic(y, x []Cell[T]) {
	switch p.radix {
	case 5:
		p.five(y, x)
	case 4:
		p.four(y, x)
	default:
		p.two(y, x)
	}
}

func (p *pass[T]) two(y, x []Cell[T]) {
	s := p.stride
	for j := range p.m {
		w := p.w[j]
		for q := range s {
			in, out := j*s+q, 2*j*s+q
			a, b, c, d := &x[in], &x[in+p.m*s], &y[out], &y[out+s]
			for l := range Lanes {
				c.R[l], c.I[l] = a.R[l]+b.R[l], a.I[l]+b.I[l]
				ur, ui := a.R[l]-b.R[l], a.I[l]-b.I[l]
				d.R[l], d.I[l] = ur*w.r-ui*w.i, ur*w.i+ui*w.r
			}
		}
	}
}

func (p *pass[T]) four(y, x []Cell[T]) {
	s, ms := p.stride, p.m*p.stride
	for j := range p.m {
		w := (*[3]turn[T])(p.w[3*j:])
		for q := range s {
			in, out := j*s+q, 4*j*s+q
			a, b, c, d := &x[in], &x[in+ms], &x[in+2*ms], &x[in+3*ms]
			o0, o1, o2, o3 := &y[out], &y[out+s], &y[out+2*s], &y[out+3*s]
			for l := range Lanes {
				pr, pi, mr, mi := a.R[l]+c.R[l], a.I[l]+c.I[l], a.R[l]-c.R[l], a.I[l]-c.I[l]
				qr, qi, nr, ni := b.R[l]+d.R[l], b.I[l]+d.I[l], b.R[l]-d.R[l], b.I[l]-d.I[l]
				o0.R[l], o0.I[l] = pr+qr, pi+qi
				ur, ui := mr+ni, mi-nr // m - i·n
				o1.R[l], o1.I[l] = ur*w[0].r-ui*w[0].i, ur*w[0].i+ui*w[0].r
				ur, ui = pr-qr, pi-qi
				o2.R[l], o2.I[l] = ur*w[1].r-ui*w[1].i, ur*w[1].i+ui*w[1].r
				ur, ui = mr-ni, mi+nr
				o3.R[l], o3.I[l] = ur*w[2].r-ui*w[2].i, ur*w[2].i+ui*w[2].r
			}
		}
	}
}

// Cosines and sines of fifths of the circle.
var (
	fifth1C, fifth1S = math.Cos(2 * math.Pi / 5), math.Sin(2 * math.Pi / 5)
	fifth2C, fifth2S = math.Cos(4 * math.Pi / 5), math.Sin(4 * math.Pi / 5)
)

func (p *pass[T]) five(y, x []Cell[T]) {
	s, ms := p.stride, p.m*p.stride
	c1, s1, c2, s2 := T(fifth1C), T(fifth1S), T(fifth2C), T(fifth2S)
	for j := range p.m {
		w := (*[4]turn[T])(p.w[4*j:])
		for q := range s {
			in, out := j*s+q, 5*j*s+q
			a, b, c, d := &x[in], &x[in+ms], &x[in+2*ms], &x[in+3*ms]
			e := &x[in+4*ms]
			o0, o1, o2, o3 := &y[out], &y[out+s], &y[out+2*s], &y[out+3*s]
			o4 := &y[out+4*s]
			for l := range Lanes {
				b4r, b4i, d4r, d4i := b.R[l]+e.R[l], b.I[l]+e.I[l], b.R[l]-e.R[l], b.I[l]-e.I[l]
				c3r, c3i, d3r, d3i := c.R[l]+d.R[l], c.I[l]+d.I[l], c.R[l]-d.R[l], c.I[l]-d.I[l]
				o0.R[l], o0.I[l] = a.R[l]+b4r+c3r, a.I[l]+b4i+c3i
				pr, pi := a.R[l]+c1*b4r+c2*c3r, a.I[l]+c1*b4i+c2*c3i
				qr, qi := s1*d4i+s2*d3i, -s1*d4r-s2*d3r // -i times the sines' part
				ur, ui := pr+qr, pi+qi
				o1.R[l], o1.I[l] = ur*w[0].r-ui*w[0].i, ur*w[0].i+ui*w[0].r
				ur, ui = pr-qr, pi-qi
				o4.R[l], o4.I[l] = ur*w[3].r-ui*w[3].i, ur*w[3].i+ui*w[3].r
				pr, pi = a.R[l]+c2*b4r+c1*c3r, a.I[l]+c2*b4i+c1*c3i
				qr, qi = s2*d4i-s1*d3i, -s2*d4r+s1*d3r
				ur, ui = pr+qr, pi+qi
				o2.R[l], o2.I[l] = ur*w[1].r-ui*w[1].i, ur*w[1].i+ui*w[1].r
				ur, ui = pr-qr, pi-qi
				o3.R[l], o3.I[l] = ur*w[2].r-ui*w[2].i, ur*w[2].i+ui*w[2].r
			}
		}
	}
}
