package kernel

import (
	"runtime"
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
)

// A layout is how a packed weight lies in memory: panels of width columns (rows of the weight), each panel K steps of width values,
// the last panel filled up with zeros. Formats other than f32 will be further layouts.
type layout struct {
	tier   cpu.Tier // whose micro-kernel reads it
	width  int      // columns of C a panel
	height int      // rows of C of the tallest tile
	depth  int      // steps of K a block: a block of a panel stays near while the tiles pass
}

// layouts holds the f32 layout of each tier.
var layouts = [...]layout{
	cpu.Generic: {cpu.Generic, 4, 4, 1 << 30},
	cpu.AVX2:    {cpu.AVX2, 16, 6, 512},
	cpu.AVX512:  {cpu.AVX512, 32, 14, 768},
}

// Packed is a weight W [N, K] (out, in) in the layout of the micro-kernel of the tier at the time of packing.
type Packed struct {
	N, K   int
	layout *layout
	data   []float32 // [panels, K, width]
	memory *mapping
}

// NewPacked makes a weight of n rows of k values, all zero. Its memory lies outside the Go heap where the system allows, in huge
// pages if it has them; Release frees it, and otherwise the collector does.
func NewPacked(n, k int) *Packed {
	need(n >= 0 && k >= 0, "pack", "expected sizes of %d or more, got %d", min(n, k), 0)
	p := &Packed{N: n, K: k, layout: &layouts[tier]}
	size := p.panels() * k * p.layout.width
	if size == 0 {
		return p
	}
	p.memory = newMapping(size)
	p.data = p.memory.floats[:size]
	runtime.AddCleanup(p, (*mapping).release, p.memory)
	return p
}

// Release frees the memory at once. The weight must not be used any more.
func (p *Packed) Release() {
	if p.memory != nil {
		p.memory.release()
	}
	p.data, p.memory, p.N = nil, nil, 0
}

// RowBlock is how many rows share a panel.
func (p *Packed) RowBlock() int { return p.layout.width }

func (p *Packed) panels() int { return (p.N + p.layout.width - 1) / p.layout.width }

// SetRows packs rows [r, K] (row-major) as rows first to first+r-1 of the weight. Calls for disjoint rows may run at the same time if
// each first is a multiple of RowBlock.
func (p *Packed) SetRows(first int, rows []float32) {
	if p.K == 0 || len(rows) == 0 {
		return
	}
	need(len(rows)%p.K == 0, "pack", "expected rows of %d values, got %d in all", len(rows), p.K)
	n := len(rows) / p.K
	need(first >= 0 && first+n <= p.N, "pack", "expected rows up to %d, got %d", first+n, p.N)
	w := p.layout.width
	for n > 0 {
		at := first % w
		r := min(n, w-at)
		packPanel(p.layout.tier, p.data[(first-at)*p.K:][:w*p.K], rows[:r*p.K], p.K, p.K, at, w)
		rows, first, n = rows[r*p.K:], first+r, n-r
	}
}

// packPanelGeneric writes rows of k values, ld apart, as columns at, at+1 … of a panel [k, width].
func packPanelGeneric(panel, rows []float32, k, ld, at, width int) {
	for j := 0; j*ld < len(rows); j++ {
		for i, v := range rows[j*ld:][:k] {
			panel[i*width+at+j] = v
		}
	}
}

// aligned makes a slice of n floats that begins a cache line.
func aligned(n int) []float32 {
	s := make([]float32, n+16)
	skip := -(uintptr(unsafe.Pointer(unsafe.SliceData(s))) / 4) & 15
	return s[skip:][:n:n]
}
