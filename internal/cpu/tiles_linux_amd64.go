//go:build !purego

package cpu

import "syscall"

// allowTiles asks the kernel for the permission to use the tile registers of AMX. It holds for all threads of the process, those there
// are and those to come. The kernel refuses if it does not keep the registers at a change of threads, or if a signal would not find
// room for them on the stack of one. Nothing else need be asked of the processor: the kernel has.
func allowTiles() bool {
	const requestPermission, tileData = 0x1023, 18 // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
	_, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return errno == 0
}
