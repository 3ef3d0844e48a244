package image

import (
	"errors"
	"fmt"
	"io"
)

// isPNM recognises a portable bitmap, graymap or pixmap, as text or not.
func isPNM(data []byte) bool {
	return len(data) > 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' && (space(data[2]) || data[2] == '#')
}

func space(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// decodePNM reads a portable bitmap (P1, P4), graymap (P2, P5) or pixmap (P3, P6). Values are brought from those of the file, up to 65535,
// to a byte, as Pillow does, but for graymaps of more than 255, which it cuts off at that.
func decodePNM(f *file) (*RGB, int, error) {
	format := f.data[1]
	b := pnm{f.data[2:]}
	bits, text := format == '1' || format == '4', format <= '3'
	w, err := b.number()
	h, err2 := b.number()
	most := 1
	if !bits && err == nil && err2 == nil {
		most, err = b.number()
	}
	if err = errors.Join(err, err2); err != nil {
		return nil, 0, err
	}
	if err := f.check(w, h); err != nil {
		return nil, 0, err
	}
	if most < 1 || most > 65535 {
		return nil, 0, fmt.Errorf("its largest value is %d, want 1 to 65535", most)
	}
	channels := 1
	if format == '3' || format == '6' {
		channels = 3
	}
	if !text {
		if len(b.data) == 0 || !space(b.data[0]) {
			return nil, 0, io.ErrUnexpectedEOF
		}
		b.data = b.data[1:]
	}
	row := w * channels
	if bits {
		row = (w + 7) / 8
	} else if most > 255 {
		row *= 2
	}
	least := row
	if text { // each value has a digit at least, which in a bitmap may stand alone
		least = w * channels
	}
	if len(b.data)/h < least {
		return nil, 0, io.ErrUnexpectedEOF
	}
	img := NewRGB(w, h)
	for i := 0; i < w*h*channels; i++ {
		var v int
		switch at := i / (w * channels) * row; {
		case format == '1':
			v, err = b.bit()
			v = 1 - v
		case text:
			v, err = b.number()
		case bits:
			v = 1 - int(b.data[at+i%w/8]>>(7-i%w%8)&1)
		case most > 255:
			v = int(b.data[2*i])<<8 | int(b.data[2*i+1])
		default:
			v = int(b.data[i])
		}
		if err != nil {
			return nil, 0, err
		}
		if text && v > most {
			return nil, 0, fmt.Errorf("a value of %d, want at most %d", v, most)
		}
		c := scaled(v, most)
		if channels == 3 {
			img.Pix[i] = c
		} else {
			img.Pix[3*i], img.Pix[3*i+1], img.Pix[3*i+2] = c, c, c
		}
	}
	return img, 0, nil
}

// scaled brings a value to a byte.
func scaled(v, most int) byte {
	if most == 255 {
		return byte(v)
	}
	return byte(min((2*255*v+most)/(2*most), 255))
}

// A pnm is the rest of a file.
type pnm struct{ data []byte }

// skip skips space and comments, which go to the end of their lines.
func (b *pnm) skip() {
	for comment := false; len(b.data) > 0; b.data = b.data[1:] {
		switch c := b.data[0]; {
		case comment:
			comment = c != '\n' && c != '\r'
		case c == '#':
			comment = true
		case !space(c):
			return
		}
	}
}

// number reads a number of at most nine digits.
func (b *pnm) number() (n int, err error) {
	b.skip()
	digits := 0
	for ; len(b.data) > 0 && b.data[0] >= '0' && b.data[0] <= '9' && digits < 10; b.data = b.data[1:] {
		n = n*10 + int(b.data[0]-'0')
		digits++
	}
	switch {
	case len(b.data) == 0 && digits == 0:
		return 0, io.ErrUnexpectedEOF
	case digits == 0 || digits > 9:
		return 0, errors.New("expected a number")
	}
	return n, nil
}

// bit reads one digit.
func (b *pnm) bit() (int, error) {
	b.skip()
	if len(b.data) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	c := b.data[0]
	if c != '0' && c != '1' {
		return 0, errors.New("expected 0 or 1")
	}
	b.data = b.data[1:]
	return int(c - '0'), nil
}
