//go:build !purego

package kernel

import (
	"math"
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
)

// stripSize is the columns of a panel of keys and values, and the rows of a strip at most: those of products in F32, whose micro-kernel
// scores the keys.
func stripSize(cpu.Tier) (width, height int) { return 16, 6 }

// readsHalf: nothing takes keys and values in half precision.
const readsHalf = false

func scores(_ cpu.Tier, s *strip, _ bool) {
	var scales [16]float32
	for i := range scales {
		scales[i] = s.scale
	}
	t := tile{a: s.q, lda: s.ldq, k: s.d, ldc: s.lds, scale: unsafe.Pointer(&scales)}
	for j := 0; j < s.n; j += 16 {
		t.b, t.c = unsafe.Add(s.keys, 4*j*s.d), unsafe.Add(s.scores, 4*j)
		t.next = uintptr(t.b)
		gemmNEON(&t, s.rows)
	}
}

// weigh turns the scores of a strip, exponents of 2, into weights: 2 to the power of score less largest score, 0 for keys that a row
// does not see. It keeps the state of the rows.
func weigh(_ cpu.Tier, s *strip) {
	for r := range s.rows {
		row := unsafe.Slice((*float32)(unsafe.Add(s.scores, r*int(s.lds))), s.n)
		state := (*[4]float32)(unsafe.Add(s.state, 16*r)) // the largest score, the sum of the weights, the scale, 1/sum
		seen := row[:max(0, min(s.seen+r*s.step, s.n))]
		top, norm := float32(math.Inf(-1)), float32(0)
		if len(seen) > 0 {
			top = largest(seen)
		}
		if s.from != nil {
			before := state[0]
			top = max(top, before)
			state[2] = float32(math.Exp2(float64(before) - float64(max(top, -math.MaxFloat32))))
			norm = state[1] * state[2]
		}
		state[0] = top
		if len(seen) > 0 { // a mask may hide all: then 2 to the power of -Inf less this is 0
			norm += powerNEON(&seen[0], len(seen), max(top, -math.MaxFloat32))
		}
		clear(row[len(seen):])
		state[1], state[3] = norm, 1/norm
	}
}

func weighted(_ cpu.Tier, s *strip, _ bool) { valuesNEON(s) }

// packKeys writes n rows of d values, ld bytes apart, as columns of panels of size bytes.
func packKeys(t cpu.Tier, dst, src *float32, size, ld, n, d int) {
	for j := 0; j < n; j += 16 {
		rows := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(src), j*ld)), (min(16, n-j)-1)*ld/4+d)
		panel := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(dst), j/16*size)), 16*d)
		packPanel(t, panel, rows, d, ld/4, 0, 16)
	}
}

// packValues copies n rows of d values, ld bytes apart, to rows without gaps.
func packValues(_ cpu.Tier, dst, src *float32, ld, n, d int) {
	to, from := unsafe.Slice(dst, n*d), unsafe.Slice(src, (n-1)*ld/4+d)
	for j := range n {
		copy(to[j*d:], from[j*ld/4:][:d])
	}
}
