package pixel

import "fmt"

// look is the number of bits that are looked up at once. The assembly knows it.
const look = 10

// A Huffman table made for decoding. The assembly knows where its parts lie.
type Huffman struct {
	// pairs is indexed by the next bits and holds what they mean, values included. For first coefficients: bits |
	// value<<32, or zero where more bits are needed. For others one or two coefficients, or an end: see pair.
	pairs [1 << look]uint64
	codes [1 << look]uint16 // symbol<<8 | bits of the code; zero: a longer code
	// last holds, for each length, the last code as the 16 highest bits of a word, plus one; add turns a code into the
	// place of its symbol.
	last    [17]uint32
	add     [17]int32
	symbols [256]uint8
}

// A pair holds, from the lowest bit: how many bits it takes (8), how many places from the present one the first value
// goes (8), and the second (8), how far to move on (8), the two values (16 each). A single coefficient is written twice.
// An end moves on by alone or behind; it writes a zero over a zero if it stands alone. What is not a pair has its second
// place too far away.
const (
	tooFar = 255 << 16
	alone  = 128 // an end with nothing before it in the pair
	behind = 192 // an end behind a coefficient
)

func pair(bits, first, second, move int, v, w int32) uint64 {
	return uint64(bits) | uint64(first)<<8 | uint64(second)<<16 | uint64(move)<<24 | uint64(uint16(v))<<32 | uint64(uint16(w))<<48
}

// Set makes the table: counts of codes of 1 to 16 bits, and their symbols. One for first coefficients may hold only sizes
// up to 15.
func (h *Huffman) Set(counts *[16]uint8, symbols *[256]uint8, first bool) error {
	*h = Huffman{symbols: *symbols}
	code, place := uint32(0), 0
	for i, count := range counts {
		size := i + 1
		h.add[size] = int32(place) - int32(code)
		for range count {
			symbol := symbols[place&255]
			if first && symbol > 15 {
				return fmt.Errorf("table of Huffman codes: expected sizes up to 15 for first coefficients, got %d", symbol)
			}
			if size <= look && code < 1<<size { // else refused below
				for j := range 1 << (look - size) {
					h.codes[int(code)<<(look-size)+j] = uint16(symbol)<<8 | uint16(size)
				}
			}
			code++
			place++
		}
		if place > 256 || count > 0 && code >= 1<<size {
			return fmt.Errorf("table of Huffman codes: more codes than %d bits allow", size)
		}
		if count > 0 {
			h.last[size] = code << (16 - size)
		}
		code <<= 1
	}
	for i := range h.pairs {
		if first {
			h.pairs[i] = h.first(uint32(i))
		} else {
			h.pairs[i] = h.pair(uint32(i))
		}
	}
	return nil
}

// whole decodes a code and its value from the left ones of look bits. size is 0 if they are too few.
func (h *Huffman) whole(bits uint32, left int) (symbol, size int, v int32) {
	bits &= 1<<left - 1
	c := int(h.codes[bits<<(look-left)])
	symbol, size = c>>8, c&255
	n := symbol & 15
	if size == 0 || size+n > left {
		return 0, 0, 0
	}
	if n > 0 {
		v = extend(bits>>(left-size-n)&(1<<n-1), n)
	}
	return symbol, size + n, v
}

func (h *Huffman) first(bits uint32) uint64 {
	_, size, v := h.whole(bits, look)
	return pair(size, 0, 0, 0, v, 0)
}

func (h *Huffman) pair(bits uint32) uint64 {
	symbol, size, v := h.whole(bits, look)
	at := symbol >> 4
	switch {
	case size == 0:
		return tooFar
	case symbol == 0xf0:
		return pair(size, 0, 0, 16, 0, 0)
	case symbol&15 == 0:
		return pair(size, 0, 0, alone, 0, 0)
	}
	symbol, more, w := h.whole(bits, look-size)
	switch {
	case more == 0 || symbol == 0xf0:
		return pair(size, at, at, at+1, v, v)
	case symbol&15 == 0:
		return pair(size+more, at, at, behind, v, v)
	}
	next := at + 1 + symbol>>4
	return pair(size+more, at, next, next+1, v, w)
}

// find decodes the code that the highest bits of buf begin with. Without one, libjpeg takes 17 bits and goes on with
// symbol 0.
func (h *Huffman) find(buf uint64) (symbol, size int) {
	if c := h.codes[buf>>(64-look)]; c != 0 {
		return int(c >> 8), int(c & 255)
	}
	top := uint32(buf >> 48)
	for size := look + 1; size <= 16; size++ {
		if top < h.last[size] {
			return int(h.symbols[uint8(int32(top>>(16-size))+h.add[size])]), size
		}
	}
	return 0, 17
}

// Natural is the place in a block, row*8 + column, of each place in zigzag order; those over 63 mean 63.
var Natural = func() (z [128]uint8) {
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
