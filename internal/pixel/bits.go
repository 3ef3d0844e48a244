package pixel

import (
	"encoding/binary"
	"math/bits"
)

// Bits reads the entropy-coded bits of a JPEG scan. The next bit is the highest of buf; n bits of it count. Below them buf
// may hold the beginning of the byte at Pos, so that refilling may set those bits again.
//
// Past the end of a segment come zeros without end, as libjpeg supplies them; fake counts those put into buf.
type Bits struct {
	Data []byte
	Pos  int // the next byte. The assembly expects buf and n behind it.
	buf  uint64
	n    int
	fake int
	// Marker is the marker that ended the segment, 0 before it is met; the end marker where the file ends.
	Marker byte
	Ended  bool // the file ended where a marker was expected
}

const (
	endMarker = 0xd9
	ones      = 0x0101010101010101
	tops      = 0x8080808080808080
)

// Start drops what is left of the last segment.
func (b *Bits) Start() { b.buf, b.n, b.fake = 0, 0, 0 }

// Overrun reports whether more bits were taken than the segment had.
func (b *Bits) Overrun() bool { return b.n < b.fake }

// Need makes 32 bits ready at least.
func (b *Bits) Need() {
	if b.n < 32 {
		b.fill()
	}
}

func (b *Bits) fill() {
	if b.Pos+8 <= len(b.Data) && b.Marker == 0 {
		w := binary.BigEndian.Uint64(b.Data[b.Pos:])
		if (^w-ones)&w&tops == 0 { // no byte is 0xff
			b.buf |= w >> (b.n & 63)
			b.Pos += (63 - b.n) >> 3
			b.n |= 56
			return
		}
	}
	b.fillSlow()
}

// fillSlow takes byte by byte, drops the zeros stuffed behind 0xff, and stops at a marker or at the end of the file.
func (b *Bits) fillSlow() {
	for b.n <= 56 {
		if b.Marker != 0 {
			b.fake += 63 - b.n
			b.n = 63
			return
		}
		if b.Pos >= len(b.Data) {
			b.Marker, b.Ended = endMarker, true
			continue
		}
		c := b.Data[b.Pos]
		b.Pos++
		if c == 0xff {
			for c == 0xff && b.Pos < len(b.Data) {
				c = b.Data[b.Pos]
				b.Pos++
			}
			switch c {
			case 0:
				c = 0xff
			case 0xff: // the file ends in fill bytes
				continue
			default:
				b.Marker = c
				continue
			}
		}
		b.buf |= uint64(c) << (56 - b.n)
		b.n += 8
	}
}

// Take returns the next size bits, 1 to 16; that many must be ready.
func (b *Bits) Take(size int) uint32 {
	v := uint32(b.buf >> (64 - uint(size)&63))
	b.buf <<= uint(size) & 63
	b.n -= size
	return v
}

// Value returns the signed number of size bits, 1 to 16, that follows a code; that many must be ready.
func (b *Bits) Value(size int) int32 { return extend(b.Take(size), size) }

// extend turns the bits that follow a code into the signed number that they mean.
func extend(v uint32, size int) int32 {
	if v>>(uint(size-1)&31) == 0 {
		return int32(v) - 1<<(uint(size)&31) + 1
	}
	return int32(v)
}

// Symbol decodes the next Huffman code; 17 bits must be ready. A code that the table lacks yields 0, as in libjpeg.
func (b *Bits) Symbol(h *Huffman) int {
	symbol, size := h.find(b.buf)
	b.buf <<= uint(size) & 63
	b.n -= size
	return symbol
}

// Correct reads a bit for each coefficient that is not zero, from place k in zigzag order on, until it has passed as many
// zeros as told and meets another, or place to. Where the bit is 1, it adds bit, a power of 2, to the coefficient's
// magnitude. set has a bit for each place that is not zero. It returns the place.
func (b *Bits) Correct(coefs *[64]int16, set uint64, k, to, zeros int, bit int16) int {
	buf, n := b.buf, b.n
	for ; k <= to; k++ {
		if next := min(bits.TrailingZeros64(set>>(k&63)), to+1-k); next > 0 {
			if next > zeros {
				k += zeros
				break
			}
			zeros -= next
			if k += next; k > to {
				break
			}
		}
		if n < 1 {
			b.buf, b.n = buf, n
			b.fill()
			buf, n = b.buf, b.n
		}
		// No branch on what cannot be foreseen: masks of all ones for a bit of 1, a negative v, a v that lacks bit.
		p := &coefs[Natural[k&63]&63]
		v := *p
		one, sign, lacks := int16(int64(buf)>>63), v>>15, (v&bit-1)>>15
		*p = v + (bit^sign-sign)&one&lacks
		buf <<= 1
		n--
	}
	b.buf, b.n = buf, n
	return k
}
