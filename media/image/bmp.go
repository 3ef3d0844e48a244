package image

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// isBMP knows a bitmap by the length of its header too, since two letters begin many a text.
func isBMP(data []byte) bool {
	return len(data) >= 18 && string(data[:2]) == "BM" && slices.Contains([]uint32{12, 40, 52, 56, 64, 108, 124}, binary.LittleEndian.Uint32(data[14:]))
}

// decodeBMP reads Windows and OS/2 bitmaps of 1, 4, 8, 16, 24 and 32 bits, run-length coded or with the bit fields that
// Pillow knows. (golang.org/x/image/bmp takes neither runs nor 16 bits nor a gap before the pixels.)
func decodeBMP(f *file) (*RGB, int, error) {
	m, err := scanBMP(f.data)
	if err != nil {
		return nil, 0, err
	}
	if err := f.check(m.w, m.h); err != nil {
		return nil, 0, err
	}
	stride := (m.w*m.bits + 31) / 32 * 4
	if m.runs {
		// Two bytes hold a run of at most 255 pixels, or a jump of at most 255 rows.
		if int64(m.w)*int64(m.h) > int64(len(m.pixels))*65536 {
			return nil, 0, io.ErrUnexpectedEOF
		}
	} else if int64(len(m.pixels)) < int64(stride)*int64(m.h)-int64(stride-(m.w*m.bits+7)/8) {
		return nil, 0, io.ErrUnexpectedEOF
	}
	out := NewRGB(m.w, m.h)
	indices := []byte(nil)
	if m.runs {
		if indices, err = m.unrun(); err != nil {
			return nil, 0, err
		}
	}
	for y := range m.h {
		to := y
		if !m.topDown {
			to = m.h - 1 - y
		}
		row := out.Pix[3*m.w*to:][:3*m.w]
		if m.runs {
			for x, v := range indices[y*m.w:][:m.w] {
				copy(row[3*x:3*x+3], m.palette[v][:])
			}
			continue
		}
		m.row(row, m.pixels[y*stride:])
	}
	return out, 0, nil
}

// bitmap is the header of a BMP file.
type bitmap struct {
	w, h, bits int
	topDown    bool
	runs       bool
	masks      [3]uint32
	palette    [256][3]uint8
	pixels     []byte
}

func scanBMP(b []byte) (*bitmap, error) {
	if len(b) < 26 {
		return nil, io.ErrUnexpectedEOF
	}
	u16 := func(i int) int { return int(binary.LittleEndian.Uint16(b[i:])) }
	u32 := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	m := new(bitmap)
	offset, header := int64(u32(10)), int(u32(14))
	entry, colours, compression := 4, 0, 0
	switch header {
	case 12:
		m.w, m.h, m.bits, entry = u16(18), u16(20), u16(24), 3
	case 40, 52, 56, 64, 108, 124:
		if len(b) < 14+header {
			return nil, io.ErrUnexpectedEOF
		}
		m.w, m.h, m.bits = int(u32(18)), int(int32(u32(22))), u16(28)
		compression, colours = int(u32(30)), int(u32(46))
		if m.h < 0 {
			m.h, m.topDown = -m.h, true
		}
	default:
		return nil, fmt.Errorf("header: expected 12, 40, 52, 56, 64, 108 or 124 bytes, got %d", header)
	}
	at := int64(14 + header)
	switch {
	case compression == 0:
		m.masks = map[int][3]uint32{16: {0x7c00, 0x3e0, 0x1f}, 32: {0xff0000, 0xff00, 0xff}}[m.bits]
	case compression == 1 && m.bits == 8, compression == 2 && m.bits == 4:
		m.runs = true
	case compression == 3 && (m.bits == 16 || m.bits == 24 || m.bits == 32) && header >= 40:
		if len(b) < 66 {
			return nil, io.ErrUnexpectedEOF
		}
		m.masks = [3]uint32{u32(54), u32(58), u32(62)}
		if header == 40 {
			at += 12
		}
		if !known(m.bits, m.masks) {
			return nil, fmt.Errorf("bit fields %x of %d bits are not supported", m.masks, m.bits)
		}
		if m.masks == [3]uint32{} {
			m.masks = [3]uint32{0xff0000, 0xff00, 0xff}
		}
	default:
		return nil, fmt.Errorf("compression %d of %d bits is not supported", compression, m.bits)
	}
	switch m.bits {
	case 1, 4, 8:
		if colours == 0 {
			colours = 1 << m.bits
		}
		if offset == int64(14+header) {
			offset += int64(entry * colours)
		}
		if at > int64(len(b)) {
			return nil, io.ErrUnexpectedEOF
		}
		table := b[at:]
		for i := range min(colours, 256, len(table)/entry) {
			p := table[i*entry:]
			m.palette[i] = [3]uint8{p[2], p[1], p[0]}
		}
	case 16, 24, 32:
	default:
		return nil, fmt.Errorf("expected 1, 4, 8, 16, 24 or 32 bits a pixel, got %d", m.bits)
	}
	if offset < at {
		offset = at
	}
	if offset > int64(len(b)) {
		return nil, io.ErrUnexpectedEOF
	}
	m.pixels = b[offset:]
	return m, nil
}

// known reports whether Pillow reads these bit fields.
func known(bits int, m [3]uint32) bool {
	switch bits {
	case 16:
		return m == [3]uint32{0xf800, 0x7e0, 0x1f} || m == [3]uint32{0x7c00, 0x3e0, 0x1f}
	case 24:
		return m == [3]uint32{0xff0000, 0xff00, 0xff}
	}
	return m == [3]uint32{0xff0000, 0xff00, 0xff} || m == [3]uint32{0xff000000, 0xff0000, 0xff00} ||
		m == [3]uint32{0xff000000, 0xff00, 0xff} || m == [3]uint32{0xff, 0xff00, 0xff0000} || m == [3]uint32{}
}

// row unpacks one row of pixels.
func (m *bitmap) row(to, from []byte) {
	switch m.bits {
	case 24:
		for x := range m.w {
			to[3*x], to[3*x+1], to[3*x+2] = from[3*x+2], from[3*x+1], from[3*x]
		}
	case 16:
		for x := range m.w {
			v := uint32(from[2*x]) | uint32(from[2*x+1])<<8
			for c, mask := range m.masks {
				part := v & mask
				if mask == 0x7e0 {
					to[3*x+c] = uint8((part >> 5) * 255 / 63)
				} else {
					to[3*x+c] = uint8(part / (mask &^ (mask << 1) & mask) * 255 / 31)
				}
			}
		}
	case 32:
		for x := range m.w {
			v := binary.LittleEndian.Uint32(from[4*x:])
			for c, mask := range m.masks {
				to[3*x+c] = uint8(v & mask / (mask &^ (mask << 1)))
			}
		}
	default:
		for x := range m.w {
			bit := x * m.bits
			v := from[bit/8] >> (8 - m.bits - bit%8) & uint8(1<<m.bits-1)
			copy(to[3*x:3*x+3], m.palette[v][:])
		}
	}
}

// unrun expands run-length codes to one byte a pixel, in file order. What they skip stays colour 0.
func (m *bitmap) unrun() ([]byte, error) {
	out := make([]byte, m.w*m.h)
	b := m.pixels
	x, y := 0, 0
	put := func(v byte) {
		if x < m.w && y < m.h {
			out[y*m.w+x] = v
		}
		x++
	}
	nibble := func(v byte, i int) byte {
		if m.bits == 8 {
			return v
		}
		if i%2 == 0 {
			return v >> 4
		}
		return v & 15
	}
	for y < m.h {
		if len(b) < 2 {
			return nil, io.ErrUnexpectedEOF
		}
		n, v := int(b[0]), b[1]
		b = b[2:]
		switch {
		case n > 0:
			for i := range n {
				put(nibble(v, i))
			}
		case v == 0:
			x, y = 0, y+1
		case v == 1:
			return out, nil
		case v == 2:
			if len(b) < 2 {
				return nil, io.ErrUnexpectedEOF
			}
			x, y = x+int(b[0]), y+int(b[1])
			b = b[2:]
		default: // pixels as they are, padded to 16 bits
			size := (int(v)*m.bits + 7) / 8
			if len(b) < size {
				return nil, io.ErrUnexpectedEOF
			}
			for i := range int(v) {
				if m.bits == 8 {
					put(b[i])
				} else {
					put(nibble(b[i/2], i))
				}
			}
			b = b[min(size+size%2, len(b)):]
		}
	}
	return out, nil
}
