//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
)

// setTogether packs as many of the rows, whole columns of the weight from the given one on, as its kernels take at once, and returns
// how many these were. Rows become narrow first; then numbers of 32 bits, each some neighbours of a panel, are transposed.
func (p *Packed) setTogether(panel []byte, column int, rows []float32) (done int) {
	l, n, at := p.layout, len(rows)/p.K, column%p.layout.width
	switch unit := l.group * l.format.size(); {
	case l.tier == cpu.Generic:
	case unit == 4 && at%8 == 0:
		for ; n-done >= 8; done += 8 {
			p.setUnits(panel, column+done, rows[done*p.K:][:8*p.K])
		}
	case l.paired && at == 0 && n == l.width:
		p.setPairs(panel, rows)
		done = n
	case unit == 1 && at == 0 && n == l.width && n == 16:
		p.setBytes(panel, column, rows)
		done = n
	}
	return done
}

// setUnits packs eight rows in groups of four bytes.
func (p *Packed) setUnits(panel []byte, column int, rows []float32) {
	l := p.layout
	units := (p.K + l.group - 1) / l.group
	s := takeScratch(8 * units)
	defer s.release()
	for j := range 8 {
		row, to := rows[j*p.K:][:p.K], bytesOf(s.floats[j*units:][:units])
		if l.format == BF16 {
			narrowBF16(to, row)
		} else {
			p.narrowInt8(to, row, column+j)
		}
	}
	packPanel(cpu.AVX2, floatsOf(panel), s.floats[:8*units], units, units, column%l.width, l.width)
}

// setPairs packs the sixteen rows of a paired panel of bfloat16: rows j and j+8 make a column of pairs. It goes over K in steps whose
// pairs stay in the first cache.
func (p *Packed) setPairs(panel []byte, rows []float32) {
	const step = 512
	s := takeScratch(8 * step)
	defer s.release()
	whole := p.K &^ 7
	for k := 0; k < whole; k += step {
		n := min(step, whole-k)
		for j := range 8 {
			pairBF16AVX2(&s.floats[j*n], &rows[j*p.K+k], &rows[(j+8)*p.K+k], n)
		}
		packPanel(cpu.AVX2, floatsOf(panel[32*k:]), s.floats[:8*n], n, n, 0, 8)
	}
	for j := range 16 {
		packBF16(panel[32*whole:], rows[j*p.K:][whole:p.K], p.layout.column(j), p.layout)
	}
}

// setBytes packs the sixteen rows of a panel of bytes.
func (p *Packed) setBytes(panel []byte, column int, rows []float32) {
	ld := (p.K + 7) &^ 7
	s := takeScratch(4 * ld)
	defer s.release()
	narrow := bytesOf(s.floats[:4*ld])
	for j := range 16 {
		p.narrowInt8(narrow[j*ld:][:ld], rows[j*p.K:][:p.K], column+j)
	}
	whole := p.K &^ 7
	if whole > 0 {
		weaveAVX2(&panel[0], &narrow[0], ld, whole)
	}
	for k := whole; k < p.K; k++ {
		for j := range 16 {
			panel[16*k+j] = narrow[j*ld+k]
		}
	}
}

// narrowInt8 writes a row of a column as int8, and zeros up to the end of dst.
func (p *Packed) narrowInt8(dst []byte, row []float32, column int) {
	lo, hi, poison := extentOf(row)
	whole, sum, top := len(row)&^7, int32(0), max(hi, -lo)
	if p.layout.pairs {
		if whole > 0 {
			top = max(top, pairTopAVX2(&row[0], whole))
		}
		for i := whole; i+1 < len(row); i += 2 {
			top = max(top, max(row[i], -row[i])+max(row[i+1], -row[i+1]))
		}
	}
	scale, inverse := p.layout.weightStep(top + poison)
	if clear(dst[whole:]); inverse > 0 {
		if whole > 0 {
			sum = toInt8AVX2(&dst[0], &row[0], whole, inverse)
		}
		for i := whole; i < len(row); i++ {
			q := roundInt(row[i] * inverse)
			dst[i] = byte(q)
			sum += q
		}
	} else {
		clear(dst)
	}
	if p.scale[column] = scale; p.sums != nil {
		p.sums[column] = sum
	}
}

// narrowBF16 writes a row as bfloat16, and zeros up to the end of dst.
func narrowBF16(dst []byte, row []float32) {
	whole := len(row) &^ 7
	if whole > 0 {
		toBF16AVX2(&dst[0], &row[0], whole)
	}
	GenericToBF16(dst[2*whole:], row[whole:])
}

// bytesOf views float32 values as memory.
func bytesOf(s []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), 4*len(s))
}
