package image

import (
	"bytes"
	"fmt"
	stdimage "image"
	"io"
	"math/rand/v2"

	"golang.org/x/image/webp"
)

// A Cutout is a picture with what lets the ground shine through.
type Cutout struct {
	Colour *RGB           // what [Read] gives
	Alpha  *stdimage.Gray // 255 where it covers all; nil if it does so everywhere
}

// ReadCutout is [Read] that keeps the transparency of PNG, GIF, WebP and TIFF pictures. Of an animated WebP it is lost.
func ReadCutout(r io.Reader, options *Options) (*Cutout, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	d := decoders.Get().(*Decoder)
	c, err := d.cut(data, options, true)
	if c.Colour = d.give(c.Colour); err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	return &c, nil
}

// A layer is the transparency of a file being read, three times over so that it turns as pictures do.
type layer struct{ m *RGB }

// take keeps the transparency of a decoded picture.
func (l *layer) take(img stdimage.Image) {
	b := img.Bounds()
	l.m = NewRGB(b.Dx(), b.Dy())
	fill(l.m, img, func(to []uint8, _, _, _, a uint8) { to[0], to[1], to[2] = a, a, a })
}

// gray is the layer as a picture, nil if it covers all.
func (l *layer) gray() *stdimage.Gray {
	if l.m == nil || len(bytes.Trim(l.m.Pix, "\xff")) == 0 {
		return nil
	}
	g := stdimage.NewGray(l.m.Bounds())
	for i := range g.Pix {
		g.Pix[i] = l.m.Pix[3*i]
	}
	return g
}

// takeWebP keeps the transparency of a WebP file of one picture, which lies beside the colours.
func (l *layer) takeWebP(data []byte, w, h int) {
	if img, err := webp.Decode(bytes.NewReader(data)); err == nil && img.Bounds().Dx() == w && img.Bounds().Dy() == h {
		if _, opaque := img.(*stdimage.YCbCr); !opaque {
			l.take(img)
		}
	}
}

// takeColour makes transparent what is of one colour.
func (l *layer) takeColour(img *RGB, c [3]uint8) {
	l.m = NewRGB(img.W, img.H)
	for i := 0; i < len(img.Pix); i += 3 {
		if [3]uint8(img.Pix[i:]) != c {
			l.m.Pix[i], l.m.Pix[i+1], l.m.Pix[i+2] = 255, 255, 255
		}
	}
}

// Over lays the picture on a ground of its size, with the rounding of Pillow's alpha_composite. It panics with a [*SizeError] on another
// size.
func (c *Cutout) Over(ground *RGB) *RGB {
	c.Colour.check("Over")
	ground.check("Over")
	if ground.W != c.Colour.W || ground.H != c.Colour.H {
		panic(&SizeError{"Over", fmt.Sprintf("a ground of %d x %d pixels", c.Colour.W, c.Colour.H), fmt.Sprintf("%d x %d", ground.W, ground.H)})
	}
	out := Crop(c.Colour, c.Colour.Bounds())
	if c.Alpha == nil {
		return out
	}
	for i, a := range c.Alpha.Pix {
		for k := 3 * i; k < 3*i+3; k++ {
			out.Pix[k] = over(out.Pix[k], a, ground.Pix[k])
		}
	}
	return out
}

// over lays a sample of opacity a on an opaque one.
func over(v, a, under uint8) uint8 {
	x := (uint32(v)*uint32(a)+uint32(under)*(255-uint32(a)))<<7 + 0x80<<7
	return uint8((x>>8 + x) >> 8 >> 7)
}

// RandomGround draws a ground of w by h pixels: one colour, a run from one colour to another in some direction, or soft blots of
// colours, each as often.
func RandomGround(r *rand.Rand, w, h int) *RGB {
	colour := func() [3]uint8 { c := r.Uint32(); return [3]uint8{uint8(c), uint8(c >> 8), uint8(c >> 16)} }
	switch r.IntN(3) {
	case 0:
		return gradient(w, h, colour(), [3]uint8{}, 0, 0)
	case 1:
		return gradient(w, h, colour(), colour(), between(r, -1, 1), between(r, -1, 1))
	}
	blots := NewRGB(2+r.IntN(6), 2+r.IntN(6))
	for i := range blots.Pix {
		blots.Pix[i] = uint8(r.Uint32())
	}
	return Resize(blots, w, h, Bicubic)
}

// gradient runs from one colour to another along (dx, dy), which is of any length; a direction of no length leaves the first colour.
func gradient(w, h int, from, to [3]uint8, dx, dy float64) *RGB {
	m := NewRGB(w, h)
	low, high := min(0, dx)+min(0, dy), max(0, dx)+max(0, dy)
	for y := range h {
		for x := range w {
			at := 0.0
			if high > low {
				at = (float64(float64(x)*dx/float64(w)) + float64(float64(y)*dy/float64(h)) - low) / (high - low)
			}
			for c := range 3 {
				m.Pix[3*(y*w+x)+c] = uint8(float64(from[c]) + float64(at*(float64(to[c])-float64(from[c]))) + 0.5)
			}
		}
	}
	return m
}
