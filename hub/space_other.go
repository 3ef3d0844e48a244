//go:build !linux && !darwin

package hub

// FreeSpace does not know on this system.
func FreeSpace(string) (n int64, ok bool) { return 0, false }
