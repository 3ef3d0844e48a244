package kernel

import (
	"encoding/binary"
	"unsafe"
)

// Turned is the transpose of a matrix as a weight of [Gemm], W [N, K] in F32 or BF16, in memory of the caller's. It is what products of
// gradients need: of dY·W the weight W [N, K] itself, of dYᵀ·X the rows X [M, K].
type Turned struct {
	Packed
	from []float32
	ld   int
}

// TurnedSpace is how many values of memory a weight of n rows of k values takes in a format.
func TurnedSpace(n, k int, f Format) int {
	p := Packed{N: n, K: k, layout: layoutOf(tier, f)}
	return (p.size() + 3) / 4
}

// Plan makes t the transpose of from, k rows of n values ld apart, which may overlap, in memory of TurnedSpace values, and
// returns how many chunks Run does.
func (t *Turned) Plan(n, k int, f Format, from []float32, ld int, memory []float32) (chunks int) {
	need(f == F32 || f == BF16, "turn", "expected the format %d or bf16, got %d", int(f), int(F32))
	need(n >= 0 && k >= 0, "turn", "expected sizes of %d or more, got %d", 0, min(n, k))
	need(len(memory) >= TurnedSpace(n, k, f), "turn", "expected memory of %d values, got %d", TurnedSpace(n, k, f), len(memory))
	if n > 0 && k > 0 {
		need(ld > 0, "turn", "expected rows %[2]d apart or more, got %[1]d", ld, 1)
		need(len(from) >= (k-1)*ld+n, "turn", "expected %d values or more, got %d", len(from), (k-1)*ld+n)
	}
	*t = Turned{Packed: Packed{N: n, K: k, layout: layoutOf(tier, f)}, from: from, ld: ld}
	t.place(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(memory))), t.size()))
	return t.panels()
}

// Run packs one panel.
func (t *Turned) Run(chunk int) {
	l := t.layout
	w, first := l.width, chunk*l.width
	panel, n := t.data[chunk*t.panelBytes():][:t.panelBytes()], min(w, t.N-first)
	if t.K == 0 {
		return
	}
	if whole := (t.K + l.group - 1) / l.group * l.stepBytes(); n < w {
		clear(panel)
	} else {
		clear(panel[whole:])
		if t.turnWhole(panel, t.from[first:]) {
			return
		}
		clear(panel[:whole])
	}
	for k := range t.K {
		row := t.from[k*t.ld+first:][:n]
		if l.format == F32 {
			copy(floatsOf(panel)[k*w:], row)
			continue
		}
		at := k/l.group*w*l.group + k%l.group
		for j, v := range row {
			binary.LittleEndian.PutUint16(panel[2*(at+l.column(j)*l.group):], bf16(v))
		}
	}
}

// Transpose writes the transpose of x, rows of cols values ld apart, to dst [cols, rows].
func Transpose(dst, x []float32, rows, cols, ld int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	needMatrix("transpose", x, rows, cols, ld)
	need(len(dst) >= rows*cols, "transpose", "expected room for %d values, got %d", rows*cols, len(dst))
	packPanel(tier, dst, x[:(rows-1)*ld+cols], cols, ld, 0, rows)
}

// Sum is the sum of x.
func Sum(x []float32) float32 {
	if len(x) == 0 {
		return 0
	}
	return total(x)
}

// GenericSum defines Sum.
func GenericSum(x []float32) float32 {
	var s float64
	for _, v := range x {
		s += float64(v)
	}
	return float32(s)
}
