package kernel

import (
	"runtime"

	"github.com/chiasm/chiasm/internal/cpu"
)

// Gemm is C[M, N] = act(A·Wᵀ + bias) + residual. Several weights stand side by side: their columns follow each other in C. If Space is
// not 0, Buffer must hold that many values, and a Convert of the product comes first.
type Gemm struct {
	C        []float32 // M rows, LDC apart
	LDC      int
	A        []float32 // M rows of K values, LDA apart; rows less than K apart overlap, as those of a convolution do
	LDA      int
	M        int
	W        []*Packed   // weights of one K and one format
	Bias     [][]float32 // a bias of N values, or nil, per weight; nil for none at all
	Act      Activation
	Residual []float32 // M rows like those of C, LDR apart, or nil; may be C itself
	LDR      int
	Buffer   []float32 // room for A in the form of the format

	layout *layout
	k      int
	left   leftSide
	blocks gemmBlocks
}

// gemmBlocks is how a product falls into chunks: blocks of rows times groups of panels. Rows go fastest: weights come from the memory
// once and stay in the cache until all rows have met them.
type gemmBlocks struct {
	panels  int // of all weights
	group   int // panels a chunk
	groups  int
	rows    int // blocks of rows
	workers int
}

// Plan checks the sizes and returns how many chunks Run does.
func (g *Gemm) Plan(workers int) (chunks int) {
	need(len(g.W) > 0, "gemm", "expected %d weight or more, got %d", 0, 1)
	need(g.Bias == nil || len(g.Bias) == len(g.W), "gemm", "expected %d biases, got %d", len(g.Bias), len(g.W))
	g.layout, g.k = g.W[0].layout, g.W[0].K
	n, panels := 0, 0
	for i, w := range g.W {
		need(w.K == g.k, "gemm", "expected weights of K = %d, got %d", w.K, g.k)
		need(w.layout == g.layout, "gemm", "expected weights packed for tier %d and all in one format, got %d", int(w.layout.tier), int(g.layout.tier))
		if g.Bias != nil && g.Bias[i] != nil {
			need(len(g.Bias[i]) == w.N, "gemm", "expected a bias of %d values, got %d", len(g.Bias[i]), w.N)
		}
		n += w.N
		panels += w.panels()
	}
	if g.M <= 0 || n == 0 {
		return 0
	}
	if g.layout.left == leftF32 {
		g.needA()
		g.left = leftSide{}
	} else {
		need(len(g.left.data) >= g.M*leftStride(g.layout, g.k), "gemm", "expected a converted A of %d bytes, got %d", len(g.left.data), g.M*leftStride(g.layout, g.k))
	}
	needMatrix("gemm: C", g.C, g.M, n, g.LDC)
	if g.Residual != nil {
		needMatrix("gemm: residual", g.Residual, g.M, n, g.LDR)
	}
	need(g.Act < activations, "gemm", "expected an activation below %d, got %d", int(g.Act), int(activations))
	g.blocks = g.split(panels, max(workers, 1))
	return g.blocks.rows * g.blocks.groups
}

// needA checks that A holds its rows.
func (g *Gemm) needA() {
	need(g.LDA > 0 || g.W[0].K == 0, "gemm: A", "expected rows %d apart or more, got %d", 1, g.LDA)
	need(len(g.A) >= (g.M-1)*g.LDA+g.W[0].K, "gemm: A", "expected %d values or more, got %d", (g.M-1)*g.LDA+g.W[0].K, len(g.A))
}

// needMatrix checks that s holds m rows of n values, ld apart.
func needMatrix(op string, s []float32, m, n, ld int) {
	need(ld >= n, op, "expected rows %d apart or more, got %d", ld, n)
	need(len(s) >= (m-1)*ld+n, op, "expected %d values or more, got %d", len(s), (m-1)*ld+n)
}

const (
	blockRows  = 112     // rows of a block at most: eight tiles, whose A and sums stay in the L2 cache beside the weights
	chunkWork  = 1 << 20 // multiply-adds of a chunk at least: some 10 µs
	fewRows    = 24      // fewer rows take as long as these: they wait for the weights
	chunksEach = 12      // chunks a worker at least, if they can be had, so that the last one ends soon after the others
)

// split makes the chunks. AMX multiplies some eight times as fast and wants weights from afar to meet the more rows.
func (g *Gemm) split(panels, workers int) gemmBlocks {
	most, least, few := blockRows, chunkWork, fewRows
	if g.layout.tier == cpu.AMX {
		most, least, few = 256, 8*chunkWork, 8*fewRows
	}
	b := gemmBlocks{panels: panels, workers: workers}
	b.rows = (g.M + most - 1) / most
	rows := (g.M + b.rows - 1) / b.rows
	work := max(1, max(rows, few)*g.layout.width*g.k) // of a panel
	b.group = min((least+work-1)/work, panels)
	if wide := panels * b.rows / (chunksEach * workers); wide > b.group {
		b.group = min(wide, maxGroup)
	}
	b.group = max(b.group, 1)
	b.groups = (panels + b.group - 1) / b.group
	return b
}

// maxGroup is how many panels a chunk has at most, beyond what chunkWork asks for.
const maxGroup = 8

// Run does one chunk.
func (g *Gemm) Run(chunk int) {
	b := &g.blocks
	r, first := chunk%b.rows, chunk/b.rows*b.group
	m0, m1 := g.row(r), g.row(r+1)
	if g.layout.tier > cpu.Generic {
		g.block(m0, m1, first, min(first+b.group, b.panels))
	} else {
		for p := first; p < min(first+b.group, b.panels); p++ {
			g.panelGeneric(m0, m1, g.locate(p))
		}
	}
	runtime.KeepAlive(g)
}

// row is where block r of rows begins: at one of the tiles that all rows fall into, as tall as can be and about equally tall.
func (g *Gemm) row(r int) int {
	tiles := (g.M + g.layout.height - 1) / g.layout.height
	return g.M * (tiles * r / g.blocks.rows) / tiles
}

// A panel is one panel of one weight and the columns of C that it makes.
type panel struct {
	data   []byte    // [whole(K)/group, width, group]
	scale  []float32 // of its columns, width of them; nil for none
	sums   []int32   // likewise
	bias   []float32 // nil for none
	column int       // in C
	n      int       // columns, at most the width
}

// locate finds panel p of all weights.
func (g *Gemm) locate(p int) panel {
	column := 0
	for i, w := range g.W {
		count := w.panels()
		if p >= count {
			p -= count
			column += w.N
			continue
		}
		width := g.layout.width
		at := panel{data: w.data[p*w.panelBytes():][:w.panelBytes()], column: column + p*width, n: min(width, w.N-p*width)}
		if w.scale != nil {
			at.scale = w.scale[p*width:][:width]
		}
		if w.sums != nil {
			at.sums = w.sums[p*width:][:width]
		}
		if g.Bias != nil && g.Bias[i] != nil {
			at.bias = g.Bias[i][p*width:][:at.n]
		}
		return at
	}
	panic("kernel: gemm: a panel beyond the weights")
}

// finish turns the sums of row m and panel p into values of C.
func (g *Gemm) finish(m int, p *panel, sum []float32) {
	if p.bias != nil {
		add(sum, sum, p.bias)
	}
	if g.Act != None {
		activate(g.Act, sum, sum)
	}
	if g.Residual != nil {
		add(sum, sum, g.Residual[m*g.LDR+p.column:][:p.n])
	}
	copy(g.C[m*g.LDC+p.column:], sum)
}
