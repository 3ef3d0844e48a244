package image

import (
	"fmt"
	"sync/atomic"

	"github.com/chiasm/chiasm/internal/par"
)

// A jpegRow is a row of units on its way from the entropy decoder to a painter.
type jpegRow struct {
	index   int
	entries []uint32 // of all blocks, one after the other
	counts  []uint8  // how many belong to each block
}

// ready prepares the tables of a scan and drops the bits before it.
func (d *jpegDecoder) ready(s *jpegScan) error {
	for i, c := range s.parts {
		if c.quant == nil {
			if c.quantIndex > 3 || d.quants[c.quantIndex] == nil {
				return fmt.Errorf("channel %d: quantisation table %d was not defined", c.id, c.quantIndex)
			}
			c.quant = d.quants[c.quantIndex]
		}
		used := [2]bool{!d.progressive || s.from == 0 && s.high == 0, !d.progressive || s.from > 0}
		for ac, index := range [2]uint8{c.dcTable, c.acTab} {
			if !used[ac] {
				continue
			}
			if index > 3 {
				return fmt.Errorf("scan header: expected Huffman tables 0 to 3, got %d", index)
			}
			t := &d.tables[ac][index]
			if err := d.codes[ac][index].table(t, ac == 0); err != nil {
				return err
			}
			if ac == 0 {
				s.dc[i] = t
			} else {
				s.ac[i] = t
			}
		}
	}
	d.bits.start()
	return nil
}

// stream decodes a picture of one scan. The goroutine that reads the entropy-coded data also paints when it gets far
// ahead, so that it can finish alone.
func (d *jpegDecoder) stream(s *jpegScan, workers int) *RGB {
	canvas := newJPEGCanvas(d)
	if workers <= 1 {
		painter, row := canvas.painter(), &jpegRow{}
		for i := range canvas.rows {
			row.index = i
			d.readRow(s, row)
			painter.drawRow(s, row)
			painter.paint(i)
		}
		return canvas.out
	}
	t := &jpegStream{d: d, scan: s, canvas: canvas, free: make(chan *jpegRow, 2*workers), full: make(chan *jpegRow, 2*workers)}
	for range cap(t.free) {
		t.free <- &jpegRow{}
	}
	par.Do(t, workers, workers)
	return canvas.out
}

// A jpegStream is a [par.Task]: its first chunk reads the data, all paint.
type jpegStream struct {
	d          *jpegDecoder
	scan       *jpegScan
	canvas     *jpegCanvas
	free, full chan *jpegRow
}

// Run is the part of one goroutine.
func (t *jpegStream) Run(chunk int) {
	painter := t.canvas.painter()
	paint := func(row *jpegRow) {
		painter.drawRow(t.scan, row)
		painter.paint(row.index)
	}
	if chunk == 0 {
		t.read(paint)
	}
	for row := range t.full {
		paint(row)
		select {
		case t.free <- row:
		default:
		}
	}
}

// read decodes all rows. If all are waiting to be painted, it paints one; if the others are at it, it waits for one.
func (t *jpegStream) read(paint func(*jpegRow)) {
	defer close(t.full)
	for i := range t.canvas.rows {
		var row *jpegRow
		select {
		case row = <-t.free:
		default:
			select {
			case row = <-t.free:
			case row = <-t.full:
				paint(row)
			}
		}
		row.index = i
		t.d.readRow(t.scan, row)
		t.full <- row
	}
}

// readRow decodes a row of units. A block without entries is one that the data does not hold.
func (d *jpegDecoder) readRow(s *jpegScan, row *jpegRow) {
	const most = 64
	row.counts = row.counts[:0]
	if row.entries == nil {
		row.entries = make([]uint32, s.mcusX*s.blocks*8+most*jpegMostBlocks)
	}
	used := 0
	for range s.mcusX {
		empty := d.due(s)
		if len(row.entries)-used < most*s.blocks {
			row.entries = append(row.entries, make([]uint32, len(row.entries)+most*s.blocks)...)
		}
		for i, c := range s.parts {
			for range c.h * c.v {
				n := 0
				if !empty {
					n = d.bits.block(s.dc[i], s.ac[i], &s.sums[i], (*[64]uint32)(row.entries[used:]))
				}
				row.counts = append(row.counts, uint8(n))
				used += n
			}
		}
		d.done(s)
	}
}

// due is called before each unit of a scan; it reports whether there is no data for it.
func (d *jpegDecoder) due(s *jpegScan) bool {
	if s.restart > 0 {
		if s.left == 0 {
			s.sums, s.run = [4]int32{}, 0
			if d.restartScan(s) {
				s.empty = false
			}
		}
		s.left--
	}
	return s.empty
}

// done is called after each unit.
func (d *jpegDecoder) done(s *jpegScan) {
	if !s.empty && d.bits.overrun() {
		s.empty = true
		d.worsen(errJPEGDamaged)
	}
}

// drawRow fills the planes from a row of units.
func (p *jpegPainter) drawRow(s *jpegScan, row *jpegRow) {
	entries, counts := row.entries, row.counts
	for mcu := range s.mcusX {
		for i, c := range s.parts {
			stride := 8 * c.blocksX
			for y := range c.v {
				for x := mcu * c.h; x < mcu*c.h+c.h; x++ {
					n := int(counts[0])
					counts = counts[1:]
					if x < c.blocksX && row.index*c.v+y < c.blocksY {
						p.block.draw(c.steps, entries[:n], p.planes[i][8*y*stride+8*x:], stride)
					}
					entries = entries[n:]
				}
			}
		}
	}
}

// stored paints the picture from the coefficients of all scans.
func (d *jpegDecoder) stored(workers int) *RGB {
	t := &jpegStored{canvas: newJPEGCanvas(d)}
	t.canvas.smooth = d.smoothable()
	par.Do(t, workers, workers)
	return t.canvas.out
}

// A jpegStored is a [par.Task] that paints from stored coefficients.
type jpegStored struct {
	canvas *jpegCanvas
	next   atomic.Int64
}

// Run paints rows until none is left.
func (t *jpegStored) Run(int) {
	painter := t.canvas.painter()
	for {
		row := int(t.next.Add(1)) - 1
		if row >= t.canvas.rows {
			return
		}
		painter.drawStored(row)
		painter.paint(row)
	}
}
