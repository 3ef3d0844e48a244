package image

import (
	"fmt"
	stdimage "image"
	"sync"
)

// Resize returns src scaled to w by h pixels, equal to Pillow 13's Image.resize on every byte for every filter. A src of
// that size already is copied. It panics with a [*SizeError] on sizes below 1 or an unknown filter.
func Resize(src *RGB, w, h int, f Filter) *RGB {
	src.check("Resize")
	dst := NewRGB(w, h)
	resize(dst.Pix, src.Pix, 3, src.W, src.H, w, h, f)
	return dst
}

// ResizeGray is [Resize] for one channel (Pillow's mode L).
func ResizeGray(src *stdimage.Gray, w, h int, f Filter) *stdimage.Gray {
	b := src.Bounds()
	if w <= 0 || h <= 0 || b.Empty() {
		panic(&SizeError{"ResizeGray", "positive sizes", fmt.Sprintf("%v to %d x %d", b, w, h)})
	}
	pix := src.Pix[src.PixOffset(b.Min.X, b.Min.Y):]
	if src.Stride != b.Dx() {
		pix = make([]uint8, b.Dx()*b.Dy())
		for y := range b.Dy() {
			copy(pix[y*b.Dx():][:b.Dx()], src.Pix[src.PixOffset(b.Min.X, b.Min.Y+y):])
		}
	}
	dst := stdimage.NewGray(stdimage.Rect(0, 0, w, h))
	resize(dst.Pix, pix, 1, b.Dx(), b.Dy(), w, h, f)
	return dst
}

func resize(dst, src []uint8, channels, sw, sh, w, h int, f Filter) {
	r := resizers.Get().(*resizer)
	defer resizers.Put(r)
	r.run(dst, src, channels, sw, sh, w, h, f, stdimage.Rect(0, 0, w, h))
}

// resizers keeps scratch between calls, so that a steady stream of pictures allocates nothing.
var resizers = sync.Pool{New: func() any { return new(resizer) }}

// A resizer holds the scratch of one resize.
//
// Pillow resizes in two passes, each in 32-bit fixed point and rounded to 8 bits: horizontal first, unless the height
// shrinks by more than twice what the width does (a rule new in Pillow 13). Here the passes are interleaved: a window of
// rows, as tall as the vertical filter, slides down the picture. Samples are summed two at a time, in the halves of a
// 64-bit integer: a half never leaves 32 signed bits, so the low half can be read off the sum and its borrow given back
// to the high half.
type resizer struct {
	across, down taps
	nearX        []int32
	pair         [3][]uint64 // two source rows, their samples paired: see rows3
	line         []uint8     // two rows between the passes
	ring         []uint64    // the sliding window of rows, two samples in each element
	sum          []uint64    // the row being summed vertically
}

// run resizes src, sw by sh pixels of channels bytes, to w by h and writes the part of the result inside crop to dst,
// whose rows follow each other without gaps. crop lies within w by h.
func (r *resizer) run(dst, src []uint8, channels, sw, sh, w, h int, f Filter, crop stdimage.Rectangle) {
	ch, stride, out := crop.Dy(), channels*sw, channels*crop.Dx()
	from, to := crop.Min.X, crop.Max.X // the source columns that matter
	if w != sw && f != Nearest {
		from, to = r.across.plan(f, sw, w, crop.Min.X, crop.Max.X)
	}
	switch {
	case w == sw && h == sh:
		for y := range ch {
			copy(dst[y*out:][:out], src[(crop.Min.Y+y)*stride+from*channels:])
		}
	case f == Nearest:
		r.nearest(dst, src, channels, sw, sh, w, h, crop)
	case h == sh:
		for y := 0; y < ch; y += 2 {
			r.rows(dst[y*out:], src[(crop.Min.Y+y)*stride+from*channels:], min(2, ch-y), channels, sw, from, to)
		}
	default:
		r.down.plan(f, sh, h, crop.Min.Y, crop.Max.Y)
		if w == sw || h < sh && sh-h > 2*(sw-w) {
			r.downFirst(dst, src, channels, sw, out, from, to, w != sw)
		} else {
			r.acrossFirst(dst, src, channels, sw, out, from, to)
		}
	}
}

// acrossFirst fills the window with horizontally resized rows and sums them into the rows of dst, out bytes each.
func (r *resizer) acrossFirst(dst, src []uint8, channels, sw, out, from, to int) {
	half := r.window(out)
	r.line = grow(r.line, 2*out)
	ready := int(r.down.first[0]) // the first source row that is not in the window yet
	for y := range r.down.first {
		end := int(r.down.first[y] + r.down.count[y])
		for ready < end {
			n := min(2, end-ready)
			r.rows(r.line, src[(ready*sw+from)*channels:], n, channels, sw, from, to)
			for i := range n {
				pack(r.slot(ready+i, half), r.line[i*out:][:out])
			}
			ready += n
		}
		r.sumRow(y, half)
		unpack(dst[y*out:][:out], r.sum)
	}
}

// downFirst fills the window with source rows and sums them; the sums are resized horizontally if across is set.
func (r *resizer) downFirst(dst, src []uint8, channels, sw, out, from, to int, across bool) {
	wide := channels * (to - from)
	half := r.window(wide)
	r.line = grow(r.line, 2*wide)
	ready := int(r.down.first[0])
	for y := range r.down.first {
		for ; ready < int(r.down.first[y]+r.down.count[y]); ready++ {
			pack(r.slot(ready, half), src[(ready*sw+from)*channels:][:wide])
		}
		r.sumRow(y, half)
		if !across {
			unpack(dst[y*out:][:out], r.sum)
			continue
		}
		unpack(r.line[y%2*wide:][:wide], r.sum)
		if y%2 == 1 || y == len(r.down.first)-1 {
			r.rows(dst[(y-y%2)*out:], r.line, y%2+1, channels, to-from, from, to)
		}
	}
}

// window makes room for the window of rows of n samples and returns how many elements a row takes.
func (r *resizer) window(n int) (half int) {
	half = (n + 1) / 2
	r.ring = grow(r.ring, r.down.size*half)
	r.sum = grow(r.sum, half)
	return half
}

// slot is where the window keeps source row y.
func (r *resizer) slot(y, half int) []uint64 { return r.ring[y%r.down.size*half:][:half] }

// sumRow sums the rows of the window into r.sum with the weights of output row y.
func (r *resizer) sumRow(y, half int) {
	first, count := int(r.down.first[y]), int(r.down.count[y])
	weights := r.down.weight[y*r.down.size:][:count]
	for i := range r.sum {
		r.sum[i] = rounding
	}
	for ; len(weights) >= 2; weights = weights[2:] {
		accumulate2(r.sum, r.slot(first, half), r.slot(first+1, half), weights[0], weights[1])
		first += 2
	}
	if len(weights) == 1 {
		accumulate(r.sum, r.slot(first, half), weights[0])
	}
}

// rounding is half a unit of the result in both halves of a sum.
const rounding = 1<<(precision-1) | 1<<(precision-1)<<32

func accumulate(sum, a []uint64, w uint64) {
	a = a[:len(sum)]
	for i := range sum {
		sum[i] += a[i] * w
	}
}

func accumulate2(sum, a, b []uint64, v, w uint64) {
	a, b = a[:len(sum)], b[:len(sum)]
	for i := range sum {
		sum[i] += a[i]*v + b[i]*w
	}
}

// pack puts the samples of a row into the halves of dst, two by two.
func pack(dst []uint64, row []uint8) {
	for i := range dst[:len(row)/2] {
		p := row[2*i : 2*i+2 : 2*i+2]
		dst[i] = uint64(p[0]) | uint64(p[1])<<32
	}
	if len(row)%2 == 1 {
		dst[len(row)/2] = uint64(row[len(row)-1])
	}
}

// unpack rounds the sums of pairs of samples into a row.
func unpack(row []uint8, sum []uint64) {
	for i := range sum[:len(row)/2] {
		p := row[2*i : 2*i+2 : 2*i+2]
		p[0], p[1] = split(sum[i])
	}
	if len(row)%2 == 1 {
		row[len(row)-1], _ = split(sum[len(row)/2])
	}
}

// split returns the two samples of a sum, the low half first.
func split(sum uint64) (uint8, uint8) {
	low := int32(sum)
	high := int32((sum - uint64(int64(low))) >> 32)
	return clip(low), clip(high)
}

// clip turns a fixed-point sum into a sample.
func clip(v int32) uint8 {
	return uint8(min(max(v>>precision, 0), 255))
}

// nearest picks the pixel under each output pixel's centre, found by repeated addition as Pillow does.
func (r *resizer) nearest(dst, src []uint8, channels, sw, sh, w, h int, crop stdimage.Rectangle) {
	r.nearX = grow(r.nearX, crop.Dx())
	step := float64(sw) / float64(w)
	at := step * 0.5
	for x := range crop.Max.X {
		if x >= crop.Min.X {
			r.nearX[x-crop.Min.X] = int32(min(int(at), sw-1))
		}
		at += step
	}
	step = float64(sh) / float64(h)
	at = step * 0.5
	for y := range crop.Max.Y {
		if y >= crop.Min.Y {
			row := src[min(int(at), sh-1)*channels*sw:][:channels*sw]
			to := dst[(y-crop.Min.Y)*channels*crop.Dx():][:channels*crop.Dx()]
			if channels == 3 {
				for i, x := range r.nearX {
					o, p := to[3*i:3*i+3:3*i+3], row[3*x:3*x+3:3*x+3]
					o[0], o[1], o[2] = p[0], p[1], p[2]
				}
			} else {
				for i, x := range r.nearX {
					to[i] = row[x]
				}
			}
		}
		at += step
	}
}
