package tensor

import (
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// A KV keeps the keys and values of sequences from pass to pass, laid out once in the form that attention reads: what a decoder has
// said so far, or what it listens to. Each sequence has a slot, a small number of the caller's choice. One goroutine uses it at a time.
type KV struct {
	kept *kernel.Kept
	task kernel.Keep
}

// NewKV makes a KV for sequences of up to room positions. Their memory is taken as slots are first written to. half lets it keep numbers in
// half precision, which it does where the processor widens them on the way.
func NewKV(heads, d, room int, half bool) *KV {
	if heads <= 0 || d <= 0 || room <= 0 {
		fail("kv", "heads, width and room of 1 or more", heads, ", ", d, " and ", room)
	}
	return &KV{kept: kernel.NewKept(heads, d, room, half)}
}

// width is the number of values of a key.
func (kv *KV) width() int { return kv.kept.Heads * kv.kept.D }

// Put writes the keys and values of x, whose rows end in C values of key and C of value, to the slots: the rows of sequence s in seq
// become positions at[s] and following of slot slots[s].
func (kv *KV) Put(x *Tensor, seq Spans, slots, at []int32) {
	p := in("kv", x)
	p.forward("kv", x)
	c, n := kv.width(), x.cols()
	check(n >= 2*c && seq.Rows() == x.Rows(), "kv", "rows that end in a key and a value", x)
	if len(slots) != seq.Len() || len(at) != seq.Len() {
		fail("kv", "a slot and a position for every sequence", len(slots), " and ", len(at), " for ", seq.Len())
	}
	if p.ctx.Err() != nil || x.Len() == 0 {
		return
	}
	kv.task = kernel.Keep{
		Kept: kv.kept, K: x.floats[n-2*c:], V: x.floats[n-c:], LDK: n, LDV: n, Starts: seq, Slots: slots, At: at,
	}
	par.Do(&kv.task, kv.task.Plan(), p.workers)
	kv.task = kernel.Keep{}
}

// Copy gives slot to the positions from first to end-1 of slot from.
func (kv *KV) Copy(to, from, first, end int) {
	kv.kept.Copy(to, from, first, end)
}

// AttendKV is multi-head attention for queries over what kv keeps: the first C values of each row of x are a query. Sequence s owns the
// rows that queries says, and sees the first lengths[s] positions of slot slots[s]; with causal set its last row sees them all, the row
// before it one less, and so on. It returns [rows, C].
func (x *Tensor) AttendKV(kv *KV, queries Spans, slots, lengths []int32, causal bool) *Tensor {
	p := in("attend", x)
	p.forward("attend", x)
	c := kv.width()
	check(x.cols() >= c && queries.Rows() == x.Rows(), "attend", "rows that begin with a query", x)
	if len(slots) != queries.Len() || len(lengths) != queries.Len() {
		fail("attend", "a slot and a length for every sequence", len(slots), " and ", len(lengths), " for ", queries.Len())
	}
	y := p.Empty(x.Rows(), c)
	if p.ctx.Err() != nil || x.Len() == 0 {
		return y
	}
	p.tasks.attend = kernel.Attention{
		Q: x.floats, LDQ: x.cols(), Out: y.floats, LDO: c, Heads: kv.kept.Heads, D: kv.kept.D, Starts: queries, Causal: causal,
		Kept: kv.kept, Slots: slots, Lengths: lengths, Scale: float32(1 / math.Sqrt(float64(kv.kept.D))),
	}
	par.Do(&p.tasks.attend, p.tasks.attend.Plan(p.workers), p.workers)
	return y
}

// Weights is how much each query sees of each position in one head: softmax(q·kᵀ/√D) for the first C values of each row of x, over the
// first n positions of slot. It returns [rows, n].
func (kv *KV) Weights(x *Tensor, slot, head, n int) *Tensor {
	p := in("attention weights", x)
	p.forward("attention weights", x)
	k := kv.kept
	check(x.cols() >= kv.width(), "attention weights", "rows that begin with a query", x)
	if head < 0 || head >= k.Heads || n < 0 || n > k.Room {
		fail("attention weights", "a head and positions that are kept", head, " and ", n)
	}
	y := p.Empty(x.Rows(), n)
	if p.ctx.Err() != nil || y.Len() == 0 {
		return y
	}
	k.Scores(y.floats, x.floats[head*k.D:], x.cols(), slot, head, n, float32(1/math.Sqrt(float64(k.D))))
	return y.Softmax()
}
