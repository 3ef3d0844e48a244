package image

import "github.com/chiasm/chiasm/internal/pixel"

// jpegSpace is what the channels of a file mean.
type jpegSpace uint8

const (
	jpegGray jpegSpace = iota
	jpegRGB
	jpegYCC
	jpegCMYK
	jpegYCCK
)

// space guesses as libjpeg does.
func (d *jpegDecoder) space() jpegSpace {
	switch c := d.comps; {
	case len(c) == 1:
		return jpegGray
	case len(c) == 4 && (!d.adobe || d.transform == 0):
		return jpegCMYK
	case len(c) == 4:
		return jpegYCCK
	case d.jfif:
		return jpegYCC
	case d.adobe && d.transform == 0, !d.adobe && c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B':
		return jpegRGB
	}
	return jpegYCC
}

// jpegConvert turns full rows of channels into a row of pixels. Four channels are inks that are stored inverted, as Adobe
// does and Pillow assumes.
func jpegConvert(dst []uint8, space jpegSpace, from *[4][]uint8) {
	n := len(dst) / 3
	a := from[0][:n]
	if space == jpegGray {
		for _, v := range a {
			_ = dst[2]
			dst[0], dst[1], dst[2] = v, v, v
			dst = dst[3:]
		}
		return
	}
	b, c := from[1][:n], from[2][:n]
	switch space {
	case jpegYCC:
		pixel.YCC(dst, a, b, c)
	case jpegRGB:
		for i, r := range a {
			_ = dst[2]
			dst[0], dst[1], dst[2] = r, b[i], c[i]
			dst = dst[3:]
		}
	case jpegCMYK:
		for i, k := range from[3][:n] {
			k = 255 - k
			_ = dst[2]
			dst[0], dst[1], dst[2] = ink(255-a[i], k), ink(255-b[i], k), ink(255-c[i], k)
			dst = dst[3:]
		}
	case jpegYCCK:
		pixel.YCC(dst, a, b, c)
		for _, k := range from[3][:n] {
			k = 255 - k
			_ = dst[2]
			dst[0], dst[1], dst[2] = ink(dst[0], k), ink(dst[1], k), ink(dst[2], k)
			dst = dst[3:]
		}
	}
}
