//go:build !amd64 || purego

package kernel

func geluGrad(dx, dy, x []float32) { genericGELUGrad(dx, dy, x) }

func normGrad(_, _, _, _, _, _ []float32, _ float32, _ bool) bool { return false }

func (t *Turned) turnWhole([]byte, []float32) bool { return false }
