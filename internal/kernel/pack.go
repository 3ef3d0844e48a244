package kernel

import (
	"encoding/binary"
	"math"
	"runtime"
	"unsafe"
)

// Packed is a weight W [N, K] (out, in) in a format, laid out for the micro-kernel of the tier at the time of packing.
type Packed struct {
	N, K   int
	layout *layout
	data   []byte    // [panels, whole(K)/group, width, group]
	scale  []float32 // [panels, width] what a column's integers are multiplied by; W8 and I8 only
	sums   []int32   // [panels, width] the sum of a column's integers; I8 only
	image  []byte    // all of these
	memory *mapping  // where the image lies; nil if it is somebody else's
}

// NewPacked makes a weight of n rows of k values in format f, all zero. Its memory lies outside the Go heap where the system allows, in
// huge pages if it has them; Release frees it, and otherwise the collector does.
func NewPacked(n, k int, f Format) *Packed {
	p := newPacked(n, k, f)
	if size := p.size(); size > 0 {
		p.memory = newMapping((size + 3) / 4)
		p.place(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.memory.floats))), size))
		runtime.AddCleanup(p, (*mapping).release, p.memory)
	}
	return p
}

func newPacked(n, k int, f Format) *Packed {
	need(n >= 0 && k >= 0, "pack", "expected sizes of %d or more, got %d", min(n, k), 0)
	need(f < formats, "pack", "expected a format below %d, got %d", int(f), int(formats))
	return &Packed{N: n, K: k, layout: layoutOf(tier, f)}
}

// sizes is the bytes of the numbers, a multiple of a cache line, and of each array of one value a column.
func (p *Packed) sizes() (data, column int) {
	return (p.panels()*p.panelBytes() + 63) &^ 63, 4 * p.panels() * p.layout.width
}

func (p *Packed) size() int {
	data, column := p.sizes()
	switch p.layout.format {
	case W8:
		return data + column
	case I8:
		return data + 2*column
	}
	return data
}

// place lays the fields into the memory of the weight, which has the right size.
func (p *Packed) place(b []byte) {
	data, column := p.sizes()
	p.image = b
	p.data, b = b[:p.panels()*p.panelBytes()], b[data:]
	if p.layout.levels > 0 && column > 0 {
		p.scale, b = unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), column/4), b[column:]
	}
	if len(b) > 0 {
		p.sums = unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(b))), column/4)
	}
}

// Release frees the memory at once, unless it is somebody else's. The weight must not be used any more.
func (p *Packed) Release() {
	if p.memory != nil {
		p.memory.release()
	}
	p.image, p.data, p.scale, p.sums, p.memory, p.N = nil, nil, nil, nil, nil, 0
}

// RowBlock is how many rows share a panel.
func (p *Packed) RowBlock() int { return p.layout.width }

// Format is how the numbers are stored.
func (p *Packed) Format() Format { return p.layout.format }

func (p *Packed) panels() int { return (p.N + p.layout.width - 1) / p.layout.width }

func (p *Packed) panelBytes() int {
	return p.layout.whole(p.K) * p.layout.width * p.layout.format.size()
}

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
		p.setPanel(first/w, at, rows[:r*p.K])
		rows, first, n = rows[r*p.K:], first+r, n-r
	}
}

// setPanel packs rows as the columns at, at+1 … of a panel.
func (p *Packed) setPanel(index, at int, rows []float32) {
	l := p.layout
	panel := p.data[index*p.panelBytes():][:p.panelBytes()]
	if l.format == F32 {
		packPanel(l.tier, floatsOf(panel), rows, p.K, p.K, at, l.width)
		return
	}
	if l.format == F16 {
		p.setHalf(panel, at, rows)
		return
	}
	for j := p.setTogether(panel, index*l.width+at, rows); j*p.K < len(rows); j++ {
		row, column := rows[j*p.K:][:p.K], l.column(at+j)
		if l.format == BF16 {
			packBF16(panel, row, column, l)
			continue
		}
		i := index*l.width + at + j
		s, sum := packInt8(panel, row, column, l)
		if p.scale[i] = s; p.sums != nil {
			p.sums[i] = sum
		}
	}
}

// setHalf packs rows in half precision: the panel as float32 first, if they are its first rows.
func (p *Packed) setHalf(panel []byte, at int, rows []float32) {
	l := p.layout
	if at == 0 {
		s := takeScratch(p.K * l.width)
		defer s.release()
		wide := s.floats[:p.K*l.width]
		clear(wide)
		packPanel(l.tier, wide, rows, p.K, p.K, 0, l.width)
		ToF16(panel, wide)
		return
	}
	for j := 0; j*p.K < len(rows); j++ {
		for k, v := range rows[j*p.K:][:p.K] {
			binary.LittleEndian.PutUint16(panel[2*(k*l.width+at+j):], f16Of(v))
		}
	}
}

// packBF16 writes a row as a column of a panel.
func packBF16(panel []byte, row []float32, column int, l *layout) {
	at, step := 2*column*l.group, 2*l.width*l.group
	for k0 := 0; k0 < len(row); k0 += l.group {
		for i, v := range row[k0:min(k0+l.group, len(row))] {
			h := bf16(v)
			panel[at+2*i], panel[at+2*i+1] = byte(h), byte(h>>8)
		}
		at += step
	}
}

// packInt8 writes a row as a column of a panel, and returns its scale and the sum of its integers. A row that is not finite gets the
// scale NaN and zeros.
func packInt8(panel []byte, row []float32, column int, l *layout) (scale float32, sum int32) {
	top, poison := float32(0), float32(0)
	for i, v := range row {
		size := max(v, -v)
		if l.pairs && i%2 == 0 && i+1 < len(row) {
			size += max(row[i+1], -row[i+1])
		}
		top = max(top, size)
		poison += v * 0
	}
	scale, inverse := l.weightStep(top + poison)
	at, step := column*l.group, l.width*l.group
	for k0 := 0; k0 < len(row); k0 += l.group {
		for i, v := range row[k0:min(k0+l.group, len(row))] {
			q := int32(0)
			if inverse > 0 {
				q = roundInt(float32(v * inverse)) // the conversion keeps the compiler from fusing
			}
			panel[at+i] = byte(q)
			sum += q
		}
		at += step
	}
	return scale, sum
}

// weightStep is the scale of weights up to ±top, and its inverse; NaN and 0 for a top that is NaN.
func (l *layout) weightStep(top float32) (scale, inverse float32) {
	scale = top / l.levels
	if top > 0 && !math.IsInf(float64(l.levels/top), 0) {
		inverse = l.levels / top
	}
	return scale, inverse
}

// roundInt rounds half to even, as the processors do; x is within ±2²².
func roundInt(x float32) int32 {
	const magic = 3 << 22 // adding it pushes the fraction out of the mantissa
	return int32(math.Float32bits(float32(x+magic))) - 0x4b400000
}

// packPanelGeneric writes rows of k values, ld apart, as columns at, at+1 … of a panel [k, width].
func packPanelGeneric(panel, rows []float32, k, ld, at, width int) {
	for j := 0; j*ld < len(rows); j++ {
		for i, v := range rows[j*ld:][:k] {
			panel[i*width+at+j] = v
		}
	}
}

// floatsOf views memory of float32 values as such.
func floatsOf(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

// aligned makes a slice of n floats that begins a cache line.
func aligned(n int) []float32 {
	s := make([]float32, n+16)
	skip := -(uintptr(unsafe.Pointer(unsafe.SliceData(s))) / 4) & 15
	return s[skip:][:n:n]
}
