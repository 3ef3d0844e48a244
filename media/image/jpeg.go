package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// decodeJPEG reads baseline and progressive JPEG in gray, YCbCr, RGB, CMYK and YCCK. Four channels are taken as inverted,
// as Adobe writes them and Pillow assumes. Damage that libjpeg only warns of is forgiven; so is an early end if the caller
// wants to be warned, but not else: so does Pillow.
func decodeJPEG(f *file) (*RGB, int, error) {
	head := &f.memory.head
	if err := head.scan(f.data); err != nil {
		return nil, 0, err
	}
	if err := f.check(head.w, head.h); err != nil {
		return nil, 0, err
	}
	orientation, size := head.orientation(), 8
	if f.shrink != nil {
		w, h := head.w, head.h
		if orientation >= 5 { // a quarter turn
			w, h = h, w
		}
		size = f.shrink.enough(w, h)
	}
	workers := 0
	if f.alone {
		workers = 1
	}
	img, damage, err := f.memory.jpeg.decode(f.data, f.pixels, size, workers)
	if err == nil && damage != nil {
		if f.warn != nil {
			f.warn(fmt.Errorf("image: jpeg: %w", damage))
		} else if damage == errJPEGTruncated {
			err = damage
		}
	}
	if err != nil {
		return nil, 0, err
	}
	return img, orientation, nil
}

// jpegHead is what stands before the first scan of a JPEG file.
type jpegHead struct {
	metadata
	w, h, components int
}

// scan walks the marker segments up to the first scan.
func (h *jpegHead) scan(b []byte) error {
	*h = jpegHead{metadata: metadata{exif: h.exif[:0]}}
	for b = b[2:]; ; {
		for len(b) > 0 && b[0] != 0xff { // stray bytes between segments
			b = b[1:]
		}
		for len(b) > 1 && b[1] == 0xff { // fill bytes
			b = b[1:]
		}
		if len(b) < 4 {
			return fmt.Errorf("no picture data: truncated file")
		}
		marker := b[1]
		if marker == 0x00 || marker == 0x01 || marker >= 0xd0 && marker <= 0xd8 { // no segment follows
			b = b[2:]
			continue
		}
		if marker == 0xd9 {
			return fmt.Errorf("no picture data before the end marker")
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 2 || n+2 > len(b) {
			return fmt.Errorf("segment %02x is cut short: truncated file", marker)
		}
		segment := b[4 : n+2]
		b = b[n+2:]
		switch {
		case marker == 0xda:
			if h.components == 0 {
				return fmt.Errorf("scan before the frame header")
			}
			return nil
		case marker == 0xe1:
			h.app1(segment)
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			if len(segment) < 6 {
				return fmt.Errorf("frame header: expected 6 bytes, got %d", len(segment))
			}
			if marker > 0xc2 {
				return fmt.Errorf("frame type %02x (lossless, hierarchical or arithmetic) is not supported", marker)
			}
			h.h, h.w = int(binary.BigEndian.Uint16(segment[1:])), int(binary.BigEndian.Uint16(segment[3:]))
			h.components = int(segment[5])
		}
	}
}

// app1 keeps EXIF, which may go on over several segments, and XMP.
func (h *jpegHead) app1(segment []byte) {
	const exif, xmp = "Exif\x00\x00", "http://ns.adobe.com/xap/1.0/\x00"
	switch {
	case bytes.HasPrefix(segment, []byte(exif)):
		h.exif = append(h.exif, segment[len(exif):]...)
	case bytes.HasPrefix(segment, []byte(xmp)):
		h.xmp = segment[len(xmp):]
	}
}
