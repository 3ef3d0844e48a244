package kernel

import "sync"

// Bottleneck is an inverted residual block (Sandler et al. 2018) without norms: pixels are widened, each channel is convolved, both under
// ReLU6, and the pixels are narrowed again. Its values are those of a product, a Depthwise and a product, to the bit. It goes through bands
// of rows, so that what is wide stays in the cache of the core that made it.
type Bottleneck struct {
	X, Out     []float32 // pictures [B, Rows.In, Cols.In, K] and what becomes of them, [B, Rows.Out, Cols.Out, N], in other memory
	Widen      *Packed   // [C, K], or nil to convolve the pixels as they come: K is C then
	WidenBias  []float32 // [C] or nil
	Taps, Bias []float32 // of the convolution: [Rows.Taps, Cols.Taps, C]; [C] or nil
	Narrow     *Packed   // [N, C]
	NarrowBias []float32 // [N] or nil
	Stride     int
	Rows, Cols Side
	Skip       bool // X is added to the result, which has its shape
	// Quant is the parameters in integers, in place of Widen, Taps, Narrow and their biases. The result is then near to that of the three
	// steps; a row that sees what is not finite is NaN. With a stem, X is pictures [B, K, StemRows.In, StemCols.In], of which the stem makes
	// what is convolved; with a head, Out has its columns.
	Quant              *QuantBlock
	StemRows, StemCols Side
	StemStride         int

	c, k, n int
	strips  int // chunks of a picture
	band    int // rows of the result that are made together
}

// bandBytes is how many bytes of wide pixels a band has at most: about what the second cache holds. Smaller bands cost more in short
// products than they save.
const bandBytes = 512 << 10

// Plan checks the sizes and returns how many chunks Run does: a picture each, or strips of one where there are fewer than workers.
func (b *Bottleneck) Plan(workers int) (chunks int) {
	b.needParameters()
	in, out := b.planIn(), b.Rows.Out*b.Cols.Out*b.n
	if in == 0 || out == 0 {
		return 0
	}
	need(len(b.X)%in == 0, "bottleneck", "expected whole pictures of %d values, got %d", in, len(b.X))
	pictures := len(b.X) / in
	sameLength("bottleneck", len(b.Out), pictures*out)
	narrowed := b.n
	if b.Quant != nil {
		narrowed = max(b.Quant.narrow.n, b.Quant.fine.n)
	}
	need(!b.Skip || b.Rows.In == b.Rows.Out && b.Cols.In == b.Cols.Out && b.k == narrowed, "bottleneck", "expected a result of %d values to add to, got %d", in, out)
	if pictures == 0 {
		return 0
	}
	b.strips = min(max(1, (workers+pictures-1)/pictures), b.Rows.Out)
	if b.Quant != nil {
		b.planQuant()
		return pictures * b.strips
	}
	row := 4 * b.c * (b.Cols.In*b.Stride + b.Cols.Out) // bytes that a row of the result takes
	b.band = max(1, (bandBytes-4*b.c*b.Cols.In*max(b.Rows.Taps-b.Stride, 0))/row)
	if b.band > 3 {
		b.band -= b.band % 3 // as most tiles have six rows, and pictures an even number of columns
	}
	return pictures * b.strips
}

// planIn is how many values of a picture come in.
func (b *Bottleneck) planIn() int {
	if b.Quant != nil && b.Quant.stem.data != nil {
		return b.StemRows.In * b.StemCols.In * b.k
	}
	return b.Rows.In * b.Cols.In * b.k
}

// needParameters checks what the block computes with and takes its channels from there.
func (b *Bottleneck) needParameters() {
	if q := b.Quant; q != nil {
		b.k, b.c, b.n = q.k, q.c, q.n
		need(b.Rows.Taps == q.rows && b.Cols.Taps == q.cols, "bottleneck", "expected %d taps, got %d", b.Rows.Taps*b.Cols.Taps, q.rows*q.cols)
		need(b.Stride > 0, "bottleneck", "expected a stride of %d or more, got %d", b.Stride, 1)
		if q.stem.data != nil {
			need(b.StemStride > 0 && b.StemRows.Taps == stemTaps && b.StemCols.Taps == stemTaps, "bottleneck: stem", "expected %d taps and a stride, got %d", b.StemRows.Taps, stemTaps)
			need(b.StemRows.Out == b.Rows.In && b.StemCols.Out == b.Cols.In, "bottleneck: stem", "expected %d places, got %d", b.StemRows.Out*b.StemCols.Out, b.Rows.In*b.Cols.In)
			need(!b.Skip, "bottleneck: stem", "expected %d pictures to add, got %d", 1, 0)
		}
		return
	}
	b.c, b.n = b.Narrow.K, b.Narrow.N
	b.k = b.c
	if b.Widen != nil {
		b.k = b.Widen.K
		need(b.Widen.N == b.c, "bottleneck", "expected a weight that widens to %d, got %d", b.c, b.Widen.N)
		needBias("bottleneck: first bias", b.WidenBias, b.c)
	}
	least := min(b.k, b.n, b.c, b.Rows.Taps, b.Cols.Taps, b.Stride)
	need(least > 0, "bottleneck", "expected channels, taps and stride of %d or more, got %d", least, 1)
	sameLength("bottleneck: taps", len(b.Taps), b.Rows.Taps*b.Cols.Taps*b.c)
	needBias("bottleneck: second bias", b.Bias, b.c)
	needBias("bottleneck: third bias", b.NarrowBias, b.n)
}

func needBias(op string, bias []float32, n int) {
	if bias != nil {
		sameLength(op, len(bias), n)
	}
}

// Run does one chunk.
func (b *Bottleneck) Run(chunk int) {
	picture, strip := chunk/b.strips, chunk%b.strips
	first, last := b.Rows.Out*strip/b.strips, b.Rows.Out*(strip+1)/b.strips
	if b.Quant != nil {
		b.runQuant(picture, first, last)
		return
	}
	w := takeWorkshop()
	defer w.release()
	w.prepare(b, picture)
	for ; first < last; first += b.band {
		w.make(first, min(first+b.band, last))
	}
}

// sees is the rows of the picture that rows first to last-1 of the result see.
func (b *Bottleneck) sees(first, last int) (from, to int) {
	from = min(max(first*b.Stride-b.Rows.Pad, 0), b.Rows.In)
	to = min(max((last-1)*b.Stride-b.Rows.Pad+b.Rows.Taps, from), b.Rows.In)
	return from, to
}

// A workshop is what one chunk of a Bottleneck works with.
type workshop struct {
	*Bottleneck
	x, out        []float32 // of its picture
	wide          []float32 // widened rows of the picture, those from row from to row to
	from, to      int
	convolved     []float32 // a band of them
	bias          []float32 // of the convolution
	floats        []float32 // all of these
	depth         Depthwise
	widen, narrow Gemm
	weights       [2]*Packed
	biases        [2][]float32
	room          []float32 // for the pixels in the form that a product reads
	integers      quantShop
	next          *workshop
}

// workshops keeps those that nobody uses, for ever: there are as many as chunks ever ran at once.
var workshops struct {
	sync.Mutex
	list *workshop
}

func takeWorkshop() *workshop {
	workshops.Lock()
	defer workshops.Unlock()
	w := workshops.list
	if w == nil {
		return &workshop{}
	}
	workshops.list = w.next
	return w
}

func (w *workshop) release() {
	*w = workshop{floats: w.floats}
	workshops.Lock()
	defer workshops.Unlock()
	w.next = workshops.list
	workshops.list = w
}

// prepare makes room for the bands of a picture.
func (w *workshop) prepare(b *Bottleneck, picture int) {
	w.Bottleneck = b
	in, out := b.Rows.In*b.Cols.In*b.k, b.Rows.Out*b.Cols.Out*b.n
	w.x, w.out = b.X[picture*in:][:in], b.Out[picture*out:][:out]
	w.weights, w.biases = [2]*Packed{b.Widen, b.Narrow}, [2][]float32{b.WidenBias, b.NarrowBias}
	band := min(b.band, b.Rows.Out)
	w.narrow = Gemm{LDC: b.n, LDA: b.c, M: band * b.Cols.Out, W: w.weights[1:], Bias: w.biases[1:], LDR: b.n}
	wide, room, rows := 0, w.narrow.Space(), 0
	if b.Widen != nil {
		rows = min((band-1)*b.Stride+b.Rows.Taps, b.Rows.In)
		wide = rows * b.Cols.In * b.c
		w.widen = Gemm{LDC: b.c, LDA: b.k, M: rows * b.Cols.In, W: w.weights[:1], Bias: w.biases[:1], Act: ReLU6}
		room = max(room, w.widen.Space())
	}
	free := w.reserve(roundLine(wide) + roundLine(room) + roundLine(b.c) + band*b.Cols.Out*b.c)
	take := func(n int) (part []float32) {
		part, free = free[:n:n], free[roundLine(n):]
		return part
	}
	w.wide, w.room, w.bias = take(wide), take(room), take(b.c)
	w.convolved = free[:band*b.Cols.Out*b.c]
	clear(w.bias)
	copy(w.bias, b.Bias)
	w.depth = Depthwise{Taps: b.Taps, C: b.c, Stride: b.Stride, Rows: b.Rows, Cols: b.Cols, Act: ReLU6, height: b.Rows.Out, width: b.Cols.Out, high: 6}
}

// roundLine is n values filled up to a cache line.
func roundLine(n int) int { return (n + 15) &^ 15 }

// reserve is n values of the workshop's memory.
func (w *workshop) reserve(n int) []float32 {
	if len(w.floats) < n {
		w.floats = aligned(n)
	}
	return w.floats[:n]
}

// make makes rows first to last-1 of the result.
func (w *workshop) make(first, last int) {
	d := &w.depth
	d.X, d.from = w.x, 0
	if w.Widen != nil {
		w.spread(w.sees(first, last))
		d.X, d.from = w.wide, w.from
	}
	d.Out, d.to = w.convolved, first
	d.rows(0, first, last, w.bias)
	g, at := &w.narrow, first*w.Cols.Out*w.n
	g.A, g.C, g.M = w.convolved, w.out[at:], (last-first)*w.Cols.Out
	if w.Skip {
		g.Residual = w.x[at:]
	}
	w.product(g)
}

// spread sees to it that rows from to to-1 of the picture lie in wide, widened. Those that are there already move to its beginning.
func (w *workshop) spread(from, to int) {
	row := w.Cols.In * w.c
	have := min(max(w.to, from), to)
	if have > from {
		copy(w.wide, w.wide[(from-w.from)*row:(have-w.from)*row])
	}
	w.from, w.to = from, to
	if have == to {
		return
	}
	g := &w.widen
	g.A, g.C, g.M = w.x[have*w.Cols.In*w.k:], w.wide[(have-from)*row:], (to-have)*w.Cols.In
	w.product(g)
}

// product runs all of a product.
func (w *workshop) product(g *Gemm) {
	g.Buffer = w.room
	convert := (*Convert)(g)
	for i := range convert.Plan(1) {
		convert.Run(i)
	}
	for i := range g.Plan(1) {
		g.Run(i)
	}
}
