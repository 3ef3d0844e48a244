package image

import stdimage "image"

// upsample converts a JPEG's planes to RGB. Chroma that is stored at half resolution is interpolated with the triangle
// filter and the rounding of libjpeg ("fancy upsampling"); other ratios repeat samples.
func upsample(m *stdimage.YCbCr) *RGB {
	b := m.Bounds()
	out := NewRGB(b.Dx(), b.Dy())
	hx, hy := 1, 1
	switch m.SubsampleRatio {
	case stdimage.YCbCrSubsampleRatio422:
		hx = 2
	case stdimage.YCbCrSubsampleRatio420:
		hx, hy = 2, 2
	case stdimage.YCbCrSubsampleRatio440:
		hy = 2
	case stdimage.YCbCrSubsampleRatio411:
		hx = 4
	case stdimage.YCbCrSubsampleRatio410:
		hx, hy = 4, 2
	}
	cw, ch := (out.W+hx-1)/hx, (out.H+hy-1)/hy
	// libjpeg interpolates only planes wider than two samples; it doubles rows alone whatever the width.
	fancyX := hx == 2 && cw > 2
	fancyY := hy == 2 && (fancyX || hx == 1)
	line := make([]int32, cw)
	cb, cr := make([]uint8, hx*cw), make([]uint8, hx*cw)
	for y := range out.H {
		for plane, to := range [2][]uint8{cb, cr} {
			from := m.Cb
			if plane == 1 {
				from = m.Cr
			}
			near := from[y/hy*m.CStride:][:cw]
			far := near
			if fancyY {
				n := y / 2
				if y%2 == 0 {
					n--
				} else {
					n++
				}
				far = from[min(max(n, 0), ch-1)*m.CStride:][:cw]
			}
			chroma(to, line, near, far, hx, y%2, fancyX, fancyY)
		}
		luma := m.Y[y*m.YStride:][:out.W]
		row := out.Pix[3*out.W*y:][:3*out.W]
		for x, l := range luma {
			p := row[:3:3]
			p[0], p[1], p[2] = ycc(l, cb[x], cr[x])
			row = row[3:]
		}
	}
	return out
}

// chroma makes one full-resolution row of a chroma plane from the stored row that covers it and the one beyond.
func chroma(to []uint8, line []int32, near, far []uint8, hx, odd int, fancyX, fancyY bool) {
	last := len(near) - 1
	switch {
	case fancyX && fancyY:
		for i, v := range near {
			line[i] = 3*int32(v) + int32(far[i])
		}
		for i, v := range line {
			before, after := v, v
			if i > 0 {
				before = line[i-1]
			}
			if i < last {
				after = line[i+1]
			}
			to[2*i] = uint8((3*v + before + 8) >> 4)
			to[2*i+1] = uint8((3*v + after + 7) >> 4)
		}
	case fancyX:
		for i, b := range near {
			v, before, after := int32(b), int32(b), int32(b)
			if i > 0 {
				before = int32(near[i-1])
			}
			if i < last {
				after = int32(near[i+1])
			}
			to[2*i] = uint8((3*v + before + 1) >> 2)
			to[2*i+1] = uint8((3*v + after + 2) >> 2)
		}
	case fancyY:
		for i, v := range near {
			to[i] = uint8((3*int32(v) + int32(far[i]) + 1 + int32(odd)) >> 2)
		}
	default:
		for i, v := range near {
			for j := range hx {
				to[hx*i+j] = v
			}
		}
	}
}
