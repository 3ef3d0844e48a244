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
	return in("attend", qkv).attend(t, qkv.Rows(), qkv.Rows())
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
	}, x.Rows(), kv.Rows())
}

// attend completes and runs a task for rows of queries and keys.
func (p *Pass) attend(t kernel.Attention, queries, keys int) *Tensor {
	c := t.Heads * t.D
	if t.Heads <= 0 || t.D <= 0 || t.LDQ%c != 0 {
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
	if p.ctx.Err() != nil {
		return y
	}
	t.Out, t.LDO, t.Scale = y.floats, c, float32(1/math.Sqrt(float64(t.D)))
	p.tasks.attend = t
	par.Do(&p.tasks.attend, p.tasks.attend.Plan(p.workers), p.workers)
	return y
}
