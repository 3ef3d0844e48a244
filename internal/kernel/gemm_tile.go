//go:build (amd64 || arm64) && !purego

package kernel

import (
	"math"
	"unsafe"
)

// A tile is what a micro-kernel reads: it sets C[h, width] to clip((from + A·panel)·scale + bias) + residual. One for integers leaves it
// at from + A·panel, and a second kernel (rescale) does the rest. With a count above 1 it makes so many tiles, one below the other, and
// moves the fields on. Distances are in bytes. The generator knows the offsets of the fields.
//
// Each processor has its multiply, which calls the micro-kernel of a layout and a height, its rescale and its round.
type tile struct {
	a        unsafe.Pointer // rows of A
	lda      uintptr
	b        unsafe.Pointer // a block of a panel, [k, width, group]
	k        int            // steps: groups of values
	c        unsafe.Pointer
	ldc      uintptr
	from     unsafe.Pointer // sums so far, [h, width] without gaps; nil for zero
	bias     unsafe.Pointer // [width], or nil
	residual unsafe.Pointer // rows, or nil
	ldr      uintptr
	next     uintptr        // what to fetch into the second cache: no more than an address, it runs ahead of what there is
	stride   uintptr        // so many bytes further every round of steps
	scale    unsafe.Pointer // [width], or nil
	rows     unsafe.Pointer // of integers: the scale of each row,
	zero     unsafe.Pointer // what stands for 0 in each row,
	sums     unsafe.Pointer // [width] and the sums of the weights
	clip     unsafe.Pointer // the least and the largest value, or nil
	count    int
}

// tiles computes rows m0 to m1 of the panels first to last-1: for each block of K, for each panel, for each tile of rows.
func (g *Gemm) tiles(m0, m1, first, last int) {
	lay, rows := g.layout, m1-m0
	tiles := (rows + lay.height - 1) / lay.height
	depth := g.depth()
	area := rows * lay.width // of the sums of a panel
	s := takeScratch(area*(last-first+1) + lay.width)
	defer s.release()
	aside, bias, partial := s.floats[:area], s.floats[area:][:lay.width], s.floats[area+lay.width:]
	left, lda := unsafe.Pointer(unsafe.SliceData(g.A)), 4*g.LDA
	if lay.left != leftF32 {
		left, lda = unsafe.Pointer(unsafe.SliceData(g.left.data)), g.left.stride
	}
	clip := g.clip()

	for k0 := 0; k0 == 0 || k0 < g.k; k0 += depth {
		k1 := min(k0+depth, g.k)
		for p := first; p < last; p++ {
			at := g.locate(p)
			at.pad(bias)
			t := tile{lda: uintptr(lda), k: lay.whole(k1-k0) / lay.group}
			t.b = unsafe.Pointer(unsafe.SliceData(at.data[k0*lay.width*lay.format.size():]))
			end := k1 == g.k
			// The last sums of a whole panel go to C; what needs more work before they may overwrite it goes aside.
			direct := at.n == lay.width && (g.Act == None || g.Residual == nil || clip != nil)
			fetch, share := g.following(p, k0, depth, last), uintptr(t.k*lay.stepBytes()/tiles)
			sums := partial[(p-first)*area:]
			// Tiles of one height follow each other: those taller by one first.
			r, done := 0, 0
			for _, same := range [2]struct{ height, count int }{{rows/tiles + 1, rows % tiles}, {rows / tiles, tiles - rows%tiles}} {
				if same.count == 0 {
					continue
				}
				m, h, high := m0+r, same.height, same.height*same.count
				t.count = same.count
				t.a, t.next = unsafe.Add(left, m*lda+k0*lay.left.size()), uintptr(t.b)
				t.stride = uintptr(lay.round() / tiles) // each tile fetches its share of the next block
				if fetch != nil {
					t.next = uintptr(fetch) + uintptr(done)*share
				}
				if m0 > 0 && m+h < g.M && p == first && depth >= g.k {
					t.fetchRows(lay, unsafe.Add(t.a, h*lda), h)
				}
				t.from = nil
				if k0 > 0 {
					t.from = pointer(sums[r*lay.width:])
				}
				switch {
				case !end:
					t.c, t.ldc = pointer(sums[r*lay.width:]), uintptr(lay.width)*4
					t.multiply(lay, h)
				case lay.left.integers():
					t.c, t.ldc = pointer(aside[r*lay.width:]), uintptr(lay.width)*4
					t.multiply(lay, h)
					t.from = pointer(aside[r*lay.width:])
					g.target(&t, &at, m, direct, clip, aside[r*lay.width:])
					g.rescale(&t, &at, m, high)
				default:
					g.target(&t, &at, m, direct, clip, aside[r*lay.width:])
					t.multiply(lay, h)
				}
				r, done = r+high, done+same.count
			}
			if end && !direct {
				g.bring(m0, rows, &at, clip != nil, aside)
			}
		}
	}
	if g.Act != None && g.Residual == nil && clip == nil {
		g.activateColumns(m0, m1, first, last)
	}
}

// fetchRows has a tile fetch the h rows of A from next on in place of weights, if that goes as fast as it computes. It is for the first
// of the panels that a block of rows meets, which would wait for these rows. Past the first block of rows the weights are near, unless
// they are many, as where K falls into several blocks.
func (t *tile) fetchRows(lay *layout, next unsafe.Pointer, h int) {
	rounds := t.k * lay.stepBytes() / lay.round()
	if bytes := h * int(t.lda); bytes > 0 && bytes <= rounds*lay.round() {
		t.next, t.stride = uintptr(next), uintptr(bytes/rounds)
	}
}

// activateColumns applies the activation to the sums that went straight to C, side by side as far as panels are whole.
func (g *Gemm) activateColumns(m0, m1, first, last int) {
	from, to := 0, 0
	for p := first; p <= last; p++ {
		var at panel
		if p < last {
			at = g.locate(p)
		}
		whole := at.n == g.layout.width
		if whole && from < to && at.column == to {
			to += at.n
			continue
		}
		for m := m0; m < m1 && from < to; m++ {
			row := g.C[m*g.LDC:][from:to]
			activate(g.Act, row, row)
		}
		if from, to = 0, 0; whole {
			from, to = at.column, at.column+at.n
		}
	}
}

// depth is how many values of K a block has.
func (g *Gemm) depth() int {
	blocks := max(1, (g.k+g.layout.depth-1)/g.layout.depth)
	return max(1, g.layout.whole((g.k+blocks-1)/blocks))
}

// pad makes the bias as long as the panel is wide, in room for it, so that the kernels can add it.
func (p *panel) pad(room []float32) {
	if p.bias != nil && p.n < len(room) {
		clear(room[copy(room, p.bias):])
		p.bias = room
	}
}

// target sets where the finished sums of tiles from row m on go, and what is done to them on the way: C with all of it, or aside.
func (g *Gemm) target(t *tile, at *panel, m int, direct bool, clip *[2]float32, aside []float32) {
	t.c, t.ldc = pointer(aside), uintptr(g.layout.width)*4
	t.bias, t.residual, t.scale, t.clip = pointer(at.bias), nil, pointer(at.scale), unsafe.Pointer(clip)
	if direct {
		t.c, t.ldc = pointer(g.C[m*g.LDC+at.column:]), uintptr(g.LDC)*4
		if g.Residual != nil {
			t.residual, t.ldr = pointer(g.Residual[m*g.LDR+at.column:]), uintptr(g.LDR)*4
		}
	}
}

// clip is between what values the kernels keep the sums to apply the activation, or nil if they can't.
func (g *Gemm) clip() *[2]float32 {
	if !clips {
		return nil
	}
	switch g.Act {
	case ReLU:
		return &positive
	case ReLU6:
		return &upToSix
	}
	return nil
}

var positive, upToSix = [2]float32{0, float32(math.Inf(1))}, [2]float32{0, 6}

// rescale brings rows of sums of integers, from row m on, from t.from to t.c.
func (g *Gemm) rescale(t *tile, at *panel, m, rows int) {
	t.rows, t.zero, t.sums = pointer(g.left.scale[m:]), unsafe.Pointer(&g.left.zero[m]), unsafe.Pointer(unsafe.SliceData(at.sums))
	t.rescale(g.layout, rows)
}

// bring moves rows of sums that lie aside, with their bias, to C from row m on, and adds what target left out; clipped says that the
// activation is not.
func (g *Gemm) bring(m, rows int, at *panel, clipped bool, aside []float32) {
	w := g.layout.width
	if g.Act != None && !clipped {
		activate(g.Act, aside[:rows*w], aside[:rows*w])
	}
	for r := range rows {
		to, row := g.C[(m+r)*g.LDC+at.column:][:at.n], aside[r*w:][:at.n]
		if g.Residual != nil {
			add(to, row, g.Residual[(m+r)*g.LDR+at.column:][:at.n])
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
	return unsafe.Pointer(unsafe.SliceData(g.locate(p).data[k0*g.layout.width*g.layout.format.size():]))
}

func pointer(s []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }
