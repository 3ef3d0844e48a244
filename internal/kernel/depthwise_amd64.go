//go:build !purego

package kernel

import (
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
)

// A window is a stencil as the kernels read it: some places of it. Distances are in bytes, from the last tap of a row to the first of
// the next. The generator knows the offsets of the fields.
type window struct {
	x              unsafe.Pointer
	row, col, step uintptr
	w              unsafe.Pointer
	wrow, wcol     uintptr
	rows, cols     int
	bias, out      unsafe.Pointer
	ostep          uintptr
	n              int
	low, high      float32
	blocks         int // of channels, for the kernels of 16-bit numbers
}

// A lag is a correlation as the kernels read it, likewise.
type lag struct {
	x     unsafe.Pointer
	xstep uintptr
	y     unsafe.Pointer
	step  uintptr
	sums  unsafe.Pointer
	count int
	n     int
}

// abreast is how many places a kernel makes at most.
const abreast = 6

func (s *stencil) run() {
	if tier == cpu.Generic {
		s.generic()
		return
	}
	w := window{
		row: uintptr(4 * (s.xrow - s.cols*s.xcol)), col: uintptr(4 * s.xcol), step: uintptr(4 * s.xstep),
		wrow: uintptr(4 * (s.wrow - s.cols*s.wcol)), wcol: uintptr(4 * s.wcol), rows: s.rows, cols: s.cols,
		bias: pointer(s.bias), ostep: uintptr(4 * s.ostep), n: s.n, low: s.low, high: s.high,
	}
	if s.rows > 0 {
		w.w = pointer(s.w[s.tap:])
	}
	tiles := (s.count + abreast - 1) / abreast
	for t := range tiles {
		first := s.count * t / tiles
		if s.rows > 0 {
			w.x = pointer(s.x[s.at+first*s.xstep:])
		}
		w.out = pointer(s.out[s.to+first*s.ostep:])
		w.make(s.count*(t+1)/tiles - first)
	}
}

// make calls the kernel of so many places.
func (w *window) make(places int) {
	if tier >= cpu.AVX512 {
		switch places {
		case 1:
			window1AVX512(w)
		case 2:
			window2AVX512(w)
		case 3:
			window3AVX512(w)
		case 4:
			window4AVX512(w)
		case 5:
			window5AVX512(w)
		case 6:
			window6AVX512(w)
		}
		return
	}
	switch places {
	case 1:
		window1AVX2(w)
	case 2:
		window2AVX2(w)
	case 3:
		window3AVX2(w)
	case 4:
		window4AVX2(w)
	case 5:
		window5AVX2(w)
	case 6:
		window6AVX2(w)
	}
}

func (s *correlation) run() {
	if tier == cpu.Generic || s.taps > 5 {
		s.generic()
		return
	}
	l := &lag{
		x: pointer(s.x[s.at:]), xstep: uintptr(4 * s.xstep), y: pointer(s.y[s.place:]), step: uintptr(4 * s.step),
		sums: pointer(s.sums[s.to:]), count: s.count, n: s.step,
	}
	if tier >= cpu.AVX512 {
		switch s.taps {
		case 1:
			lag1AVX512(l)
		case 2:
			lag2AVX512(l)
		case 3:
			lag3AVX512(l)
		case 4:
			lag4AVX512(l)
		case 5:
			lag5AVX512(l)
		}
		return
	}
	switch s.taps {
	case 1:
		lag1AVX2(l)
	case 2:
		lag2AVX2(l)
	case 3:
		lag3AVX2(l)
	case 4:
		lag4AVX2(l)
	case 5:
		lag5AVX2(l)
	}
}
