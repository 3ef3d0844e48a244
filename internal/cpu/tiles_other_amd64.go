//go:build !linux && !purego

package cpu

// allowTiles is for Linux alone.
func allowTiles() bool { return false }
