package image

import "fmt"

// jpegCodes is a Huffman table as a file defines it.
type jpegCodes struct {
	counts  [16]uint8 // codes of 1 to 16 bits
	symbols [256]uint8
	defined bool
}

const (
	jpegShort = 9  // codes up to this length are found by one look
	jpegWhole = 11 // code and value bits up to this length together are found by one look
)

// jpegTable is a Huffman table made for decoding.
type jpegTable struct {
	// whole is indexed by the next bits. A code with its value inside: value<<16 | zeros before it<<8 | bits in all. A
	// code alone: symbol<<8 | bits. Zero: a longer code.
	whole [1 << jpegWhole]uint32
	short [1 << jpegShort]uint16 // symbol<<4 | bits; zero: a longer code
	// last holds, for each length, the last code as the 16 highest bits of a word, plus one; add turns a code into the
	// place of its symbol.
	last    [17]uint32
	add     [17]int32
	symbols [256]uint8
}

// long decodes a code of more than jpegShort bits. Without one, libjpeg takes 17 bits and goes on with symbol 0.
func (t *jpegTable) long(buf uint64) (symbol, size int) {
	top := uint32(buf >> 48)
	for size := jpegShort + 1; size <= 16; size++ {
		if top < t.last[size] {
			return int(t.symbols[uint8(int32(top>>(16-size))+t.add[size])]), size
		}
	}
	return 0, 17
}

// table prepares the codes. A table for first coefficients may hold only sizes up to 15.
func (c *jpegCodes) table(t *jpegTable, first bool) error {
	if !c.defined {
		return fmt.Errorf("scan names a Huffman table that was not defined")
	}
	*t = jpegTable{symbols: c.symbols}
	code, place := uint32(0), 0
	for i, count := range c.counts {
		size := i + 1
		t.add[size] = int32(place) - int32(code)
		for range count {
			symbol := c.symbols[place&255]
			if first && symbol > 15 {
				return fmt.Errorf("table of Huffman codes: expected sizes up to 15 for first coefficients, got %d", symbol)
			}
			t.enter(code, size, symbol)
			code++
			place++
		}
		if place > 256 || count > 0 && code >= 1<<size {
			return fmt.Errorf("table of Huffman codes: more codes than %d bits allow", size)
		}
		if count > 0 {
			t.last[size] = code << (16 - size)
		}
		code <<= 1
	}
	return nil
}

// enter puts one code into the tables that are looked into first.
func (t *jpegTable) enter(code uint32, size int, symbol uint8) {
	if code >= 1<<size {
		return // refused by the caller
	}
	if size <= jpegShort {
		from := code << (jpegShort - size)
		for i := range uint32(1) << (jpegShort - size) {
			t.short[from+i] = uint16(symbol)<<4 | uint16(size)
		}
	}
	if size > jpegWhole {
		return
	}
	spare := jpegWhole - size
	from, bits := code<<spare, int(symbol&15)
	for i := range uint32(1) << spare {
		e := uint32(symbol)<<8 | uint32(size)
		if bits > 0 && bits <= spare {
			v := jpegExtend(i>>(spare-bits), bits)
			e = uint32(v)<<16 | uint32(symbol>>4)<<8 | uint32(size+bits)
		}
		t.whole[from+i] = e
	}
}

// standardCodes supplies the tables that a sequential file has not defined before its first scan.
func (d *jpegDecoder) standardCodes() {
	for ac := range d.codes {
		for i := range 2 {
			if c := &d.codes[ac][i]; !c.defined {
				*c = jpegStandard(ac == 1, i)
			}
		}
	}
}

// jpegStandard returns the tables of the standard's annex K: files that define none, such as frames of Motion JPEG, mean
// these. Tables 0 are for luminance, 1 for chrominance.
func jpegStandard(ac bool, index int) jpegCodes {
	c := jpegCodes{defined: true}
	if !ac {
		c.counts = [16]uint8{0, 1, 5, 1, 1, 1, 1, 1, 1}
		if index == 1 {
			c.counts = [16]uint8{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}
		}
		for i := range 12 {
			c.symbols[i] = uint8(i)
		}
		return c
	}
	symbols := "\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1" +
		"\x15\x52\xd1\xf0\x24\x33\x62\x72\x82\x09\x0a\x16\x17\x18\x19\x1a\x25"
	c.counts = [16]uint8{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125}
	if index == 1 {
		symbols = "\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\xa1\xb1\xc1" +
			"\x09\x23\x33\x52\xf0\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25\xf1"
		c.counts = [16]uint8{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119}
	}
	// What remains has 16 bits and stands in order.
	var seen [256]bool
	for i := range len(symbols) {
		c.symbols[i] = symbols[i]
		seen[symbols[i]] = true
	}
	n := len(symbols)
	for s := range 256 {
		if size := s & 15; !seen[s] && size >= 1 && size <= 10 {
			c.symbols[n] = uint8(s)
			n++
		}
	}
	return c
}
