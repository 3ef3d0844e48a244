package kernel

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"unsafe"
)

// MapPacked makes a weight of n rows of k values in format f over image, which [Packed.Image] gave of such a weight when [Signature]
// was the same. The weight reads image, which must begin a cache line and outlive it, and never writes to it or frees it. ok is false
// if image has another size than the weight or lies elsewhere. Whatever its bytes are, products stay within their operands.
func MapPacked(n, k int, f Format, image []byte) (p *Packed, ok bool) {
	p = newPacked(n, k, f)
	if len(image) != p.size() || uintptr(unsafe.Pointer(unsafe.SliceData(image)))%64 != 0 {
		return nil, false
	}
	p.place(image)
	return p, true
}

// Image is the memory of a weight, as the micro-kernels read it. It is not to be written to.
func (p *Packed) Image() []byte { return p.image }

// Mapped reports whether MapPacked made the weight.
func (p *Packed) Mapped() bool { return p.memory == nil && len(p.image) > 0 }

// Signature tells how the present tier packs weights in format f and multiplies with them: it is the checksum of what becomes of a small
// sample. Images are of use only where it is the same as where they were made.
func Signature(f Format) uint32 {
	const n, k, m = 67, 131, 2 // no multiples of what panels, groups and tiles are made of
	seed := uint32(1)
	sample := func(rows, cols int) []float32 {
		v := make([]float32, rows*cols)
		for i := range v {
			seed = seed*1664525 + 1013904223 // the generator of Numerical Recipes
			v[i] = float32(int32(seed)) * float32(math.Ldexp(1, -31-i/cols%7))
		}
		return v
	}
	w := NewPacked(n, k, f)
	defer w.Release()
	w.SetRows(0, sample(n, k))
	g := &Gemm{C: make([]float32, m*n), LDC: n, A: sample(m, k), LDA: k, M: m, W: []*Packed{w}}
	if space := g.Space(); space > 0 {
		g.Buffer = make([]float32, space)
		c := (*Convert)(g)
		for i := range c.Plan(1) {
			c.Run(i)
		}
	}
	for i := range g.Plan(1) {
		g.Run(i)
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	sum.Write([]byte(w.layout.tier.String() + f.String()))
	sum.Write(w.Image())
	for _, v := range g.C {
		sum.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	return sum.Sum32()
}

// QuantSignature tells how blocks compute in integers at the present tier, a checksum of what becomes of small ones: 0 where they do not.
func QuantSignature() uint32 {
	if !Quantizes() {
		return 0
	}
	const k, n, d, side = 8, 16, 16, 7
	seed := uint32(1)
	sample := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			seed = seed*1664525 + 1013904223 // as in [Signature]
			v[i] = float32(int32(seed)) * 0x1p-32
		}
		return v
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	for _, c := range []int{fewWide / 16 * 16, fewWide/16*16 + 16} {
		v := BlockValues{
			K: k, C: c, N: n, Rows: 3, Cols: 3, Widen: sample(c * k), WidenBias: sample(c), Taps: sample(9 * c), Bias: sample(c),
			Narrow: sample(n * c), NarrowBias: sample(n), D: d, Head: sample(d * n), HeadBias: sample(d),
		}
		if v.Stem = c <= fewWide; v.Stem {
			v.Widen = sample(c * k * stemTaps * stemTaps)
		}
		s := NewSide(side, 3, 1, 1)
		b := Bottleneck{X: sample(side * side * k), Out: make([]float32, side*side*d), Stride: 1, Rows: s, Cols: s, StemRows: s, StemCols: s, StemStride: 1, Quant: NewQuantBlock(&v)}
		for i := range b.Plan(1) {
			b.Run(i)
		}
		for _, v := range b.Out {
			sum.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
	}
	return sum.Sum32() | 1
}
