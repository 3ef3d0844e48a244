//go:build linux && !purego

package kernel

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A mapping is anonymous memory that the collector knows nothing of.
type mapping struct {
	bytes  []byte // nil if the memory is the Go heap's
	floats []float32
	gone   atomic.Bool
}

const hugePage = 2 << 20

// newMapping takes n zero floats. What is large begins at a huge page and asks for such. It falls back to the Go heap.
func newMapping(n int) *mapping {
	size := (n*4 + 4095) &^ 4095
	skip := 0
	if size >= hugePage {
		skip = hugePage // of address space only: what is not touched costs no memory
	}
	b, err := unix.Mmap(-1, 0, size+skip, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return &mapping{floats: aligned(n)}
	}
	use := b
	if skip > 0 {
		use = b[-uintptr(unsafe.Pointer(unsafe.SliceData(b)))&(hugePage-1):][:size]
		_ = unix.Madvise(use, unix.MADV_HUGEPAGE) // small pages do too
	}
	return &mapping{bytes: b, floats: unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(use))), n)}
}

// release gives the memory back, once.
func (m *mapping) release() {
	if m.bytes != nil && !m.gone.Swap(true) {
		_ = unix.Munmap(m.bytes) // it can fail only for an address that is not a mapping
	}
}
