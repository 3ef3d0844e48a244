package image

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// A Decoder reads pictures one after the other, as [Open] and [Read] do, into memory that it keeps: a picture is there until the next
// is read. JPEG files, baseline or progressive, then take no new memory once there has been one of their size; files of other formats do.
// What a picture leaves of more than 64 MiB goes with the next. The zero value is ready to use, by one goroutine at a time.
type Decoder struct {
	data   []byte // of a file
	head   jpegHead
	jpeg   jpegDecoder
	turned RGB
	file   file  // the present one
	alpha  layer // its transparency
}

// keptBytes is how much memory a Decoder keeps from picture to picture.
const keptBytes = 64 << 20

// decoders serve those who keep the picture.
var decoders = sync.Pool{New: func() any { return new(Decoder) }}

// give parts with the picture that was read last, nil for none, and leaves the decoder to others.
func (d *Decoder) give(img *RGB) *RGB {
	if img != nil {
		own := *img
		for _, mine := range []*RGB{&d.jpeg.canvas.out, &d.turned} {
			if mine == img {
				mine.Pix = nil
			}
		}
		img = &own
	}
	decoders.Put(d)
	return img
}

// Open reads the picture in a file: see the function [Open].
func (d *Decoder) Open(path string, options *Options) (*RGB, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	defer f.Close()
	size := 0
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = int(min(info.Size(), mostHint))
	}
	data, err := d.slurp(f, size, options)
	if err != nil {
		return nil, fmt.Errorf("image: %s: %w", path, bare(err))
	}
	img, err := d.decode(data, options)
	if err != nil {
		return nil, fmt.Errorf("image: %s: %w", path, err)
	}
	return img, nil
}

// Read reads the picture that comes from r: see the function [Read].
func (d *Decoder) Read(r io.Reader, options *Options) (*RGB, error) {
	data, err := d.slurp(r, 0, options)
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	return d.Decode(data, options)
}

// Decode is [Decoder.Read] for a file whose bytes are at hand.
func (d *Decoder) Decode(data []byte, options *Options) (*RGB, error) {
	img, err := d.decode(data, options)
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	return img, nil
}

const (
	headBytes = 4096    // by which a format is recognised
	mostHint  = 1 << 30 // of the memory that is taken at a file's word
)

// slurp reads a picture's bytes, some size of them: none but the head of what begins as no picture, and no more than a picture of the most
// pixels may take, 16 for each and its metadata.
func (d *Decoder) slurp(r io.Reader, size int, options *Options) ([]byte, error) {
	if cap(d.data) > keptBytes {
		d.data = nil
	}
	b := grow(d.data, headBytes)
	n, err := io.ReadFull(r, b)
	d.data = b
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if b = b[:n]; err != nil || !Recognise(b) {
		return b, nil
	}
	most := 16*options.pixels() + 1<<26
	for {
		if room := max(size-len(b), 0) + bytes.MinRead; cap(b)-len(b) < bytes.MinRead {
			b = append(make([]byte, 0, max(len(b)+room, 2*len(b))), b...)
			d.data = b
		}
		n, err := r.Read(b[len(b):min(int64(cap(b)), most+1)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > most:
			return nil, fmt.Errorf("more than %d bytes, which no picture of the most pixels takes", most)
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, err
		}
	}
}

// decode reads a picture whose bytes are at hand.
func (d *Decoder) decode(data []byte, options *Options) (*RGB, error) {
	c, err := d.cut(data, options, options != nil && options.White)
	if err != nil || c.Alpha == nil {
		return c.Colour, err
	}
	ground := NewRGB(c.Colour.W, c.Colour.H)
	for i := range ground.Pix {
		ground.Pix[i] = 255
	}
	return c.Over(ground), nil
}

// cut reads a picture and, if that is wanted, its transparency.
func (d *Decoder) cut(data []byte, options *Options, alpha bool) (c Cutout, err error) {
	if d.held() > keptBytes {
		d.jpeg, d.head, d.turned = jpegDecoder{}, jpegHead{}, RGB{}
	}
	defer func() { d.file, d.alpha, d.head.xmp = file{}, layer{}, nil }() // they look at what is the caller's
	d.file = file{memory: d, data: data, pixels: options.pixels()}
	if options != nil {
		d.file.shrink, d.file.alone, d.file.warn = options.Shrink, options.Alone, options.Warn
	}
	if alpha {
		d.file.alpha = &d.alpha
	}
	if c.Colour, err = d.file.decode(); err == nil && alpha {
		c.Alpha = d.alpha.gray()
	}
	return c, err
}

// held is how many bytes of memory d keeps, those of files aside.
func (d *Decoder) held() int { return d.jpeg.held() + cap(d.head.exif) + cap(d.turned.Pix) }

// pixels is the most that are accepted.
func (o *Options) pixels() int64 {
	if o != nil && o.Pixels > 0 {
		return o.Pixels
	}
	return defaultPixels
}

// turn turns a picture by its orientation.
func (d *Decoder) turn(img *RGB, orientation int) *RGB {
	if orientation < 2 || orientation > 8 {
		return img
	}
	img.turnTo(&d.turned, orientation)
	return &d.turned
}
