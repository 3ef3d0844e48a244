//go:build !purego

package kernel

import "unsafe"

// bandPanels is how many panels meet a band of A before the next one takes its place in the first cache.
const bandPanels = 8

// stepLines is the cache lines of a panel that a step multiplies: 64 bytes of 32 columns.
const stepLines = 32

// A band is what an AMX kernel reads: up to 32 rows of A and several panels, whose sums it makes. The kernel configures the tile
// registers and releases them before it returns, since nothing keeps them for a goroutine that goes on in another thread. Distances
// are in bytes. The generator knows the offsets of the fields.
type band struct {
	config [64]byte // the sizes of the tile registers
	a      unsafe.Pointer
	lda    uintptr
	steps  int            // of 64 bytes of a row of A
	c      unsafe.Pointer // sums [h, 32] of the first panel,
	apart  uintptr        // and so much further those of the next
	add    int            // 1 if c holds sums so far, 0 if they begin
	lower  unsafe.Pointer // row 16 of A, or nil if there is none
	lines  int            // how many cache lines to fetch into the second cache every step
	panels int
	b      [bandPanels]unsafe.Pointer // a block of each panel
	next   [bandPanels]uintptr        // where to fetch meanwhile; never read from, and it may run past the weights
}

// set makes a band of h rows of A from a on. Tiles 0 to 3 hold sums, two by two, 4 and 5 rows of A, 6 and 7 columns of a panel.
func (s *band) set(h int, a unsafe.Pointer) {
	upper := min(h, 16)
	s.config = [64]byte{0: 1} // the palette: tiles of 16 rows of 64 bytes at most
	s.a, s.lower = a, nil
	if h > upper {
		s.lower = unsafe.Add(a, 16*s.lda)
	}
	for i, rows := range [...]int{upper, upper, h - upper, h - upper, upper, h - upper, 16, 16} {
		if rows > 0 {
			s.config[16+2*i], s.config[48+i] = 64, byte(rows)
		}
	}
}

// bands computes rows m0 to m1 of the panels first to last-1: for some panels at a time, for each block of K, for each band of rows.
func (g *Gemm) bands(m0, m1, first, last int) {
	lay, rows, depth := g.layout, m1-m0, g.depth()
	area := rows * lay.width // of the sums of a panel
	s := takeScratch(area*min(last-first, bandPanels) + (lay.height+1)*lay.width)
	defer s.release()
	aside, sums := s.floats[:(lay.height+1)*lay.width], s.floats[(lay.height+1)*lay.width:]
	left := unsafe.Pointer(unsafe.SliceData(g.left.data))
	t := band{lda: uintptr(g.left.stride), apart: 4 * uintptr(area)}
	for p := first; p < last; p += bandPanels {
		t.panels = min(bandPanels, last-p)
		for k0 := 0; k0 == 0 || k0 < g.k; k0 += depth {
			k1 := min(k0+depth, g.k)
			t.steps = lay.whole(k1-k0) * lay.left.size() / 64
			t.add = min(k0, 1)
			g.aim(&t, p, k0, last)
			share := (rows + lay.height - 1) / lay.height // of the fetching is what each band of rows does
			t.lines = (t.lines + share - 1) / share
			for r := 0; r < rows; r += lay.height {
				h := min(lay.height, rows-r)
				t.set(h, unsafe.Add(left, (m0+r)*g.left.stride+k0*lay.left.size()))
				t.c = pointer(sums[r*lay.width:])
				if lay.left == leftU8 {
					i8BandAMX(&t)
				} else {
					bf16BandAMX(&t)
				}
				for i := range t.panels {
					t.next[i] += uintptr(64 * t.lines * t.steps)
				}
				for i := 0; k1 == g.k && i < t.panels; i++ {
					g.settle(m0+r, h, p+i, sums[i*area+r*lay.width:], aside)
				}
			}
		}
	}
}

// aim points a band at the block of K from k0 on of the panels from p on, and at what comes after it as far as one can tell: the next
// block, or the panels that this worker is likely to take next.
func (g *Gemm) aim(t *band, p, k0, last int) {
	b, wide := &g.blocks, g.layout.width*g.layout.format.size()
	ahead, k := p, k0+g.depth()
	if k >= g.k {
		if ahead, k = p+bandPanels, 0; ahead >= last {
			ahead = last + (b.workers-1)*b.group
		}
	}
	if t.lines = 0; ahead+t.panels <= b.panels && (b.rows == 1 || ahead < last) {
		t.lines = stepLines
	}
	for i := range t.panels {
		t.b[i] = unsafe.Pointer(unsafe.SliceData(g.locate(p + i).data[k0*wide:]))
		if t.lines > 0 {
			t.next[i] = uintptr(unsafe.Pointer(unsafe.SliceData(g.locate(ahead + i).data[k*wide:])))
		}
	}
}

// settle brings h rows of finished sums of panel p to C, from row m on. There is room aside for one row more.
func (g *Gemm) settle(m, h, p int, sums, aside []float32) {
	at, t := g.locate(p), tile{}
	bias, aside := aside[:g.layout.width], aside[g.layout.width:]
	at.pad(bias)
	direct := at.n == g.layout.width && g.Act == None
	g.target(&t, &at, m, direct, nil, aside)
	t.from = pointer(sums)
	if g.layout.left == leftU8 {
		g.rescale(&t, &at, m, h)
	} else {
		settleAVX512(&t, h)
	}
	if !direct {
		g.bring(m, h, &at, false, aside)
	}
}

// tileLoop multiplies tiles without loading any.
func tileLoop(l *layout, steps int) (ops int) {
	var data [1024]byte
	for i := range data {
		if data[i] = byte(i * 37); i%2 == 1 {
			data[i] = 0x3f // as bfloat16, numbers about 1
		}
	}
	t := band{lda: 64}
	t.set(32, unsafe.Pointer(&data))
	t.b[0] = t.a
	if l.left == leftU8 {
		i8LoopAMX(&t, steps)
		return steps * 4 * 16 * 16 * 64 * 2
	}
	bf16LoopAMX(&t, steps)
	return steps * 4 * 16 * 16 * 32 * 2
}
