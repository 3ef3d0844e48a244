//go:build !linux || purego

package kernel

// A mapping is memory of the Go heap where there is nothing better.
type mapping struct{ floats []float32 }

func newMapping(n int) *mapping { return &mapping{aligned(n)} }

func (m *mapping) release() {}
