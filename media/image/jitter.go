package image

import (
	"math"
	"math/rand/v2"
)

// A Jitter is how far colours may change, as torchvision's ColorJitter: brightness, contrast and saturation by factors from 1-x to 1+x,
// the hue by -x to x of a full turn, at most a half.
type Jitter struct{ Brightness, Contrast, Saturation, Hue float64 }

// Apply changes a picture in place: by an amount drawn for each of the four, in an order drawn too.
func (j Jitter) Apply(r *rand.Rand, m *RGB) {
	factor := func(x float64) float64 { return between(r, max(0, 1-x), 1+x) }
	brightness, contrast, saturation, hue := factor(j.Brightness), factor(j.Contrast), factor(j.Saturation), between(r, -j.Hue, j.Hue)
	for _, which := range r.Perm(4) {
		switch {
		case which == 0 && j.Brightness > 0:
			Brighten(m, brightness)
		case which == 1 && j.Contrast > 0:
			Contrast(m, contrast)
		case which == 2 && j.Saturation > 0:
			Saturate(m, saturation)
		case which == 3 && j.Hue > 0:
			TurnHue(m, hue)
		}
	}
}

// Brighten scales a picture's values in place, equal to Pillow's ImageEnhance.Brightness.
func Brighten(m *RGB, factor float64) { m.blend("Brighten", 0, factor) }

// Contrast moves a picture's values in place away from the mean of its brightness, or towards it with a factor below 1, equal to
// Pillow's ImageEnhance.Contrast.
func Contrast(m *RGB, factor float64) {
	m.check("Contrast")
	sum := 0
	for p := m.Pix[:3*m.W*m.H]; len(p) > 0; p = p[3:] {
		sum += int(luma(p))
	}
	m.blend("Contrast", uint8(float64(sum)/float64(m.W*m.H)+0.5), factor)
}

// blend moves all values away from one.
func (m *RGB) blend(op string, from uint8, factor float64) {
	m.check(op)
	var table [256]uint8
	for v := range table {
		table[v] = away(from, uint8(v), float32(factor))
	}
	for i, v := range m.Pix {
		m.Pix[i] = table[v]
	}
}

// away is a+(b-a)·factor, as Pillow's Image.blend computes it.
func away(a, b uint8, factor float32) uint8 {
	x := float32(a) + float32(factor*float32(int(b)-int(a))) // rounded before the sum on every processor
	return uint8(min(max(x, 0), 255))
}

// luma is the brightness of a pixel, as Pillow's conversion to L computes it.
func luma(p []uint8) uint8 {
	return uint8((uint32(p[0])*19595 + uint32(p[1])*38470 + uint32(p[2])*7471 + 0x8000) >> 16)
}

// Saturate moves a picture's colours in place away from gray, or towards it with a factor below 1, equal to Pillow's
// ImageEnhance.Color.
func Saturate(m *RGB, factor float64) {
	m.check("Saturate")
	f := float32(factor)
	for p := m.Pix[:3*m.W*m.H]; len(p) > 0; p = p[3:] {
		l := luma(p)
		p[0], p[1], p[2] = away(l, p[0], f), away(l, p[1], f), away(l, p[2], f)
	}
}

// Decolour makes a picture gray in place, equal to torchvision's rgb_to_grayscale of Pillow pictures.
func Decolour(m *RGB) {
	m.check("Decolour")
	for p := m.Pix[:3*m.W*m.H]; len(p) > 0; p = p[3:] {
		l := luma(p)
		p[0], p[1], p[2] = l, l, l
	}
}

// TurnHue turns the hue of a picture's colours in place by a part of a full turn, from -0.5 to 0.5, equal to torchvision's adjust_hue
// of Pillow pictures, which goes by 8-bit hue and saturation and so changes colours a little even for 0.
func TurnHue(m *RGB, by float64) {
	m.check("TurnHue")
	turn := uint8(int(by * 255))
	for p := m.Pix[:3*m.W*m.H]; len(p) > 0; p = p[3:] {
		h, s, v := toHSV(p[0], p[1], p[2])
		p[0], p[1], p[2] = fromHSV(h+turn, s, v)
	}
}

// toHSV is Pillow's conversion, in its precision.
func toHSV(r, g, b uint8) (h, s, v uint8) {
	high, low := max(r, g, b), min(r, g, b)
	if high == low {
		return 0, 0, high
	}
	span := float32(high - low)
	rc, gc, bc := float32(high-r)/span, float32(high-g)/span, float32(high-b)/span
	var hue float32
	switch high {
	case r:
		hue = bc - gc
	case g:
		hue = float32(2 + float64(rc) - float64(bc))
	default:
		hue = float32(4 + float64(gc) - float64(rc))
	}
	hue = float32(math.Mod(float64(hue)/6+1, 1))
	return uint8(int(float64(hue) * 255)), uint8(int(float64(span/float32(high)) * 255)), high
}

// fromHSV is Pillow's conversion back, in its precision.
func fromHSV(h, s, v uint8) (r, g, b uint8) {
	if s == 0 {
		return v, v, v
	}
	sixth := float32(float64(h) * 6 / 255)
	saturation := float32(float64(s) / 255)
	i := math.Floor(float64(sixth))
	f := float32(float64(sixth) - i)
	value := func(x float64) uint8 { return uint8(min(max(math.Round(float64(v)*x), 0), 255)) }
	p := value(1 - float64(saturation))
	q := value(1 - float64(saturation*f))
	t := value(1 - float64(saturation)*(1-float64(f)))
	switch int(i) % 6 {
	case 0:
		return v, t, p
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	}
	return v, p, q
}
