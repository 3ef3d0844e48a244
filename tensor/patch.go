package tensor

import (
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// Same is the padding of TensorFlow's convolutions: as many places as steps fit the picture, with as many zeros around it as that takes,
// the odd row and column at the bottom and at the right.
const Same = -1

// Patches cuts pictures x [B, C, H, W] into squares of size × size, row by row, and lays each out as a row in the order of a
// convolution's weight: [B·N, C·size·size] with N = (H/size)·(W/size). What is left over at the right and the bottom is dropped, as a
// strided convolution does.
func (x *Tensor) Patches(size int) *Tensor {
	y := x.Windows(size, size, 0)
	y.rank, y.shape = 2, [MaxRank]int{y.Rows(), y.cols()}
	return y
}

// Windows lays out what each place of a convolution with size × size taps sees of pictures x [B, C, H, W], as a row in the order of a
// convolution's weight: [B, H', W', C·size·size], H' = (H + 2·pad - size)/stride + 1. Around the pictures lie zeros, pad on each side or
// [Same]. [Tensor.Linear] makes the convolution of it.
func (x *Tensor) Windows(size, stride, pad int) *Tensor {
	p := in("windows", x)
	if x.rank != 4 || size < 1 || stride < 1 || pad < Same || pad != Same && min(x.shape[2], x.shape[3])+2*pad < size {
		fail("windows", "pictures [B, C, H, W] at least a window wide", x, " for windows of ", size, ", stride ", stride, ", pad ", pad)
	}
	t := windowTask{size: size, stride: stride, c: x.shape[1], src: x.floats}
	t.rows, t.cols = kernel.NewSide(x.shape[2], size, stride, pad), kernel.NewSide(x.shape[3], size, stride, pad)
	y := p.Empty(x.shape[0], t.rows.Out, t.cols.Out, x.shape[1]*size*size)
	t.dst = y.floats
	if p.learns(x) {
		s := p.record(y, windowsBack, x)
		s.ints = p.Integers(3)
		s.ints[0], s.ints[1], s.ints[2] = int32(size), int32(stride), int32(pad)
	}
	if p.ctx.Err() == nil {
		p.tasks.window = t
		par.Do(&p.tasks.window, x.shape[0]*t.rows.Out, p.workers)
	}
	return y
}

// windowsBack adds dY where each value came from.
func windowsBack(p *Pass, s *step) {
	x, size, stride, pad := s.x[0], int(s.ints[0]), int(s.ints[1]), int(s.ints[2])
	t := windowTask{size: size, stride: stride, c: x.shape[1], src: p.gradient(x), dst: s.y.grad, back: true}
	t.rows, t.cols = kernel.NewSide(x.shape[2], size, stride, pad), kernel.NewSide(x.shape[3], size, stride, pad)
	for i := range x.shape[0] * t.rows.Out {
		t.Run(i)
	}
}

// A windowTask lays out windows, a row of places a chunk. On the way back it adds them where they came from.
type windowTask struct {
	dst, src        []float32
	c, size, stride int
	rows, cols      kernel.Side
	back            bool
}

// Run does chunk i: of each row of pixels that the places see, what each of them sees.
func (t *windowTask) Run(i int) {
	k, h, w, n := t.size, t.rows.In, t.cols.In, t.c*t.size*t.size
	picture, y := i/t.rows.Out, i%t.rows.Out*t.stride-t.rows.Pad
	dst := t.dst[i*t.cols.Out*n:][:t.cols.Out*n]
	for row := range t.c * k {
		line := y + row%k
		if line < 0 || line >= h {
			for at := row * k; at < len(dst) && !t.back; at += n {
				clear(dst[at : at+k])
			}
			continue
		}
		t.line(dst[row*k:], t.src[((picture*t.c+row/k)*h+line)*w:][:w], n)
	}
}

// line lays out what the places of a row see of one row of pixels: n values from one place to the next, from the first of dst on.
func (t *windowTask) line(dst, from []float32, n int) {
	k, at := t.size, -t.cols.Pad
	for place := 0; place < t.cols.Out; place, at = place+1, at+t.stride {
		to := dst[place*n:][:k]
		switch {
		case t.back:
			for j := max(0, -at); j < min(k, len(from)-at); j++ {
				from[at+j] += to[j]
			}
		case at < 0 || at+k > len(from):
			for j := range to {
				if to[j] = 0; at+j >= 0 && at+j < len(from) {
					to[j] = from[at+j]
				}
			}
		case k == 3: // as most convolutions have them
			whole := min(t.cols.Out-place, (len(from)-k-at)/t.stride+1)
			threes(dst[place*n:], from[at:], whole, n, t.stride)
			place, at = place+whole-1, at+(whole-1)*t.stride
		default:
			copy(to, from[at:])
		}
	}
}

// threes copies three values to each of so many places, n apart, from pixels that lie stride apart.
func threes(dst, from []float32, places, n, stride int) {
	to, at := 0, 0
	for range places {
		*(*[3]float32)(dst[to:]) = [3]float32(from[at:])
		to, at = to+n, at+stride
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
