package kernel

import (
	"math"
	"unsafe"
)

// A quantShop is what one chunk of a Bottleneck in integers works with: a workshop whose wide pixels are int16 and convolved ones bytes.
type quantShop struct {
	*Bottleneck
	q         *QuantBlock
	x, out    []float32 // of its picture
	wide      []int16   // widened rows of the picture, those from row from to row to
	from, to  int
	pixels    []byte // rows of the picture as bytes, to be widened
	scale     []float32
	convolved []byte    // a band, or
	fine      []int16   // in 16 bits
	narrowed  []float32 // a band, if there is a head
	lines     []int16   // rows of the picture that a stem sees
	level     float32   // of those, and
	spoilt    []bool    // which rows hold a value that is not finite
	bad       []bool    // the same of the rows that are convolved
}

// quantBytes is how many bytes of wide and convolved pixels a band has at most.
const quantBytes = 256 << 10

// planQuant is the band of a block in integers.
func (b *Bottleneck) planQuant() {
	row := b.c * (2*b.Cols.In*b.Stride + b.Cols.Out) // bytes that a row of the result takes
	b.band = max(1, (quantBytes-2*b.c*b.Cols.In*max(b.Rows.Taps-b.Stride, 0))/row)
}

// runQuant makes rows first to last-1 of a picture's result, band by band.
func (b *Bottleneck) runQuant(picture, first, last int) {
	w := takeWorkshop()
	defer w.release()
	s := w.quant(b, picture)
	for ; first < last; first += b.band {
		s.make(first, min(first+b.band, last))
	}
}

// quant makes room for the bands of a picture.
func (w *workshop) quant(b *Bottleneck, picture int) *quantShop {
	q, in, out := b.Quant, b.planIn(), b.Rows.Out*b.Cols.Out*b.n
	s := &w.integers
	*s = quantShop{Bottleneck: b, q: q, x: b.X[picture*in:][:in], out: b.Out[picture*out:][:out]}
	band := min(b.band, b.Rows.Out)
	rows := min((band-1)*b.Stride+b.Rows.Taps, b.Rows.In)
	pixels, places := rows*b.Cols.In, band*b.Cols.Out
	bytes, scales, narrowed, lines := 0, 0, 0, 0
	if q.widen.data != nil {
		bytes, scales = pixels*b.k, pixels
	}
	if q.stem.data != nil {
		lines = ((rows-1)*b.StemStride + stemTaps) * b.k * b.line()
	}
	if q.head.data != nil {
		narrowed, bytes, scales = places*q.head.k, max(bytes, places*q.head.k), max(scales, places)
	}
	convolved, fine := places*b.c, 0
	if q.fine.data != nil {
		convolved, fine = 0, convolved
	}
	sizes := [...]int{(pixels*b.c + 1) / 2, (bytes + 3) / 4, scales, (b.Rows.In + 3) / 4, (convolved + 3) / 4, (fine + 1) / 2, narrowed, (lines + 1) / 2, (b.StemRows.In + 3) / 4} // in floats
	total := 0
	for i, n := range sizes {
		sizes[i] = roundLine(n)
		total += sizes[i]
	}
	free := w.reserve(total + 16) // kernels move their pointers past the last value
	take := func(i int) unsafe.Pointer {
		part := free
		free = free[sizes[i]:]
		return unsafe.Pointer(unsafe.SliceData(part))
	}
	marks := func(i, n int) []bool {
		m := unsafe.Slice((*byte)(take(i)), n)
		clear(m) // before bytes are read as truth
		return unsafe.Slice((*bool)(unsafe.Pointer(unsafe.SliceData(m))), n)
	}
	s.wide = unsafe.Slice((*int16)(take(0)), pixels*b.c)
	s.pixels = unsafe.Slice((*byte)(take(1)), bytes)
	s.scale = unsafe.Slice((*float32)(take(2)), scales)
	s.bad = marks(3, b.Rows.In)
	s.convolved = unsafe.Slice((*byte)(take(4)), convolved)
	if fine > 0 {
		s.fine = unsafe.Slice((*int16)(take(5)), fine)
	}
	s.narrowed = unsafe.Slice((*float32)(take(6)), narrowed)
	s.lines = unsafe.Slice((*int16)(take(7)), lines)
	s.spoilt = marks(8, b.StemRows.In)
	s.survey()
	return s
}

// make makes rows first to last-1 of the result.
func (s *quantShop) make(first, last int) {
	s.spread(s.sees(first, last))
	s.convolve(first, last)
	wide, places := s.Cols.Out*s.n, (last-first)*s.Cols.Out
	to := s.out[first*wide : last*wide]
	narrowed := to
	if s.q.head.data != nil {
		narrowed = s.narrowed
	}
	var residual []float32
	if s.Skip {
		residual = s.x[first*s.Cols.In*s.k:]
	}
	if s.fine != nil {
		s.q.fine.narrowRows(narrowed, s.fine, residual, places)
	} else {
		s.q.narrow.narrowRows(narrowed, s.convolved, residual, places)
	}
	if s.q.head.data != nil {
		s.finish(to, places)
	}
	for row := first; row < last; row++ { // integers do not hand on what is not a number
		for from, end := s.sees(row, row+1); from < end; from++ {
			if s.bad[from] {
				fill(s.out[row*wide:][:wide], float32(math.NaN()))
			}
		}
	}
}

// finish maps the narrowed pixels of a band by the head.
func (s *quantShop) finish(to []float32, places int) {
	head := &s.q.head
	centre(s.pixels, s.scale[:places], s.narrowed[:places*head.k], head.k)
	head.finishRows(to, s.pixels, s.scale, places)
	for i, v := range s.scale[:places] {
		if v-v != 0 {
			fill(to[i*head.n:][:head.n], float32(math.NaN()))
		}
	}
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// spread sees to it that rows from to to-1 of the picture lie in wide, widened. Those that are there already move to its beginning.
func (s *quantShop) spread(from, to int) {
	row := s.Cols.In * s.c
	have := min(max(s.to, from), to)
	if have > from {
		copy(s.wide, s.wide[(from-s.from)*row:(have-s.from)*row])
	}
	s.from, s.to = from, to
	if s.q.stem.data != nil {
		s.look(have)
		return
	}
	for i := have; i < to && s.q.widen.data == nil; i++ {
		size := clipped(s.wide[(i-from)*row:][:row], s.x[i*row:][:row], six/6.)
		s.bad[i] = size >= infinite
	}
	if have == to || s.q.widen.data == nil {
		return
	}
	x := s.x[have*s.Cols.In*s.k : to*s.Cols.In*s.k]
	n := (to - have) * s.Cols.In
	centre(s.pixels[:n*s.k], s.scale[:n], x, s.k)
	for i, v := range s.scale[:n] {
		if v-v != 0 {
			s.bad[have+i/s.Cols.In] = true
		}
	}
	s.q.widen.widenRows(s.wide[(have-from)*row:], s.pixels, s.scale, n)
}

// infinite is the bits of infinity: those of numbers are less, those of NaN are more.
const infinite = 0x7f800000

// convolve makes rows first to last-1 of the result's places: rows that see alike together, in runs of places that do so too, along the
// rows or down the columns. Long rows go by 32 channels, of which the first cache then holds what all places see.
func (s *quantShop) convolve(first, last int) {
	if s.Cols.Out < longRow {
		s.channels(first, last, 0, s.c)
		return
	}
	for c := 0; c < s.c; c += 32 {
		s.channels(first, last, c, min(s.c-c, 32))
	}
}

// longRow is from how many places on a row is long.
const longRow = 20

// channels makes n of the channels, from c0 on.
func (s *quantShop) channels(first, last, c0, n int) {
	width, c := s.Cols.In, s.c
	for row := first; row < last; {
		down, next := s.Rows.forward(row, s.Stride), row+1
		for next < last && s.Rows.forward(next, s.Stride).alike(down) {
			next++
		}
		for j := 0; j < s.Cols.Out; {
			r := s.Cols.forward(j, s.Stride)
			w := walk{
				x: s.wide, w: s.q.taps, ends: s.q.ends[2*c0:], out: s.convolved, fine: s.fine, xrow: width * c, xcol: c, wrow: s.Cols.Taps * c, wcol: c, n: n,
				rows: down.n, cols: r.n, at: ((down.at-s.from)*width+r.at)*c + c0, tap: (down.tap*s.Cols.Taps+r.tap)*c + c0,
				to: ((row-first)*s.Cols.Out+j)*c + c0, xstep: s.Stride * c, ostep: c,
			}
			if r.n == 0 {
				w.rows = 0
			}
			for same := r; j < s.Cols.Out && same.alike(r); w.count++ {
				j++
				same = s.Cols.forward(j, s.Stride)
			}
			w.grid(next-row, s.Stride*width*c, s.Cols.Out*c)
		}
		row = next
	}
}

// grid makes so many rows of the run, whose pixels and places lie so far apart: place by place down the rows if these are more.
func (s *walk) grid(rows, xdown, odown int) {
	if rows > s.count {
		rows, s.count = s.count, rows
		s.xstep, xdown = xdown, s.xstep
		s.ostep, odown = odown, s.ostep
	}
	for range rows {
		s.run()
		s.at, s.to = s.at+xdown, s.to+odown
	}
}
