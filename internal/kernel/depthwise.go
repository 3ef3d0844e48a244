package kernel

import "math"

// Depthwise is the convolution of each channel of pictures with taps of its own: act(Σ w·x + bias). The values of a pixel lie together.
// Around the pictures lie zeros. With Back set it is the way back to the pictures: the derivative by them of a convolution, given that
// by its result.
type Depthwise struct {
	X, Out     []float32 // pictures [B, Rows.In, Cols.In, C] and what the convolution makes of them, [B, Rows.Out, Cols.Out, C]; with Back the other way round
	Taps, Bias []float32 // [Rows.Taps, Cols.Taps, C]; [C] or nil
	C, Stride  int
	Rows, Cols Side
	Act        Activation // None, ReLU or ReLU6
	Back       bool

	height, width int // of what is made
	band          int // rows of a chunk
	from, to      int // the first rows that X and Out hold, of one picture
	low, high     float32
}

// A Side is the height or the width of a convolution.
type Side struct {
	In, Out int // pixels of the picture and of the result
	Taps    int
	Pad     int // zeros before the first pixel
}

// NewSide is the side of a convolution with so many taps. Pad below 0 is TensorFlow's way: as many places as steps fit the picture, with as
// many zeros as that takes shared between both ends, the odd one at the end.
func NewSide(in, taps, stride, pad int) Side {
	if pad < 0 {
		out := (in + stride - 1) / stride
		return Side{in, out, taps, max((out-1)*stride+taps-in, 0) / 2}
	}
	return Side{in, max((in+2*pad-taps)/stride+1, 0), taps, pad}
}

// A reach is what one place sees along one side: n pixels, from at on, through the taps from tap on.
type reach struct{ at, tap, n int }

// forward is what place i of the result sees of the picture: pixels and taps go up together.
func (s Side) forward(i, stride int) reach {
	at := i*stride - s.Pad
	skip := max(0, -at)
	return reach{at + skip, skip, max(min(s.Taps, s.In-at)-skip, 0)}
}

// backward is what pixel i of the picture was seen by: places go down as taps go up by the stride.
func (s Side) backward(i, stride int) reach {
	at, tap := (i+s.Pad)/stride, (i+s.Pad)%stride
	skip := max(0, at-s.Out+1)
	return reach{at - skip, tap + skip*stride, max(min((s.Taps-tap+stride-1)/stride, at+1)-skip, 0)}
}

// Plan checks the sizes and returns how many chunks Run does.
func (d *Depthwise) Plan() (chunks int) {
	d.height, d.width = d.Rows.Out, d.Cols.Out
	in, out := d.X, d.Out
	if d.Back {
		d.height, d.width = d.Rows.In, d.Cols.In
		in, out = d.Out, d.X
	}
	pictures := needPictures("depthwise", d.Rows, d.Cols, d.C, d.Stride, in, out)
	sameLength("depthwise: taps", len(d.Taps), d.Rows.Taps*d.Cols.Taps*d.C)
	d.high = float32(math.Inf(1))
	switch d.Act {
	case None:
		d.low = -d.high
	case ReLU:
		d.low = 0
	case ReLU6:
		d.low, d.high = 0, 6
	default:
		need(false, "depthwise", "expected an activation of straight lines, at most %d, got %d", int(d.Act), int(ReLU6))
	}
	if d.Bias != nil {
		sameLength("depthwise: bias", len(d.Bias), d.C)
	}
	const work = 1 << 17 // multiply-adds of a chunk at least
	d.band = min(max(work/max(d.width*len(d.Taps), 1), 1), max(d.height, 1))
	return pictures * d.bands()
}

// needPictures checks the pictures of a convolution and its result, and returns how many there are.
func needPictures(op string, rows, cols Side, c, stride int, in, out []float32) int {
	least := min(c, rows.Taps, cols.Taps, stride)
	need(least > 0, op, "expected channels, taps and stride of %d or more, got %d", least, 1)
	size := rows.In * cols.In * c
	if size == 0 || rows.Out*cols.Out == 0 {
		return 0
	}
	need(len(in)%size == 0, op, "expected whole pictures of %d values, got %d", len(in), size)
	sameLength(op, len(out), len(in)/size*rows.Out*cols.Out*c)
	return len(in) / size
}

// bands is the chunks of a picture.
func (d *Depthwise) bands() int { return (d.height + d.band - 1) / d.band }

// Run does one chunk.
func (d *Depthwise) Run(chunk int) {
	picture, first := chunk/d.bands(), chunk%d.bands()*d.band
	s := takeScratch(d.C)
	defer s.release()
	bias := d.Bias
	if bias == nil {
		bias = s.floats[:d.C]
		clear(bias)
	}
	d.rows(picture, first, min(first+d.band, d.height), bias)
}

// rows makes rows first to last-1 of the result.
func (d *Depthwise) rows(picture, first, last int, bias []float32) {
	for row := first; row < last; {
		next := row + 1
		if !d.Back {
			for r := d.Rows.forward(row, d.Stride); next < last && d.Rows.forward(next, d.Stride).alike(r); {
				next++
			}
		}
		d.runs(picture, row, next, bias)
		row = next
	}
}

// alike reports whether two places see as many pixels through the same taps.
func (r reach) alike(o reach) bool { return r.n == o.n && r.tap == o.tap }

// runs makes the rows first to last-1 of the result, which see alike, in runs of places that do so too.
func (d *Depthwise) runs(picture, first, last int, bias []float32) {
	c, step := d.C, 1
	height, width := d.Rows.In, d.Cols.In // of X
	s := stencil{
		x: d.X, w: d.Taps, bias: bias, out: d.Out, xstep: d.Stride * c, xcol: c, wcol: c, ostep: c, n: c, low: d.low, high: d.high,
	}
	look, up := Side.forward, 1
	if d.Back {
		look, up, step = Side.backward, -1, d.Stride
		height, width = d.Rows.Out, d.Cols.Out
		s.xstep, s.xcol, s.wcol, s.ostep = c, -c, d.Stride*c, d.Stride*c
	}
	across := look(d.Rows, first, d.Stride)
	s.xrow, s.wrow = up*width*c, d.Cols.Taps*c*step
	for class := range step {
		for j := class; j < d.width; {
			r := look(d.Cols, j, d.Stride)
			s.rows, s.cols = across.n, r.n
			if r.n == 0 {
				s.rows = 0
			}
			s.at = ((picture*height+across.at-d.from)*width + r.at) * c
			s.tap = (across.tap*d.Cols.Taps + r.tap) * c
			s.to = ((picture*d.height+first-d.to)*d.width + j) * c
			s.count = 0
			for next := r; j < d.width && next.alike(r); s.count++ {
				j += step
				next = look(d.Cols, j, d.Stride)
			}
			s.grid(last-first, d.Stride*width*c, d.width*c)
		}
	}
}

// grid makes so many rows of the run, whose pixels and places lie so far apart: place by place down the rows if these are more.
func (s stencil) grid(rows, xdown, odown int) {
	count := rows
	if rows > s.count {
		count, s.count = s.count, rows
		s.xstep, xdown = xdown, s.xstep
		s.ostep, odown = odown, s.ostep
	}
	for range count {
		s.run()
		s.at, s.to = s.at+xdown, s.to+odown
	}
}

// A stencil is a run of places that see as many pixels through the same taps. Distances are in values and may be below 0.
type stencil struct {
	x, w, bias, out   []float32
	at                int // the pixel that the first tap of the first place sees
	xrow, xcol, xstep int // from it to that of the next row of taps, of the next tap, and of the next place
	tap, wrow, wcol   int // likewise of the taps
	rows, cols        int // of taps
	to, ostep, count  int // places of the result
	n                 int // channels
	low, high         float32
}

// generic defines run: bias plus the products in the order of the taps, between low and high.
func (s *stencil) generic() {
	for place := range s.count {
		out := s.out[s.to+place*s.ostep:][:s.n]
		copy(out, s.bias)
		for r := range s.rows {
			for c := range s.cols {
				x := s.x[s.at+place*s.xstep+r*s.xrow+c*s.xcol:][:s.n]
				w := s.w[s.tap+r*s.wrow+c*s.wcol:][:s.n]
				for i, v := range x {
					out[i] += v * w[i]
				}
			}
		}
		for i, v := range out {
			if v < s.low {
				out[i] = s.low
			} else if v > s.high {
				out[i] = s.high
			}
		}
	}
}
