package kernel

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// Space is how many float32 values of memory the product needs for A in the form that the weights' format reads; 0 if that is
// float32.
func (g *Gemm) Space() int {
	if len(g.W) == 0 || g.M <= 0 {
		return 0
	}
	l := g.W[0].layout
	if l.left == leftF32 {
		return 0
	}
	n := g.M * leftStride(l, g.W[0].K) / 4
	if l.left.integers() {
		n += 2 * g.M
	}
	return n
}

// leftStride is the distance of converted rows in bytes: whole cache lines, an odd number of them so that rows do not share a set of
// the first cache.
func leftStride(l *layout, k int) int {
	lines := (l.whole(k)*l.left.size() + 63) / 64
	return 64 * (lines | 1)
}

// A Convert is the first half of a product whose format reads A in another form than float32: it brings A there. Plan says into how
// many chunks it falls, none if there is nothing to do. All must be done before the product's own chunks run.
type Convert Gemm

// Plan checks Buffer and returns how many chunks Run does.
func (c *Convert) Plan(workers int) (chunks int) {
	g := (*Gemm)(c)
	n := g.Space()
	if n == 0 {
		return 0
	}
	l, k := g.W[0].layout, g.W[0].K
	g.needA()
	need(len(g.Buffer) >= n, "gemm: buffer", "expected %d values or more, got %d", len(g.Buffer), n)
	g.left = leftSide{stride: leftStride(l, k)}
	size := g.M * g.left.stride
	rest := g.Buffer[size/4:] // rows come first: a buffer that begins a cache line has every row begin one
	g.left.data = unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(g.Buffer))), size)
	if l.left.integers() {
		g.left.scale, rest = rest[:g.M], rest[g.M:]
		g.left.zero = unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(rest))), g.M)
	}
	g.left.step = max(1, 16384/max(k, 1))
	return (g.M + g.left.step - 1) / g.left.step
}

// leftSide is A in the form that the micro-kernel reads.
type leftSide struct {
	data   []byte // M rows, stride apart
	stride int
	scale  []float32 // of each row
	zero   []int32   // the integer that stands for 0 in each row
	step   int       // rows a chunk of the conversion
}

// Run converts the rows of a chunk.
func (c *Convert) Run(chunk int) {
	g := (*Gemm)(c)
	k, s := g.W[0].K, &g.left
	for m := chunk * s.step; m < min((chunk+1)*s.step, g.M); m++ {
		row, to := g.A[m*g.LDA:][:k], s.data[m*s.stride:][:s.stride]
		if g.W[0].layout.left == leftBF16 {
			toBF16(to, row)
			continue
		}
		s.scale[m], s.zero[m] = quantize(to, row)
		if g.W[0].layout.left == leftS8 {
			lower(to)
			s.zero[m] -= 128
		}
	}
}

// lower takes 128 from each byte, eight at a time.
func lower(b []byte) {
	for ; len(b) > 0; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^0x8080808080808080)
	}
}

// Quantize writes x as uint8 values q with x ≈ scale·(q - zero), and zeros up to the end of dst: the range of x, which is made to hold 0,
// falls onto 0 to 255. If a value is not finite the scale is NaN.
func Quantize(dst []byte, x []float32) (scale float32, zero int32) {
	need(len(dst) >= len(x), "quantize", "expected %d bytes or more, got %d", len(dst), len(x))
	return quantize(dst, x)
}

// GenericQuantize defines Quantize.
func GenericQuantize(dst []byte, x []float32) (scale float32, zero int32) {
	lo, hi, poison := float32(0), float32(0), float32(0)
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
		poison += v * 0
	}
	scale, inverse, zero := steps(lo, hi)
	toBytesGeneric(dst, x, inverse, float32(zero))
	return scale + poison, zero
}

// toBytesGeneric writes x·inverse + offset as uint8, rounded half to even and saturated, and zeros up to the end of dst.
func toBytesGeneric(dst []byte, x []float32, inverse, offset float32) {
	for i, v := range x {
		dst[i] = byte(roundInt(min(max(float32(v*inverse)+offset, 0), 255)))
	}
	clear(dst[len(x):])
}

// steps is the scale of values from lo to hi on 255 steps, its inverse, and the step that stands for 0.
func steps(lo, hi float32) (scale, inverse float32, zero int32) {
	scale = (hi - lo) * (1.0 / 255)
	if !(scale > 0) || math.IsInf(float64(1/scale), 0) || math.IsInf(float64(scale), 0) {
		return scale, 0, 0
	}
	inverse = 1 / scale
	return scale, inverse, roundInt(float32(-lo * inverse))
}

// GenericToBF16 rounds x to bfloat16, half to even, two little-endian bytes each, and writes zeros up to the end of dst. A processor that
// does it itself takes subnormal numbers for zero, as it does in products.
func GenericToBF16(dst []byte, x []float32) {
	for i, v := range x {
		h := bf16(v)
		dst[2*i], dst[2*i+1] = byte(h), byte(h>>8)
	}
	clear(dst[2*len(x):])
}

// bf16 rounds half to even. NaN stays NaN.
func bf16(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
