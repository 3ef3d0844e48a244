package tensor

import "github.com/chiasm/chiasm/internal/kernel"

// Patches cuts pictures x [B, C, H, W] into squares of size × size, row by row, and lays each out as a row in the order of a
// convolution's weight: [B·N, C·size·size] with N = (H/size)·(W/size). What is left over at the right and the bottom is dropped, as a
// strided convolution does.
func (x *Tensor) Patches(size int) *Tensor {
	p := in("patches", x)
	check(x.rank == 4 && size > 0 && x.shape[2] >= size && x.shape[3] >= size, "patches", "pictures [B, C, H, W] at least a patch wide", x)
	b, c, h, w := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	rows, cols := h/size, w/size
	y := p.Empty(b*rows*cols, c*size*size)
	dst := y.floats
	for i := range b {
		for r := range rows {
			for q := range cols {
				for ch := range c {
					from := ((i*c+ch)*h+r*size)*w + q*size
					for range size {
						dst = dst[copy(dst, x.floats[from:from+size]):]
						from += w
					}
				}
			}
		}
	}
	if p.learns(x) {
		p.record(y, patchesBack, x).n = size
	}
	return y
}

// patchesBack adds dY where each value came from.
func patchesBack(p *Pass, s *step) {
	x, size, dy, g := s.x[0], s.n, s.y.grad, p.gradient(s.x[0])
	b, c, h, w := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	rows, cols := h/size, w/size
	for i := range b * rows * cols {
		for ch := range c {
			at := ((i/(rows*cols)*c+ch)*h+i/cols%rows*size)*w + i%cols*size
			for range size {
				kernel.Add(g[at:at+size], g[at:at+size], dy[:size])
				dy, at = dy[size:], at+w
			}
		}
	}
}

// PatchesLast cuts pictures x [B, C, H, W] as [Tensor.Patches] does, but lays out each pixel's channels together, [B·N, size·size·C],
// and multiplies the values by scale and adds shift.
func (x *Tensor) PatchesLast(size int, scale, shift float32) *Tensor {
	p := in("patches", x)
	p.forward("patches", x)
	check(x.rank == 4 && size > 0 && x.shape[2] >= size && x.shape[3] >= size, "patches", "pictures [B, C, H, W] at least a patch wide", x)
	b, c, h, w := x.shape[0], x.shape[1], x.shape[2], x.shape[3]
	rows, cols := h/size, w/size
	y := p.Empty(b*rows*cols, c*size*size)
	for i := range b {
		for ch := range c {
			plane := x.floats[(i*c+ch)*h*w:][:h*w]
			for r := range rows * size {
				for q := range cols * size {
					row := (i*rows+r/size)*cols + q/size
					y.floats[(row*size*size+r%size*size+q%size)*c+ch] = plane[r*w+q]*scale + shift
				}
			}
		}
	}
	return y
}

// Prepend puts a token parameter [C] before each of b sequences of equal length in x [B·N, C]: [B·(N+1), C].
func (x *Tensor) Prepend(token *Tensor, b int) *Tensor {
	p := in("prepend", x)
	c := x.cols()
	check(token.Len() == c && b > 0 && x.Rows()%b == 0, "prepend", "a token as long as a row, and sequences of equal length", token, " for ", x)
	n := x.Rows() / b
	y := p.Empty(b*(n+1), c)
	for i := range b {
		to := y.floats[i*(n+1)*c:][:(n+1)*c]
		copy(to, token.Floats())
		copy(to[c:], x.floats[i*n*c:][:n*c])
	}
	if p.learns(x, token) {
		s := p.record(y, prependBack, x)
		s.params[0], s.n = token, b
	}
	return y
}

// prependBack adds the first row of each sequence of dY to the token, the others to dX.
func prependBack(p *Pass, s *step) {
	size := s.y.Len() / s.n
	token, dx := p.wanted(s.params[0]), p.wanted(s.x[0])
	for g := s.y.grad; len(g) > 0; g = g[size:] {
		c := s.y.cols()
		if token != nil {
			kernel.Add(token, token, g[:c])
		}
		if dx != nil {
			n := size - c
			kernel.Add(dx[:n], dx[:n], g[c:size])
			dx = dx[n:]
		}
	}
}
