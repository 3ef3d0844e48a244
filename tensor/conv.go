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
	check(x.rank == 3 && w.rank == 3 && w.shape[2] == x.shape[2], "conv", "sequences [B, T, C] and a weight [N, taps, C]", x, " and ", w)
	b, c, taps := x.shape[0], x.shape[2], w.shape[1]
	rows := x.shape[1] + 2*pad
	if stride <= 0 || pad < 0 || rows < taps {
		fail("conv", "sequences as long as the kernel at least", x.shape[1], " rows for ", taps, " taps, stride ", stride, ", pad ", pad)
	}
	if p.learns(x, w, bias) && act != None {
		return x.Conv1D(w, bias, stride, pad, None).Activate(act)
	}
	out := (rows-taps)/stride + 1
	y := p.Empty(b, out, w.shape[0])
	if p.learns(x, w, bias) {
		s := p.record(y, conv1DBack, x)
		s.params[0], s.params[1], s.held[0] = w, bias, x.hold()
		s.ints = p.Integers(2)
		s.ints[0], s.ints[1] = int32(stride), int32(pad)
	}
	before := p.mem.at
	padded := p.padded(rows, pad, c)
	for i := range b {
		copy(padded[pad*c:], x.floats[i*x.shape[1]*c:][:x.shape[1]*c])
		p.product(kernel.Gemm{
			C: y.floats[i*out*w.shape[0]:], LDC: w.shape[0], A: padded, LDA: stride * c, M: out, Act: act,
		}, taps*c, w, bias)
	}
	p.mem.release(before)
	return y
}

// padded is memory for rows of c values, of which those at the ends are zero.
func (p *Pass) padded(rows, pad, c int) []float32 {
	m, _ := p.mem.take(rows * c)
	clear(m[:pad*c])
	clear(m[len(m)-pad*c:])
	return m
}

// conv1DBack is that of a linear layer whose rows overlap, for each sequence.
func conv1DBack(p *Pass, s *step) {
	x, w, stride, pad := s.x[0], s.params[0], int(s.ints[0]), int(s.ints[1])
	t, c, k, n, out := x.shape[1], x.shape[2], w.shape[1]*x.shape[2], w.shape[0], s.y.shape[1]
	dx, dw, db := p.wanted(x), p.wanted(w), p.wanted(s.params[1])
	before := p.mem.at
	rows := p.padded(t+2*pad, pad, c)
	for i := range x.shape[0] {
		dy, m := s.y.grad[i*out*n:][:out*n], p.mem.at
		if dw != nil || db != nil {
			copy(rows[pad*c:], s.held[0][i*t*c:][:t*c])
			turned := p.turned(dy, out, n)
			for j := range db {
				db[j] += kernel.Sum(turned[j*out:][:out])
			}
			if dw != nil {
				p.times(w.gradientFormat(), dw, k, turned, out, n, rows, stride*c, k, out, true)
			}
		}
		if dx != nil {
			seen, _ := p.mem.take(out * k)
			sum, _ := p.mem.take(len(rows))
			clear(sum)
			p.times(w.gradientFormat(), seen, k, dy, n, out, w.stored(), k, k, n, false)
			for r := range out {
				to := sum[r*stride*c:][:k]
				kernel.Add(to, to, seen[r*k:][:k])
			}
			to := dx[i*t*c:][:t*c]
			kernel.Add(to, to, sum[pad*c:][:t*c])
		}
		p.mem.release(m)
	}
	p.mem.release(before)
}
