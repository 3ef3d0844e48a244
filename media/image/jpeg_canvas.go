package image

import "sync/atomic"

// A jpegCanvas is the picture that rows of units are painted on, in any order, by any number of painters.
//
// Where chroma is interpolated downwards, the last line of a row and the first of the next need samples of both. The two
// rows leave theirs at the seam, and whoever comes second paints these lines.
type jpegCanvas struct {
	d     *jpegDecoder
	out   *RGB
	space jpegSpace
	rows  int  // of units
	unit  int  // lines of a row
	tall  bool // some channel is interpolated downwards
	quick jpegUp
	edges []uint8 // for each seam, the samples above and those below
	edge  int     // bytes of either
	met   []atomic.Int32
	// smooth is set where libjpeg guesses coefficients that the scans have not brought.
	smooth bool
}

func newJPEGCanvas(d *jpegDecoder) *jpegCanvas {
	c := &jpegCanvas{d: d, space: d.space(), unit: 8 * d.maxV, rows: (d.h + 8*d.maxV - 1) / (8 * d.maxV), out: NewRGB(d.w, d.h)}
	for i := range d.comps {
		comp := &d.comps[i]
		comp.steps = newJPEGSteps(comp.quant)
		c.tall = c.tall || comp.up.tall()
		c.edge += 8 * comp.blocksX
	}
	if k := d.comps; c.space == jpegYCC && k[0].up == jpegUpNone && k[1].up == k[2].up {
		c.quick = k[1].up
	}
	if c.tall {
		c.edges = make([]uint8, 2*c.edge*(c.rows-1))
		c.met = make([]atomic.Int32, c.rows-1)
	}
	return c
}

// A jpegPainter is what one goroutine needs to paint.
type jpegPainter struct {
	*jpegCanvas
	block   jpegBlock
	planes  [4][]uint8 // samples of one row of units, 8*blocksX wide
	lines   [4][]uint8 // one line of the picture
	entries [64]uint32
	mixed   [2]jpegMixed
}

func (c *jpegCanvas) painter() *jpegPainter {
	p := &jpegPainter{jpegCanvas: c}
	for i := range c.d.comps {
		comp := &c.d.comps[i]
		p.planes[i] = make([]uint8, 64*comp.blocksX*comp.v)
		p.lines[i] = make([]uint8, c.d.w+2*comp.factorX)
	}
	return p
}

// samples returns line y of a channel in the planes.
func (p *jpegPainter) samples(i, y int) []uint8 {
	stride := 8 * p.d.comps[i].blocksX
	return p.planes[i][y*stride:][:stride]
}

// line returns line y of the picture.
func (c *jpegCanvas) line(y int) []uint8 { return c.out.Pix[3*c.out.W*y:][:3*c.out.W] }

// paint turns the planes into the lines of a row of units.
func (p *jpegPainter) paint(row int) {
	top := row * p.unit
	n := min(p.unit, p.d.h-top)
	from, to := 0, n
	if p.tall && row > 0 {
		from = 1
	}
	if p.tall && row < p.rows-1 {
		to = n - 1
	}
	for y := from; y < to; {
		if p.quick == jpegUpBoth && y&1 == 1 && y+1 < to {
			a, b := y/2, y/2+1
			p.pair(p.line(top+y), p.line(top+y+1), [2][]uint8{p.samples(0, y), p.samples(0, y+1)},
				[2][]uint8{p.samples(1, a), p.samples(1, b)}, [2][]uint8{p.samples(2, a), p.samples(2, b)})
			y += 2
			continue
		}
		p.single(row, y)
		y++
	}
	if !p.tall {
		return
	}
	if row > 0 {
		p.leave(row-1, p.edge, func(*jpegComponent) int { return 0 })
	}
	if row < p.rows-1 {
		p.leave(row, 0, func(c *jpegComponent) int { return 8*c.v - 1 })
	}
}

// single paints line y of a row that needs no samples of other rows.
func (p *jpegPainter) single(row, y int) {
	dst := p.line(row*p.unit + y)
	if p.quick == jpegUpAcross {
		p.wide(dst, p.samples(0, y), p.samples(1, y), p.samples(2, y))
		return
	}
	var full [4][]uint8
	for i := range p.d.comps {
		c := &p.d.comps[i]
		at := y / c.factorY
		near := p.samples(i, at)
		far, odd := near, y&1
		if c.up.tall() {
			limit := min(8*c.v, c.height-8*c.v*row) - 1
			far = p.samples(i, min(max(at-1+2*odd, 0), limit))
		}
		full[i] = c.spread(p.lines[i], near, far, odd)
	}
	jpegConvert(dst, p.space, &full)
}

// leave puts one line of each channel at a seam, and paints the two lines there if the other side has come.
func (p *jpegPainter) leave(seam, at int, line func(*jpegComponent) int) {
	edges := p.edges[2*p.edge*seam:][:2*p.edge]
	to := edges[at:][:p.edge]
	for i := range p.d.comps {
		to = to[copy(to, p.samples(i, line(&p.d.comps[i]))):]
	}
	if p.met[seam].Add(1) < 2 {
		return
	}
	var above, below [4][]uint8
	upper, lower := edges[:p.edge], edges[p.edge:]
	for i := range p.d.comps {
		n := 8 * p.d.comps[i].blocksX
		above[i], below[i] = upper[:n], lower[:n]
		upper, lower = upper[n:], lower[n:]
	}
	y := (seam + 1) * p.unit
	if p.quick == jpegUpBoth {
		p.pair(p.line(y-1), p.line(y), [2][]uint8{above[0], below[0]}, [2][]uint8{above[1], below[1]}, [2][]uint8{above[2], below[2]})
		return
	}
	var full [4][]uint8
	for i := range p.d.comps {
		full[i] = p.d.comps[i].spread(p.lines[i], above[i], below[i], 1)
	}
	jpegConvert(p.line(y-1), p.space, &full)
	for i := range p.d.comps {
		full[i] = p.d.comps[i].spread(p.lines[i], below[i], above[i], 0)
	}
	jpegConvert(p.line(y), p.space, &full)
}

// drawStored fills the planes from the coefficients of all scans.
func (p *jpegPainter) drawStored(row int) {
	for i := range p.d.comps {
		c := &p.d.comps[i]
		stride := 8 * c.blocksX
		for y := range min(c.v, c.blocksY-row*c.v) {
			for x := range c.blocksX {
				n := 0
				if p.smooth {
					n = p.guess(c, row, y, x)
				} else {
					at := (row*c.v+y)*c.stride + x
					n = jpegEntries(c.coefs[64*at:][:64], int(c.last[at]), &p.entries)
				}
				p.block.draw(c.steps, p.entries[:n], p.planes[i][8*y*stride+8*x:], stride)
			}
		}
	}
}

// jpegEntries lists the coefficients up to place last as [jpegBits.block] does.
func jpegEntries(coefs []int16, last int, out *[64]uint32) int {
	out[0] = uint32(int32(coefs[0])) << 16
	n := 1
	for k, v := range coefs[1 : last&63+1] {
		out[n&63] = uint32(int32(v))<<16 | uint32(k+1)
		if v != 0 {
			n++
		}
	}
	return n
}
