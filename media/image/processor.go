package image

import (
	"fmt"
	stdimage "image"
	"math"
	"sync"
)

// Fit says how a [Processor] turns its W and H and a picture's size into the size to resize to.
type Fit uint8

// The ways to fit a picture. Sides are truncated or rounded as the reference of each way does.
const (
	FitNone     Fit = iota // no resizing
	FitExact               // W by H, whatever the picture's proportions
	FitShortest            // the short side to W, the other in proportion, truncated; not beyond Longest if that is set
	FitInside              // in proportion, as large as fits in W by H, truncated
	FitCover               // in proportion, as small as covers W by H, rounded half to even (open_clip)
	FitContain             // in proportion, as large as fits in W by H, rounded half to even (open_clip)
	FitTiles               // in proportion, as large as at most Tiles squares of Tile pixels, sides rounded down to whole ones (Gemma 4)
	FitPatches             // likewise, sides rounded up to whole ones while there are at most Tiles (SigLIP 2 NaFlex)
)

// A Processor turns pictures into the array that a vision tower reads: resize, centre crop, rescale, normalise, each as
// the reference does it and in its precision. The zero value copies the pixels as numbers from 0 to 255. Its methods may
// be called from several goroutines at once as long as nobody changes the fields.
type Processor struct {
	Fit     Fit
	W, H    int    // what Fit aims at, in pixels
	Longest int    // with FitShortest: no side gets longer than this; 0 for no limit
	Filter  Filter // how pixels are resampled

	Tile, Tiles int // with FitTiles and FitPatches: the side of a square, and how many there are at most

	CropW, CropH int   // centre crop in pixels; what the picture does not cover is padded. 0: no crop
	Fill         uint8 // value of the padding, before rescaling

	// Torchvision follows torchvision's arithmetic instead of transformers': offsets of the crop are rounded half to even,
	// and rescaling divides by 255 in single precision (as ToTensor does; Rescale is then only on or off).
	Torchvision bool

	// White asks of those who read pictures for it to lay them on white: see [Processor.Options].
	White bool

	Rescale   float64    // factor that brings 0..255 to 0..1, usually 1/255.0; 0: no rescaling
	Mean, Std [3]float32 // the result is (x - Mean) / Std per channel, red first; a zero Std[0]: no normalising
}

// Options are how pictures are to be read for p. Who sees none has the defaults.
func (p *Processor) Options() Options {
	if p == nil {
		return Options{}
	}
	return Options{White: p.White}
}

// Size returns the width and height of every result, or zeros if they depend on the picture: see [Processor.SizeOf].
func (p *Processor) Size() (w, h int) {
	switch {
	case p.CropW > 0 && p.CropH > 0:
		return p.CropW, p.CropH
	case p.Fit == FitExact:
		return p.W, p.H
	}
	return 0, 0
}

// Fits is an error unless every result is of the size that a model takes.
func (p *Processor) Fits(w, h int) error {
	if pw, ph := p.Size(); pw != w || ph != h {
		return fmt.Errorf("image: the processor makes pictures of %dx%d, but the model takes %dx%d", pw, ph, w, h)
	}
	return nil
}

// SizeOf returns the width and height of the result for a picture of w by h pixels.
func (p *Processor) SizeOf(w, h int) (int, int) {
	if p.CropW > 0 && p.CropH > 0 {
		return p.CropW, p.CropH
	}
	return p.fit(w, h)
}

// fit returns the size to resize to. A side that the reference would round to 0, and fail, becomes 1.
func (p *Processor) fit(w, h int) (int, int) {
	switch p.Fit {
	case FitExact:
		return p.W, p.H
	case FitShortest:
		w, h = p.shortest(w, h)
	case FitInside:
		scale := min(float64(p.H)/float64(h), float64(p.W)/float64(w))
		w, h = int(float64(w)*scale), int(float64(h)*scale)
	case FitCover, FitContain:
		ratio := min(float64(h)/float64(p.H), float64(w)/float64(p.W))
		if p.Fit == FitContain {
			ratio = max(float64(h)/float64(p.H), float64(w)/float64(p.W))
		}
		w, h = int(math.RoundToEven(float64(w)/ratio)), int(math.RoundToEven(float64(h)/ratio))
	case FitTiles:
		w, h = p.tiles(w, h)
	case FitPatches:
		w, h = p.patches(w, h)
	}
	return max(w, 1), max(h, 1)
}

// tiles rounds down; a side for which nothing is left gets one tile, and the other what the proportions then say, rounded down too.
func (p *Processor) tiles(w, h int) (int, int) {
	side := float64(p.Tile)
	w, h = max(w, 1), max(h, 1)
	factor := math.Sqrt(float64(p.Tiles) * side * side / (float64(h) * float64(w)))
	across, down := int(factor*float64(w)/side), int(factor*float64(h)/side)
	switch {
	case down == 0:
		across, down = min(w/h, p.Tiles), 1
	case across == 0:
		across, down = 1, min(h/w, p.Tiles)
	}
	return across * p.Tile, down * p.Tile
}

// patches halves the interval in which the largest scale lies that leaves at most Tiles squares, until it is narrow: the size depends on
// where the reference stops.
func (p *Processor) patches(w, h int) (int, int) {
	const narrow = 1e-5
	side := float64(p.Tile)
	squares := func(n int, scale float64) int { return max(int(math.Ceil(float64(n)*scale/side)), 1) }
	low, high := narrow/10, 100.0
	for high-low >= narrow {
		middle := (low + high) / 2
		if squares(w, middle)*squares(h, middle) <= p.Tiles {
			low = middle
		} else {
			high = middle
		}
	}
	return squares(w, low) * p.Tile, squares(h, low) * p.Tile
}

func (p *Processor) shortest(w, h int) (int, int) {
	short, long := min(w, h), max(w, h)
	size := p.W
	want := float64(size) // before rounding
	if p.Longest > 0 {
		if float64(long)/float64(short)*float64(size) > float64(p.Longest) {
			want = float64(p.Longest) * float64(short) / float64(long)
			size = int(math.RoundToEven(want))
		}
		if short == size {
			return w, h
		}
	}
	other := int(want * float64(long) / float64(short))
	if w <= h {
		return size, other
	}
	return other, size
}

// enough returns how many pixels for each 8 of a picture of w by h suffice: the least of 1, 2, 4 and 8 that leaves both
// sides at least twice as long as what they are resized to.
func (p *Processor) enough(w, h int) int {
	fw, fh := p.fit(w, h)
	for size := 1; size < 8; size *= 2 {
		if (w*size+7)/8 >= 2*fw && (h*size+7)/8 >= 2*fh {
			return size
		}
	}
	return 8
}

// offset is where a crop begins on a side of the resized picture; negative if it begins in the padding.
func (p *Processor) offset(side, crop int) int {
	d := side - crop
	switch {
	case !p.Torchvision:
		return d >> 1 // floors
	case d < 0:
		return d / 2 // truncates: the smaller half of the padding comes first
	}
	return int(math.RoundToEven(float64(d) / 2))
}

// Apply writes the array for img to dst: three planes, red first, each H rows of W numbers, [3, H, W] with the sizes of
// [Processor.SizeOf]. It allocates nothing in the steady state. It panics with a [*SizeError] if dst has another length or
// img lacks pixels.
func (p *Processor) Apply(dst []float32, img *RGB) {
	img.check("Apply")
	w, h := p.SizeOf(img.W, img.H)
	if len(dst) != 3*w*h {
		panic(&SizeError{"Apply", fmt.Sprintf("a destination of 3*%d*%d = %d numbers", h, w, 3*h*w), fmt.Sprint(len(dst))})
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)

	fw, fh := p.fit(img.W, img.H)
	left, top := 0, 0
	if p.CropW > 0 && p.CropH > 0 {
		left, top = p.offset(fw, w), p.offset(fh, h)
	}
	// Only what the crop shows is resized.
	crop := stdimage.Rect(left, top, left+w, top+h)
	seen := crop.Intersect(stdimage.Rect(0, 0, fw, fh))
	s.pix = grow(s.pix, 3*seen.Dx()*seen.Dy())
	s.run(s.pix, img.Pix, 3, img.W, img.H, fw, fh, p.Filter, seen)

	s.table(p)
	if seen != crop {
		for c := range 3 {
			plane, fill := dst[c*w*h:][:w*h], s.values[c][p.Fill]
			for i := range plane {
				plane[i] = fill
			}
		}
	}
	r, g, b := &s.values[0], &s.values[1], &s.values[2]
	for y := range seen.Dy() {
		at, n := (seen.Min.Y-top+y)*w+seen.Min.X-left, seen.Dx()
		d0, d1, d2 := dst[at:][:n], dst[w*h+at:][:n], dst[2*w*h+at:][:n]
		row := s.pix[3*n*y:][:3*n]
		for i := range d0 {
			px := row[:3:3]
			d0[i], d1[i], d2[i] = r[px[0]], g[px[1]], b[px[2]]
			row = row[3:]
		}
	}
}

// Reduce returns a picture of which [Processor.Apply] makes what it makes of img: img resized, where resizing again changes nothing and that has
// fewer pixels, else a copy. It is for who has to keep pictures until their turn comes; the goroutine that calls it does the work.
func (p *Processor) Reduce(img *RGB) *RGB {
	img.check("Reduce")
	w, h := p.fit(img.W, img.H)
	if again, and := p.fit(w, h); again != w || and != h || w*h >= img.W*img.H {
		w, h = img.W, img.H
	}
	dst := NewRGB(w, h)
	resize(dst.Pix, img.Pix, 3, img.W, img.H, w, h, p.Filter, 1)
	return dst
}

// scratch is what one Apply needs besides its destination.
type scratch struct {
	resizer
	pix    []uint8         // the visible part of the resized picture
	values [3][256]float32 // the result for each channel and pixel value
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// table computes the result for every pixel value, rounding where the reference rounds.
func (s *scratch) table(p *Processor) {
	for c := range s.values {
		for v := range s.values[c] {
			x := float32(v)
			switch {
			case p.Rescale == 0:
			case p.Torchvision:
				x /= 255
			default:
				x = float32(float64(v) * p.Rescale)
			}
			if p.Std[0] != 0 {
				x = (x - p.Mean[c]) / p.Std[c]
			}
			s.values[c][v] = x
		}
	}
}
