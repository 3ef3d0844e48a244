//go:build (amd64 || arm64) && !purego

package kernel

import (
	"testing"
	"unsafe"
)

// TestStripOffsets compares the fields with what the generator (_asm/attention.go) takes for granted.
func TestStripOffsets(t *testing.T) {
	var x strip
	got := [...]uintptr{unsafe.Offsetof(x.rows), unsafe.Offsetof(x.q), unsafe.Offsetof(x.ldq), unsafe.Offsetof(x.d), unsafe.Offsetof(x.keys), unsafe.Offsetof(x.n),
		unsafe.Offsetof(x.scores), unsafe.Offsetof(x.lds), unsafe.Offsetof(x.seen), unsafe.Offsetof(x.step), unsafe.Offsetof(x.state), unsafe.Offsetof(x.scale),
		unsafe.Offsetof(x.values), unsafe.Offsetof(x.ldv), unsafe.Offsetof(x.panels), unsafe.Offsetof(x.from), unsafe.Offsetof(x.ldf), unsafe.Offsetof(x.out),
		unsafe.Offsetof(x.ldo), unsafe.Offsetof(x.inverse)}
	for i, off := range got {
		if off != uintptr(8*i) {
			t.Errorf("field %d lies at %d, want %d", i, off, 8*i)
		}
	}
}
