package image

// Colours are computed three at a time. A word holds red in bits 0 to 15, blue in bits 16 to 31, and green with 16 bits of
// fraction above; each is 1024 too large, so that no part borrows from another, and the two bits above a colour's eight
// are zero if it is in range. A pixel is the sum of one word for each of Y, Cb and Cr.
const (
	jpegLuma    = 1 + 1<<16 + 1<<48 // times Y
	jpegExcess  = jpegLuma << 10
	jpegOutside = jpegLuma * 0x300
)

// jpegChroma holds the words for Cb and for Cr, with libjpeg's rounding: blue and red each rounded alone, green once.
var jpegChroma = func() (t [2][256]uint64) {
	for i := range 256 {
		v := int64(i) - 128
		t[0][i] = jpegExcess + uint64((116130*v+1<<15)>>16)<<16 + uint64(-22554*v+1<<15)<<32
		t[1][i] = uint64((91881*v+1<<15)>>16) - uint64(46802*v)<<32
	}
	return t
}()

// jpegLight holds the words for Y.
var jpegLight = func() (t [256]uint64) {
	for i := range t {
		t[i] = uint64(i) * jpegLuma
	}
	return t
}()

// jpegTrim brings the colours of a word into range.
func jpegTrim(s uint64) uint64 {
	const low, high = 1024, 1024 + 255
	r, b, g := int(s&0xffff), int(s>>16&0xffff), int(s>>48)
	r, b, g = min(max(r, low), high), min(max(b, low), high), min(max(g, low), high)
	return uint64(r) | uint64(b)<<16 | uint64(g)<<48
}

// jpegPixel writes the pixel of a word.
func jpegPixel(dst []uint8, s uint64) {
	if s&jpegOutside != 0 {
		s = jpegTrim(s)
	}
	_ = dst[2]
	dst[0], dst[1], dst[2] = uint8(s), uint8(s>>48), uint8(s>>16)
}

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
	u, v := &jpegChroma[0], &jpegChroma[1]
	switch space {
	case jpegYCC:
		for i, y := range a {
			s := jpegLight[y] + u[b[i]] + v[c[i]]
			if s&jpegOutside != 0 {
				s = jpegTrim(s)
			}
			_ = dst[2]
			dst[0], dst[1], dst[2] = uint8(s), uint8(s>>48), uint8(s>>16)
			dst = dst[3:]
		}
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
		for i, k := range from[3][:n] {
			k = 255 - k
			jpegPixel(dst, uint64(a[i])*jpegLuma+u[b[i]]+v[c[i]])
			dst[0], dst[1], dst[2] = ink(dst[0], k), ink(dst[1], k), ink(dst[2], k)
			dst = dst[3:]
		}
	}
}
