package image

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/internal/pixel"
)

// Filter is a resampling filter, numbered as Pillow numbers them in configuration files.
type Filter uint8

// The filters of Pillow, by Pillow's resample codes.
const (
	Nearest  Filter = 0 // the pixel under the centre, no smoothing
	Lanczos  Filter = 1 // windowed sinc over 3 pixels each side
	Bilinear Filter = 2 // triangle over 1 pixel each side
	Bicubic  Filter = 3 // Catmull-Rom cubic (a = -0.5) over 2 pixels each side
	Box      Filter = 4 // mean of the covered pixels
	Hamming  Filter = 5 // windowed sinc over 1 pixel each side
)

var filterNames = [...]string{"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"}

// String returns the filter's name in lower case.
func (f Filter) String() string {
	if int(f) < len(filterNames) {
		return filterNames[f]
	}
	return fmt.Sprintf("filter(%d)", uint8(f))
}

// support is how far the filter reaches to each side, in source pixels when enlarging.
func (f Filter) support() float64 {
	switch f {
	case Box:
		return 0.5
	case Bilinear, Hamming:
		return 1
	case Bicubic:
		return 2
	case Lanczos:
		return 3
	}
	panic(&SizeError{"Resize", "a filter from 0 to 5", f.String()})
}

// weight is the filter's value at x. The explicit conversions keep every product and sum rounded by itself, so that
// processors that fuse them give the same bits.
func (f Filter) weight(x float64) float64 {
	switch f {
	case Box:
		if x > -0.5 && x <= 0.5 {
			return 1
		}
	case Bilinear:
		if x = math.Abs(x); x < 1 {
			return 1 - x
		}
	case Hamming:
		x = math.Abs(x)
		if x == 0 {
			return 1
		}
		if x < 1 {
			x *= math.Pi
			return math.Sin(x) / x * (hamming0 + float64(hamming1*math.Cos(x)))
		}
	case Bicubic:
		const a = -0.5
		x = math.Abs(x)
		if x < 1 {
			return float64((float64((a+2)*x)-(a+3))*x*x) + 1
		}
		if x < 2 {
			return (float64((float64((x-5)*x)+8)*x) - 4) * a
		}
	case Lanczos:
		if x >= -3 && x < 3 {
			return sinc(x) * sinc(x/3)
		}
	}
	return 0
}

// The window's coefficients, which Pillow keeps in single precision.
const (
	hamming0 = float64(float32(0.54))
	hamming1 = float64(float32(0.46))
)

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// taps plans the weights of a direction.
type taps struct {
	pixel.Taps
	real []float64
}

// plan fills t for output positions lo..hi of a line of n source samples resized to m, and returns the range of source
// positions that they read. t counts positions from the first of these.
func (t *taps) plan(f Filter, n, m, lo, hi int) (from, to int) {
	scale := float64(n) / float64(m)
	widen := max(scale, 1)
	reach := float64(f.support() * widen)
	shrink := 1 / widen
	t.Size = int(math.Ceil(reach))*2 + 1
	t.First = grow(t.First, hi-lo)
	t.Count = grow(t.Count, hi-lo)
	t.Weight = grow(t.Weight, (hi-lo)*t.Size)
	t.real = grow(t.real, t.Size)
	for i := range hi - lo {
		centre := float64((float64(lo+i) + 0.5) * scale)
		from := max(int(centre-reach+0.5), 0)
		count := min(int(centre+reach+0.5), n) - from
		real := t.real[:count]
		var sum float64
		for j := range real {
			w := float64(f.weight(float64((float64(j+from) - centre + 0.5) * shrink)))
			real[j] = w
			sum += w
		}
		fixed := t.Weight[i*t.Size:][:count]
		for j, w := range real {
			if sum != 0 {
				w /= sum
			}
			round := 0.5
			if w < 0 {
				round = -0.5
			}
			fixed[j] = int32(round + float64(w*(1<<pixel.Precision)))
		}
		t.First[i], t.Count[i] = int32(from), int32(count)
	}
	last := hi - lo - 1
	from, to = int(t.First[0]), int(t.First[last]+t.Count[last])
	for i := range t.First {
		t.First[i] -= int32(from)
	}
	t.Pack()
	return from, to
}

// grow returns s with length n, reallocated when its capacity is smaller; the contents are undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
