package image

import (
	stdimage "image"
	"image/color"

	"github.com/chiasm/chiasm/internal/pixel"
)

// From takes a picture that has been decoded already, as it is: nothing is turned, and what is transparent is laid on
// white with the rounding of Pillow's alpha_composite, as the reference processor does with raw Pillow pictures. 16-bit
// gray is clipped at 255 and 16-bit colours lose their low byte, as in Pillow. An *RGB is returned itself. It panics with
// a [*SizeError] if the picture is empty.
func From(img stdimage.Image) *RGB {
	if m, ok := img.(*RGB); ok {
		m.check("From")
		return m
	}
	b := img.Bounds()
	out := NewRGB(b.Dx(), b.Dy())
	fill(out, img, func(to []uint8, r, g, b, a uint8) {
		to[0], to[1], to[2] = onWhite(r, a), onWhite(g, a), onWhite(b, a)
	})
	return out
}

// onWhite lays a sample of opacity a on white.
func onWhite(v, a uint8) uint8 {
	if a == 255 {
		return v
	}
	return over(v, a, 255)
}

// flatten converts a decoded picture to RGB as Pillow's convert does: alpha is dropped, the colours under it stay.
func flatten(img stdimage.Image) *RGB {
	b := img.Bounds()
	out := NewRGB(b.Dx(), b.Dy())
	fill(out, img, func(to []uint8, r, g, b, _ uint8) { to[0], to[1], to[2] = r, g, b })
	return out
}

// flatten converts a decoded picture, and keeps its transparency where that is wanted.
func (f *file) flatten(img stdimage.Image) *RGB {
	if f.alpha != nil {
		f.alpha.take(img)
	}
	return flatten(img)
}

// fill hands every pixel of img to put, as colours that are not multiplied by alpha.
func fill(out *RGB, img stdimage.Image, put func(to []uint8, r, g, b, a uint8)) {
	rect := img.Bounds()
	for y := range out.H {
		to := out.Pix[3*out.W*y:][:3*out.W]
		sy := rect.Min.Y + y
		switch m := img.(type) {
		case *stdimage.Gray:
			for i, v := range m.Pix[m.PixOffset(rect.Min.X, sy):][:out.W] {
				put(to[3*i:3*i+3], v, v, v, 255)
			}
		case *stdimage.Gray16:
			from := m.Pix[m.PixOffset(rect.Min.X, sy):][:2*out.W]
			for i := range out.W {
				v := from[2*i+1]
				if from[2*i] != 0 {
					v = 255
				}
				put(to[3*i:3*i+3], v, v, v, 255)
			}
		case *stdimage.NRGBA:
			from := m.Pix[m.PixOffset(rect.Min.X, sy):][:4*out.W]
			for i := range out.W {
				p := from[4*i : 4*i+4]
				put(to[3*i:3*i+3], p[0], p[1], p[2], p[3])
			}
		case *stdimage.NRGBA64:
			from := m.Pix[m.PixOffset(rect.Min.X, sy):][:8*out.W]
			for i := range out.W {
				p := from[8*i : 8*i+8]
				put(to[3*i:3*i+3], p[0], p[2], p[4], p[6])
			}
		case *stdimage.RGBA:
			from := m.Pix[m.PixOffset(rect.Min.X, sy):][:4*out.W]
			for i := range out.W {
				p := from[4*i : 4*i+4]
				r, g, b, a := p[0], p[1], p[2], p[3]
				if a != 255 {
					c := color.NRGBAModel.Convert(color.RGBA{r, g, b, a}).(color.NRGBA)
					r, g, b = c.R, c.G, c.B
				}
				put(to[3*i:3*i+3], r, g, b, a)
			}
		case *stdimage.Paletted:
			for i, v := range m.Pix[m.PixOffset(rect.Min.X, sy):][:out.W] {
				c := color.NRGBA{A: 255}
				if int(v) < len(m.Palette) {
					c = color.NRGBAModel.Convert(m.Palette[v]).(color.NRGBA)
				}
				put(to[3*i:3*i+3], c.R, c.G, c.B, c.A)
			}
		case *stdimage.CMYK:
			from := m.Pix[m.PixOffset(rect.Min.X, sy):][:4*out.W]
			for i := range out.W {
				p := from[4*i : 4*i+4]
				put(to[3*i:3*i+3], ink(p[0], p[3]), ink(p[1], p[3]), ink(p[2], p[3]), 255)
			}
		case *stdimage.YCbCr:
			for i := range out.W {
				c := m.YCbCrAt(rect.Min.X+i, sy)
				r, g, b := pixel.Colour(c.Y, c.Cb, c.Cr)
				put(to[3*i:3*i+3], r, g, b, 255)
			}
		default:
			for i := range out.W {
				c := color.NRGBA64Model.Convert(img.At(rect.Min.X+i, sy)).(color.NRGBA64)
				put(to[3*i:3*i+3], uint8(c.R>>8), uint8(c.G>>8), uint8(c.B>>8), uint8(c.A>>8))
			}
		}
	}
}

// ink returns what paper reflects through an ink of strength c and black of strength k, rounded as Pillow rounds.
func ink(c, k uint8) uint8 {
	white := 255 - uint32(k)
	x := uint32(c)*white + 128
	return uint8(white - (x>>8+x)>>8)
}

// keyed paints every pixel of one colour white: what becomes of a colour key between load_image and the processor.
func (m *RGB) keyed(r, g, b uint8) {
	for p := m.Pix; len(p) >= 3; p = p[3:] {
		if p[0] == r && p[1] == g && p[2] == b {
			p[0], p[1], p[2] = 255, 255, 255
		}
	}
}

func sat(v int32) uint8 { return uint8(min(max(v, 0), 255)) }
