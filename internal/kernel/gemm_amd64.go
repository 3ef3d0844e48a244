//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
)

// A tile is what a micro-kernel reads: it sets C[h, width] to from + A·panel + bias + residual. Distances are in bytes. The generator
// knows the offsets of the fields.
type tile struct {
	a        unsafe.Pointer // rows of A
	lda      uintptr
	b        unsafe.Pointer // a block of a panel, [k, width]
	k        int
	c        unsafe.Pointer
	ldc      uintptr
	from     unsafe.Pointer // sums so far, [h, width] without gaps; nil for zero
	bias     unsafe.Pointer // [width], or nil
	residual unsafe.Pointer // rows, or nil
	ldr      uintptr
	next     unsafe.Pointer // what to fetch into the second cache,
	stride   uintptr        // so many bytes further every two steps of k
}

// block computes rows m0 to m1 of the panels first to last-1: for each block of K, for each panel, for each tile of rows.
func (g *Gemm) block(m0, m1, first, last int) {
	lay, rows := g.layout, m1-m0
	tiles := (rows + lay.height - 1) / lay.height
	blocks := max(1, (g.k+lay.depth-1)/lay.depth)
	depth := max(1, (g.k+blocks-1)/blocks)
	area := rows * lay.width // of the sums of a panel
	s := takeScratch(area*(last-first) + lay.height*lay.width)
	defer s.release()
	edge := s.floats[:lay.height*lay.width]
	partial := s.floats[len(edge):]

	for k0 := 0; k0 == 0 || k0 < g.k; k0 += depth {
		k1 := min(k0+depth, g.k)
		for p := first; p < last; p++ {
			at := g.locate(p)
			t := tile{lda: uintptr(g.LDA) * 4, k: k1 - k0, b: pointer(at.data[k0*lay.width:])}
			end, whole := k1 == g.k, at.n == lay.width
			fetch, share := g.following(p, k0, depth, last), uintptr(t.k*lay.width*4/tiles)
			t.stride = uintptr(2 * lay.width * 4 / tiles) // each tile fetches its share of the next block
			sums := partial[(p-first)*area:]
			for i := range tiles {
				r0, r1 := rows*i/tiles, rows*(i+1)/tiles
				m := m0 + r0
				t.a, t.next = pointer(g.A[m*g.LDA+k0:]), t.b
				if fetch != nil {
					t.next = unsafe.Add(fetch, uintptr(i)*share)
				}
				t.from, t.bias, t.residual = nil, nil, nil
				if k0 > 0 {
					t.from = pointer(sums[r0*lay.width:])
				}
				// The last sums of a whole panel go to C; what needs more work first to a tile aside.
				t.c, t.ldc = pointer(edge), uintptr(lay.width)*4
				switch {
				case !end:
					t.c = pointer(sums[r0*lay.width:])
				case whole:
					t.bias = pointer(at.bias)
					if g.Act != None {
						break
					}
					t.c, t.ldc = pointer(g.C[m*g.LDC+at.column:]), uintptr(g.LDC)*4
					if g.Residual != nil {
						t.residual, t.ldr = pointer(g.Residual[m*g.LDR+at.column:]), uintptr(g.LDR)*4
					}
				}
				t.multiply(lay.tier, r1-r0)
				switch {
				case end && !whole:
					for r := range r1 - r0 {
						g.finish(m+r, at, edge[r*lay.width:][:at.n])
					}
				case end && g.Act != None:
					g.activateTile(m, r1-r0, at.column, edge)
				}
			}
		}
	}
}

// activateTile applies the activation to h rows of sums with their bias, and moves them to C from row m on.
func (g *Gemm) activateTile(m, h, column int, sums []float32) {
	w := g.layout.width
	activate(g.Act, sums[:h*w], sums[:h*w])
	for r := range h {
		to, row := g.C[(m+r)*g.LDC+column:][:w], sums[r*w:][:w]
		if g.Residual != nil {
			add(to, row, g.Residual[(m+r)*g.LDR+column:][:w])
		} else {
			copy(to, row)
		}
	}
}

// following is the block of weights that comes after that of panel p at k0, as far as one can tell, or nil: the next panel of the
// chunk, the next block of K, or the chunk that this worker is likely to take next.
func (g *Gemm) following(p, k0, depth, last int) unsafe.Pointer {
	b := &g.blocks
	switch {
	case p+1 < last:
		p++
	case k0+depth < g.k:
		p, k0 = p-(p%b.group), k0+depth
	case b.rows == 1 && p+1+(b.workers-1)*b.group < b.panels:
		p, k0 = p+1+(b.workers-1)*b.group, 0
	default:
		return nil
	}
	return pointer(g.locate(p).data[k0*g.layout.width:])
}

func pointer(s []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// multiply calls the micro-kernel of height h.
func (t *tile) multiply(tier cpu.Tier, h int) {
	if tier == cpu.AVX2 {
		switch h {
		case 1:
			gemm1AVX2(t)
		case 2:
			gemm2AVX2(t)
		case 3:
			gemm3AVX2(t)
		case 4:
			gemm4AVX2(t)
		case 5:
			gemm5AVX2(t)
		case 6:
			gemm6AVX2(t)
		}
		return
	}
	switch h {
	case 1:
		gemm1AVX512(t)
	case 2:
		gemm2AVX512(t)
	case 3:
		gemm3AVX512(t)
	case 4:
		gemm4AVX512(t)
	case 5:
		gemm5AVX512(t)
	case 6:
		gemm6AVX512(t)
	case 7:
		gemm7AVX512(t)
	case 8:
		gemm8AVX512(t)
	case 9:
		gemm9AVX512(t)
	case 10:
		gemm10AVX512(t)
	case 11:
		gemm11AVX512(t)
	case 12:
		gemm12AVX512(t)
	case 13:
		gemm13AVX512(t)
	case 14:
		gemm14AVX512(t)
	}
}
