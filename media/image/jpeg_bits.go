package image

import "encoding/binary"

// jpegBits reads the entropy-coded bits of a scan. The next bit is the highest of buf; n bits of it count. Below them buf
// may hold the beginning of the byte at pos, so that refilling may set those bits again.
//
// Past the end of a segment come zeros without end, as libjpeg supplies them; fake counts those put into buf.
type jpegBits struct {
	data   []byte
	pos    int // the next byte
	buf    uint64
	n      int
	fake   int
	marker byte // the marker that ended the segment, 0 before it is met
	ended  bool // the file ended where a marker was expected
}

const (
	jpegOnes = 0x0101010101010101
	jpegTops = 0x8080808080808080
)

// start drops what is left of the last segment.
func (b *jpegBits) start() { b.buf, b.n, b.fake = 0, 0, 0 }

// overrun reports whether more bits were taken than the segment had.
func (b *jpegBits) overrun() bool { return b.n < b.fake }

// fill brings n to 32 at least.
func (b *jpegBits) fill() {
	if b.pos+8 <= len(b.data) && b.marker == 0 && b.n < 57 {
		w := binary.BigEndian.Uint64(b.data[b.pos:])
		if (^w-jpegOnes)&w&jpegTops == 0 { // no byte is 0xff
			b.buf |= w >> (b.n & 63)
			b.pos += (63 - b.n) >> 3
			b.n |= 56
			return
		}
	}
	b.fillSlow()
}

// fillSlow takes byte by byte, drops the zeros stuffed behind 0xff, and stops at a marker or at the end of the file.
func (b *jpegBits) fillSlow() {
	for b.n <= 56 {
		if b.marker != 0 {
			b.fake += 63 - b.n
			b.n = 63
			return
		}
		if b.pos >= len(b.data) {
			b.marker, b.ended = jpegEOI, true
			continue
		}
		c := b.data[b.pos]
		b.pos++
		if c == 0xff {
			for c == 0xff && b.pos < len(b.data) {
				c = b.data[b.pos]
				b.pos++
			}
			switch c {
			case 0:
				c = 0xff
			case 0xff: // the file ends in fill bytes
				continue
			default:
				b.marker = c
				continue
			}
		}
		b.buf |= uint64(c) << (56 - b.n)
		b.n += 8
	}
}

// take returns the next size bits, 1 to 16; n must be that large.
func (b *jpegBits) take(size int) uint32 {
	v := uint32(b.buf >> (64 - uint(size)&63))
	b.drop(size)
	return v
}

func (b *jpegBits) drop(size int) {
	b.buf <<= uint(size) & 63
	b.n -= size
}

// symbol decodes the next Huffman code; n must be at least 17. A code that the table lacks yields 0, as in libjpeg.
func (b *jpegBits) symbol(t *jpegTable) int {
	if s := t.short[b.buf>>(64-jpegShort)]; s != 0 {
		b.drop(int(s & 15))
		return int(s >> 4)
	}
	symbol, size := t.long(b.buf)
	b.drop(size)
	return symbol
}

// jpegExtend turns the size bits v that follow a code into the signed number that they mean.
func jpegExtend(v uint32, size int) int32 {
	if v>>(uint(size-1)&31) == 0 {
		return int32(v) - 1<<(uint(size)&31) + 1
	}
	return int32(v)
}

// block decodes a block of a sequential scan into coefs, which must be zero. It returns the place in zigzag order of the
// last coefficient that it wrote; a place over 63, in damaged data, means 63.
func (b *jpegBits) block(dc, ac *jpegTable, sum *int32, coefs *[64]int16) uint8 {
	data, pos, buf, n := b.data, b.pos, b.buf, b.n
	if n < 32 {
		b.fill()
		pos, buf, n = b.pos, b.buf, b.n
	}
	e := dc.whole[buf>>(64-jpegWhole)]
	if e>>16 != 0 {
		*sum += int32(e) >> 16
		buf <<= e & 63
		n -= int(e & 63)
	} else {
		b.buf, b.n = buf, n
		if size := b.symbol(dc); size != 0 {
			*sum += jpegExtend(b.take(size), size)
		}
		buf, n = b.buf, b.n
	}
	coefs[0] = int16(*sum)
	last := uint32(0)
	for k := uint32(1); k < 64; k++ {
		if n < 32 {
			fast := false
			if p := data[min(pos, len(data)):]; len(p) >= 8 {
				w := binary.BigEndian.Uint64(p)
				if (^w-jpegOnes)&w&jpegTops == 0 && b.marker == 0 {
					buf |= w >> (n & 63)
					pos += (63 - n) >> 3
					n |= 56
					fast = true
				}
			}
			if !fast {
				b.pos, b.buf, b.n = pos, buf, n
				b.fillSlow()
				pos, buf, n = b.pos, b.buf, b.n
			}
		}
		e := ac.whole[buf>>(64-jpegWhole)]
		if e>>16 != 0 {
			buf <<= e & 63
			n -= int(e & 63)
			k += e >> 8 & 15
			coefs[jpegNatural[k&127]&63] = int16(e >> 16)
			last = k
			continue
		}
		var symbol, size int
		if e != 0 {
			symbol, size = int(e>>8), int(e&63)
		} else {
			symbol, size = ac.long(buf)
		}
		buf <<= uint(size) & 63
		n -= size
		k += uint32(symbol >> 4)
		size = symbol & 15
		if size == 0 {
			if symbol != 0xf0 {
				break
			}
			continue
		}
		v := jpegExtend(uint32(buf>>(64-uint(size)&63)), size)
		buf <<= uint(size) & 63
		n -= size
		coefs[jpegNatural[k&127]&63] = int16(v)
		last = k
	}
	b.pos, b.buf, b.n = pos, buf, n
	return uint8(min(last, 63))
}

// jpegNatural is the place in a block, row*8 + column, of each place in zigzag order; those over 63 mean 63.
var jpegNatural = func() (z [128]uint8) {
	x, y, step := 0, 0, 1
	for i := range z {
		z[i] = 63
		if i > 63 {
			continue
		}
		z[i] = uint8(8*y + x)
		switch {
		case step == 1 && x == 7:
			y, step = y+1, -1
		case step == 1 && y == 0:
			x, step = x+1, -1
		case step == -1 && y == 7:
			x, step = x+1, 1
		case step == -1 && x == 0:
			y, step = y+1, 1
		default:
			x, y = x+step, y-step
		}
	}
	return z
}()
