package image

import (
	"bytes"
	"fmt"

	"golang.org/x/image/tiff"
)

// decodeTIFF reads the first picture of a TIFF file, or the preview of a camera's RAW file that is one.
func decodeTIFF(f *file) (*RGB, int, error) {
	if raw, p := previews(f.data); raw {
		if p.data != nil || directories(f.data, 1)[0].sensor() {
			return f.preview(&p)
		}
		f.warnOf(&p)
	}
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
	out := f.flatten(img)
	const compression, photometric, blackIsZero, packet = 259, 262, 1, 700
	if fax := directory(f.data, compression); fax >= 2 && fax <= 4 && directory(f.data, photometric) == blackIsZero {
		for i, v := range out.Pix { // x/image takes fax codes as white on black here, libtiff as they are
			out.Pix[i] = 255 - v
		}
	}
	meta := metadata{exif: f.data}
	if order, _, n, value := tagEntry(f.data, packet); n > 4 {
		if from := uint64(order.Uint32(value)); from+uint64(n) <= uint64(len(f.data)) {
			meta.xmp = f.data[from : from+uint64(n)]
		}
	}
	return out, meta.orientation(), nil
}
