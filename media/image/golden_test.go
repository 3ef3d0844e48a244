package image

// pixels makes the same picture as tools/golden/image_pixels.py: w by h pixels of channels bytes.
func pixels(w, h, channels int, style string, seed uint64) []uint8 {
	pix := make([]uint8, w*h*channels)
	fold := func(v int) int {
		v = v%511 - 255
		return 255 - max(v, -v)
	}
	for i := range pix {
		x := (uint64(i) + seed*1000003) * 0x9E3779B97F4A7C15
		x ^= x >> 29
		x *= 0xBF58476D1CE4E5B9
		x ^= x >> 32
		noise := int(x & 255)
		switch style {
		case "noise":
			pix[i] = uint8(noise)
		case "hard":
			if noise > 127 {
				pix[i] = 255
			}
		case "photo":
			c, px, py := i%channels, i/channels%w, i/channels/w
			gx, gy := px*510/max(w-1, 1), py*510/max(h-1, 1)
			v := (fold(gx+c*85) + fold(gy*2+gx/2+c*40)) / 2
			if (px*3+py*2)%(w+h) < (w+h)/4 {
				v += 60
			}
			pix[i] = uint8(min(max(v+noise/16-8, 0), 255))
		}
	}
	return pix
}

func picture(w, h int, style string) *RGB {
	return &RGB{Pix: pixels(w, h, 3, style, 1), W: w, H: h}
}
