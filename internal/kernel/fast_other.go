//go:build (!amd64 && !arm64) || purego

package kernel

import "github.com/chiasm/chiasm/internal/cpu"

// Without assembly every kernel is its generic twin.

func activate(act Activation, dst, x []float32) { GenericActivate(act, dst, x) }

func layerNorm(dst, x, gamma, beta []float32, eps float32) {
	GenericLayerNorm(dst, x, gamma, beta, eps)
}

func softmax(dst, x []float32) { GenericSoftmax(dst, x) }

func total(x []float32) float32 { return GenericSum(x) }

func highest(x []float32) float32 { return maxGeneric(x) }

func exponentials(dst, x []float32, s, top float32) float32 { return GenericExpSum(dst, x, s, top) }

func norm2(x []float32) float32 { return norm2Generic(x) }

func add(dst, a, b []float32) { GenericAdd(dst, a, b) }

func mul(dst, a, b []float32) { GenericMul(dst, a, b) }

func rmsNorm(dst, x, gain []float32, eps float32) { GenericRMSNorm(dst, x, gain, eps) }

func scale(dst, x []float32, s float32) { GenericScale(dst, x, s) }

func dot(a, b []float32) float32 { return GenericDot(a, b) }

func fromF16(dst []float32, src []byte) { GenericFromF16(dst, src) }

func toF16(dst []byte, src []float32) { GenericToF16(dst, src) }

// readsHalf: there is nothing that would.
const readsHalf = false

func fromBF16(dst []float32, src []byte) { GenericFromBF16(dst, src) }

func packPanel(_ cpu.Tier, panel, rows []float32, k, ld, at, width int) {
	packPanelGeneric(panel, rows, k, ld, at, width)
}

func quantize(dst []byte, x []float32) (scale float32, zero int32) { return GenericQuantize(dst, x) }

func toBF16(dst []byte, x []float32) { GenericToBF16(dst, x) }

func (g *Gemm) block(m0, m1, first, last int) { panic("kernel: no micro-kernel in this build") }

func (a *Attention) head(h headSpan) { panic("kernel: no micro-kernel in this build") }

func stripSize(cpu.Tier) (width, height int) { panic("kernel: no micro-kernel in this build") }

func packHead(_ cpu.Tier, _, _ []float32, _, _, _, _ int) {
	panic("kernel: no micro-kernel in this build")
}

func registerLoop(_ *layout, steps int) (ops int) { return fmaLoopGeneric(steps) }

func readLoop(x []float32) { readLoopGeneric(x) }

func scanInt8(dst []int32, codes []byte, queries []int16, n, width int) {
	GenericScanInt8(dst, codes, queries, n, width)
}

func sift(mask, codes []byte, facts []float32, stride int, s *Sieve) {
	GenericSift(mask, codes, facts, stride, s)
}

func pickInt8(dst []int32, codes []byte, rows []uint32, query []int16) {
	GenericPickInt8(dst, codes, rows, query)
}

func pickUint8(dst []int32, codes []byte, rows []uint32, query []int16) {
	GenericPickUint8(dst, codes, rows, query)
}
