//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
)

// clips: the micro-kernels apply activations that clip.
const clips = false

// round is how many bytes of a panel a micro-kernel reads before it fetches again: those that 16 bytes of a row of A meet.
func (l *layout) round() int { return 16 / l.left.size() * l.width * l.format.size() }

// multiply calls the micro-kernel of height h for each tile. The fields move on from tile to tile but not behind the last one, where they
// might point into something else that the collector has freed.
func (t *tile) multiply(lay *layout, h int) {
	for {
		t.one(lay, h)
		if t.count--; t.count == 0 {
			return
		}
		t.a, t.c = unsafe.Add(t.a, h*int(t.lda)), unsafe.Add(t.c, h*int(t.ldc))
		if t.from != nil {
			t.from = unsafe.Add(t.from, 4*h*lay.width)
		}
		if t.residual != nil {
			t.residual = unsafe.Add(t.residual, h*int(t.ldr))
		}
		t.next += uintptr(t.k*lay.stepBytes()/lay.round()) * t.stride
	}
}

func (t *tile) one(lay *layout, h int) {
	switch {
	case lay.format == F32:
		gemmNEON(t, h)
	case lay.format == W8:
		w8GemmNEON(t, h)
	case lay.format == BF16 && lay.tier == cpu.NEON:
		bf16GemmNEON(t, h)
	case lay.format == BF16:
		bf16GemmNEONBF16(t, h)
	case lay.tier == cpu.NEONDot:
		i8GemmNEONDot(t, h)
	default:
		i8GemmNEONBF16(t, h)
	}
}

// rescale finishes the sums of integers of h rows.
func (t *tile) rescale(_ *layout, h int) { rescaleNEON(t, h) }
