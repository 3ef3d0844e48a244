//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
)

const quantizes = true

// quadBytes is how many bytes of rows meet all panels before the next rows do: they stay in the first cache.
const quadBytes = 16 << 10

// quadRows is how many rows that is.
func (q *quads) quadRows() int { return max(16, min(quadBytes/q.k, 96)&^3) }

func (q *quads) widenRows(to []int16, a []byte, scale []float32, m int) {
	if tier < cpu.AVX2 {
		q.widenGeneric(to, a, scale, m)
	} else if m > 0 {
		q.tiles(unsafe.Pointer(&to[0]), 2, a, scale, m)
	}
}

func (q *quads) finishRows(to []float32, a []byte, scale []float32, m int) {
	if tier < cpu.AVX2 {
		q.finishGeneric(to, a, scale, m)
	} else if m > 0 {
		q.tiles(unsafe.Pointer(&to[0]), 4, a, scale, m)
	}
}

// tiles makes m rows of a product with a scale for each: int16 if they take two bytes, else floats.
func (q *quads) tiles(to unsafe.Pointer, size int, a []byte, scale []float32, m int) {
	step := q.quadRows()
	for first := 0; first < m; first += step {
		rows := min(step, m-first)
		for j := 0; j < q.n; j += 16 {
			t := q.tile(a[first*q.k:], j)
			t.c, t.ldc, t.rows = unsafe.Add(to, (first*q.n+j)*size), uintptr(q.n*size), unsafe.Pointer(&scale[first])
			t.sums = unsafe.Pointer(&q.start[j])
			if t.count = rows / 4; t.count > 0 {
				t.quad(4, size)
				if done := first + rows&^3; rows%4 > 0 {
					t.a, t.c, t.rows = unsafe.Pointer(&a[done*q.k]), unsafe.Add(to, (done*q.n+j)*size), unsafe.Pointer(&scale[done])
				}
			}
			if t.count = 1; rows%4 > 0 {
				t.quad(rows%4, size)
			}
		}
	}
}

// quad calls the kernel of so many rows and a result of so many bytes.
func (t *tile) quad(rows, size int) {
	switch rows + 4*(size/4) {
	case 1:
		quadWiden1AVX2(t)
	case 2:
		quadWiden2AVX2(t)
	case 3:
		quadWiden3AVX2(t)
	case 4:
		quadWiden4AVX2(t)
	case 5:
		quadFinish1AVX2(t)
	case 6:
		quadFinish2AVX2(t)
	case 7:
		quadFinish3AVX2(t)
	case 8:
		quadFinish4AVX2(t)
	}
}

func (q *quads) narrowRows(to []float32, a []byte, residual []float32, m int) {
	if tier < cpu.AVX2 {
		q.narrowGeneric(to, a, residual, m)
		return
	}
	step := q.quadRows()
	for first := 0; first < m; first += step {
		rows := min(step, m-first)
		for j := 0; j < q.n; j += 16 {
			t := q.tile(a[first*q.k:], j)
			half := q.n-j < 16
			place := func(r int) {
				t.a, t.c, t.ldc = unsafe.Pointer(&a[r*q.k]), unsafe.Pointer(&to[r*q.n+j]), uintptr(4*q.n)
				if residual != nil {
					t.residual, t.ldr = unsafe.Pointer(&residual[r*q.n+j]), uintptr(4*q.n)
				}
			}
			place(first)
			if t.count = rows / 4; t.count > 0 {
				t.narrow(4, half)
			}
			if t.count = 1; rows%4 > 0 {
				place(first + rows&^3)
				t.narrow(rows%4, half)
			}
		}
	}
}

// narrow calls the kernel of so many rows and a panel or half of one.
func (t *tile) narrow(rows int, half bool) {
	if half {
		rows += 4
	}
	switch rows {
	case 1:
		quadNarrow1AVX2(t)
	case 2:
		quadNarrow2AVX2(t)
	case 3:
		quadNarrow3AVX2(t)
	case 4:
		quadNarrow4AVX2(t)
	case 5:
		quadHalf1AVX2(t)
	case 6:
		quadHalf2AVX2(t)
	case 7:
		quadHalf3AVX2(t)
	case 8:
		quadHalf4AVX2(t)
	}
}

// tile is the panel from column j on, and rows.
func (q *quads) tile(a []byte, j int) tile {
	return tile{
		a: unsafe.Pointer(unsafe.SliceData(a)), lda: uintptr(q.k), k: q.k / 8, b: unsafe.Pointer(&q.data[j*q.k]),
		scale: unsafe.Pointer(&q.scale[j]), bias: unsafe.Pointer(&q.bias[j]),
	}
}

func (s *stem) run(to, lines []int16, line, step, places int, scale float32) {
	if tier < cpu.AVX2 {
		s.generic(to, lines, line, step, places, scale)
		return
	}
	scales := [4]float32{scale, scale, scale, scale}
	for j := 0; j < s.n; j += 16 {
		t := s.tile(lines, j, step)
		t.stride, t.rows = uintptr(2*line), unsafe.Pointer(&scales)
		t.c, t.ldc = unsafe.Pointer(&to[j]), uintptr(2*s.n)
		if t.count = places / 4; t.count > 0 {
			pairsWiden4AVX2(&t)
		}
		if t.count = places % 4; t.count > 0 {
			done := places &^ 3
			t.a, t.c = unsafe.Pointer(&lines[done*step]), unsafe.Pointer(&to[done*s.n+j])
			pairsWiden1AVX2(&t)
		}
	}
}

// tile is the panel from column j on, and rows so many numbers apart.
func (q *pairs) tile(a []int16, j, step int) tile {
	return tile{
		a: unsafe.Pointer(unsafe.SliceData(a)), lda: uintptr(2 * step), k: q.k / 4, b: unsafe.Pointer(&q.data[j*q.k]), stride: 8,
		scale: unsafe.Pointer(&q.scale[j]), bias: unsafe.Pointer(&q.bias[j]),
	}
}

func (q *pairs) narrowRows(to []float32, a []int16, residual []float32, m int) {
	if tier < cpu.AVX2 {
		q.narrowGeneric(to, a, residual, m)
		return
	}
	step := max(16, quadBytes/2/q.k&^3)
	for first := 0; first < m; first += step {
		rows := min(step, m-first)
		for j := 0; j < q.n; j += 16 {
			for _, part := range [2]struct{ from, count, height int }{{first, rows / 4, 4}, {first + rows&^3, rows % 4, 1}} {
				if part.count == 0 {
					continue
				}
				t := q.tile(a[part.from*q.k:], j, q.k)
				t.count, t.c, t.ldc = part.count, unsafe.Pointer(&to[part.from*q.n+j]), uintptr(4*q.n)
				if residual != nil {
					t.residual, t.ldr = unsafe.Pointer(&residual[part.from*q.n+j]), uintptr(4*q.n)
				}
				switch half := q.n-j < 16; {
				case part.height == 4 && half:
					pairsHalf4AVX2(&t)
				case part.height == 4:
					pairsNarrow4AVX2(&t)
				case half:
					pairsHalf1AVX2(&t)
				default:
					pairsNarrow1AVX2(&t)
				}
			}
		}
	}
}

func levels(dst []int16, x []float32, scale float32) {
	n := len(x) &^ 15
	if tier < cpu.AVX2 {
		n = 0
	}
	if n > 0 {
		levelsAVX2(&dst[0], &x[0], n, scale)
	}
	levelsGeneric(dst[n:], x[n:], scale)
}

func size(x []float32) (largest uint32) {
	n := len(x) &^ 15
	if tier < cpu.AVX2 {
		n = 0
	}
	if n > 0 {
		largest = sizeAVX2(&x[0], n)
	}
	return max(largest, sizeGeneric(x[n:]))
}

func centre(dst []byte, scale, x []float32, k int) {
	if tier < cpu.AVX2 {
		centreGeneric(dst, scale, x, k)
	} else if len(scale) > 0 {
		centreAVX2(&dst[0], &scale[0], &x[0], k, len(scale))
	}
}

func clipped(dst []int16, x []float32, scale float32) uint32 {
	if tier < cpu.AVX2 || len(x) == 0 {
		return clippedGeneric(dst, x, scale)
	}
	return clippedAVX2(&dst[0], &x[0], len(x), scale)
}

func (s *walk) run() {
	if tier < cpu.AVX2 {
		s.generic()
		return
	}
	w := window{
		row: uintptr(2 * (s.xrow - s.cols*s.xcol)), col: uintptr(2 * s.xcol), step: uintptr(2 * s.xstep),
		wrow: uintptr(2 * (s.wrow - s.cols*s.wcol)), wcol: uintptr(2 * s.wcol), rows: s.rows, cols: s.cols,
		bias: unsafe.Pointer(unsafe.SliceData(s.ends)), n: s.count,
	}
	if s.fine != nil {
		w.out, w.ostep = unsafe.Pointer(&s.fine[s.to]), uintptr(2*s.ostep)
	} else {
		w.out, w.ostep = unsafe.Pointer(&s.out[s.to]), uintptr(s.ostep)
	}
	w.x, w.w = w.out, w.bias // the kernel moves them on, read or not
	if s.rows > 0 {
		w.x, w.w = unsafe.Pointer(&s.x[s.at]), unsafe.Pointer(&s.w[s.tap])
	}
	if w.blocks = s.n / 32; w.blocks > 0 { // moves the pointers on
		if s.fine != nil {
			walkFine32AVX2(&w)
		} else {
			walk32AVX2(&w)
		}
	}
	if w.blocks = s.n % 32 / 16; w.blocks > 0 {
		if s.fine != nil {
			walkFine16AVX2(&w)
		} else {
			walk16AVX2(&w)
		}
	}
}
