//go:build linux || darwin

package hub

import "golang.org/x/sys/unix"

// FreeSpace is the number of bytes that may still be written to the file system of dir. Some file systems do not say.
func FreeSpace(dir string) (n int64, ok bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Blocks == 0 {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}
