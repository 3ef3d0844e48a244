package image

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/chiasm/chiasm/internal/pixel"
)

// EncodeJPEG returns m as a baseline JPEG file, 4:2:0, with the tables of the standard's annex K, scaled to a quality of 1 to 100 as libjpeg
// scales them. It panics with a [*SizeError] unless m is a picture of at most 65,535 pixels a side.
func EncodeJPEG(m *RGB, quality int) []byte {
	m.check("EncodeJPEG")
	if max(m.W, m.H) > 0xffff {
		panic(&SizeError{"EncodeJPEG", "at most 65535 pixels a side", fmt.Sprintf("%d x %d", m.W, m.H)})
	}
	e := jpegEncoder{out: make([]byte, 0, 1024+m.W*m.H/4)}
	e.header(m.W, m.H, min(max(quality, 1), 100))
	var unit [16 * 48]uint8
	for y := 0; y < m.H; y += 16 {
		for x := 0; x < m.W; x += 16 {
			m.unit(&unit, x, y)
			e.unit(&unit)
		}
	}
	e.put(0x7f, 7) // the last byte is filled up with ones
	for ; e.held >= 8; e.held -= 8 {
		e.byte(uint8(e.acc >> (e.held - 8)))
	}
	return append(e.out, 0xff, 0xd9)
}

// unit copies the 16 by 16 pixels from (x, y) on; outside the picture its last column and row repeat.
func (m *RGB) unit(dst *[16 * 48]uint8, x, y int) {
	n := 3 * min(16, m.W-x)
	for j := range 16 {
		row := dst[48*j:][:48]
		copy(row[:n], m.Pix[3*(min(y+j, m.H-1)*m.W+x):])
		for i := n; i < 48; i++ {
			row[i] = row[i-3]
		}
	}
}

// A jpegEncoder writes a file. Index 0 of its tables is luminance, 1 chrominance.
type jpegEncoder struct {
	out    []byte
	acc    uint64 // its low bits wait to be written
	held   uint   // how many, below 32 between symbols
	dc, ac [2]jpegWords
	factor [2][64]float32 // by which to multiply what the cosine transform gives, column by column
	last   [3]int32       // first coefficients of the blocks before
}

// jpegWords holds the code of each symbol and, in its low 5 bits, how long it is.
type jpegWords [256]uint32

// words gives each symbol its code.
func (c *jpegCodes) words() (w jpegWords) {
	code, k := uint32(0), 0
	for i, n := range c.counts {
		for range n {
			w[c.symbols[k]] = code<<5 | uint32(i+1)
			code++
			k++
		}
		code <<= 1
	}
	return w
}

// jpegQuant is the standard's tables of annex K.1, in zigzag order.
var jpegQuant = [2][64]uint8{
	{16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
		56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99},
	{17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99},
}

// jpegTurned is where the coefficients of the zigzag order lie column by column.
var jpegTurned = func() (turned [64]uint8) {
	for k, at := range pixel.Natural[:64] { // what follows is for damaged files
		turned[k] = at%8*8 + at/8
	}
	return turned
}()

// header writes what comes before the blocks, and makes the tables.
func (e *jpegEncoder) header(w, h, quality int) {
	percent := 200 - 2*quality
	if quality < 50 {
		percent = 5000 / quality
	}
	e.out = append(e.out, 0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0)
	for i := range 2 {
		e.out = append(e.out, 0xff, 0xdb, 0, 67, uint8(i))
		for k, q := range jpegQuant[i] {
			q := min(max((int(q)*percent+50)/100, 1), 255)
			e.out = append(e.out, uint8(q))
			at := jpegTurned[k]
			e.factor[i][at] = float32(1 / (8 * float64(q) * pixel.CosineScales[at/8] * pixel.CosineScales[at%8]))
		}
	}
	e.out = append(e.out, 0xff, 0xc0, 0, 17, 8, uint8(h>>8), uint8(h), uint8(w>>8), uint8(w), 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1)
	for i := range 2 {
		for ac := range 2 {
			c := jpegStandard(ac == 1, i)
			n := 0
			for _, of := range c.counts {
				n += int(of)
			}
			e.out = append(e.out, 0xff, 0xc4, uint8((19+n)>>8), uint8(19+n), uint8(ac<<4|i))
			e.out = append(append(e.out, c.counts[:]...), c.symbols[:n]...)
			if ac == 1 {
				e.ac[i] = c.words()
			} else {
				e.dc[i] = c.words()
			}
		}
	}
	e.out = append(e.out, 0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0)
}

// unit writes 16 by 16 pixels: four blocks of luminance, then one of each chrominance, which is that of the mean of four pixels.
func (e *jpegEncoder) unit(rgb *[16 * 48]uint8) {
	var luma [4][64]float32
	var cb, cr [64]float32
	for y := 0; y < 16; y += 2 {
		up, down := rgb[48*y:][:48], rgb[48*y+48:][:48]
		for x := 0; x < 16; x += 2 {
			u, d := up[3*x:][:6], down[3*x:][:6]
			to := luma[y/8*2+x/8][y%8*8+x%8:]
			to[0], to[1] = jpegLuma(u[0], u[1], u[2]), jpegLuma(u[3], u[4], u[5])
			to[8], to[9] = jpegLuma(d[0], d[1], d[2]), jpegLuma(d[3], d[4], d[5])
			r := int32(u[0]) + int32(u[3]) + int32(d[0]) + int32(d[3])
			g := int32(u[1]) + int32(u[4]) + int32(d[1]) + int32(d[4])
			b := int32(u[2]) + int32(u[5]) + int32(d[2]) + int32(d[5])
			i := y/2*8 + x/2
			cb[i] = float32(-11059*r-21709*g+32768*b) * (1.0 / (1 << 18))
			cr[i] = float32(32768*r-27439*g-5329*b) * (1.0 / (1 << 18))
		}
	}
	for i := range luma {
		e.block(&luma[i], 0, 0)
	}
	e.block(&cb, 1, 1)
	e.block(&cr, 1, 2)
}

// jpegLuma is a pixel's luminance less 128, as JFIF defines it.
func jpegLuma(r, g, b uint8) float32 {
	return float32(19595*int32(r)+38470*int32(g)+7471*int32(b)-128<<16) * (1.0 / (1 << 16))
}

// block writes 64 samples of a channel with the tables of an index.
func (e *jpegEncoder) block(x *[64]float32, table, channel int) {
	var turned [64]int16
	pixel.Forward(&turned, x, &e.factor[table])
	var q [64]int32
	var set uint64 // places in zigzag order that are not zero
	for k, at := range &jpegTurned {
		v := int32(turned[at&63])
		q[k] = v
		set |= uint64(uint32(v|-v)>>31) << k
	}
	v := q[0] - e.last[channel]
	e.last[channel] = q[0]
	e.value(&e.dc[table], 0, v)
	words := &e.ac[table]
	at := 0
	for set &^= 1; set != 0; set &= set - 1 {
		k := bits.TrailingZeros64(set) & 63
		run := k - at - 1
		for ; run > 15; run -= 16 {
			e.put(words[0xf0]>>5, uint(words[0xf0]&31))
		}
		e.value(words, run, q[k])
		at = k
	}
	if at < 63 {
		e.put(words[0]>>5, uint(words[0]&31)) // the rest is zero
	}
}

// value writes the code of a run and a size, and the bits of v.
func (e *jpegEncoder) value(words *jpegWords, run int, v int32) {
	sign := v >> 31
	n := uint(bits.Len32(uint32((v ^ sign) - sign)))
	w := words[uint(run)<<4|n]
	e.put(w>>5<<n|uint32(v+sign)&(1<<n-1), uint(w&31)+n)
}

// put writes the low n bits, at most 27.
func (e *jpegEncoder) put(code uint32, n uint) {
	e.acc = e.acc<<n | uint64(code)
	if e.held += n; e.held < 32 {
		return
	}
	e.held -= 32
	w := uint32(e.acc >> e.held)
	if inverse := ^w; (inverse-0x01010101)&w&0x80808080 == 0 { // no byte is 0xff
		e.out = binary.BigEndian.AppendUint32(e.out, w)
		return
	}
	for s := 24; s >= 0; s -= 8 {
		e.byte(uint8(w >> s))
	}
}

// byte writes one, and a zero after what would be read as a marker.
func (e *jpegEncoder) byte(b uint8) {
	if e.out = append(e.out, b); b == 0xff {
		e.out = append(e.out, 0)
	}
}
