package image

import "github.com/chiasm/chiasm/internal/pixel"

// jpegUp is how libjpeg spreads the samples of a channel over the picture.
type jpegUp uint8

const (
	jpegUpNone   jpegUp = iota
	jpegUpAcross        // twice as wide: three parts of the sample, one of its neighbour
	jpegUpDown          // twice as high, likewise
	jpegUpBoth          // both
	jpegUpRepeat        // any other whole ratio
)

// tall reports whether rows beyond a channel's own are mixed in.
func (u jpegUp) tall() bool { return u == jpegUpDown || u == jpegUpBoth }

// spread returns a row of the channel at the picture's width, made in dst unless nothing is to be done. near is the row
// of samples that covers it, far the next on its other side, odd 1 if that lies below.
func (c *jpegComponent) spread(dst, near, far []uint8, odd int) []uint8 {
	near = near[:c.width]
	switch c.up {
	case jpegUpNone:
		return near
	case jpegUpAcross:
		pixel.Across(dst, near)
	case jpegUpDown:
		pixel.Down(dst, near, far, 1+odd)
	case jpegUpBoth:
		pixel.Around(dst, near, far)
	case jpegUpRepeat:
		n, to := c.factorX, dst
		for _, v := range near {
			for j := range to[:n] {
				to[j] = v
			}
			to = to[n:]
		}
	}
	return dst
}
