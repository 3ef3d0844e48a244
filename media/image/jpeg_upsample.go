package image

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
		jpegAcross(dst, near)
	case jpegUpDown:
		far, dst = far[:len(near)], dst[:len(near)]
		bias := uint32(1 + odd)
		for i, v := range near {
			dst[i] = uint8((3*uint32(v) + uint32(far[i]) + bias) >> 2)
		}
	case jpegUpBoth:
		jpegAround(dst, near, far)
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

// jpegAcross doubles the width of a row of 3 samples or more.
func jpegAcross(dst, from []uint8) {
	before, v := uint32(from[0]), uint32(from[0])
	for _, next := range from[1:] {
		after := uint32(next)
		_ = dst[1]
		dst[0], dst[1] = uint8((3*v+before+1)>>2), uint8((3*v+after+2)>>2)
		before, v, dst = v, after, dst[2:]
	}
	dst[0], dst[1] = uint8((3*v+before+1)>>2), uint8(v)
}

// jpegAround mixes near with far, and doubles the width.
func jpegAround(dst, near, far []uint8) {
	far = far[:len(near)]
	v := 3*uint32(near[0]) + uint32(far[0])
	before := v
	for i := 1; i < len(near); i++ {
		after := 3*uint32(near[i]) + uint32(far[i])
		_ = dst[1]
		dst[0], dst[1] = uint8((3*v+before+8)>>4), uint8((3*v+after+7)>>4)
		before, v, dst = v, after, dst[2:]
	}
	dst[0], dst[1] = uint8((3*v+before+8)>>4), uint8((4*v+7)>>4)
}

// jpegPair makes the two rows of pixels between two rows of chroma at half resolution: upper is nearer to cb[0] and
// cr[0], lower to cb[1] and cr[1]. Both interpolations run over four numbers in a word: Cb and Cr of upper, Cb and Cr of
// lower, 16 bits each.
func jpegPair(upper, lower []uint8, luma, cb, cr [2][]uint8) {
	const (
		ones  = 0x0001000100010001
		bytes = 0x00ff00ff00ff00ff
		near0 = 3 + 1<<32 // the share of cb[0] and cr[0] in upper and lower
		near1 = 1 + 3<<32
	)
	n := len(upper) / 3
	half := (n + 1) / 2
	b0, b1, r0, r1 := cb[0][:half], cb[1][:half], cr[0][:half], cr[1][:half]
	y0, y1 := luma[0][:n], luma[1][:n]
	lower = lower[:len(upper)]
	u, v := &jpegChroma[0], &jpegChroma[1]
	now := (uint64(b0[0])|uint64(r0[0])<<16)*near0 + (uint64(b1[0])|uint64(r1[0])<<16)*near1
	before := now
	b0, b1, r0, r1 = b0[1:], b1[1:], r0[1:], r1[1:]
	for i := range b0 {
		if len(upper) < 6 || len(lower) < 6 || len(y0) < 2 || len(y1) < 2 || i >= len(b1) || i >= len(r0) || i >= len(r1) {
			return // never; this tells the compiler
		}
		after := (uint64(b0[i])|uint64(r0[i])<<16)*near0 + (uint64(b1[i])|uint64(r1[i])<<16)*near1
		left, right := (3*now+before+8*ones)>>4&bytes, (3*now+after+7*ones)>>4&bytes
		jpegPixel(upper[:3], uint64(y0[0])*jpegLuma+u[uint8(left)]+v[uint8(left>>16)])
		jpegPixel(upper[3:6], uint64(y0[1])*jpegLuma+u[uint8(right)]+v[uint8(right>>16)])
		jpegPixel(lower[:3], uint64(y1[0])*jpegLuma+u[uint8(left>>32)]+v[uint8(left>>48)])
		jpegPixel(lower[3:6], uint64(y1[1])*jpegLuma+u[uint8(right>>32)]+v[uint8(right>>48)])
		before, now = now, after
		upper, lower, y0, y1 = upper[6:], lower[6:], y0[2:], y1[2:]
	}
	left, right := (3*now+before+8*ones)>>4&bytes, (4*now+7*ones)>>4&bytes
	jpegPixel(upper, uint64(y0[0])*jpegLuma+u[uint8(left)]+v[uint8(left>>16)])
	jpegPixel(lower, uint64(y1[0])*jpegLuma+u[uint8(left>>32)]+v[uint8(left>>48)])
	if len(y0) == 2 {
		jpegPixel(upper[3:], uint64(y0[1])*jpegLuma+u[uint8(right)]+v[uint8(right>>16)])
		jpegPixel(lower[3:], uint64(y1[1])*jpegLuma+u[uint8(right>>32)]+v[uint8(right>>48)])
	}
}

// jpegWide makes a row of pixels from chroma of half the width.
func jpegWide(dst, luma, cb, cr []uint8) {
	const ones, bytes = 0x00010001, 0x00ff00ff
	n := len(dst) / 3
	half := (n + 1) / 2
	y, b, r := luma[:n], cb[:half], cr[:half]
	u, v := &jpegChroma[0], &jpegChroma[1]
	now := uint32(b[0]) | uint32(r[0])<<16
	before := now
	b, r = b[1:], r[1:]
	for i := range b {
		if len(dst) < 6 || len(y) < 2 || i >= len(r) {
			return // never; this tells the compiler
		}
		after := uint32(b[i]) | uint32(r[i])<<16
		left, right := (3*now+before+ones)>>2&bytes, (3*now+after+2*ones)>>2&bytes
		jpegPixel(dst[:3], uint64(y[0])*jpegLuma+u[uint8(left)]+v[uint8(left>>16)])
		jpegPixel(dst[3:6], uint64(y[1])*jpegLuma+u[uint8(right)]+v[uint8(right>>16)])
		before, now = now, after
		dst, y = dst[6:], y[2:]
	}
	left := (3*now + before + ones) >> 2 & bytes
	jpegPixel(dst, uint64(y[0])*jpegLuma+u[uint8(left)]+v[uint8(left>>16)])
	if len(y) == 2 {
		jpegPixel(dst[3:], uint64(y[1])*jpegLuma+u[uint8(now)]+v[uint8(now>>16)])
	}
}
