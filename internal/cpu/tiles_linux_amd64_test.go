//go:build !purego

package cpu

import (
	"syscall"
	"testing"
	"unsafe"
)

// TestAllowTilesAgreesWithTheKernel asks which registers the process may use: those of AMX if and only if allowTiles says so.
func TestAllowTilesAgreesWithTheKernel(t *testing.T) {
	allowed := allowTiles()
	var mask uint64
	const getPermission = 0x1022 // ARCH_GET_XCOMP_PERM
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, getPermission, uintptr(unsafe.Pointer(&mask)), 0)
	if has := errno == 0 && mask>>18&1 == 1; has != allowed {
		t.Errorf("allowTiles says %v, the kernel's mask is %#x (%v)", allowed, mask, errno)
	}
}
