package kernel

import "math"

// stemTaps is how many taps a stem has along a side.
const stemTaps = 3

// A stem is a convolution of pictures [K, H, W] with 3 by 3 taps, of 16-bit numbers: what it sees is brought to them by one scale for the
// picture, as are the weights of each column by one of theirs, so that no sum leaves 32 bits. The result is int16 values, 32767 standing
// for 6. A line is a row of one channel; those of a row follow each other. Taps meet in pairs, the third and nothing being the second.
type stem struct {
	n, k        int
	data        []int16   // [panels, 3, K, 2, 16, 2], columns lying as [wideColumn] has them
	scale, bias []float32 // [panels, 16], likewise
}

// pack brings weights [n, k, 3, 3] to integers.
func (s *stem) pack(weights, bias []float32, n, k int) bool {
	*s = stem{n: n, k: k, data: make([]int16, n*s.of(k)), scale: make([]float32, n), bias: make([]float32, n)}
	for j := range n {
		row, at := weights[j*9*k:][:9*k], wideColumn(j)
		all, alone := 0.0, 0.0
		for _, v := range row {
			all += math.Abs(float64(v))
			alone = max(alone, math.Abs(float64(v)))
		}
		if !(all <= math.MaxFloat32) {
			return false
		}
		room := float64(math.MaxUint16 - 9*k) // each is rounded
		if room < 1 {
			return false
		}
		step := max(all/room, alone/math.MaxInt16, 0x1p-100)
		for i, v := range row {
			c, y, x := i/9, i/3%3, i%3
			s.data[at/16*16*s.of(k)+((y*k+c)*2+x/2)*32+at%16*2+x%2] = int16(math.RoundToEven(float64(v) / step))
		}
		s.scale[at] = float32(step * six / 6)
		if bias != nil {
			if s.bias[at] = float32(float64(bias[j]) * six / 6); s.bias[at]-s.bias[at] != 0 {
				return false
			}
		}
	}
	return true
}

// of is how many numbers a column has.
func (s *stem) of(k int) int { return 12 * k }

// generic defines run: places of a row, step numbers from one to the next, of lines that lie so far apart.
func (s *stem) generic(to, lines []int16, line, step, places int, scale float32) {
	for p := range places {
		for j := range s.n {
			at := wideColumn(j)
			column, sum := s.data[at/16*16*s.of(s.k)+at%16*2:], int32(0)
			for l := range stemTaps * s.k {
				for t, v := range lines[l*line+p*step:][:4] {
					sum += int32(v) * int32(column[(l*2+t/2)*32+t%2])
				}
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
