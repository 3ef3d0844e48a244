package tensor

import "github.com/chiasm/chiasm/internal/kernel"

// Transpose swaps the last two dimensions of x [..., R, C]: [..., C, R].
func (x *Tensor) Transpose() *Tensor {
	p := in("transpose", x)
	check(x.rank >= 2, "transpose", "two dimensions or more", x)
	y := p.header(F32, x.shape[:x.rank])
	r, c := x.shape[x.rank-2], x.shape[x.rank-1]
	y.shape[y.rank-2], y.shape[y.rank-1] = c, r
	y.floats, y.at = p.mem.take(y.Len())
	const block = 16 // rows whose values share cache lines of the result
	for from, to := x.floats, y.floats; len(from) > 0; from, to = from[r*c:], to[r*c:] {
		for first := 0; first < r; first += block {
			last := min(first+block, r)
			for j := range c {
				row := to[j*r+first : j*r+last]
				for i := range row {
					row[i] = from[(first+i)*c+j]
				}
			}
		}
	}
	if p.learns(x) {
		p.record(y, transposeBack, x)
	}
	return y
}

// transposeBack swaps the dimensions of dY back.
func transposeBack(p *Pass, s *step) {
	g, dy := p.gradient(s.x[0]), s.y.grad
	r, c := s.y.shape[s.y.rank-1], s.y.shape[s.y.rank-2] // of x
	for i := range g {
		matrix, row, col := i/(r*c)*r*c, i/c%r, i%c
		g[i] += dy[matrix+col*r+row]
	}
}

// Conv1D is act(w∗x + bias): the convolution of sequences x [B, T, C] along T, with pad zero rows before and after each. w is a parameter
// [N, taps, C]: the values of a tap lie together, so that what an output row sees is one stretch of memory and nothing needs to be
// gathered. It returns [B, (T + 2·pad - taps)/stride + 1, N].
func (x *Tensor) Conv1D(w, bias *Tensor, stride, pad int, act Activation) *Tensor {
	p := in("conv", x)
	p.forward("conv", x, w, bias)
	check(x.rank == 3 && w.rank == 3 && w.shape[2] == x.shape[2], "conv", "sequences [B, T, C] and a weight [N, taps, C]", x, " and ", w)
	b, c, taps := x.shape[0], x.shape[2], w.shape[1]
	rows := x.shape[1] + 2*pad
	if stride <= 0 || pad < 0 || rows < taps {
		fail("conv", "sequences as long as the kernel at least", x.shape[1], " rows for ", taps, " taps, stride ", stride, ", pad ", pad)
	}
	out := (rows-taps)/stride + 1
	y := p.Empty(b, out, w.shape[0])
	before := p.mem.at
	padded, _ := p.mem.take(rows * c)
	clear(padded[:pad*c])
	clear(padded[len(padded)-pad*c:])
	for i := range b {
		copy(padded[pad*c:], x.floats[i*x.shape[1]*c:][:x.shape[1]*c])
		p.product(kernel.Gemm{
			C: y.floats[i*out*w.shape[0]:], LDC: w.shape[0], A: padded, LDA: stride * c, M: out, Act: act,
		}, taps*c, w, bias)
	}
	p.mem.release(before)
	return y
}
