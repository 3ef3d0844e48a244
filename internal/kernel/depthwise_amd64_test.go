//go:build !purego

package kernel

import (
	"testing"
	"unsafe"
)

// TestWindowOffsets compares the fields with what the generator (_asm/depthwise.go) takes for granted.
func TestWindowOffsets(t *testing.T) {
	var x window
	got := [...]uintptr{unsafe.Offsetof(x.x), unsafe.Offsetof(x.row), unsafe.Offsetof(x.col), unsafe.Offsetof(x.step), unsafe.Offsetof(x.w), unsafe.Offsetof(x.wrow),
		unsafe.Offsetof(x.wcol), unsafe.Offsetof(x.rows), unsafe.Offsetof(x.cols), unsafe.Offsetof(x.bias), unsafe.Offsetof(x.out), unsafe.Offsetof(x.ostep),
		unsafe.Offsetof(x.n), unsafe.Offsetof(x.low), unsafe.Offsetof(x.high), unsafe.Offsetof(x.blocks)}
	want := [...]uintptr{0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 108, 112}
	if got != want {
		t.Errorf("the fields of a window lie at %v, want %v", got, want)
	}
	var l lag
	if got, want := [...]uintptr{unsafe.Offsetof(l.x), unsafe.Offsetof(l.xstep), unsafe.Offsetof(l.y), unsafe.Offsetof(l.step), unsafe.Offsetof(l.sums),
		unsafe.Offsetof(l.count), unsafe.Offsetof(l.n)}, [...]uintptr{0, 8, 16, 24, 32, 40, 48}; got != want {
		t.Errorf("the fields of a lag lie at %v, want %v", got, want)
	}
}
