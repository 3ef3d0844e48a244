package tensor

import (
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// Local says what the queries of [Tensor.AttendLocal] see and how scores are made.
type Local struct {
	Heads         int
	Before, After int     // a query sees the keys from so many rows before it to so many after it
	Own           int     // the row of the distances' keys that is for a query's own key; the next row is for the next key
	Cap           float32 // scores s become cap·tanh(s/cap)
	KeyScale      float32
}

// AttendLocal is attention within each sequence for queries x, keys k and values v [T, C] that see a few keys around them, with keys for
// distances rel [R, C]. Queries are multiplied by scale [C/heads] first. It returns [T, C].
func (x *Tensor) AttendLocal(k, v, rel *Tensor, scale []float32, seq Spans, l Local) *Tensor {
	p := in("attend", x, k, v, rel)
	p.forward("attend", x, k, v, rel)
	c := x.cols()
	check(k.Len() == x.Len() && v.Len() == x.Len() && k.cols() == c && v.cols() == c && rel.cols() == c, "attend", "queries, keys and values of one shape", x, ", ", k, " and ", v, " with ", rel)
	if l.Heads < 1 || len(scale)*l.Heads != c || seq.Rows() != x.Rows() {
		fail("attend", "heads that the scale fits, and as many rows as the spans hold", x, " for ", l.Heads, " heads of ", len(scale), " and ", seq.Rows(), " rows")
	}
	y := p.Empty(x.Rows(), c)
	if p.ctx.Err() != nil {
		return y
	}
	p.tasks.local = kernel.Local{
		Q: x.floats, K: k.floats, V: v.floats, Out: y.floats, Heads: l.Heads, D: len(scale), Starts: seq, Before: l.Before, After: l.After,
		Rel: rel.floats, Own: l.Own, QScale: scale, KScale: l.KeyScale, Cap: l.Cap,
	}
	par.Do(&p.tasks.local, p.tasks.local.Plan(), p.workers)
	return y
}

// Unfold gathers what the places of a convolution with a window of 3 by 3 and steps of 2 see of x [T, F, C], around which lie zeros: of
// the output's rows from first on, count of them, [count·⌈F/2⌉, C·9] in the order of a convolution's weight.
func (x *Tensor) Unfold(first, count int) *Tensor {
	p := in("unfold", x)
	p.forward("unfold", x)
	check(x.rank == 3, "unfold", "rows of places with channels [T, F, C]", x)
	t, f, c := x.shape[0], x.shape[1], x.shape[2]
	if first < 0 || count < 0 || first+count > (t+1)/2 {
		fail("unfold", "rows of the output", first, " and ", count, " more of ", (t+1)/2)
	}
	y := p.Empty(count*((f+1)/2), c*9)
	clear(y.floats)
	dst := y.floats
	for i := first; i < first+count; i++ {
		for j := range (f + 1) / 2 {
			for dt := range 3 {
				for df := range 3 {
					if r, q := 2*i+dt-1, 2*j+df-1; r >= 0 && r < t && q >= 0 && q < f {
						for ch, v := range x.floats[(r*f+q)*c:][:c] {
							dst[ch*9+dt*3+df] = v
						}
					}
				}
			}
			dst = dst[c*9:]
		}
	}
	return y
}

// ConvDepth is the convolution of each column of x [T, C] with taps of its own, a parameter [C, 1, K], that see a row and those before it
// in its sequence.
func (x *Tensor) ConvDepth(w *Tensor, seq Spans) *Tensor {
	p, c := in("conv", x), x.cols()
	check(w.param != nil && w.rank == 3 && w.shape[0] == c && w.shape[1] == 1, "conv", "a weight parameter [C, 1, K]", w, " for ", x)
	if seq.Rows() != x.Rows() {
		fail("conv", "as many rows as the spans hold", x, " and ", seq.Rows())
	}
	y := p.Empty(x.Rows(), c)
	if p.learns(x, w) {
		s := p.record(y, convDepthBack, x)
		s.params[0], s.seq, s.held[0] = w, seq, x.hold()
	}
	p.eachSequence(y.floats, x.floats, w, seq, false)
	return y
}

// eachSequence convolves the rows of each sequence, or goes back to them.
func (p *Pass) eachSequence(to, from []float32, w *Tensor, seq Spans, back bool) {
	c, before := w.shape[0], p.mem.at
	t := kernel.Depthwise{Taps: p.taps(w), C: c, Stride: 1, Rows: kernel.Side{In: 1, Out: 1, Taps: 1}, Back: back}
	for s := 0; s < seq.Len() && p.ctx.Err() == nil; s++ {
		t.Out, t.X, t.Cols = to[int(seq[s])*c:int(seq[s+1])*c], from[int(seq[s])*c:int(seq[s+1])*c], seq.side(s, w.shape[2])
		p.tasks.depth = t
		par.Do(&p.tasks.depth, p.tasks.depth.Plan(), p.workers)
	}
	p.mem.release(before)
}

// side is the length of a sequence for a convolution whose last tap sees the row itself.
func (seq Spans) side(s, taps int) kernel.Side {
	n := int(seq[s+1] - seq[s])
	return kernel.Side{In: n, Out: n, Taps: taps, Pad: taps - 1}
}

// convDepthBack is dX, what each row gave to those after it, and dW, the products of the rows with what each tap saw.
func convDepthBack(p *Pass, s *step) {
	x, w, dy, c := s.x[0], s.params[0], s.y.grad, s.y.cols()
	if x.learns {
		dx, fresh := p.gradientTo(x)
		before, to := p.mem.at, dx
		if !fresh {
			to, _ = p.mem.take(len(dx))
		}
		p.eachSequence(to, dy, w, s.seq, true)
		if !fresh {
			kernel.Add(dx, dx, to)
		}
		p.mem.release(before)
	}
	dw := p.wanted(w)
	for i := range s.seq.Len() {
		first, last := int(s.seq[i])*c, int(s.seq[i+1])*c
		p.tapsBack(kernel.DepthwiseGrad{
			X: s.held[0][first:last], DOut: dy[first:last], C: c, Stride: 1, Rows: kernel.Side{In: 1, Out: 1, Taps: 1}, Cols: s.seq.side(i, w.shape[2]),
		}, dw, nil)
	}
}

// GLU is the first half of each row of x [T, 2C] times the logistic function of the second (Dauphin et al. 2017): [T, C].
func (x *Tensor) GLU() *Tensor {
	p, c := in("glu", x), x.cols()/2
	check(x.cols() == 2*c, "glu", "rows of two halves", x)
	y := p.Empty(x.Rows(), c)
	if p.learns(x) {
		p.record(y, gluBack, x).held[0] = x.hold()
	}
	p.glu(gluTask{dst: y.floats, src: x.floats, cols: c})
	return y
}

func (p *Pass) glu(t gluTask) {
	if p.ctx.Err() != nil || len(t.dst) == 0 {
		return
	}
	t.step = max(1, 2048/t.cols)
	p.tasks.glu = t
	par.Do(&p.tasks.glu, (len(t.dst)/t.cols+t.step-1)/t.step, p.workers)
}

// gluBack is dy·σ(b) for the first half a and dy·a·σ(b)·(1 - σ(b)) for the second, b.
func gluBack(p *Pass, s *step) {
	p.glu(gluTask{dst: s.y.grad, src: s.held[0], back: p.gradient(s.x[0]), cols: s.y.cols()})
}

// A gluTask makes dst of src, or on the way back adds to back, the derivative by src, what dst, that by the result, says.
type gluTask struct {
	dst, src, back []float32
	cols, step     int
}

// Run does chunk i.
func (t *gluTask) Run(i int) {
	for r := i * t.step; r < min((i+1)*t.step, len(t.dst)/t.cols); r++ {
		a, b, out := t.src[2*r*t.cols:][:t.cols], t.src[(2*r+1)*t.cols:][:t.cols], t.dst[r*t.cols:][:t.cols]
		if t.back == nil {
			for j := range out {
				out[j] = float32(float64(a[j]) / (1 + math.Exp(-float64(b[j]))))
			}
			continue
		}
		da, db := t.back[2*r*t.cols:][:t.cols], t.back[(2*r+1)*t.cols:][:t.cols]
		for j, v := range out {
			gate := 1 / (1 + math.Exp(-float64(b[j])))
			da[j] += float32(float64(v) * gate)
			db[j] += float32(float64(v) * float64(a[j]) * gate * (1 - gate))
		}
	}
}
