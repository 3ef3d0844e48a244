package audio

import "encoding/binary"

// bits reads bits off a slice, the highest first. Beyond the end it gives zeros; pos tells.
type bits struct {
	data []byte // followed by at least 8 bytes of capacity or read slowly at the end
	pos  int    // in bits
}

// peek is the next 32 bits.
func (b *bits) peek() uint32 {
	i := b.pos >> 3
	if i+8 <= len(b.data) {
		return uint32(binary.BigEndian.Uint64(b.data[i:]) >> (32 - b.pos&7))
	}
	var v uint64
	for k := range 8 {
		v <<= 8
		if i+k < len(b.data) {
			v |= uint64(b.data[i+k])
		}
	}
	return uint32(v >> (32 - b.pos&7))
}

// take is the next n bits, at most 24.
func (b *bits) take(n int) int {
	if n == 0 {
		return 0
	}
	v := b.peek() >> (32 - n)
	b.pos += n
	return int(v)
}
