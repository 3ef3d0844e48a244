package pixel

import "encoding/binary"

// Precision is the number of fraction bits of a weight: 8 bits of sample and 2 of head room fill 32.
const Precision = 32 - 8 - 2

// half is half a unit of the result, for rounding.
const half = 1 << (Precision - 1)

// Taps says, for each output position, which source positions it sums and with what weights: Pillow's arithmetic, 32-bit
// sums of samples times fixed-point weights. Fill the exported fields and call Pack; then any goroutine may use it.
type Taps struct {
	Size   int     // weights a position, the last ones possibly unused
	First  []int32 // first source position of each output position
	Count  []int32 // how many source positions follow, 1 at least
	Weight []int32 // Size per output position
	// packed holds the weights by fours, the 11 lower bits of each and then the upper ones, so that both halves are 16-bit
	// numbers; what is missing in the last four is 0. groups is how many fours there are of each position.
	packed []int16
	groups []int32
}

// low is how many bits of a weight are in its lower half.
const low = 11

// fours is how many groups there is room for at each position.
func (t *Taps) fours() int { return (t.Size + 3) / 4 }

// Pack prepares what the assembly reads.
func (t *Taps) Pack() {
	n := len(t.First)
	if len(t.Count) != n || len(t.Weight) < n*t.Size {
		panic("pixel: Taps: expected a count and weights for each position")
	}
	t.groups = grow(t.groups, n)
	t.packed = grow(t.packed, 8*n*t.fours())
	clear(t.packed)
	for i, count := range t.Count {
		t.groups[i] = (count + 3) / 4
		to := t.packed[8*i*t.fours():]
		for j, w := range t.Weight[i*t.Size:][:count] {
			at := j/4*8 + j%4
			to[at], to[at+4] = int16(w&(1<<low-1)), int16(w>>low)
		}
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Across sums along n rows, which begin stride bytes apart, for the pixels of channels bytes that t speaks of. The rows
// of the result, a pixel for each position, follow each other in dst.
func (t *Taps) Across(dst, src []uint8, channels, stride, n int) {
	out := channels * len(t.First)
	if len(dst) < n*out {
		panic("pixel: Across: expected room for all rows")
	}
	for y := 0; y < n; y += 4 {
		m := min(4, n-y)
		// The assembly reads up to 13 bytes beyond a row.
		if fast && channels == 3 && len(src) >= (y+m)*stride+16 {
			t.across4(dst[y*out:], src[y*stride:], stride, m)
			continue
		}
		for i := y; i < y+m; i++ {
			t.GenericAcross(dst[i*out:][:out], src[i*stride:], channels)
		}
	}
}

// GenericAcross defines Across for one row.
func (t *Taps) GenericAcross(dst, row []uint8, channels int) {
	for i, first := range t.First {
		weights := t.Weight[i*t.Size:][:t.Count[i]]
		p := row[int(first)*channels:]
		if channels == 3 {
			r, g, b := int32(half), int32(half), int32(half)
			p = p[:3*len(weights)]
			for _, w := range weights {
				r, g, b = r+w*int32(p[0]), g+w*int32(p[1]), b+w*int32(p[2])
				p = p[3:]
			}
			dst[0], dst[1], dst[2] = fixed(r), fixed(g), fixed(b)
			dst = dst[3:]
			continue
		}
		for c := range channels {
			sum := int32(half)
			for j, w := range weights {
				sum += w * int32(p[j*channels+c])
			}
			dst[c] = fixed(sum)
		}
		dst = dst[channels:]
	}
}

// fixed turns a fixed-point sum into a sample.
func fixed(v int32) uint8 { return clamp(v >> Precision) }

// Down sums the rows that output position i wants, sample by sample: len(dst) of them, from the beginning of each. Row y of
// src begins at y*stride.
func (t *Taps) Down(dst, src []uint8, stride, i int) {
	first, count := int(t.First[i]), int(t.Count[i])
	if len(src) < (first+count-1)*stride+len(dst) {
		panic("pixel: Down: expected all rows")
	}
	if fast && len(dst) >= 16 {
		t.downSum(dst, src[first*stride:], stride, i)
		return
	}
	t.GenericDown(dst, src, stride, i)
}

// GenericDown defines Down. It sums samples two at a time, in the halves of a 64-bit integer: a half never leaves 32
// signed bits, so the low half can be read off the sum and its borrow given back to the high half.
func (t *Taps) GenericDown(dst, src []uint8, stride, i int) {
	const mask = 0xff | 0xff<<32
	src = src[int(t.First[i])*stride:]
	weights := t.Weight[i*t.Size:][:t.Count[i]]
	x := 0
	for ; x+8 <= len(dst); x += 8 {
		var sum [4]uint64
		for j, w := range weights {
			v, w := binary.LittleEndian.Uint64(src[j*stride+x:]), uint64(int64(w))
			sum[0] += v & mask * w
			sum[1] += v >> 8 & mask * w
			sum[2] += v >> 16 & mask * w
			sum[3] += v >> 24 & mask * w
		}
		for j, s := range sum {
			l := int32(s)
			dst[x+j] = fixed(l + half)
			dst[x+4+j] = fixed(int32((s-uint64(int64(l)))>>32) + half)
		}
	}
	for ; x < len(dst); x++ {
		sum := int32(half)
		for j, w := range weights {
			sum += w * int32(src[j*stride+x])
		}
		dst[x] = fixed(sum)
	}
}
