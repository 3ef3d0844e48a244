//go:build !linux && !darwin

package hub

// freeSpace does not know.
func freeSpace(string) (n int64, ok bool) { return 0, false }
