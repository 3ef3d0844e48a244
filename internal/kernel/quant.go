package kernel

import (
	"math"

	"github.com/chiasm/chiasm/internal/cpu"
)

// A QuantBlock is the parameters of a Bottleneck in integers, laid out for the kernels of AVX2. What ReLU6 leaves lies between 0 and 6 and
// has fixed scales: wide pixels are int16, 32767 standing for 6, convolved ones bytes, 127 standing for 6. A pixel that comes in is bytes
// around 128 with a scale of its own. Sums of the products are exact; those of the convolution are of products rounded to 16 bits.
type QuantBlock struct {
	k, c, n       int // of a stem k is the channels of the picture, with a head n is its columns
	rows, cols    int // taps
	stem          stem
	widen, narrow quads
	fine          pairs // in place of narrow
	head          quads
	taps          []int16 // [rows, cols, C]
	ends          []int16 // [C/16, 2, 16]: where sums begin, and what makes them bytes, in units of 2⁻¹⁵, or before fine what stands for 6
}

// BlockValues is the parameters of a block as floats. Widen is nil where pixels are convolved as they come, K being C then; they must lie
// between 0 and 6. With a Stem, a picture of K channels comes in and Widen is a convolution of 3 by 3 taps. Head is nil where narrowed pixels
// are the result; else they are mapped once more, under ReLU6. Biases may be nil.
type BlockValues struct {
	K, C, N          int
	Stem             bool
	Rows, Cols       int       // taps
	Widen, WidenBias []float32 // [C, K] or [C, K, 3, 3], [C]
	Taps, Bias       []float32 // [Rows, Cols, C], [C]
	Narrow           []float32 // [N, C]
	NarrowBias       []float32 // [N]
	D                int
	Head, HeadBias   []float32 // [D, N], [D]
}

const (
	six    = 32767 // stands for 6 in wide pixels
	middle = 128   // stands for 0 in pixels that come in
	// top stands for 6 in convolved pixels. With 255 the weights that narrow them could be half as large, and their rounding is what moves the
	// result most.
	top  = 127
	unit = 6. / top
	// fewWide is up to how many channels are narrowed as 16-bit numbers by such weights: it takes little time there, and bytes would move the
	// result most.
	fewWide = 48
)

// Quantizes reports whether blocks may compute in integers at the present tier: where that is faster than its products of bytes.
func Quantizes() bool { return quantizes && layoutOf(tier, I8).tier == cpu.AVX2 }

// NewQuantBlock brings parameters to integers. It is nil for shapes that the kernels do not have (channels must be multiples of 8, and of 16
// in between and behind a head) and for values that are not finite or too far apart.
func NewQuantBlock(v *BlockValues) *QuantBlock {
	if v.Widen == nil && v.K != v.C || min(v.K, v.N, v.C, v.Rows, v.Cols) < 1 || v.K%8 != 0 && !v.Stem || v.N%8 != 0 || v.C%16 != 0 || v.Head != nil && v.D%16 != 0 {
		return nil
	}
	sameLength("quant block: taps", len(v.Taps), v.Rows*v.Cols*v.C)
	sameLength("quant block: narrow", len(v.Narrow), v.N*v.C)
	needBias("quant block: second bias", v.Bias, v.C)
	needBias("quant block: third bias", v.NarrowBias, v.N)
	q := &QuantBlock{k: v.K, c: v.C, n: v.N, rows: v.Rows, cols: v.Cols}
	if !q.setWiden(v) || !q.setTaps(v) {
		return nil
	}
	if q.c > fewWide && !q.narrow.pack(v.Narrow, v.NarrowBias, v.N, v.C, top, unit, 1, false) {
		return nil
	}
	if v.Head != nil {
		sameLength("quant block: head", len(v.Head), v.D*v.N)
		needBias("quant block: fourth bias", v.HeadBias, v.D)
		if q.n = v.D; !q.head.pack(v.Head, v.HeadBias, v.D, v.N, 255, 1, 1, false) {
			return nil
		}
	}
	return q
}

// setWiden sets what comes before the convolution of each channel.
func (q *QuantBlock) setWiden(v *BlockValues) bool {
	if v.Widen == nil {
		return true
	}
	needBias("quant block: first bias", v.WidenBias, v.C)
	if v.Stem {
		sameLength("quant block: stem", len(v.Widen), v.C*v.K*stemTaps*stemTaps)
		return q.stem.set(v.Widen, v.WidenBias, v.C, v.K)
	}
	sameLength("quant block: widen", len(v.Widen), v.C*v.K)
	return q.widen.pack(v.Widen, v.WidenBias, v.C, v.K, 255, six/6., six/6., true)
}

// setTaps brings the taps of each channel to units in which no sum leaves 16 bits, whatever the pixels are: sums lie between the bias and
// the bias plus six times the taps of one sign. A 2¹⁵th of the factor of a channel makes bytes of its sums; those of few channels are
// narrowed in the units that they have.
func (q *QuantBlock) setTaps(v *BlockValues) bool {
	n := q.rows * q.cols
	q.taps, q.ends = beforeEnd(n*q.c), beforeEnd(2*q.c)
	var narrow []float64
	if q.c <= fewWide {
		narrow = make([]float64, len(v.Narrow))
	}
	room := float64(math.MaxInt16 - n - 2) // each tap is rounded, as is its product, and the bias
	for c := range q.c {
		bias := 0.0
		if v.Bias != nil {
			bias = float64(v.Bias[c])
		}
		reach := math.Abs(bias)
		for t := range n {
			reach += 6 * math.Abs(float64(v.Taps[t*q.c+c]))
		}
		factor := max(1, math.Ceil(reach/room*(1<<15)/unit))
		if !(factor <= math.MaxInt16) {
			return false
		}
		step := factor * unit / (1 << 15) // of a sum
		q.ends[c/16*32+c%16], q.ends[c/16*32+16+c%16] = int16(math.RoundToEven(bias/step)), int16(factor)
		for t := range n {
			q.taps[t*q.c+c] = int16(math.RoundToEven(float64(v.Taps[t*q.c+c]) * 6 / step * (1 << 15) / six))
		}
		if narrow != nil {
			q.ends[c/16*32+16+c%16] = int16(min(math.RoundToEven(6/step), math.MaxInt16)) // what is more than that is never reached
			for i := c; i < len(narrow); i += q.c {
				narrow[i] = float64(v.Narrow[i]) * step
			}
		}
	}
	return narrow == nil || q.fine.pack(narrow, v.NarrowBias, v.N, v.C, 1, false)
}

// beforeEnd makes n numbers that do not end what was allocated: kernels move their pointers past the last.
func beforeEnd(n int) []int16 { return make([]int16, n+32)[:n:n] }

// quads is a weight [N, K] of int8 in panels of 16 columns. AVX2 adds pairs of products of bytes in 16 bits, and two such pairs fit there
// too: of the four weights that meet, values 0, 1, 4 and 5 or 2, 3, 6 and 7 of eight, those of one sign times the largest byte stay
// within 16 bits.
type quads struct {
	n, k        int
	wide        bool      // columns lie as [wideColumn] has them
	data        []byte    // [panels, K/4, 16, 4]
	scale, bias []float32 // [panels, 16]
	start       []int32   // [panels, 16]: what takes out that 128 stands for 0
}

// wideColumn is where column j of a panel lies if the sums are packed to int16, which takes four columns of each of two registers in turns.
func wideColumn(j int) int { return j&^12 | j&8>>1 | j&4<<1 }

// at is where column j lies.
func (q *quads) at(j int) int {
	if q.wide {
		return wideColumn(j)
	}
	return j
}

// pack rounds rows of k values for bytes up to most; by is what the scales are multiplied by, and biasBy the bias.
func (q *quads) pack(rows, bias []float32, n, k, most int, by, biasBy float64, wide bool) bool {
	four := float32(math.MaxInt16/most - 2) // may add up, as each is rounded by a half at most
	panels := (n + 15) / 16
	*q = quads{n: n, k: k, wide: wide, data: make([]byte, panels*16*k), scale: make([]float32, panels*16), bias: make([]float32, panels*16), start: make([]int32, panels*16)}
	for j := range n {
		row, j := rows[j*k:][:k], q.at(j)
		together, alone := quadTops(row)
		step, inverse := max(together/four, alone/127), float32(0)
		if !(together <= math.MaxFloat32) {
			return false
		}
		if step > 0 && 1/step <= math.MaxFloat32 {
			inverse = 1 / step
		}
		panel, column := q.data[j/16*16*k:][:16*k], j%16
		sum := int32(0)
		for i, v := range row {
			w := roundInt(float32(v * inverse))
			panel[i/4*64+column*4+i%4] = byte(w)
			sum += w
		}
		q.scale[j], q.start[j] = float32(float64(step)*by), -middle*sum
		if bias != nil {
			q.bias[j] = float32(float64(bias[q.at(j)]) * biasBy) // columns change places in pairs
			if q.bias[j]-q.bias[j] != 0 {
				return false
			}
		}
	}
	return true
}

// quadTops is the most that those of one sign among four weights that meet add up to, and the largest size; NaN if a value is not a number.
func quadTops(row []float32) (together, alone float32) {
	for i := 0; i < len(row); i += 8 {
		var plus, minus [2]float32
		for j, v := range row[i : i+8] {
			if v != v {
				return v, v
			}
			plus[j/2%2] += max(v, 0)
			minus[j/2%2] -= min(v, 0)
			alone = max(alone, v, -v)
		}
		together = max(together, plus[0], plus[1], minus[0], minus[1])
	}
	return together, alone
}

// widenGeneric defines widen: rows of bytes to int16 values, each row with its scale.
func (q *quads) widenGeneric(to []int16, a []byte, scale []float32, m int) {
	for r := range m {
		for j := range q.n {
			at := q.at(j)
			v := fma32(float32(q.sum(a[r*q.k:], at)+q.start[at]), scale[r]*q.scale[at], q.bias[at])
			to[r*q.n+j] = int16(roundInt(min(max(v, 0), six)))
		}
	}
}

// finishGeneric defines finish: rows of bytes to floats between 0 and 6, each row with its scale.
func (q *quads) finishGeneric(to []float32, a []byte, scale []float32, m int) {
	for r := range m {
		for j := range q.n {
			v := fma32(float32(q.sum(a[r*q.k:], j)+q.start[j]), scale[r]*q.scale[j], q.bias[j])
			to[r*q.n+j] = max(min(v, 6), 0)
		}
	}
}

// fma32 is a·b + c, rounded once. The product has room in a float64; its sum is rounded to odd, so that rounding it again does no harm.
func fma32(a, b, c float32) float32 {
	p, q := float64(a)*float64(b), float64(c)
	sum := p + q
	back := sum - p
	if left := (p - (sum - back)) + (q - back); left != 0 {
		if bits := math.Float64bits(sum); bits&1 == 0 {
			if (left > 0) == (sum > 0) {
				sum = math.Float64frombits(bits + 1)
			} else {
				sum = math.Float64frombits(bits - 1)
			}
		}
	}
	return float32(sum)
}

// narrowGeneric defines narrow: rows of bytes to floats, to which the residual is added if there is one.
func (q *quads) narrowGeneric(to []float32, a []byte, residual []float32, m int) {
	for r := range m {
		for j := range q.n {
			v := float32(float32(q.sum(a[r*q.k:], j))*q.scale[j]) + q.bias[j]
			if residual != nil {
				v += residual[r*q.n+j]
			}
			to[r*q.n+j] = v
		}
	}
}

// sum is the product of a row of bytes and the column that lies at j.
func (q *quads) sum(row []byte, j int) (sum int32) {
	panel := q.data[j/16*16*q.k:]
	for i, v := range row[:q.k] {
		sum += int32(v) * int32(int8(panel[i/4*64+j%16*4+i%4]))
	}
	return sum
}

// centreGeneric defines centre: rows of k values as bytes around 128, and the scale of each. That of a row that is not finite is neither.
func centreGeneric(dst []byte, scale, x []float32, k int) {
	for r := range scale {
		top := math.Float32bits(0x1p-100)
		for _, v := range x[r*k:][:k] {
			top = max(top, math.Float32bits(v)&^(1<<31))
		}
		most := math.Float32frombits(top)
		scale[r] = most / 127
		inverse := 127 / most
		for i, v := range x[r*k:][:k] {
			dst[r*k+i] = byte(middle + roundInt(min(max(float32(v*inverse), -127), 127)))
		}
	}
}

// clippedGeneric defines clipped: x·scale as int16, and the bits of the largest size.
func clippedGeneric(dst []int16, x []float32, scale float32) (largest uint32) {
	for i, v := range x {
		largest = max(largest, math.Float32bits(v)&^(1<<31))
		dst[i] = int16(roundInt(min(max(float32(v*scale), 0), six)))
	}
	return largest
}

// A walk is a run of places of a depthwise convolution of 16-bit numbers, as a stencil is one of floats.
type walk struct {
	x, w, ends        []int16 // ends of the channels of the run
	out               []byte
	fine              []int16 // in place of out
	at                int
	xrow, xcol, xstep int
	tap, wrow, wcol   int
	rows, cols        int
	to, ostep, count  int
	n                 int // channels, a multiple of 16
}

// generic defines run.
func (s *walk) generic() {
	for place := range s.count {
		to := s.to + place*s.ostep
		for i := range s.n {
			sum := s.ends[i/16*32+i%16]
			for r := range s.rows {
				for c := range s.cols {
					sum += times15(s.x[s.at+place*s.xstep+r*s.xrow+c*s.xcol+i], s.w[s.tap+r*s.wrow+c*s.wcol+i])
				}
			}
			if end := s.ends[i/16*32+16+i%16]; s.fine != nil {
				s.fine[to+i] = max(min(sum, end), 0)
			} else {
				s.out[to+i] = byte(min(max(times15(sum, end), 0), top))
			}
		}
	}
}

// times15 is the product of fractions in units of 2⁻¹⁵, rounded half up.
func times15(a, b int16) int16 { return int16((int32(a)*int32(b) + 1<<14) >> 15) }
