package kernel

import "sync"

// WeightGrad is dYᵀ·X, the derivative by a weight [N, K] of a product X·Wᵀ whose rows are many and whose weight is small, as those of
// pointwise convolutions, given that by its result, dY. Chunks are blocks of rows, whose products are added up afterwards, so that all
// workers have something to do; they do not depend on the number of workers.
type WeightGrad struct {
	DY, X   []float32 // [M, N] and [M, K]
	M, N, K int
	Format  Format    // F32 or BF16
	Sums    []float32 // [chunks, N·K + N]: of each chunk the derivatives by the weight, then by the bias
}

const weightRows = 2048 // of a chunk

// Plan checks the sizes and returns how many chunks Run does; each needs N·(K+1) values of Sums.
func (g *WeightGrad) Plan() (chunks int) {
	need(min(g.M, g.N, g.K) > 0, "weight gradient", "expected sizes of %d or more, got %d", min(g.M, g.N, g.K), 1)
	sameLength("weight gradient: dY", len(g.DY), g.M*g.N)
	sameLength("weight gradient: X", len(g.X), g.M*g.K)
	return (g.M + weightRows - 1) / weightRows
}

// A weightGrad is what a chunk needs while it runs. They are kept, so that nothing is allocated.
type weightGrad struct {
	gemm   Gemm
	turned Turned
	list   [1]*Packed
}

var weightGrads = sync.Pool{New: func() any { return new(weightGrad) }}

// Run does one chunk.
func (g *WeightGrad) Run(chunk int) {
	first := chunk * weightRows
	rows := min(weightRows, g.M-first)
	w := weightGrads.Get().(*weightGrad)
	defer weightGrads.Put(w)
	space := TurnedSpace(g.K, rows, g.Format)
	s := takeScratch(rows*g.N + space)
	defer s.release()
	dy, memory := s.floats[:rows*g.N], s.floats[rows*g.N:][:space]
	Transpose(dy, g.DY[first*g.N:], rows, g.N, g.N)
	for i := range w.turned.Plan(g.K, rows, g.Format, g.X[first*g.K:], g.K, memory) {
		w.turned.Run(i)
	}
	sums := g.Sums[chunk*g.N*(g.K+1):][:g.N*(g.K+1)]
	w.list[0] = &w.turned.Packed
	w.gemm = Gemm{C: sums, LDC: g.K, A: dy, LDA: rows, M: g.N, W: w.list[:]}
	if n := w.gemm.Space(); n > 0 {
		room := takeScratch(n)
		defer room.release()
		w.gemm.Buffer = room.floats[:n]
		convert := (*Convert)(&w.gemm)
		for i := range convert.Plan(1) {
			convert.Run(i)
		}
	}
	for i := range w.gemm.Plan(1) {
		w.gemm.Run(i)
	}
	bias := sums[g.N*g.K:]
	for i := range bias {
		bias[i] = Sum(dy[i*rows:][:rows])
	}
}
