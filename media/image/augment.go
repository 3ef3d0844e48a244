package image

import (
	"fmt"
	stdimage "image"
	"math"
	"math/rand/v2"
)

// An Augment changes pictures at random, as training wants them: all that it draws comes from the source of chance that it is given, in
// one order, so the same source gives the same picture. The zero value changes nothing. What it does, in this order:
type Augment struct {
	// A part of the picture, of an area between these fractions of the whole and of a width by height between these ratios, is
	// resized to W by H, as torchvision's RandomResizedCrop does; usually {0.9, 1} and {3/4, 4/3}. No crop if W is 0.
	W, H        int
	Area, Ratio [2]float64
	Filter      Filter

	Flip   float64 // chance of being mirrored left to right
	Jitter Jitter  // of colours
	Jitted float64 // chance of that
	Gray   float64 // chance of losing all colour
	Erase  float64 // chance of losing a part, which becomes noise: 2 to 33 per cent of the area, as torchvision's RandomErasing draws it
}

// Apply returns the changed picture; src stays as it is. It panics with a [*SizeError] if src lacks pixels.
func (a *Augment) Apply(r *rand.Rand, src *RGB) *RGB {
	src.check("Augment")
	out := src
	if a.W > 0 {
		out = Resize(Crop(src, RandomPart(r, src.W, src.H, a.Area, a.Ratio)), a.W, a.H, a.Filter)
	} else {
		out = Crop(src, src.Bounds())
	}
	if r.Float64() < a.Flip {
		Mirror(out)
	}
	if r.Float64() < a.Jitted {
		a.Jitter.Apply(r, out)
	}
	if r.Float64() < a.Gray {
		Decolour(out)
	}
	if r.Float64() < a.Erase {
		erase(r, out)
	}
	return out
}

// Crop returns a copy of a part of src. It panics with a [*SizeError] if the part is empty or leaves the picture.
func Crop(src *RGB, part stdimage.Rectangle) *RGB {
	src.check("Crop")
	if part.Empty() || !part.In(src.Bounds()) {
		panic(&SizeError{"Crop", fmt.Sprintf("a part of %d x %d pixels", src.W, src.H), part.String()})
	}
	out := NewRGB(part.Dx(), part.Dy())
	for y := range out.H {
		copy(out.Pix[3*out.W*y:][:3*out.W], src.Pix[3*((part.Min.Y+y)*src.W+part.Min.X):])
	}
	return out
}

// RandomPart draws a part of a picture of w by h pixels, as torchvision's RandomResizedCrop does: its share of the area is even
// between the bounds, the logarithm of its width by height too; after ten parts that don't fit, the largest one in the middle that keeps
// the bounds of the ratio. Bounds of {0, 0} mean the whole area, and any ratio from 3/4 to 4/3.
func RandomPart(r *rand.Rand, w, h int, area, ratio [2]float64) stdimage.Rectangle {
	if area[1] == 0 {
		area = [2]float64{1, 1}
	}
	if ratio[1] == 0 {
		ratio = [2]float64{3. / 4, 4. / 3}
	}
	low, high := math.Log(ratio[0]), math.Log(ratio[1])
	for range 10 {
		target := float64(w) * float64(h) * between(r, area[0], area[1])
		aspect := math.Exp(between(r, low, high))
		pw, ph := int(math.RoundToEven(math.Sqrt(target*aspect))), int(math.RoundToEven(math.Sqrt(target/aspect)))
		if pw > 0 && pw <= w && ph > 0 && ph <= h {
			y, x := r.IntN(h-ph+1), r.IntN(w-pw+1)
			return stdimage.Rect(x, y, x+pw, y+ph)
		}
	}
	return middlePart(w, h, ratio)
}

// middlePart is the largest part in the middle of which width by height keeps bounds.
func middlePart(w, h int, ratio [2]float64) stdimage.Rectangle {
	pw, ph := w, h
	switch aspect := float64(w) / float64(h); {
	case aspect < ratio[0]:
		ph = min(max(int(math.RoundToEven(float64(w)/ratio[0])), 1), h)
	case aspect > ratio[1]:
		pw = min(max(int(math.RoundToEven(float64(h)*ratio[1])), 1), w)
	}
	x, y := (w-pw)/2, (h-ph)/2
	return stdimage.Rect(x, y, x+pw, y+ph)
}

// between draws evenly from low to high.
func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// Mirror turns a picture left to right in place.
func Mirror(m *RGB) {
	m.check("Mirror")
	for y := range m.H {
		row := m.Pix[3*m.W*y:][:3*m.W]
		for i, j := 0, 3*(m.W-1); i < j; i, j = i+3, j-3 {
			for c := range 3 {
				row[i+c], row[j+c] = row[j+c], row[i+c]
			}
		}
	}
}

// erase fills a part with noise. Where no part fits in ten draws, nothing is lost.
func erase(r *rand.Rand, m *RGB) {
	for range 10 {
		target := float64(m.W) * float64(m.H) * between(r, 0.02, 0.33)
		aspect := math.Exp(between(r, math.Log(0.3), math.Log(3.3)))
		h, w := int(math.RoundToEven(math.Sqrt(target*aspect))), int(math.RoundToEven(math.Sqrt(target/aspect)))
		if h >= m.H || w >= m.W || h < 1 || w < 1 {
			continue
		}
		y, x := r.IntN(m.H-h+1), r.IntN(m.W-w+1)
		for ; h > 0; h, y = h-1, y+1 {
			row := m.Pix[3*(y*m.W+x):][:3*w]
			for i := range row {
				row[i] = uint8(r.Uint32())
			}
		}
		return
	}
}
