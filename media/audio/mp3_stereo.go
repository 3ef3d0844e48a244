package audio

import "math"

// stereo turns middle and side, and intensity stereo, into left and right.
func (d *mp3) stereo(h *mpegHeader, left, right *part, x *[2][granule]float32) {
	switch {
	case h.channels == 1:
		return
	case h.intense:
		intensity(h, right, x)
	case h.ms:
		middleSide(x, 0, max(left.nonzero, right.nonzero))
	default:
		return
	}
	left.nonzero = max(left.nonzero, right.nonzero)
	right.nonzero = left.nonzero
}

func middleSide(x *[2][granule]float32, start, end int) {
	l, r := x[0][start:end], x[1][start:end]
	for i, m := range l {
		s := r[i]
		l[i], r[i] = (m+s)*(math.Sqrt2/2), (m-s)*(math.Sqrt2/2)
	}
}

// intensity spreads the bands above the last one that the right channel has: its scale factors say how.
func intensity(h *mpegHeader, p *part, x *[2][granule]float32) {
	windows := 1
	if p.short > 0 {
		windows = 3
	}
	last := [3]int{-1, -1, -1} // band with a value, of each window
	start := 0
	for band, end := range p.bands {
		for _, v := range x[1][start:end] {
			if v != 0 {
				last[band%windows] = band
				break
			}
		}
		start = end
	}
	if p.long > 0 {
		m := max(last[0], last[1], last[2])
		last = [3]int{m, m, m}
	}
	top := len(p.bands) - windows // the highest band has no scale factor: it is as the one below
	for i := range windows {
		below := top + i - windows
		switch {
		case last[(top+i)%windows] < below:
			p.position[top+i] = p.position[below]
		case h.version == 0:
			p.position[top+i] = 3
		default:
			p.position[top+i] = 0
		}
	}
	start = 0
	for band, end := range p.bands {
		position := int(p.position[band])
		switch {
		case band > last[band%windows] && position >= 0:
			l, r := intensityGains(h, position, p.compress&1)
			for i := start; i < end; i++ {
				x[1][i] = x[0][i] * r
				x[0][i] *= l
			}
		case h.ms:
			middleSide(x, start, end)
		}
		start = end
	}
}

// intensityGains says how much of the common value each side gets.
func intensityGains(h *mpegHeader, position, scale int) (left, right float32) {
	if h.version == 0 {
		if position == 6 {
			return 1, 0
		}
		t := math.Tan(float64(position) * math.Pi / 12)
		return float32(t / (1 + t)), float32(1 / (1 + t))
	}
	root := 4 >> scale // of 1/2: the size of a step
	step := math.Exp2(-float64((position+1)/2) / float64(root))
	if position&1 == 1 {
		return float32(step), 1
	}
	return 1, float32(step)
}
