//go:build unix

package library

import (
	"io/fs"
	"syscall"
)

// deviceOf tells file systems apart, 0 if that is not known.
func deviceOf(info fs.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(s.Dev)
	}
	return 0
}
