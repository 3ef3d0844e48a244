//go:build unix

package library

import (
	"os"
	"syscall"
)

// device tells file systems apart, 0 if that is not known.
func device(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(s.Dev)
	}
	return 0
}
