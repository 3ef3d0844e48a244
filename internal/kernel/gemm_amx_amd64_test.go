//go:build !purego

package kernel

import (
	"testing"
	"unsafe"
)

// TestBandOffsets compares the fields with what the generator (_asm/amx.go) takes for granted.
func TestBandOffsets(t *testing.T) {
	var x band
	got := [...]uintptr{unsafe.Offsetof(x.config), unsafe.Offsetof(x.a), unsafe.Offsetof(x.lda), unsafe.Offsetof(x.steps), unsafe.Offsetof(x.c), unsafe.Offsetof(x.apart),
		unsafe.Offsetof(x.add), unsafe.Offsetof(x.lower), unsafe.Offsetof(x.lines), unsafe.Offsetof(x.panels), unsafe.Offsetof(x.b), unsafe.Offsetof(x.next)}
	for i, want := range [...]uintptr{0, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 136 + 8*bandPanels} {
		if got[i] != want {
			t.Errorf("field %d lies at %d, want %d", i, got[i], want)
		}
	}
	if got[11] != 200 {
		t.Errorf("the generator knows eight panels, not %d", bandPanels)
	}
}
