package image

import (
	"fmt"

	"github.com/chiasm/chiasm/internal/pixel"
)

// gather decodes the scans of a picture that has several into the channels' coefficients.
func (d *jpegDecoder) gather(s *jpegScan) error {
	for i := range d.comps {
		c := &d.comps[i]
		c.stored.empty(c.unitRows() * c.unit * c.stride)
		if d.progressive {
			c.set = grow(c.set, len(c.stored.last))
			clear(c.set)
		}
	}
	for {
		if d.progressive {
			if err := d.checkScan(s); err != nil {
				return err
			}
		}
		if err := d.ready(s); err != nil {
			return err
		}
		d.readScan(s)
		next, err := d.advance()
		if err == errJPEGTruncated {
			return nil // what has come is shown
		}
		if err != nil {
			return err
		}
		if next == nil {
			d.bits.Marker = jpegEOI // for whoever looks again
			return nil
		}
		s = next
	}
}

// checkScan validates what a progressive scan announces and keeps account of the bits that are known.
func (d *jpegDecoder) checkScan(s *jpegScan) error {
	if s.from == 0 && s.to != 0 || s.from > s.to || s.to > 63 || s.from > 0 && !s.single || s.high != 0 && s.low != s.high-1 || s.low > 13 {
		return fmt.Errorf("scan header: coefficients %d to %d, bits %d to %d: not a progressive scan", s.from, s.to, s.high, s.low)
	}
	for _, c := range s.parts {
		for k := min(s.from, 1); k < len(c.before); k++ {
			c.before[k] = 0
			if d.scans > 1 {
				c.before[k] = c.known[k]
			}
		}
		for k := s.from; k <= s.to; k++ {
			c.known[k] = int8(s.low)
		}
	}
	return nil
}

// readScan decodes one scan.
func (d *jpegDecoder) readScan(s *jpegScan) {
	for y := range s.mcusY {
		for x := range s.mcusX {
			if s.empty && s.restart == 0 {
				return // nothing more can come
			}
			if !s.empty {
				d.lastGood = y
				if s.single {
					d.lastGood /= s.parts[0].unit
				}
			}
			if !d.due(s) {
				d.readUnit(s, x, y)
			}
			d.done(s)
		}
	}
}

// readUnit decodes one unit of a scan.
func (d *jpegDecoder) readUnit(s *jpegScan, x, y int) {
	for i, c := range s.parts {
		if s.single {
			d.readBlock(s, i, c, y*c.stride+x)
			continue
		}
		for v := range c.v {
			for h := range c.h {
				d.readBlock(s, i, c, (y*c.v+v)*c.stride+x*c.h+h)
			}
		}
	}
}

// readBlock decodes what a scan brings for one block.
func (d *jpegDecoder) readBlock(s *jpegScan, i int, c *jpegComponent, at int) {
	coefs, last := (*[64]int16)(c.stored.coefs[64*at:]), &c.stored.last[at]
	b := &d.bits
	switch {
	case !d.progressive:
		var block [64]int16 // coefs need not be zero: a strange file brings a channel twice, and both remain
		*last |= b.Block(s.dc[i], s.ac[i], &s.sums[i], &block)
		coefs[0] = block[0]
		for k, v := range block {
			if v != 0 {
				coefs[k] = v
			}
		}
	case s.from == 0 && s.high == 0:
		b.Need()
		if size := b.Symbol(s.dc[i]); size != 0 {
			s.sums[i] += b.Value(size)
		}
		coefs[0] = int16(s.sums[i] << s.low)
	case s.from == 0:
		b.Need()
		if b.Take(1) != 0 {
			coefs[0] |= 1 << s.low
		}
	case s.run > 0 && s.high == 0:
		s.run--
	case s.high == 0:
		s.first(b, coefs, &c.set[at])
	default:
		s.refine(b, coefs, &c.set[at])
	}
	if d.progressive && c.set[at] != 0 {
		*last = 1
	}
}

// first decodes the first bits of a band of coefficients.
func (s *jpegScan) first(b *pixel.Bits, coefs *[64]int16, set *uint64) {
	t := s.ac[0]
	for k := s.from; k <= s.to; k++ {
		b.Need()
		symbol := b.Symbol(t)
		zeros, size := symbol>>4, symbol&15
		switch {
		case size != 0:
			k += zeros
			jpegPut(coefs, set, k, int16(b.Value(size)<<s.low))
		case zeros == 15:
			k += 15
		default:
			s.run = jpegBandEnd(b, zeros)
			s.run--
			return
		}
	}
}

// jpegPut writes the coefficient at place k in zigzag order, and notes whether it is zero. A place over 63, in damaged data,
// means 63.
func jpegPut(coefs *[64]int16, set *uint64, k int, v int16) {
	k = min(k, 63)
	coefs[pixel.Natural[k]] = v
	*set &^= 1 << k
	if v != 0 {
		*set |= 1 << k
	}
}

// jpegBandEnd returns for how many blocks, this one included, the band brings nothing new.
func jpegBandEnd(b *pixel.Bits, size int) int {
	run := 1 << size
	if size > 0 {
		run += int(b.Take(size))
	}
	return run
}

// refine decodes the next bit of a band of coefficients.
func (s *jpegScan) refine(b *pixel.Bits, coefs *[64]int16, set *uint64) {
	k, bit := s.from, int16(1)<<s.low
	for s.run == 0 && k <= s.to {
		b.Need()
		symbol := b.Symbol(s.ac[0])
		zeros, value := symbol>>4, int16(0)
		if symbol&15 != 0 {
			value = -bit
			if b.Take(1) != 0 {
				value = bit
			}
		} else if zeros != 15 {
			s.run = jpegBandEnd(b, zeros)
			break
		}
		k = b.Correct(coefs, *set, k, s.to, zeros, bit)
		if value != 0 {
			jpegPut(coefs, set, k, value)
		}
		k++
	}
	if s.run > 0 {
		b.Correct(coefs, *set, k, s.to, 64, bit)
		s.run--
	}
}
