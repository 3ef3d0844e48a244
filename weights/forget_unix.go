//go:build unix

package weights

import (
	"os"
	"unsafe"

	"github.com/chiasm/chiasm/tensor"
	"golang.org/x/sys/unix"
)

// Forget tells the operating system that e's pages will hardly be read again, so that they need not stay in memory. Reading them later
// still works.
func (s *Set) Forget(e tensor.Entry) {
	for _, m := range s.maps {
		if len(m) == 0 || len(e.Data) == 0 {
			continue
		}
		base := uintptr(unsafe.Pointer(unsafe.SliceData([]byte(m))))
		at := uintptr(unsafe.Pointer(unsafe.SliceData(e.Data)))
		if at < base || at >= base+uintptr(len(m)) {
			continue
		}
		page := uintptr(os.Getpagesize())
		first := (at - base + page - 1) &^ (page - 1) // only whole pages, which are e's alone
		last := (at - base + uintptr(len(e.Data))) &^ (page - 1)
		if first < last {
			_ = unix.Madvise(m[first:last], unix.MADV_DONTNEED) // advice: refusing it costs memory only
		}
		return
	}
}
