//go:build (amd64 || arm64) && !purego

package par

// pause tells the processor that this core waits for another.
//
//go:noescape
func pause()
