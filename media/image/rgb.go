package image

import (
	"fmt"
	stdimage "image"
	"image/color"
)

// RGB is a picture of 8-bit red, green and blue: 3 bytes a pixel, row-major, no gaps between rows, len(Pix) == 3*W*H.
// It implements the standard library's image.Image.
type RGB struct {
	Pix  []uint8
	W, H int
}

// NewRGB returns a black picture of w by h pixels. It panics with a [*SizeError] unless both are positive.
func NewRGB(w, h int) *RGB {
	if w <= 0 || h <= 0 {
		panic(&SizeError{Op: "NewRGB", Want: "positive width and height", Got: fmt.Sprintf("%d x %d", w, h)})
	}
	return &RGB{Pix: make([]uint8, 3*w*h), W: w, H: h}
}

// ColorModel returns color.RGBAModel.
func (m *RGB) ColorModel() color.Model { return color.RGBAModel }

// Bounds returns the rectangle from (0, 0) to (W, H).
func (m *RGB) Bounds() stdimage.Rectangle { return stdimage.Rect(0, 0, m.W, m.H) }

// At returns the opaque colour of pixel (x, y), transparent black outside the picture.
func (m *RGB) At(x, y int) color.Color {
	if x < 0 || y < 0 || x >= m.W || y >= m.H {
		return color.RGBA{}
	}
	i := 3 * (y*m.W + x)
	return color.RGBA{m.Pix[i], m.Pix[i+1], m.Pix[i+2], 255}
}

// SizeError is the panic of a caller's bug: a picture or slice whose size does not fit the call.
type SizeError struct{ Op, Want, Got string }

// Error says what was expected and what came.
func (e *SizeError) Error() string {
	return fmt.Sprintf("image: %s: expected %s, got %s", e.Op, e.Want, e.Got)
}

// check panics unless m holds the pixels that its size promises.
func (m *RGB) check(op string) {
	if m.W <= 0 || m.H <= 0 || len(m.Pix) < 3*m.W*m.H {
		panic(&SizeError{op, "a picture with 3*W*H bytes", fmt.Sprintf("%d x %d with %d bytes", m.W, m.H, len(m.Pix))})
	}
}
