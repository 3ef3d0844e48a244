//go:build !amd64 || purego

package kernel

// setTogether packs no rows: without kernels for it they go one by one.
func (p *Packed) setTogether(panel []byte, column int, rows []float32) (done int) { return 0 }
