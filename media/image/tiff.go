package image

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/image/tiff"
)

// decodeTIFF reads the first picture of a TIFF file.
func decodeTIFF(f *file) (*RGB, int, error) {
	c, err := tiff.DecodeConfig(bytes.NewReader(f.data))
	if err != nil {
		return nil, 0, err
	}
	if err := f.check(c.Width, c.Height); err != nil {
		return nil, 0, err
	}
	img, err := tiff.Decode(bytes.NewReader(f.data))
	if err != nil {
		return nil, 0, err
	}
	if b := img.Bounds(); b.Dx() != c.Width || b.Dy() != c.Height {
		return nil, 0, fmt.Errorf("expected %d x %d pixels, got %v", c.Width, c.Height, b)
	}
	meta := metadata{exif: f.data}
	if meta.orientation() == 0 {
		meta.xmp = tiffXMP(f.data)
	}
	return flatten(img), meta.orientation(), nil
}

// tiffXMP returns tag 700 of the first directory.
func tiffXMP(b []byte) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return nil
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == 700 {
			n, from := uint64(order.Uint32(entries[4:])), uint64(order.Uint32(entries[8:]))
			if from+n <= uint64(len(b)) {
				return b[from : from+n]
			}
		}
		entries = entries[12:]
	}
	return nil
}
