//go:build !amd64 || purego

package kernel

const quantizes = false

func (q *quads) widenRows(to []int16, a []byte, scale []float32, m int) {
	q.widenGeneric(to, a, scale, m)
}

func (q *quads) narrowRows(to []float32, a []byte, residual []float32, m int) {
	q.narrowGeneric(to, a, residual, m)
}

func (q *quads) finishRows(to []float32, a []byte, scale []float32, m int) {
	q.finishGeneric(to, a, scale, m)
}

func (s *stem) run(to, lines []int16, line, step, places int, scale float32) {
	s.generic(to, lines, line, step, places, scale)
}

func (q *pairs) narrowRows(to []float32, a []int16, residual []float32, m int) {
	q.narrowGeneric(to, a, residual, m)
}

func levels(dst []int16, x []float32, scale float32) { levelsGeneric(dst, x, scale) }

func size(x []float32) uint32 { return sizeGeneric(x) }

func centre(dst []byte, scale, x []float32, k int) { centreGeneric(dst, scale, x, k) }

func clipped(dst []int16, x []float32, scale float32) uint32 { return clippedGeneric(dst, x, scale) }

func (s *walk) run() { s.generic() }
