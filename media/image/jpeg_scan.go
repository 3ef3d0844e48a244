package image

import (
	"fmt"
	"sync/atomic"

	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/internal/pixel"
)

// A jpegRow is a row of units on its way from the entropy decoder to a painter.
type jpegRow struct {
	index int
	parts [4]jpegBlocks // of each channel, its v rows of blocks
}

func (d *jpegDecoder) newRow() *jpegRow {
	row := new(jpegRow)
	for i := range d.comps {
		row.parts[i] = newJPEGBlocks(d.comps[i].v * d.comps[i].stride)
	}
	return row
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
	d.bits.Start()
	return nil
}

// stream decodes a picture of one scan. The goroutine that reads the entropy-coded data also paints when it gets far
// ahead, so that it can finish alone.
func (d *jpegDecoder) stream(s *jpegScan, workers int) *RGB {
	canvas := newJPEGCanvas(d)
	if workers <= 1 {
		painter, row := canvas.painter(), d.newRow()
		for i := range canvas.rows {
			row.index = i
			d.readRow(s, row)
			painter.drawRow(row)
		}
		return canvas.out
	}
	t := &jpegStream{d: d, scan: s, canvas: canvas, free: make(chan *jpegRow, 2*workers), full: make(chan *jpegRow, 2*workers)}
	for range cap(t.free) {
		t.free <- d.newRow()
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
	if chunk == 0 {
		t.read(painter)
	}
	for row := range t.full {
		painter.drawRow(row)
		select {
		case t.free <- row:
		default:
		}
	}
}

// read decodes all rows. If all are waiting to be painted, it paints one; if the others are at it, it waits for one.
func (t *jpegStream) read(painter *jpegPainter) {
	defer close(t.full)
	for i := range t.canvas.rows {
		var row *jpegRow
		select {
		case row = <-t.free:
		default:
			select {
			case row = <-t.free:
			case row = <-t.full:
				painter.drawRow(row)
			}
		}
		row.index = i
		t.d.readRow(t.scan, row)
		t.full <- row
	}
}

// readRow decodes a row of units. Blocks that the data does not hold stay empty.
func (d *jpegDecoder) readRow(s *jpegScan, row *jpegRow) {
	s.slots = s.slots[:0]
	for i, c := range s.parts {
		part := &row.parts[i]
		for v := range c.v {
			for h := range c.h {
				at := v*c.stride + h
				s.slots = append(s.slots, pixel.Slot{Coefs: part.coefs[64*at:], Last: part.last[at:], Step: c.h,
					Sum: &s.sums[i], DC: s.dc[i], AC: s.ac[i]})
			}
		}
	}
	for mcu := 0; mcu < s.mcusX; {
		if d.due(s) {
			for i := range s.slots {
				s.slots[i].Last[mcu*s.slots[i].Step] = 0
			}
			mcu++
			continue
		}
		n := s.mcusX - mcu
		if s.restart > 0 {
			n = min(n, s.left+1)
		}
		n = d.bits.Units(s.slots, mcu, n)
		mcu += n
		if s.restart > 0 {
			s.left -= n - 1 // due counted one
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
	if !s.empty && d.bits.Overrun() {
		s.empty = true
		d.worsen(errJPEGDamaged)
	}
}

// drawRow paints a row of units.
func (p *jpegPainter) drawRow(row *jpegRow) {
	for i := range p.d.comps {
		p.draw(i, &row.parts[i], 0)
	}
	p.paint(row.index)
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
