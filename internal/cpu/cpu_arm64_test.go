//go:build !purego

package cpu

import (
	"os"
	"slices"
	"testing"
)

// TestDetectUnderEmulation compares with the processors that QEMU imitates by the name in QEMU_CPU.
func TestDetectUnderEmulation(t *testing.T) {
	want, known := map[string][]Tier{
		"cortex-a72":  {Generic, NEON},
		"neoverse-n1": {Generic, NEON, NEONDot},
		"max":         {Generic, NEON, NEONDot, NEONBF16},
	}[os.Getenv("QEMU_CPU")]
	if !known {
		t.Skipf("QEMU_CPU is %q, not one of cortex-a72, neoverse-n1 and max", os.Getenv("QEMU_CPU"))
	}
	if got := detect(); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}
