package image

import (
	"bytes"
	"encoding/binary"
)

// turn returns the picture as its EXIF orientation o wants it seen, m itself for 1 and for anything outside 2 to 8.
func (m *RGB) turn(o int) *RGB {
	if o < 2 || o > 8 {
		return m
	}
	out := new(RGB)
	m.turnTo(out, o)
	return out
}

// turnTo makes out, in the memory that it has, the picture as its EXIF orientation o, 2 to 8, wants it seen.
func (m *RGB) turnTo(out *RGB, o int) {
	*out = RGB{Pix: grow(out.Pix, len(m.Pix)), W: m.W, H: m.H}
	if o >= 5 {
		out.W, out.H = m.H, m.W
	}
	// Source pixel (x, y) goes to start + x*dx + y*dy, counted in pixels.
	var start, dx, dy int
	w, h := out.W, out.H
	switch o {
	case 2: // mirrored left to right
		start, dx, dy = w-1, -1, w
	case 3: // half a turn
		start, dx, dy = w*h-1, -1, -w
	case 4: // mirrored top to bottom
		start, dx, dy = w*(h-1), 1, -w
	case 5: // mirrored at the main diagonal
		start, dx, dy = 0, w, 1
	case 6: // stored a quarter turn to the left
		start, dx, dy = w-1, w, -1
	case 7: // mirrored at the other diagonal
		start, dx, dy = w*h-1, -w, -1
	case 8: // stored a quarter turn to the right
		start, dx, dy = w*(h-1), -w, 1
	}
	row := m.Pix
	for y := range m.H {
		to := 3 * (start + y*dy)
		for range m.W {
			copy(out.Pix[to:to+3], row[:3])
			row = row[3:]
			to += 3 * dx
		}
	}
}

// metadata is where a file keeps its orientation: an EXIF block, or XMP where EXIF is silent.
type metadata struct {
	exif, xmp []byte
}

// orientation returns the value of the orientation tag, 0 if there is none.
func (m *metadata) orientation() int {
	if o := exifOrientation(m.exif); o != 0 {
		return o
	}
	for xmp := m.xmp; ; { // an attribute or an element of one digit
		_, rest, ok := bytes.Cut(xmp, []byte("tiff:Orientation"))
		if !ok {
			return 0
		}
		xmp = rest
		rest, ok = bytes.CutPrefix(rest, []byte(`="`))
		if !ok {
			rest, ok = bytes.CutPrefix(rest, []byte(">"))
		}
		if ok && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
			return int(rest[0] - '0')
		}
	}
}

// exifOrientation finds tag 274 in the first directory of an EXIF block (a TIFF header and what follows), 0 if there is
// none or the block is damaged.
func exifOrientation(b []byte) int {
	for len(b) > 6 && string(b[:6]) == "Exif\x00\x00" {
		b = b[6:]
	}
	return directory(b, 274)
}

// directory returns the number that the first directory of a TIFF block holds for a tag, 0 if it holds none or several.
func directory(b []byte, tag uint16) int {
	order, kind, count, value := tagEntry(b, tag)
	if count != 1 {
		return 0
	}
	switch kind {
	case 1, 6: // byte
		return int(value[0])
	case 3, 8: // short
		return int(order.Uint16(value))
	case 4, 9: // long
		return int(order.Uint32(value))
	}
	return 0
}

// tagEntry finds a tag in the first directory of a TIFF block; count is 0 if it is not there. value is the entry's last
// four bytes: the number, or where the numbers are.
func tagEntry(b []byte, tag uint16) (order binary.ByteOrder, kind uint16, count uint32, value []byte) {
	if len(b) < 8 {
		return nil, 0, 0, nil
	}
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return nil, 0, 0, nil
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return nil, 0, 0, nil
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == tag {
			kind, count, value = order.Uint16(entries[2:]), order.Uint32(entries[4:]), entries[8:12]
		}
		entries = entries[12:]
	}
	return order, kind, count, value
}
