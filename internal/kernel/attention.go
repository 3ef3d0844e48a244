package kernel

import (
	"math"

	"github.com/chiasm/chiasm/internal/cpu"
)

// Attention is softmax(scale·Q·Kᵀ + bias + mask)·V, per head and per sequence. Sequences lie one after the other among the rows and may
// differ in length.
type Attention struct {
	Q, K, V, Out       []float32 // head h has columns h·D to h·D+D-1 of a row
	LDQ, LDK, LDV, LDO int       // distance of rows
	Heads, D           int
	KHeads             int // heads of K and V, which as many heads of Q share in turns of Heads/KHeads; 0 for Heads
	// Sequence s has the query rows Starts[s] to Starts[s+1], and the key rows KStarts[s] to KStarts[s+1] (nil: the same).
	Starts, KStarts []int32
	// Causal hides from a query the keys after its own: of T queries and S keys, query t sees the keys up to t+S-T.
	Causal bool
	// Window hides the keys more than so many rows before or after a query's own, which is key t+S-T of query t; 0 hides none.
	Window int
	Scale  float32
	Mask   []float32 // a value added to the score of each key row, or nil
	// Bias is what is added to the score of query t and key s of a sequence, [BiasN, Heads, BiasT, BiasS], or nil. Sequence i takes the
	// matrices of i mod BiasN; one shorter than them takes their upper left corner.
	Bias                []float32
	BiasN, BiasT, BiasS int
	// Kept holds the keys and values in place of K and V: sequence s has the first Lengths[s] positions of slot Slots[s].
	Kept           *Kept
	Slots, Lengths []int32

	parts int // chunks that share the queries of one sequence and head
	tier  cpu.Tier
}

// Plan checks the sizes and returns how many chunks Run does.
func (a *Attention) Plan(workers int) (chunks int) {
	need(a.Heads > 0 && a.D > 0, "attention", "expected heads and width of %d or more, got %d", min(a.Heads, a.D), 1)
	queries := lastRow("attention: starts", a.Starts)
	keys := queries
	a.tier = triedTier
	if a.KHeads == 0 {
		a.KHeads = a.Heads
	}
	if a.Kept != nil {
		a.checkKept()
		keys = 0
	} else if a.KStarts == nil {
		a.KStarts = a.Starts
	} else {
		need(len(a.KStarts) == len(a.Starts), "attention", "expected key rows of %d sequences, got %d", len(a.KStarts)-1, len(a.Starts)-1)
		keys = lastRow("attention: key starts", a.KStarts)
	}
	need(a.KHeads > 0 && a.Heads%a.KHeads == 0, "attention", "expected heads of keys that divide %d, got %d", a.Heads, a.KHeads)
	need(a.Window >= 0, "attention", "expected a window of %d rows or more, got %d", 0, a.Window)
	if queries == 0 {
		return 0
	}
	needMatrix("attention: Q", a.Q, queries, a.Heads*a.D, a.LDQ)
	needMatrix("attention: output", a.Out, queries, a.Heads*a.D, a.LDO)
	if keys > 0 {
		needMatrix("attention: K", a.K, keys, a.KHeads*a.D, a.LDK)
		needMatrix("attention: V", a.V, keys, a.KHeads*a.D, a.LDV)
	}
	need(a.Mask == nil || len(a.Mask) >= keys, "attention", "expected a mask of %d values, got %d", len(a.Mask), keys)
	longest, wide := 0, 0
	for s := range len(a.Starts) - 1 {
		longest = max(longest, int(a.Starts[s+1]-a.Starts[s]))
		k0, k1 := a.keys(s)
		wide = max(wide, k1-k0)
	}
	if a.Bias != nil {
		need(a.BiasN > 0 && a.BiasT >= longest && a.BiasS >= wide, "attention", "expected a bias for %d queries or more, got %d", longest, a.BiasT)
		n := a.BiasN * a.Heads * a.BiasT * a.BiasS
		need(len(a.Bias) >= n, "attention", "expected a bias of %d values, got %d", n, len(a.Bias))
	}
	heads := (len(a.Starts) - 1) * a.Heads
	a.parts = 1
	if heads < 4*workers { // share the queries of a head, at the price of packing its keys several times
		a.parts = max(1, min(longest/64, (4*workers+heads-1)/heads))
	}
	return heads * a.parts
}

// checkKept checks the slots and lengths of what is kept, whose form decides the path.
func (a *Attention) checkKept() {
	n := len(a.Starts) - 1
	need(a.Kept.Heads == a.KHeads && a.Kept.D == a.D, "attention: kept", "expected heads of %d values, got %d", a.D, a.Kept.D)
	need(len(a.Slots) == n && len(a.Lengths) == n, "attention: kept", "expected slots and lengths of %d sequences, got %d", n, min(len(a.Slots), len(a.Lengths)))
	for s := range n {
		need(a.Slots[s] >= 0 && int(a.Slots[s]) < len(a.Kept.slots), "attention: kept", "expected a slot below %d, got %d", len(a.Kept.slots), int(a.Slots[s]))
		need(a.Lengths[s] >= 0 && int(a.Lengths[s]) <= a.Kept.Room, "attention: kept", "expected up to %d positions, got %d", a.Kept.Room, int(a.Lengths[s]))
	}
	a.tier = a.Kept.tier
}

// lastRow checks that starts never fall and returns their end.
func lastRow(op string, starts []int32) int {
	need(len(starts) > 0, op, "expected %d value or more, got %d", 0, 1)
	for i := range len(starts) - 1 {
		need(starts[i] >= 0 && starts[i] <= starts[i+1], op, "expected rising rows, got %d after %d", int(starts[i]), int(starts[i+1]))
	}
	return int(starts[len(starts)-1])
}

// Run does one chunk: some queries of one head of one sequence.
func (a *Attention) Run(chunk int) {
	part, head := chunk%a.parts, chunk/a.parts%a.Heads
	s := chunk / a.parts / a.Heads
	q0, q1 := int(a.Starts[s]), int(a.Starts[s+1])
	h := headSpan{
		column: head * a.D, khead: head / (a.Heads / a.KHeads), from: q0 + (q1-q0)*part/a.parts, to: q0 + (q1-q0)*(part+1)/a.parts,
	}
	if h.k0, h.k1 = a.keys(s); a.Kept != nil {
		h.slot = int(a.Slots[s])
	}
	h.ahead = h.k1 - q1
	h.before, h.after = everything, everything
	if a.Window > 0 {
		h.before, h.after = a.Window, a.Window
	}
	if a.Causal {
		h.after = 0
	}
	if a.Bias != nil {
		h.bias = a.Bias[((s%a.BiasN*a.Heads+head)*a.BiasT+h.from-q0)*a.BiasS:]
	}
	switch {
	case h.from == h.to:
	case a.tier > cpu.Generic:
		a.head(h)
	default:
		a.headGeneric(h)
	}
}

// keys is the key rows of sequence s, or its positions of what is kept.
func (a *Attention) keys(s int) (k0, k1 int) {
	if a.Kept != nil {
		return 0, int(a.Lengths[s])
	}
	return int(a.KStarts[s]), int(a.KStarts[s+1])
}

// everything is more rows than there are.
const everything = math.MaxInt32 / 4

// A headSpan is what a chunk of attention works on.
type headSpan struct {
	column        int       // where the head begins in a row of queries
	khead         int       // its head of the keys and values
	from, to      int       // query rows
	k0, k1        int       // key rows, or positions of what is kept
	slot          int       // of what is kept
	ahead         int       // query row r's own key row is r + ahead:
	before, after int       // it sees the keys from so many rows before that one to so many after it
	bias          []float32 // from the first query row on, or nil
}

// first is the first of the key rows that query row r sees.
func (h *headSpan) first(r int) int { return max(h.k0, min(h.k1, r+h.ahead-h.before)) }

// visible is their end.
func (h *headSpan) visible(r int) int { return max(h.k0, min(h.k1, r+h.ahead+h.after+1)) }

// rows is the keys and values of a span, row by row.
func (a *Attention) rows(h *headSpan) (keys, values []float32, ldk, ldv int) {
	switch {
	case a.Kept != nil:
		k, v := a.Kept.head(h.slot, h.khead)
		return floatsOf(k), floatsOf(v), a.Kept.D, a.Kept.column
	case h.k0 == h.k1:
		return nil, nil, 0, 0
	}
	return a.K[h.k0*a.LDK+h.khead*a.D:], a.V[h.k0*a.LDV+h.khead*a.D:], a.LDK, a.LDV
}

// headGeneric defines attention. A query that sees no key gives zero.
func (a *Attention) headGeneric(h headSpan) {
	tmp := takeScratch(h.k1 - h.k0)
	defer tmp.release()
	keys, values, ldk, ldv := a.rows(&h)
	for r := h.from; r < h.to; r++ {
		q := a.Q[r*a.LDQ+h.column:][:a.D]
		out := a.Out[r*a.LDO+h.column:][:a.D]
		clear(out)
		k := h.first(r)
		p := tmp.floats[:max(0, h.visible(r)-k)]
		if len(p) == 0 {
			continue
		}
		for j := range p {
			p[j] = a.Scale * GenericDot(q, keys[(k-h.k0+j)*ldk:][:a.D])
			if a.Mask != nil {
				p[j] += a.Mask[k+j]
			}
		}
		if h.bias != nil {
			GenericAdd(p, p, h.bias[(r-h.from)*a.BiasS+k-h.k0:][:len(p)])
		}
		top := float64(maxGeneric(p))
		var sum float64
		for j, v := range p {
			e := math.Exp(float64(v) - top)
			sum += e
			w := float32(e)
			for i, v := range values[(k-h.k0+j)*ldv:][:a.D] {
				out[i] += w * v
			}
		}
		GenericScale(out, out, float32(1/sum))
	}
}
