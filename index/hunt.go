package index

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/chiasm/chiasm/internal/kernel"
)

// A lens is a query as a frame shows it. Of s = q − m it holds P·s in codes for the near codes, fine and coarse, and s in codes for the far ones.
type lens struct {
	sieve      kernel.Sieve // all but the floor
	near, far  []int16
	nearOffset int32 // what 128 in every near code adds
	nearScale  float64
	farScale   float64
	base       float64 // q·m
	nearLoose  float64 // what rounding the query does to a score, for each scale of a row's near codes
	farLoose   float64 // and of its far codes
	third      float64 // |P·s|, at least
	fourth     float64 // |s − Pᵀ(P·s)|, at least
	long       float64 // |s|, at least
	blur       float64 // what rounding of sums does to a score, for each reach of a block
	least      float64 // and whatever the reach
}

const up = 1 + 1e-9 // for sums in float64

// view makes the lens of a query, which reckons with a part of the rests' lengths: 1 is for what is certain.
func (f *frame) view(q []float32, part float64) *lens {
	d, width := f.dimension, widthOf(f.dimension)
	l := &lens{near: make([]int16, nearWidth), far: make([]int16, width), base: inner(q, f.mean)}
	space := make([]float32, d+nearWidth)
	s, a := space[:d], space[d:]
	f.relative(s, q)
	f.look(a, s)
	length, seen := norm(s), norm(a)
	l.long = length * up
	tiny := norm(q) * 1e-12
	l.blur, l.least = (l.long+f.length)*0x1p-20+tiny, tiny*f.length
	blurred := f.blur() * l.long

	nearScale, miss := fine(l.near, a, 8191)
	l.nearScale, l.nearLoose = nearScale, (miss+blurred)*codesLong*up+l.long*1e-12
	for _, c := range l.near {
		l.nearOffset += 128 * int32(c)
	}
	farScale, miss := fine(l.far[:d], s, min(8191, 1<<31/(128*width)-1)) // no product leaves int32
	l.farScale, l.farLoose = farScale, (miss+l.long*1e-12)*127*math.Sqrt(float64(d))*up

	scale, miss := coarse(&l.sieve.Query, a)
	for _, c := range l.sieve.Query {
		l.sieve.Offset += 128 * int32(c)
	}
	l.sieve.Scale = scale
	l.sieve.Loose = upward((miss + blurred) * codesLong * up)
	// |s − Pᵀa|² = |s|² − 2a·(P·s) + |Pᵀa|², where P·s is a but for the blur, and |Pᵀa|² is |a|² but for the defect.
	rest := length*length - seen*seen + 2*seen*blurred + f.defect*seen*seen
	l.third, l.fourth = seen*up, part*math.Sqrt(max(rest, 0)+1e-12*length*length)*up
	l.sieve.Third, l.sieve.Fourth = upward(l.third), upward(l.fourth)
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

// nothing is no row of a group.
var nothing [groupRows / 64]uint64

// A hunt looks through rows of a segment for one query. Rows that are not ruled out wait until there are as many as a group has: looking closely reads
// from many places of memory, whose latencies then overlap.
type hunt struct {
	t     *search
	v     *view
	b     *block // of the rows that wait
	l     *lens
	sieve kernel.Sieve
	floor float64
	lower least[float64] // the K largest scores that rows of this hunt are known to reach
	found []candidate

	mask   [groupRows / 8]byte
	rest   [groupRows / 64]uint64 // rows of a group that are not ruled out
	wait   int
	picked [groupRows]uint32 // the first wait of them
	sums   [groupRows]int32
	scores [groupRows]float64
	ids    [groupRows]uint64
}

func (h *hunt) begin(t *search) {
	h.t, h.v, h.b, h.l, h.floor, h.wait = t, nil, nil, nil, t.known(), 0
	h.lower, h.found = h.lower[:0], h.found[:0]
}

// at goes on in another segment.
func (h *hunt) at(v *view) {
	if h.v != v {
		h.closer()
		h.v = v
		if l := h.t.lenses[v.lens]; l != h.l {
			h.l, h.sieve = l, l.sieve
		}
	}
}

// early says whether the filter is asked before codes are read.
func (h *hunt) early() bool { return h.t.Filter != nil && h.t.share < sparse }

// rows looks through rows of a block, and leaves some to [hunt.closer].
func (h *hunt) rows(b *block, first, last int) {
	if h.b != b {
		h.closer()
		h.b = b
	}
	h.floor = max(h.floor, h.t.known())
	stride := eights(len(b.ids))
	early := h.early()
	for at := first &^ 7; at < last; at += groupRows {
		n := min(groupRows, eights(last-at))
		h.rest = within(max(first-at, 0), min(last-at, n))
		left := n
		if early {
			if left = h.allowed(b, at); left == 0 {
				continue
			}
		}
		if !early || left > oneByOne {
			h.sieve.Floor = h.l.floor(h.floor, b.reach)
			kernel.Sift(h.mask[:n/8], b.near[at*nearWidth:(at+n)*nearWidth], b.facts[at:], stride, &h.sieve)
			for i := range h.rest {
				h.rest[i] &= binary.LittleEndian.Uint64(h.mask[8*i:])
			}
			if h.rest == nothing {
				continue
			}
		}
		for i, word := range h.rest {
			for ; word != 0; word &= word - 1 {
				r := at + 64*i + bits.TrailingZeros64(word)
				if h.v.isDead(uint32(b.first + r)) {
					continue
				}
				if h.wait == len(h.picked) {
					h.closer()
				}
				h.picked[h.wait] = uint32(r)
				h.wait++
			}
		}
	}
}

// closer looks closely at the rows that wait: first at their near codes once more, with a finer query, then, at those that the filter lets through
// if it has not been asked yet, at the far ones.
func (h *hunt) closer() {
	if h.wait == 0 {
		return
	}
	b, rows := h.b, h.picked[:h.wait]
	h.wait = 0
	l, stride, sums := h.l, eights(len(b.ids)), h.sums[:len(rows)]
	blur := l.blur*float64(b.reach) + l.least
	kernel.PickUint8(sums, b.near, rows, l.near)
	kept := 0
	for i, r := range rows {
		scale := float64(b.facts[r])
		score := l.base + float64(b.facts[stride+int(r)]) + float64(sums[i]-l.nearOffset)*l.nearScale*scale
		slack := l.nearLoose*scale + l.third*float64(b.facts[2*stride+int(r)]) + l.fourth*float64(b.facts[3*stride+int(r)]) + blur
		if score+slack >= h.floor {
			rows[kept], h.scores[kept] = r, score
			kept++
		}
	}
	if rows = rows[:kept]; h.t.Filter != nil && !h.early() {
		rows = h.through(b, rows)
	}
	sums = sums[:len(rows)]
	kernel.PickInt8(sums, b.far, rows, l.far)
	for i, r := range rows {
		w := b.worth[r]
		score := h.scores[i] + float64(sums[i])*l.farScale*float64(w.scale)
		slack := l.nearLoose*float64(b.facts[r]) + l.farLoose*float64(w.scale) + l.long*float64(w.err) + blur
		if score+slack < h.floor {
			continue
		}
		h.lower.push(score-slack, h.t.K)
		if len(h.lower) == h.t.K {
			h.floor = max(h.floor, h.lower[0])
		}
		h.found = append(h.found, candidate{b, int(r), score + slack, score - slack})
	}
}
