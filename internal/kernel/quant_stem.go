package kernel

import "math"

// stemTaps is how many taps a stem has along a side.
const stemTaps = 3

// pairs is a weight [N, K] of 16-bit numbers in panels of 16 columns, of which two meet at once. The scale of each column is such that no sum
// leaves 32 bits, whatever 16-bit numbers it meets but the least. K is a multiple of 4.
type pairs struct {
	n, k        int
	wide        bool      // columns lie as [wideColumn] has them
	data        []int16   // [panels, K/4, 2, 16, 2]
	scale, bias []float32 // [panels, 16]
}

// pack brings rows of k values to integers; by is what the scales are multiplied by, and the bias.
func (q *pairs) pack(rows []float64, bias []float32, n, k int, by float64, wide bool) bool {
	panels, room := (n+15)/16, float64(math.MaxUint16-k) // each is rounded
	*q = pairs{n: n, k: k, wide: wide, data: make([]int16, panels*16*k), scale: make([]float32, panels*16), bias: make([]float32, panels*16)}
	if room < 1 {
		return false
	}
	for j := range n {
		row, at := rows[j*k:][:k], j
		if wide {
			at = wideColumn(j)
		}
		all, alone := 0.0, 0.0
		for _, v := range row {
			all, alone = all+math.Abs(v), max(alone, math.Abs(v))
		}
		if !(all <= math.MaxFloat32/six) {
			return false
		}
		step := max(all/room, alone/math.MaxInt16, 0x1p-100)
		panel := q.data[at/16*16*k:]
		for i, v := range row {
			panel[i/2*32+at%16*2+i%2] = int16(math.RoundToEven(v / step))
		}
		q.scale[at] = float32(step * by)
		if bias != nil {
			if q.bias[at] = float32(float64(bias[j]) * by); q.bias[at]-q.bias[at] != 0 {
				return false
			}
		}
	}
	return true
}

// narrowGeneric defines narrow: rows of numbers to floats, to which the residual is added if there is one.
func (q *pairs) narrowGeneric(to []float32, a []int16, residual []float32, m int) {
	for r := range m {
		for j := range q.n {
			panel, sum := q.data[j/16*16*q.k+j%16*2:], int32(0)
			for i, v := range a[r*q.k:][:q.k] {
				sum += int32(v) * int32(panel[i/2*32+i%2])
			}
			v := float32(float32(sum)*q.scale[j]) + q.bias[j]
			if residual != nil {
				v += residual[r*q.n+j]
			}
			to[r*q.n+j] = v
		}
	}
}

// A stem is a convolution of pictures [K, H, W] with 3 by 3 taps, of 16-bit numbers, to which the picture is brought by one scale. The
// result is int16 values, 32767 standing for 6. A line is a row of one channel; those of a row follow each other. A column's weights are
// [3, K, 4], the fourth tap being 0.
type stem struct{ pairs }

// set brings weights [n, k, 3, 3] to integers.
func (s *stem) set(weights, bias []float32, n, k int) bool {
	rows := make([]float64, n*12*k)
	for i, v := range weights {
		j, c, y, x := i/(9*k), i/9%k, i/3%3, i%3
		rows[(j*3+y)*4*k+4*c+x] = float64(v)
	}
	return s.pack(rows, bias, n, 12*k, six/6., true)
}

// generic defines run: places of a row, step numbers from one to the next, of lines that lie so far apart.
func (s *stem) generic(to, lines []int16, line, step, places int, scale float32) {
	for p := range places {
		for j := range s.n {
			at := wideColumn(j)
			panel, sum := s.data[at/16*16*s.k+at%16*2:], int32(0)
			for i := range s.k {
				sum += int32(lines[i/4*line+p*step+i%4]) * int32(panel[i/2*32+i%2])
			}
			to[p*s.n+j] = int16(roundInt(min(max(fma32(float32(sum), scale*s.scale[at], s.bias[at]), 0), six)))
		}
	}
}

// levelsGeneric defines levels: x·scale as int16.
func levelsGeneric(dst []int16, x []float32, scale float32) {
	for i, v := range x {
		dst[i] = int16(roundInt(min(max(float32(v*scale), math.MinInt16), math.MaxInt16)))
	}
}

// sizeGeneric defines size: the bits of the largest size, of which those of infinity and NaN are the largest.
func sizeGeneric(x []float32) (largest uint32) {
	for _, v := range x {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
	}
	return largest
}

// line is how many numbers a line of the picture takes: zeros around its pixels, and what the last place reads of them.
func (b *Bottleneck) line() int {
	return max(b.StemCols.Pad+b.StemCols.In, (b.StemCols.Out-1)*b.StemStride+stemTaps+1)
}

// survey finds the scale of the picture that a stem sees, and its rows that are not finite, which do not count.
func (s *quantShop) survey() {
	if s.q.stem.data == nil {
		return
	}
	width, top := s.StemCols.In, math.Float32bits(0x1p-100)
	for c := range s.k {
		for y := range s.StemRows.In {
			if largest := size(s.x[(c*s.StemRows.In+y)*width:][:width]); largest >= infinite {
				s.spoilt[y] = true
			} else {
				top = max(top, largest)
			}
		}
	}
	s.level = math.Float32frombits(top) / math.MaxInt16
}

// look makes rows from first on to s.to-1 of what is convolved, from the picture.
func (s *quantShop) look(first int) {
	if first == s.to {
		return
	}
	stem, line := &s.q.stem, s.line()
	begin := first*s.StemStride - s.StemRows.Pad
	for y := begin; y < (s.to-1)*s.StemStride-s.StemRows.Pad+stemTaps; y++ {
		s.level16(s.lines[(y-begin)*s.k*line:][:s.k*line], y)
	}
	row := s.Cols.In * s.c
	for i := first; i < s.to; i++ {
		stem.run(s.wide[(i-s.from)*row:][:row], s.lines[(i-first)*s.StemStride*s.k*line:], line, s.StemStride, s.Cols.In, s.level)
		for y := i*s.StemStride - s.StemRows.Pad; y < i*s.StemStride-s.StemRows.Pad+stemTaps; y++ {
			s.bad[i] = s.bad[i] || y >= 0 && y < s.StemRows.In && s.spoilt[y]
		}
	}
}

// level16 brings the lines of row y of the picture to integers: zeros where there is no picture.
func (s *quantShop) level16(lines []int16, y int) {
	if y < 0 || y >= s.StemRows.In || s.spoilt[y] {
		clear(lines)
		return
	}
	n, pad, line := s.StemCols.In, s.StemCols.Pad, s.line()
	for c := range s.k {
		l := lines[c*line:][:line]
		clear(l[:pad])
		levels(l[pad:pad+n], s.x[(c*s.StemRows.In+y)*n:][:n], 1/s.level)
		clear(l[pad+n:])
	}
}
