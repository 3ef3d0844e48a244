package image

import (
	"errors"
	"fmt"

	"github.com/chiasm/chiasm/internal/par"
)

// decode decodes a JPEG file of at most pixels pixels as libjpeg-turbo does with its defaults and Pillow's conversion
// to RGB, equal on every byte: accurate integer transform, interpolated chroma. Baseline, extended sequential and
// progressive Huffman coding with 8 bits a sample, 1, 3 or 4 channels.
//
// A file that is damaged or ends too early gives the picture that libjpeg makes of it, and damage says so:
// errJPEGTruncated, for which Pillow raises an error, or errJPEGDamaged, which it ignores.
//
// The picture has size pixels for each 8 of the file, rounded up: 8, or 4, 2 or 1, which equals libjpeg-turbo's scaled
// decoding. It is made by at most that many goroutines, 0 for as many as pay, and is the decoder's: there until the next.
func (d *jpegDecoder) decode(data []byte, pixels int64, size, workers int) (img *RGB, damage, err error) {
	defer func() { d.bits.Data = nil }() // the file is the caller's
	if err := d.begin(data, size); err != nil {
		return nil, nil, err
	}
	scan, err := d.advance()
	if err != nil {
		return nil, nil, err
	}
	if scan == nil {
		return nil, nil, errors.New("no picture data before the end marker")
	}
	if err := d.affordable(pixels); err != nil {
		return nil, nil, err
	}
	if workers == 0 {
		workers = par.Workers()
		if d.w*d.h < jpegAlone {
			workers = 1
		}
	}
	if !d.progressive {
		d.standardCodes()
	}
	if d.progressive || len(scan.parts) < len(d.comps) {
		if err := d.gather(scan); err != nil {
			return nil, nil, err
		}
		d.paintStored(workers)
	} else {
		if err := d.ready(scan); err != nil {
			return nil, nil, err
		}
		d.paintStream(scan, workers)
	}
	if d.bits.Ended {
		d.worsen(errJPEGTruncated)
	} else if next, err := d.advance(); next != nil || err != nil && err != errJPEGTruncated {
		d.worsen(errJPEGDamaged) // the picture is whole, but something odd stands behind it
	}
	return &d.canvas.out, d.damage, nil
}

// jpegAlone is the number of pixels below which a second goroutine does not pay.
const jpegAlone = 1 << 17

// affordable refuses a size that a header declares before memory is taken for it.
func (d *jpegDecoder) affordable(pixels int64) error {
	n := int64(d.w) * int64(d.h)
	if n > pixels {
		return fmt.Errorf("%d x %d pixels are more than the limit of %d", d.w, d.h, pixels)
	}
	// Each block takes a bit at least. What has less than a quarter of that is no picture cut short.
	blocks := int64(0)
	for i := range d.comps {
		blocks += int64(d.comps[i].blocksX) * int64(d.comps[i].blocksY)
	}
	if n > 1<<20 && blocks > 32*int64(len(d.bits.Data)) {
		return fmt.Errorf("%d bytes cannot hold %d x %d pixels", len(d.bits.Data), d.w, d.h)
	}
	return nil
}

// jpegHeader returns the size and the number of channels of a JPEG file.
func jpegHeader(data []byte) (w, h, channels int, err error) {
	var d jpegDecoder
	if err := d.begin(data, 8); err != nil {
		return 0, 0, 0, err
	}
	scan, err := d.advance()
	if err == nil && scan == nil {
		err = errors.New("no picture data before the end marker")
	}
	return d.w, d.h, len(d.comps), err
}
