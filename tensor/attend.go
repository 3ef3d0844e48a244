package tensor

import (
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// Attend is multi-head attention, softmax(Q·Kᵀ/√(C/H))·V, within each sequence, for qkv [T, 3C] whose rows hold query, key and value
// side by side, as [Tensor.LinearCat] makes them. With causal set a token sees itself and what is before it. It returns [T, C].
func (qkv *Tensor) Attend(seq Spans, heads int, causal bool) *Tensor {
	return qkv.AttendBiased(seq, heads, causal, nil)
}

// AttendBiased is Attend with a bias for each pair of tokens: softmax(Q·Kᵀ/√(C/H) + bias)·V. bias is [n, H, T, T], computed
// in the same pass or a parameter, or nil for none: sequence s adds the matrices of s mod n, and one shorter than T their upper left corner.
func (qkv *Tensor) AttendBiased(seq Spans, heads int, causal bool, bias *Tensor) *Tensor {
	c := qkv.cols() / 3
	check(qkv.cols() == 3*c, "attend", "rows of query, key and value", qkv)
	if qkv.Len() == 0 {
		return in("attend", qkv).Empty(qkv.Rows(), c)
	}
	t := kernel.Attention{
		Q: qkv.floats, K: qkv.floats[c:], V: qkv.floats[2*c:], LDQ: 3 * c, LDK: 3 * c, LDV: 3 * c,
		Heads: heads, D: c / max(heads, 1), Starts: seq, Causal: causal,
	}
	if bias != nil {
		if bias.rank != 4 || bias.shape[0] == 0 || bias.shape[1] != heads || min(bias.shape[2], bias.shape[3]) < seq.Longest() {
			fail("attend", "a bias [n, H, T, T] for every head and the longest sequence", bias, " for ", heads, " heads and ", seq.Longest(), " tokens")
		}
		if bias.param == nil {
			in("attend", qkv, bias)
		}
		t.Bias, t.BiasN, t.BiasT, t.BiasS = bias.Floats(), bias.shape[0], bias.shape[2], bias.shape[3]
	}
	return in("attend", qkv).attend(t, bias, qkv.Rows(), qkv.Rows(), qkv)
}

// AttendTo is the same for queries of their own: x [n, C], of which sequence s owns the rows that queries says, sees all of the keys
// and values kv [T, 2C] of its sequence in seq. It returns [n, C].
func (x *Tensor) AttendTo(kv *Tensor, queries, seq Spans, heads int) *Tensor {
	c := x.cols()
	check(kv.cols() == 2*c && queries.Len() == seq.Len(), "attend", "keys and values twice as wide as the queries, for as many sequences", kv, " for ", x)
	if x.Len() == 0 {
		return in("attend", x, kv).Empty(x.Rows(), c)
	}
	return in("attend", x, kv).attend(kernel.Attention{
		Q: x.floats, K: kv.floats, V: kv.floats[c:], LDQ: c, LDK: 2 * c, LDV: 2 * c,
		Heads: heads, D: c / max(heads, 1), Starts: queries, KStarts: seq,
	}, nil, x.Rows(), kv.Rows(), x, kv)
}

// Heads says how the rows of queries, keys and values fall into heads, and what of them attention sees.
type Heads struct {
	Queries, Keys int     // heads of queries; of keys and values, which divide them: each serves as many queries in turn
	D             int     // values of a head
	Scale         float32 // of the scores; 0 for 1/√D
	Causal        bool    // a token sees itself and what is before it
	Window        int     // a token sees nothing further away than so many; 0 for no limit
}

// AttendHeads is attention within each sequence for queries x [T, Queries·D], keys k and values v [T, Keys·D]. It returns
// [T, Queries·D].
func (x *Tensor) AttendHeads(k, v *Tensor, seq Spans, h Heads) *Tensor {
	p := in("attend", x, k, v)
	rows := x.Rows()
	if x.cols() != h.Queries*h.D || k.cols() != h.Keys*h.D || v.cols() != h.Keys*h.D || k.Rows() != rows || v.Rows() != rows || h.Keys < 1 || h.Queries%h.Keys != 0 {
		fail("attend", "queries, keys and values of the heads", x, ", ", k, " and ", v, " for ", h.Queries, " and ", h.Keys, " heads of ", h.D)
	}
	return p.attend(kernel.Attention{
		Q: x.floats, K: k.floats, V: v.floats, LDQ: x.cols(), LDK: k.cols(), LDV: v.cols(),
		Heads: h.Queries, KHeads: h.Keys, D: h.D, Scale: h.Scale, Starts: seq, Causal: h.Causal, Window: h.Window,
	}, nil, rows, rows, x, k, v)
}

// attend completes and runs a task for rows of queries and keys, whose bias is that of bias or nil. The operands are queries, keys and values, of which those that are
// left out lie in the rows of the one before.
func (p *Pass) attend(t kernel.Attention, bias *Tensor, queries, keys int, operands ...*Tensor) *Tensor {
	c := t.Heads * t.D
	if t.Heads <= 0 || t.D <= 0 || t.KHeads == 0 && t.LDQ%c != 0 {
		fail("attend", "a width that the heads divide", t.LDQ, " for ", t.Heads, " heads")
	}
	seq := Spans(t.KStarts)
	if seq == nil {
		seq = t.Starts
	}
	if Spans(t.Starts).Rows() != queries || seq.Rows() != keys {
		fail("attend", "as many rows as the spans hold", queries, " and ", keys)
	}
	y := p.Empty(queries, c)
	if p.learns(operands...) || p.learns(bias) {
		for _, x := range operands {
			x.hold()
		}
		if bias != nil {
			bias.hold()
		}
		p.record(y, attendBack, operands...).params[0] = bias
	}
	if p.ctx.Err() != nil {
		return y
	}
	if t.Out, t.LDO = y.floats, c; t.Scale == 0 {
		t.Scale = float32(1 / math.Sqrt(float64(t.D)))
	}
	if y.learns {
		p.tape.steps[len(p.tape.steps)-1].attend = t
	}
	p.tasks.attend = t
	par.Do(&p.tasks.attend, p.tasks.attend.Plan(p.workers), p.workers)
	return y
}

// attendBack computes the weights of attention anew; the kernel says how. Derivatives that nobody wants go to memory that is forgotten.
func attendBack(p *Pass, s *step) {
	var d [3][]float32
	bias := p.wanted(s.params[0])
	before := p.mem.at
	for i, x := range s.x {
		if x != nil && x.learns {
			d[i] = p.gradient(x)
			before = p.mem.at
		}
	}
	for i, x := range s.x {
		if x != nil && !x.learns {
			d[i], _ = p.mem.take(x.Len())
			clear(d[i])
		}
	}
	t, c := &p.tape.work.attend, s.attend.Heads*s.attend.D
	*t = kernel.AttentionGrad{Attention: s.attend, DOut: s.y.grad, DQ: d[0], DK: d[1], DV: d[2], DBias: bias}
	if s.x[1] == nil {
		t.DK = t.DQ[min(c, len(t.DQ)):]
	}
	if s.x[2] == nil {
		t.DV = t.DK[min(c, len(t.DK)):]
	}
	par.Do(t, t.Plan(), p.workers)
	p.mem.release(before)
}
