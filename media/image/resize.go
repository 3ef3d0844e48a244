package image

import (
	"fmt"
	stdimage "image"
	"sync"

	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/internal/pixel"
)

// Resize returns src scaled to w by h pixels, equal to Pillow 13's Image.resize on every byte for every filter. A src of
// that size already is copied. It panics with a [*SizeError] on sizes below 1 or an unknown filter.
func Resize(src *RGB, w, h int, f Filter) *RGB {
	src.check("Resize")
	dst := NewRGB(w, h)
	resize(dst.Pix, src.Pix, 3, src.W, src.H, w, h, f, 0)
	return dst
}

// Thumbnail returns src scaled to w by h pixels, which are fewer each way, for who looks at it: halved as long as it stays a quarter larger, by means
// of two by two pixels, and the rest by [Bilinear], as Pillow's thumbnail does with a reducing gap of 1.25. The goroutine that calls it does the work. It panics with
// a [*SizeError] on sizes below 1.
func Thumbnail(src *RGB, w, h int) *RGB {
	src.check("Thumbnail")
	dst := NewRGB(w, h)
	r := resizers.Get().(*resizer)
	defer resizers.Put(r)
	r.workers = 1
	pix, sw, sh := src.Pix, src.W, src.H
	for 2*sw >= 5*w && 2*sh >= 5*h {
		half, row := sw/2, 3*sw
		r.halved = grow(r.halved, max(len(r.halved), 3*half*(sh/2)))
		for y := range sh / 2 { // in place from the second time on: what is written was read
			pixel.Halve(r.halved[3*half*y:][:3*half], pix[2*y*row:], pix[2*y*row+row:])
		}
		pix, sw, sh = r.halved, half, sh/2
	}
	r.run(dst.Pix, pix, 3, sw, sh, w, h, Bilinear, stdimage.Rect(0, 0, w, h))
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
	resize(dst.Pix, pix, 1, b.Dx(), b.Dy(), w, h, f, 0)
	return dst
}

// resize takes at most that many goroutines, 0 for as many as pay.
func resize(dst, src []uint8, channels, sw, sh, w, h int, f Filter, workers int) {
	r := resizers.Get().(*resizer)
	defer resizers.Put(r)
	r.workers = workers
	r.run(dst, src, channels, sw, sh, w, h, f, stdimage.Rect(0, 0, w, h))
}

// resizers keeps scratch between calls, so that a steady stream of pictures allocates nothing.
var resizers = sync.Pool{New: func() any { return new(resizer) }}

// A resizer holds the scratch of one resize.
//
// Pillow resizes in two passes, each in 32-bit fixed point and rounded to 8 bits: horizontal first, unless the height
// shrinks by more than twice what the width does (a rule new in Pillow 13). Only what the second pass reads is computed.
// A pass is a [par.Task] in bands of rows.
type resizer struct {
	across, down taps
	nearX        []int32
	between      []uint8 // the picture between the passes
	pass         pass    // what is being done
	halved       []uint8 // of a thumbnail
	workers      int     // at most, 0 for as many as pay
}

// A pass makes n rows of a picture, which follow each other in dst.
type pass struct {
	t        *taps
	vertical bool
	dst, src []uint8
	stride   int // bytes from one row of src to the next
	channels int
	out, n   int // bytes of a row of dst, rows
}

const (
	band  = 16      // rows of a chunk
	alone = 1 << 19 // products below which a second goroutine does not pay
)

func (r *resizer) do(p pass) {
	workers := r.workers
	if p.n*p.out*p.t.Size < alone {
		workers = 1
	}
	r.pass = p
	par.Do(r, (p.n+band-1)/band, workers)
	r.pass = pass{}
}

// Run makes a band of rows.
func (r *resizer) Run(chunk int) {
	p := &r.pass
	from, to := chunk*band, min(chunk*band+band, p.n)
	if !p.vertical {
		p.t.Across(p.dst[from*p.out:], p.src[from*p.stride:], p.channels, p.stride, to-from)
		return
	}
	for y := from; y < to; y++ {
		p.t.Down(p.dst[y*p.out:][:p.out], p.src, p.stride, y)
	}
}

// run resizes src, sw by sh pixels of channels bytes, to w by h and writes the part of the result inside crop to dst,
// whose rows follow each other without gaps. crop lies within w by h.
func (r *resizer) run(dst, src []uint8, channels, sw, sh, w, h int, f Filter, crop stdimage.Rectangle) {
	if f == Nearest && (w != sw || h != sh) {
		r.nearest(dst, src, channels, sw, sh, w, h, crop)
		return
	}
	stride, out := channels*sw, channels*crop.Dx()
	x0, x1, y0, y1 := crop.Min.X, crop.Max.X, crop.Min.Y, crop.Max.Y // the part of the source that matters
	if w != sw {
		x0, x1 = r.across.plan(f, sw, w, x0, x1)
	}
	if h != sh {
		y0, y1 = r.down.plan(f, sh, h, y0, y1)
	}
	src = src[y0*stride+x0*channels:]
	wide := channels * (x1 - x0)
	horizontal := pass{t: &r.across, dst: dst, src: src, stride: stride, channels: channels, out: out, n: y1 - y0}
	vertical := pass{t: &r.down, vertical: true, dst: dst, src: src, stride: stride, channels: channels, out: wide, n: crop.Dy()}
	switch {
	case w == sw && h == sh:
		for y := range crop.Dy() {
			copy(dst[y*out:][:out], src[y*stride:])
		}
	case h == sh:
		r.do(horizontal)
	case w == sw:
		r.do(vertical)
	case h < sh && sh-h > 2*(sw-w):
		r.between = grow(r.between, wide*vertical.n)
		vertical.dst = r.between
		r.do(vertical)
		horizontal.src, horizontal.stride, horizontal.n = r.between, wide, vertical.n
		r.do(horizontal)
	default:
		r.between = grow(r.between, out*horizontal.n)
		horizontal.dst = r.between
		r.do(horizontal)
		vertical.src, vertical.stride, vertical.out = r.between, out, out
		r.do(vertical)
	}
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
