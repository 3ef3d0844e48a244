//go:build !(amd64 || arm64) || purego

package par

// pause passes a moment.
func pause() {
	for range 16 {
	}
}
