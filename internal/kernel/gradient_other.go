//go:build !amd64 || purego

package kernel

func geluGrad(dx, dy, x []float32) { genericGELUGrad(dx, dy, x) }

func gateGrad(dx, dy, x []float32, rate, cube float32) { genericGateGrad(dx, dy, x, rate, cube) }

func normGrad(_, _, _, _, _, _ []float32, _ float32, _ bool) bool { return false }

func adam(a *Adam, v, g, first, second []float32) { genericAdam(a, v, g, first, second) }

func (t *Turned) turnWhole([]byte, []float32) bool { return false }
