//go:build (amd64 || arm64) && !purego

package kernel

import (
	"testing"
	"unsafe"
)

// TestTileOffsets compares the fields with what the generator (_asm/gemm.go) takes for granted.
func TestTileOffsets(t *testing.T) {
	var x tile
	got := [...]uintptr{unsafe.Offsetof(x.a), unsafe.Offsetof(x.lda), unsafe.Offsetof(x.b), unsafe.Offsetof(x.k), unsafe.Offsetof(x.c), unsafe.Offsetof(x.ldc),
		unsafe.Offsetof(x.from), unsafe.Offsetof(x.bias), unsafe.Offsetof(x.residual), unsafe.Offsetof(x.ldr), unsafe.Offsetof(x.next), unsafe.Offsetof(x.stride),
		unsafe.Offsetof(x.scale), unsafe.Offsetof(x.rows), unsafe.Offsetof(x.zero), unsafe.Offsetof(x.sums),
		unsafe.Offsetof(x.clip), unsafe.Offsetof(x.count)}
	for i, off := range got {
		if off != uintptr(8*i) {
			t.Errorf("field %d lies at %d, want %d", i, off, 8*i)
		}
	}
}
