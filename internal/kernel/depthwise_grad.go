package kernel

// DepthwiseGrad is the way back of [Depthwise] to its taps and biases: their derivatives, given that by the result.
type DepthwiseGrad struct {
	X, DOut    []float32 // as X and Out of a Depthwise; DOut before the activation
	C, Stride  int
	Rows, Cols Side
	// Sums is what each chunk adds up by itself, [chunks, taps+1, C]: the derivatives by the taps, then that by the bias. The chunks do
	// not depend on the number of workers, so that neither do sums over them in their order.
	Sums []float32

	pictures, each int
}

// Plan checks the sizes and returns how many chunks Run does, and how many values each has for its sums.
func (d *DepthwiseGrad) Plan() (chunks, size int) {
	d.pictures = needPictures("depthwise gradient", d.Rows, d.Cols, d.C, d.Stride, d.X, d.DOut)
	const work = 1 << 21 // multiply-adds of a chunk at least
	d.each = min(max(work/max(d.Rows.Out*d.Cols.Out*d.C*d.taps(), 1), 1), max(d.pictures, 1))
	return (d.pictures + d.each - 1) / d.each, (d.taps() + 1) * d.C
}

func (d *DepthwiseGrad) taps() int { return d.Rows.Taps * d.Cols.Taps }

// Run does one chunk, a few pictures.
func (d *DepthwiseGrad) Run(chunk int) {
	size := (d.taps() + 1) * d.C
	sums := d.Sums[chunk*size:][:size]
	clear(sums)
	bias := sums[size-d.C:]
	for picture := chunk * d.each; picture < min((chunk+1)*d.each, d.pictures); picture++ {
		for row := range d.Rows.Out {
			d.row(sums, picture, row)
			from := d.DOut[(picture*d.Rows.Out+row)*d.Cols.Out*d.C:]
			for i := range d.Cols.Out {
				add(bias, bias, from[i*d.C:][:d.C])
			}
		}
	}
}

// row adds what one row of the result says, for each row of taps that its places see through.
func (d *DepthwiseGrad) row(sums []float32, picture, row int) {
	c := d.C
	s := correlation{x: d.X, y: d.DOut, sums: sums, xstep: d.Stride * c, step: c}
	across := d.Rows.forward(row, d.Stride)
	for j := 0; j < d.Cols.Out; {
		r := d.Cols.forward(j, d.Stride)
		s.taps, s.count = r.n, 0
		s.place = ((picture*d.Rows.Out+row)*d.Cols.Out + j) * c
		for next := r; j < d.Cols.Out && next.n == r.n && next.tap == r.tap; s.count++ {
			j++
			next = d.Cols.forward(j, d.Stride)
		}
		if r.n == 0 {
			continue
		}
		for t := range across.n {
			s.at = ((picture*d.Rows.In+across.at+t)*d.Cols.In + r.at) * c
			s.to = ((across.tap+t)*d.Cols.Taps + r.tap) * c
			s.run()
		}
	}
}

// A correlation adds, for a row of taps, the products of what a run of places sees through each with the places. Distances are in values.
type correlation struct {
	x, y, sums []float32
	at, xstep  int // what the first tap of the first place sees, and how much further that of the next place is; the next tap's is step further
	place      int // places and taps are step apart, which is the number of channels
	to, taps   int
	count      int // places
	step       int
}

// generic defines run: places are added in order.
func (s *correlation) generic() {
	for place := range s.count {
		y := s.y[s.place+place*s.step:][:s.step]
		for t := range s.taps {
			x, sum := s.x[s.at+place*s.xstep+t*s.step:][:s.step], s.sums[s.to+t*s.step:][:s.step]
			for i, v := range x {
				sum[i] += v * y[i]
			}
		}
	}
}
