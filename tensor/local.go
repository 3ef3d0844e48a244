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
	p.forward("conv", x, w)
	check(w.param != nil && w.rank == 3 && w.shape[0] == c && w.shape[1] == 1, "conv", "a weight parameter [C, 1, K]", w, " for ", x)
	if seq.Rows() != x.Rows() {
		fail("conv", "as many rows as the spans hold", x, " and ", seq.Rows())
	}
	y, k := p.Empty(x.Rows(), c), w.shape[2]
	before := p.mem.at
	taps, _ := p.mem.take(k * c)
	product, _ := p.mem.take(c)
	for i, v := range w.Floats() {
		taps[i%k*c+i/k] = v
	}
	for s := range seq.Len() {
		for r := int(seq[s]); r < int(seq[s+1]); r++ {
			out := y.floats[r*c:][:c]
			clear(out)
			for i := max(0, k-1-(r-int(seq[s]))); i < k; i++ {
				kernel.Mul(product, x.floats[(r-k+1+i)*c:][:c], taps[i*c:][:c])
				kernel.Add(out, out, product)
			}
		}
	}
	p.mem.release(before)
	return y
}

// GLU is the first half of each row of x [T, 2C] times the logistic function of the second (Dauphin et al. 2017): [T, C].
func (x *Tensor) GLU() *Tensor {
	p, c := in("glu", x), x.cols()/2
	p.forward("glu", x)
	check(x.cols() == 2*c, "glu", "rows of two halves", x)
	y := p.Empty(x.Rows(), c)
	if p.ctx.Err() != nil || y.Len() == 0 {
		return y
	}
	p.tasks.glu = gluTask{dst: y.floats, src: x.floats, cols: c, step: max(1, 2048/c)}
	par.Do(&p.tasks.glu, (x.Rows()+p.tasks.glu.step-1)/p.tasks.glu.step, p.workers)
	return y
}

type gluTask struct {
	dst, src   []float32
	cols, step int
}

// Run does chunk i.
func (t *gluTask) Run(i int) {
	for r := i * t.step; r < min((i+1)*t.step, len(t.dst)/t.cols); r++ {
		a, b, out := t.src[2*r*t.cols:][:t.cols], t.src[(2*r+1)*t.cols:][:t.cols], t.dst[r*t.cols:][:t.cols]
		for j := range out {
			out[j] = float32(float64(a[j]) / (1 + math.Exp(-float64(b[j]))))
		}
	}
}
