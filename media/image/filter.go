package image

import (
	"fmt"
	"math"
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

// precision is the number of fraction bits of a fixed-point weight: 8 bits of pixel and 2 of head room fill 32.
const precision = 32 - 8 - 2

// taps says, for each output position, which source positions it sums and with what weights.
type taps struct {
	size   int      // weights a position, the last ones possibly unused
	first  []int32  // first source position of each output position
	count  []int32  // how many source positions follow
	weight []uint64 // size per output position: fixed point, sign-extended to 64 bits
	real   []float64
}

// plan fills t for output positions lo..hi of a line of n source samples resized to m, and returns the range of source
// positions that they read.
func (t *taps) plan(f Filter, n, m, lo, hi int) (from, to int) {
	scale := float64(n) / float64(m)
	widen := max(scale, 1)
	reach := float64(f.support() * widen)
	shrink := 1 / widen
	t.size = int(math.Ceil(reach))*2 + 1
	t.first = grow(t.first, hi-lo)
	t.count = grow(t.count, hi-lo)
	t.weight = grow(t.weight, (hi-lo)*t.size)
	t.real = grow(t.real, t.size)
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
		fixed := t.weight[i*t.size:][:count]
		for j, w := range real {
			if sum != 0 {
				w /= sum
			}
			round := 0.5
			if w < 0 {
				round = -0.5
			}
			fixed[j] = uint64(int64(round + float64(w*(1<<precision))))
		}
		t.first[i], t.count[i] = int32(from), int32(count)
	}
	last := hi - lo - 1
	return int(t.first[0]), int(t.first[last] + t.count[last])
}

// grow returns s with length n, reallocated when its capacity is smaller; the contents are undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
