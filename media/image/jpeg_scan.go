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

// newRows prepares n rows.
func (d *jpegDecoder) newRows(n int) {
	d.rows = longer(d.rows, n)
	for k := range n {
		for i := range d.comps {
			d.rows[k].parts[i].empty(d.comps[i].v * d.comps[i].stride)
		}
	}
}

// longer returns s with n elements at least, those that it has kept.
func longer[T any](s []T, n int) []T {
	if len(s) < n {
		s = append(s, make([]T, n-len(s))...)
	}
	return s
}

// ready prepares the tables of a scan and drops the bits before it.
func (d *jpegDecoder) ready(s *jpegScan) error {
	for i, c := range s.parts {
		if !c.quantised {
			if c.quantIndex > 3 || !d.quantised[c.quantIndex] {
				return fmt.Errorf("channel %d: quantisation table %d was not defined", c.id, c.quantIndex)
			}
			c.quant, c.quantised = d.quants[c.quantIndex], true
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

// paintStream decodes a picture of one scan. The goroutine that reads the entropy-coded data also paints when it gets far
// ahead, so that it can finish alone.
func (d *jpegDecoder) paintStream(s *jpegScan, workers int) {
	canvas := d.newCanvas(workers)
	if workers <= 1 {
		d.newRows(1)
		painter, row := canvas.painter(0), &d.rows[0]
		for i := range canvas.rows {
			row.index = i
			d.readRow(s, row)
			painter.drawRow(row)
		}
		return
	}
	d.newRows(2 * workers)
	d.stream.begin(d, 2*workers)
	par.Do(&d.stream, workers, workers)
}

// A jpegStream is a [par.Task]: its first chunk reads the data, all paint. Behind the last row that is to be painted comes nil, which
// whoever takes it leaves for the others.
type jpegStream struct {
	d          *jpegDecoder
	free, full chan *jpegRow
}

// begin makes the first n rows free, wherever a picture before this one has left them.
func (t *jpegStream) begin(d *jpegDecoder, n int) {
	t.d = d
	if cap(t.free) < n {
		t.free, t.full = make(chan *jpegRow, n), make(chan *jpegRow, n+1)
	}
	for len(t.free) > 0 {
		<-t.free
	}
	for len(t.full) > 0 {
		<-t.full
	}
	for i := range n {
		t.free <- &d.rows[i]
	}
}

// Run is the part of one goroutine.
func (t *jpegStream) Run(chunk int) {
	painter := t.d.canvas.painter(chunk)
	if chunk == 0 {
		t.read(painter)
	}
	for row := range t.full {
		if row == nil {
			t.full <- nil
			return
		}
		painter.drawRow(row)
		t.free <- row
	}
}

// read decodes all rows. If all are waiting to be painted, it paints one; if the others are at it, it waits for one.
func (t *jpegStream) read(painter *jpegPainter) {
	defer func() { t.full <- nil }()
	for i := range t.d.canvas.rows {
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
		t.d.readRow(&t.d.scan, row)
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

// paintStored paints the picture from the coefficients of all scans.
func (d *jpegDecoder) paintStored(workers int) {
	d.newCanvas(workers).smooth = d.smoothable()
	d.stored.d = d
	d.stored.next.Store(0)
	par.Do(&d.stored, workers, workers)
}

// A jpegStored is a [par.Task] that paints from stored coefficients.
type jpegStored struct {
	d    *jpegDecoder
	next atomic.Int64
}

// Run paints rows until none is left.
func (t *jpegStored) Run(chunk int) {
	painter := t.d.canvas.painter(chunk)
	for {
		row := int(t.next.Add(1)) - 1
		if row >= t.d.canvas.rows {
			return
		}
		painter.drawStored(row)
		painter.paint(row)
	}
}
