package image

import (
	"sync/atomic"

	"github.com/chiasm/chiasm/internal/pixel"
)

// A jpegCanvas is the picture that rows of units are painted on, in any order, by any number of painters.
//
// Where chroma is interpolated downwards, the last line of a row and the first of the next need samples of both. The two
// rows leave theirs at the seam, and whoever comes second paints these lines.
type jpegCanvas struct {
	d     *jpegDecoder
	out   RGB
	space jpegSpace
	rows  int     // of units
	unit  int     // lines of a row
	tall  bool    // some channel is interpolated downwards
	edges []uint8 // for each seam, the samples above and those below
	edge  int     // bytes of either
	met   []atomic.Int32
	// smooth is set where libjpeg guesses coefficients that the scans have not brought.
	smooth bool
}

// newCanvas prepares the canvas, for so many goroutines.
func (d *jpegDecoder) newCanvas(workers int) *jpegCanvas {
	c := &d.canvas
	*c = jpegCanvas{d: d, space: d.space(), unit: d.size * d.maxV, rows: (d.h + 8*d.maxV - 1) / (8 * d.maxV),
		out: RGB{grow(c.out.Pix, 3*d.outW*d.outH), d.outW, d.outH}, edges: c.edges, met: c.met}
	d.painters = longer(d.painters, workers)
	for i := range d.comps {
		comp := &d.comps[i]
		if comp.quantised { // else a channel without data
			for k, q := range comp.quant {
				comp.factors[pixel.Natural[k]] = int16(q)
			}
		}
		c.tall = c.tall || comp.up.tall()
		c.edge += comp.size * comp.stride
	}
	if c.tall {
		c.edges, c.met = grow(c.edges, 2*c.edge*(c.rows-1)), grow(c.met, c.rows-1)
		for i := range c.met {
			c.met[i].Store(0)
		}
	}
	return c
}

// A jpegPainter is what one goroutine needs to paint.
type jpegPainter struct {
	*jpegCanvas
	planes  [4][]uint8 // samples of one row of units, for each block of the channel's stride
	lines   [4][]uint8 // one line of the picture
	guessed jpegBlocks // one row of blocks
}

// painter is that of one goroutine.
func (c *jpegCanvas) painter(i int) *jpegPainter {
	p := &c.d.painters[i]
	p.jpegCanvas = c
	for i := range c.d.comps {
		comp := &c.d.comps[i]
		p.planes[i] = grow(p.planes[i], comp.size*comp.size*comp.stride*comp.v)
		p.lines[i] = grow(p.lines[i], c.d.outW+2*comp.factorX)
	}
	return p
}

// samples returns line y of a channel in the planes.
func (p *jpegPainter) samples(i, y int) []uint8 {
	stride := p.d.comps[i].size * p.d.comps[i].stride
	return p.planes[i][y*stride:][:stride]
}

// line returns line y of the picture.
func (c *jpegCanvas) line(y int) []uint8 { return c.out.Pix[3*c.out.W*y:][:3*c.out.W] }

// paint turns the planes into the lines of a row of units.
func (p *jpegPainter) paint(row int) {
	top := row * p.unit
	n := min(p.unit, p.d.outH-top)
	from, to := 0, n
	if p.tall && row > 0 {
		from = 1
	}
	if p.tall && row < p.rows-1 {
		to = n - 1
	}
	for y := from; y < to; y++ {
		p.single(row, y)
	}
	if !p.tall {
		return
	}
	if row > 0 {
		p.leave(row-1, p.edge, func(*jpegComponent) int { return 0 })
	}
	if row < p.rows-1 {
		p.leave(row, 0, func(c *jpegComponent) int { return c.size*c.v - 1 })
	}
}

// single paints line y of a row that needs no samples of other rows.
func (p *jpegPainter) single(row, y int) {
	dst := p.line(row*p.unit + y)
	var full [4][]uint8
	for i := range p.d.comps {
		c := &p.d.comps[i]
		at := y / c.factorY
		near := p.samples(i, at)
		far, odd := near, y&1
		if c.up.tall() {
			limit := min(c.size*c.v, c.height-c.size*c.v*row) - 1
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
		n := p.d.comps[i].size * p.d.comps[i].stride
		above[i], below[i] = upper[:n], lower[:n]
		upper, lower = upper[n:], lower[n:]
	}
	y := (seam + 1) * p.unit
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

// draw fills the planes of a channel from v rows of blocks, the first of which is row at of from.
func (p *jpegPainter) draw(i int, from *jpegBlocks, at int) {
	c := &p.d.comps[i]
	for y := range c.v {
		n := c.stride
		p.transform(i, y, from.coefs[64*n*(at+y):][:64*n], from.last[n*(at+y):][:n])
	}
}

// transform fills row y of blocks in the planes of a channel.
func (p *jpegPainter) transform(i, y int, coefs []int16, last []uint8) {
	c := &p.d.comps[i]
	stride := c.size * c.stride
	if to := p.planes[i][c.size*y*stride:]; c.size == 8 {
		pixel.IDCT(to, stride, coefs, last, &c.factors)
	} else {
		pixel.Reduce(to, stride, coefs, last, &c.factors, c.size)
	}
}

// drawStored fills the planes from the coefficients of all scans.
func (p *jpegPainter) drawStored(row int) {
	for i := range p.d.comps {
		c := &p.d.comps[i]
		if !p.smooth {
			p.draw(i, &c.stored, row*c.v)
			continue
		}
		n := c.stride
		if len(p.guessed.last) < n {
			p.guessed.empty(n)
		}
		for y := range min(c.v, c.blocksY-row*c.v) {
			for x := range c.blocksX {
				p.guessed.last[x] = p.guess(c, row, y, x, (*[64]int16)(p.guessed.coefs[64*x:]))
			}
			p.transform(i, y, p.guessed.coefs[:64*n], p.guessed.last[:n])
		}
	}
}
