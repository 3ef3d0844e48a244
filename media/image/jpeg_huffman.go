package image

import (
	"errors"

	"github.com/chiasm/chiasm/internal/pixel"
)

// jpegCodes is a Huffman table as a file defines it.
type jpegCodes struct {
	counts  [16]uint8 // codes of 1 to 16 bits
	symbols [256]uint8
	defined bool
}

// table prepares the codes. A table for first coefficients may hold only sizes up to 15.
func (c *jpegCodes) table(t *pixel.Huffman, first bool) error {
	if !c.defined {
		return errors.New("scan names a Huffman table that was not defined")
	}
	return t.Set(&c.counts, &c.symbols, first)
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
