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

// jpegTile is how many pairs of pixels are done at a time, so that what lies between stays near.
const jpegTile = 128

// A jpegMixed holds interpolated chroma for a line of pairs of pixels: Cb and Cr of the left one in the lower half of a
// word, of the right one in the upper, 16 bits each.
type jpegMixed [jpegTile]uint64

// pair makes the two rows of pixels between two rows of chroma at half resolution: upper is nearer to cb[0] and
// cr[0], lower to cb[1] and cr[1]. Both interpolations run over four numbers in a word: Cb and Cr of upper, Cb and Cr of
// lower.
func (p *jpegPainter) pair(upper, lower []uint8, luma, cb, cr [2][]uint8) {
	const (
		ones  = 0x0001000100010001
		bytes = 0x00ff00ff00ff00ff
		low   = 1<<32 - 1
		near0 = 3 + 1<<32 // the share of cb[0] and cr[0] in upper and lower
		near1 = 1 + 3<<32
	)
	half := (len(upper)/3 + 1) / 2
	b0, b1, r0, r1 := cb[0][:half], cb[1][:half], cr[0][:half], cr[1][:half]
	now := (uint64(b0[0])|uint64(r0[0])<<16)*near0 + (uint64(b1[0])|uint64(r1[0])<<16)*near1
	before := now
	for from := 0; from < half; from += jpegTile {
		// Each sample needs the next one; the last stands in for the one beyond.
		n, end := min(jpegTile, half-from), min(from+jpegTile+1, half)
		b0, b1, r0, r1 := b0[from+1:end], b1[from+1:end], r0[from+1:end], r1[from+1:end]
		b1, r0, r1 = b1[:len(b0)], r0[:len(b0)], r1[:len(b0)]
		for i, b := range b0 {
			after := (uint64(b)|uint64(r0[i])<<16)*near0 + (uint64(b1[i])|uint64(r1[i])<<16)*near1
			left, right := (3*now+before+8*ones)>>4&bytes, (3*now+after+7*ones)>>4&bytes
			p.mixed[0][i&(jpegTile-1)], p.mixed[1][i&(jpegTile-1)] = left&low|right<<32, left>>32|right&^low
			before, now = now, after
		}
		if n > len(b0) {
			left, right := (3*now+before+8*ones)>>4&bytes, (4*now+7*ones)>>4&bytes
			p.mixed[0][n-1], p.mixed[1][n-1] = left&low|right<<32, left>>32|right&^low
		}
		p.colour(upper[6*from:], luma[0][2*from:], &p.mixed[0])
		p.colour(lower[6*from:], luma[1][2*from:], &p.mixed[1])
	}
}

// wide makes a row of pixels from chroma of half the width.
func (p *jpegPainter) wide(dst, luma, cb, cr []uint8) {
	const ones, bytes = 0x00010001, 0x00ff00ff
	half := (len(dst)/3 + 1) / 2
	cb, cr = cb[:half], cr[:half]
	now := uint64(cb[0]) | uint64(cr[0])<<16
	before := now
	for from := 0; from < half; from += jpegTile {
		n, end := min(jpegTile, half-from), min(from+jpegTile+1, half)
		b, r := cb[from+1:end], cr[from+1:end]
		r = r[:len(b)]
		for i, v := range b {
			after := uint64(v) | uint64(r[i])<<16
			p.mixed[0][i&(jpegTile-1)] = (3*now+before+ones)>>2&bytes | (3*now+after+2*ones)>>2&bytes<<32
			before, now = now, after
		}
		if n > len(b) {
			p.mixed[0][n-1] = (3*now+before+ones)>>2&bytes | now<<32
		}
		p.colour(dst[6*from:], luma[2*from:], &p.mixed[0])
	}
}

// colour makes the pixels of a tile, or as many as dst has room for.
func (p *jpegPainter) colour(dst, luma []uint8, mixed *jpegMixed) {
	if len(dst) >= 6*jpegTile {
		jpegColour((*[6 * jpegTile]uint8)(dst), (*[2 * jpegTile]uint8)(luma), mixed)
		return
	}
	var pixels [6 * jpegTile]uint8
	var lumas [2 * jpegTile]uint8
	copy(lumas[:], luma[:len(dst)/3])
	jpegColour(&pixels, &lumas, mixed)
	copy(dst, pixels[:])
}

// jpegColour makes the pixels of a tile.
func jpegColour(dst *[6 * jpegTile]uint8, luma *[2 * jpegTile]uint8, mixed *jpegMixed) {
	l, u, v := &jpegLight, &jpegChroma[0], &jpegChroma[1]
	for i := range jpegTile {
		m := mixed[i]
		s := l[luma[2*i]] + u[uint8(m)] + v[uint8(m>>16)]
		t := l[luma[2*i+1]] + u[uint8(m>>32)] + v[uint8(m>>48)]
		if (s|t)&jpegOutside != 0 {
			s, t = jpegTrim(s), jpegTrim(t)
		}
		o := 6 * i
		dst[o], dst[o+1], dst[o+2] = uint8(s), uint8(s>>48), uint8(s>>16)
		dst[o+3], dst[o+4], dst[o+5] = uint8(t), uint8(t>>48), uint8(t>>16)
	}
}
