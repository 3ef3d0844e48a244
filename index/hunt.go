package index

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/chiasm/chiasm/internal/kernel"
)

// A lens is a query as a frame shows it. Of s = q − m it holds P·s in codes for the near codes, fine and coarse, and s in codes for the far ones.
type lens struct {
	sieve     kernel.Sieve // all but the floor
	near, far []int16
	nearScale float64
	farScale  float64
	base      float64 // q·m
	nearLoose float64 // what rounding the query does to a score, for each scale of a row's near codes
	farLoose  float64 // and of its far codes
	long      float64 // |s|, at least
	blur      float64 // what rounding of sums does to a score, for each reach of a block
	least     float64 // and whatever the reach
}

const up = 1 + 1e-9 // for sums in float64

// view makes the lens of a query.
func (f *frame) view(q []float32) *lens {
	d, width := f.dimension, widthOf(f.dimension)
	l := &lens{near: make([]int16, nearWidth), far: make([]int16, width), base: inner(q, f.mean)}
	space := make([]float32, 2*d+nearWidth)
	s, rest, a := space[:d], space[d:2*d], space[2*d:]
	f.relative(s, q)
	f.look(a, s)
	off := f.rest(rest, s, a)
	length := norm(s)
	l.long = length * up
	tiny := norm(q) * 1e-12
	l.blur, l.least = (l.long+f.length)*0x1p-20+tiny, tiny*f.length
	blurred := f.blur() * l.long

	nearScale, miss := fine(l.near, a, 8191)
	l.nearScale, l.nearLoose = nearScale, (miss+blurred)*codesLong*up+l.long*1e-12
	farScale, miss := fine(l.far[:d], s, min(8191, 1<<31/(128*width)-1)) // no product leaves int32
	l.farScale, l.farLoose = farScale, (miss+l.long*1e-12)*127*math.Sqrt(float64(d))*up

	scale, miss := coarse(&l.sieve.Query, a)
	for _, c := range l.sieve.Query {
		l.sieve.Offset += 128 * int32(c)
	}
	l.sieve.Scale = scale
	l.sieve.Loose = upward((miss + blurred) * codesLong * up)
	l.sieve.Third = upward(norm(a) * up)
	l.sieve.Fourth = upward((norm(rest) + off) * up)
	return l
}

// fine rounds x to codes of at most the limit, and says how long what they leave out is.
func fine(dst []int16, x []float32, limit int) (scale, miss float64) {
	var top float64
	for _, v := range x {
		top = max(top, math.Abs(float64(v)))
	}
	scale = top / float64(limit)
	if scale == 0 {
		return 0, 0
	}
	for i, v := range x {
		c := math.RoundToEven(float64(v) / scale)
		dst[i] = int16(c)
		e := float64(v) - c*scale
		miss += e * e
	}
	return scale, math.Sqrt(miss)
}

// coarse rounds x to codes that [kernel.Sift] can take.
func coarse(dst *[nearWidth]int8, x []float32) (scale float32, miss float64) {
	var lanes [16]float64
	for i, v := range x {
		lanes[i%32/2] += float64(v) * float64(v)
	}
	top := 0.0
	for _, l := range lanes {
		top = max(top, l)
	}
	for scale = float32(math.Sqrt(top) / (kernel.LaneLimit - 1)); ; scale *= 1.01 {
		if scale < 0x1p-120 {
			*dst = [nearWidth]int8{}
			return 0, norm(x)
		}
		var sums [16]int
		miss = 0
		for i, v := range x {
			c := math.RoundToEven(float64(v) / float64(scale))
			dst[i] = int8(c)
			sums[i%32/2] += int(c) * int(c)
			e := float64(v) - c*float64(scale)
			miss += e * e
		}
		ok := true
		for _, s := range sums {
			ok = ok && s <= kernel.LaneLimit*kernel.LaneLimit
		}
		if ok {
			return scale, math.Sqrt(miss)
		}
	}
}

// floor is the smallest bound of a row whose score may reach x, in a block.
func (l *lens) floor(x float64, reach float32) float32 {
	y := x - l.base - 4*(l.blur*float64(reach)+l.least)
	return math.Nextafter32(float32(y), float32(math.Inf(-1)))
}

// A hunt looks through rows of a segment for one query.
type hunt struct {
	t     *search
	v     *view
	l     *lens
	sieve kernel.Sieve
	floor float64
	lower scores // the K largest scores that rows of this hunt are known to reach
	found []candidate
	mask  [groupRows / 8]byte
	codes [nearWidth]byte
	sum   [1]int32
}

func (h *hunt) begin(t *search, v *view) {
	*h = hunt{lower: h.lower[:0], found: h.found[:0], floor: t.known()}
	h.at(t, v)
}

// at goes on in another segment.
func (h *hunt) at(t *search, v *view) {
	if h.v != v {
		h.t, h.v = t, v
		if l := t.lenses[v.lens]; l != h.l {
			h.l, h.sieve = l, l.sieve
		}
	}
}

// rows looks through rows of a block.
func (h *hunt) rows(b *block, first, last int) {
	h.floor = max(h.floor, h.t.known())
	stride := eights(len(b.ids))
	for at := first &^ 7; at < last; at += groupRows {
		n := min(groupRows, eights(last-at))
		h.sieve.Floor = h.l.floor(h.floor, b.reach)
		kernel.Sift(h.mask[:n/8], b.near[at*nearWidth:(at+n)*nearWidth], b.facts[at:], stride, &h.sieve)
		for i := 0; i < n; i += 64 {
			word := binary.LittleEndian.Uint64(h.mask[i/8:])
			if at+i < first {
				word &^= 1<<(first-at-i) - 1
			}
			if left := min(last-at, n) - i; left < 64 {
				word &= 1<<left - 1
			}
			for ; word != 0; word &= word - 1 {
				h.row(b, at+i+bits.TrailingZeros64(word))
			}
		}
	}
}

// row looks closely at one row.
func (h *hunt) row(b *block, at int) {
	if h.v.isDead(uint32(b.first+at)) || h.t.Filter != nil && !h.t.Filter.Has(b.ids[at]) {
		return
	}
	l, stride, width := h.l, eights(len(b.ids)), len(h.l.far)
	const flip = 0x8080808080808080
	near := b.near[at*nearWidth:]
	for i := 0; i < nearWidth; i += 8 {
		binary.LittleEndian.PutUint64(h.codes[i:], binary.LittleEndian.Uint64(near[i:])^flip)
	}
	kernel.ScanInt8(h.sum[:], h.codes[:], l.near, 1)
	scale := float64(b.facts[at])
	score := l.base + float64(b.facts[stride+at]) + float64(h.sum[0])*l.nearScale*scale
	kernel.ScanInt8(h.sum[:], b.far[at*width:(at+1)*width], l.far, 1)
	w := b.worth[at]
	score += float64(h.sum[0]) * l.farScale * float64(w.scale)
	slack := l.nearLoose*scale + l.farLoose*float64(w.scale) + l.long*float64(w.err) + l.blur*float64(b.reach) + l.least
	if score+slack < h.floor {
		return
	}
	h.lower.push(score-slack, h.t.K)
	if len(h.lower) == h.t.K {
		h.floor = max(h.floor, h.lower[0])
	}
	h.found = append(h.found, candidate{b, at, score + slack, score - slack})
}
