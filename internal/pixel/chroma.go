package pixel

// Chroma that a JPEG file stores at half the resolution is interpolated as libjpeg does: three parts of the nearer sample,
// one of the farther, rounded up and down in turn.

// Across writes two samples for each of from, 2 at least, to dst.
func Across(dst, from []uint8) {
	n := len(from)
	if n < 2 || len(dst) < 2*n {
		panic("pixel: Across: expected 2 samples at least, and twice the room")
	}
	if !fast || n < 18 {
		GenericAcross(dst, from)
		return
	}
	a, b, y, z := uint32(from[0]), uint32(from[1]), uint32(from[n-2]), uint32(from[n-1])
	dst[0], dst[1] = uint8(a), uint8((3*a+b+2)>>2)
	dst[2*n-2], dst[2*n-1] = uint8((3*z+y+1)>>2), uint8(z)
	across(dst[2:2*n-2], from[1:n-1])
}

// GenericAcross defines Across.
func GenericAcross(dst, from []uint8) {
	before, v := uint32(from[0]), uint32(from[0])
	for _, next := range from[1:] {
		after := uint32(next)
		_ = dst[1]
		dst[0], dst[1] = uint8((3*v+before+1)>>2), uint8((3*v+after+2)>>2)
		before, v, dst = v, after, dst[2:]
	}
	dst[0], dst[1] = uint8((3*v+before+1)>>2), uint8(v)
}

// Around mixes near, 2 samples at least, with far, and writes two samples for each to dst.
func Around(dst, near, far []uint8) {
	n := len(near)
	if n < 2 || len(far) < n || len(dst) < 2*n {
		panic("pixel: Around: expected two rows of 2 samples at least, and twice the room")
	}
	if !fast || n < 18 {
		GenericAround(dst[:2*n], near, far[:n])
		return
	}
	mix := func(i int) uint32 { return 3*uint32(near[i]) + uint32(far[i]) }
	a, b, y, z := mix(0), mix(1), mix(n-2), mix(n-1)
	dst[0], dst[1] = uint8((4*a+8)>>4), uint8((3*a+b+7)>>4)
	dst[2*n-2], dst[2*n-1] = uint8((3*z+y+8)>>4), uint8((4*z+7)>>4)
	around(dst[2:2*n-2], near[1:n-1], far[1:n-1])
}

// GenericAround defines Around.
func GenericAround(dst, near, far []uint8) {
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

// Down mixes near with far; bias is 1 if far lies above, 2 if it lies below.
func Down(dst, near, far []uint8, bias int) {
	n := len(near)
	if len(far) < n || len(dst) < n {
		panic("pixel: Down: expected two rows of one length, and room for a third")
	}
	if !fast || n < 16 {
		GenericDown(dst[:n], near, far[:n], bias)
		return
	}
	down(dst, near, far, bias)
}

// GenericDown defines Down.
func GenericDown(dst, near, far []uint8, bias int) {
	far, dst = far[:len(near)], dst[:len(near)]
	for i, v := range near {
		dst[i] = uint8((3*uint32(v) + uint32(far[i]) + uint32(bias)) >> 2)
	}
}
