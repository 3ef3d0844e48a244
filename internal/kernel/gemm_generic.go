package kernel

import (
	"encoding/binary"
	"math"
)

// panelGeneric defines the product: rows m0 to m1 of one panel. Each sum goes over K in order.
func (g *Gemm) panelGeneric(m0, m1 int, p panel) {
	if g.layout.left == leftU8 {
		g.panelInt8(m0, m1, &p)
		return
	}
	weights := takeScratch(g.k * g.layout.width)
	defer weights.release()
	w := g.widen(weights.floats[:g.k*g.layout.width], &p)
	for m := m0; m < m1; {
		var sum [2][4]float32
		rows := min(2, m1-m)
		a0 := g.A[m*g.LDA:][:g.k]
		if rows == 2 {
			dot2x4(&sum, a0, g.A[(m+1)*g.LDA:][:g.k], w)
		} else {
			dot1x4(&sum[0], a0, w)
		}
		for r := range rows {
			for j, s := range p.scale {
				sum[r][j] *= s
			}
			g.finish(m+r, &p, sum[r][:p.n])
		}
		m += rows
	}
}

// widen is the numbers of a panel as float32: as they lie there, or written to dst.
func (g *Gemm) widen(dst []float32, p *panel) []float32 {
	switch g.layout.format {
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(p.data[2*i:])) << 16)
		}
	case F16:
		GenericFromF16(dst, p.data[:2*len(dst)])
	case W8:
		for i := range dst {
			dst[i] = float32(int8(p.data[i]))
		}
	default:
		return floatsOf(p.data)
	}
	return dst
}

// panelInt8 is panelGeneric for products of integers.
func (g *Gemm) panelInt8(m0, m1 int, p *panel) {
	for m := m0; m < m1; m++ {
		var sum [4]int32
		a := g.left.data[m*g.left.stride:][:g.layout.whole(g.k)]
		for k := 0; k < len(a); k += 4 {
			w := p.data[4*k:][:16]
			for j := range sum {
				for i := range 4 {
					sum[j] += int32(a[k+i]) * int32(int8(w[4*j+i]))
				}
			}
		}
		var out [4]float32
		for j := range out {
			out[j] = rescale(sum[j], g.left.zero[m], p.sums[j], g.left.scale[m], p.scale[j])
		}
		g.finish(m, p, out[:p.n])
	}
}

// rescale is the number that a sum of products of integers stands for. The zero point of a row of A was added to each of its values:
// what that put into the sum is taken out again.
func rescale(sum, zero, column int32, scaleA, scaleW float32) float32 {
	return float32(float32(sum-zero*column) * float32(scaleA*scaleW)) // rounded before anything is added
}

func dot2x4(sum *[2][4]float32, a0, a1, b []float32) {
	var s00, s01, s02, s03, s10, s11, s12, s13 float32
	a1 = a1[:len(a0)]
	for i, x := range a0 {
		w := b[4*i:][:4:4]
		y := a1[i]
		s00 += x * w[0]
		s01 += x * w[1]
		s02 += x * w[2]
		s03 += x * w[3]
		s10 += y * w[0]
		s11 += y * w[1]
		s12 += y * w[2]
		s13 += y * w[3]
	}
	sum[0], sum[1] = [4]float32{s00, s01, s02, s03}, [4]float32{s10, s11, s12, s13}
}

func dot1x4(sum *[4]float32, a, b []float32) {
	var s0, s1, s2, s3 float32
	for i, x := range a {
		w := b[4*i:][:4:4]
		s0 += x * w[0]
		s1 += x * w[1]
		s2 += x * w[2]
		s3 += x * w[3]
	}
	*sum = [4]float32{s0, s1, s2, s3}
}
