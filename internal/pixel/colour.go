package pixel

// YCC writes the pixels of a row of len(y): red, green and blue of each.
func YCC(dst, y, cb, cr []uint8) {
	n := len(y)
	if len(cb) < n || len(cr) < n || len(dst) < 3*n {
		panic("pixel: YCC: expected three rows of one length, and three times the room")
	}
	if !fast || n < 32 {
		GenericYCC(dst[:3*n], y, cb[:n], cr[:n])
		return
	}
	ycc(dst, y, cb, cr)
}

// GenericYCC defines YCC.
func GenericYCC(dst, y, cb, cr []uint8) {
	cb, cr = cb[:len(y)], cr[:len(y)]
	for i, l := range y {
		_ = dst[2]
		dst[0], dst[1], dst[2] = Colour(l, cb[i], cr[i])
		dst = dst[3:]
	}
}

// Colour converts a full-range BT.601 sample to RGB, rounded as libjpeg rounds: blue and red each alone, green once.
func Colour(y, cb, cr uint8) (r, g, b uint8) {
	l, u, v := int32(y), int32(cb)-128, int32(cr)-128
	return clamp(l + (91881*v+1<<15)>>16), clamp(l + (-22554*u-46802*v+1<<15)>>16), clamp(l + (116130*u+1<<15)>>16)
}

func clamp(v int32) uint8 { return uint8(min(max(v, 0), 255)) }
