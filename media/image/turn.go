package image

import (
	"encoding/binary"
	"regexp"
)

// turn returns the picture as its EXIF orientation o wants it seen, m itself for 1 and for anything outside 2 to 8.
func (m *RGB) turn(o int) *RGB {
	if o < 2 || o > 8 {
		return m
	}
	out := &RGB{Pix: make([]uint8, len(m.Pix)), W: m.W, H: m.H}
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
	return out
}

// metadata is where a file keeps its orientation: an EXIF block, or XMP where EXIF is silent.
type metadata struct {
	exif, xmp []byte
}

var xmpOrientation = regexp.MustCompile(`tiff:Orientation(="|>)([0-9])`)

// orientation returns the value of the orientation tag, 0 if there is none.
func (m *metadata) orientation() int {
	if o := exifOrientation(m.exif); o != 0 {
		return o
	}
	if found := xmpOrientation.FindSubmatch(m.xmp); found != nil {
		return int(found[2][0] - '0')
	}
	return 0
}

// exifOrientation finds tag 274 in the first directory of an EXIF block (a TIFF header and what follows), 0 if there is
// none or the block is damaged.
func exifOrientation(b []byte) int {
	for len(b) > 6 && string(b[:6]) == "Exif\x00\x00" {
		b = b[6:]
	}
	if len(b) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(b[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return 0
	}
	entries := b[at+2:]
	found := 0
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == 274 && order.Uint32(entries[4:]) == 1 {
			switch order.Uint16(entries[2:]) {
			case 1, 6: // byte
				found = int(entries[8])
			case 3, 8: // short
				found = int(order.Uint16(entries[8:]))
			case 4, 9: // long
				found = int(order.Uint32(entries[8:]))
			}
		}
		entries = entries[12:]
	}
	return found
}
