package kernel

import (
	"math"

	"github.com/chiasm/chiasm/internal/cpu"
)

// Attention is softmax(scale·Q·Kᵀ + mask)·V, per head and per sequence. Sequences lie one after the other among the rows and may
// differ in length.
type Attention struct {
	Q, K, V, Out       []float32 // head h has columns h·D to h·D+D-1 of a row
	LDQ, LDK, LDV, LDO int       // distance of rows
	Heads, D           int
	// Sequence s has the query rows Starts[s] to Starts[s+1], and the key rows KStarts[s] to KStarts[s+1] (nil: the same).
	Starts, KStarts []int32
	// Causal hides from a query the keys after its own: of T queries and S keys, query t sees the keys up to t+S-T.
	Causal bool
	Scale  float32
	Mask   []float32 // a value added to the score of each key row, or nil
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
	a.tier = attentionTier
	if a.Kept != nil {
		a.checkKept()
		keys = 0
	} else if a.KStarts == nil {
		a.KStarts = a.Starts
	} else {
		need(len(a.KStarts) == len(a.Starts), "attention", "expected key rows of %d sequences, got %d", len(a.KStarts)-1, len(a.Starts)-1)
		keys = lastRow("attention: key starts", a.KStarts)
	}
	if queries == 0 {
		return 0
	}
	needMatrix("attention: Q", a.Q, queries, a.Heads*a.D, a.LDQ)
	needMatrix("attention: output", a.Out, queries, a.Heads*a.D, a.LDO)
	if keys > 0 {
		needMatrix("attention: K", a.K, keys, a.Heads*a.D, a.LDK)
		needMatrix("attention: V", a.V, keys, a.Heads*a.D, a.LDV)
	}
	need(a.Mask == nil || len(a.Mask) >= keys, "attention", "expected a mask of %d values, got %d", len(a.Mask), keys)
	longest := 0
	for s := range len(a.Starts) - 1 {
		longest = max(longest, int(a.Starts[s+1]-a.Starts[s]))
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
	need(a.Kept.Heads == a.Heads && a.Kept.D == a.D, "attention: kept", "expected heads of %d values, got %d", a.D, a.Kept.D)
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
	h := headSpan{column: head * a.D, from: q0 + (q1-q0)*part/a.parts, to: q0 + (q1-q0)*(part+1)/a.parts}
	if a.Kept != nil {
		h.slot, h.k1 = int(a.Slots[s]), int(a.Lengths[s])
	} else {
		h.k0, h.k1 = int(a.KStarts[s]), int(a.KStarts[s+1])
	}
	h.ahead = h.k1 - q1
	switch {
	case h.from == h.to:
	case a.tier > cpu.Generic:
		a.head(h)
	default:
		a.headGeneric(h)
	}
}

// A headSpan is what a chunk of attention works on.
type headSpan struct {
	column   int // where the head begins in a row
	from, to int // query rows
	k0, k1   int // key rows, or positions of what is kept
	slot     int // of what is kept
	ahead    int // a causal query of row r sees the key rows up to r + ahead
}

// visible is the end of the key rows that query row r sees.
func (h *headSpan) visible(r int, causal bool) int {
	if causal {
		return max(h.k0, min(h.k1, r+h.ahead+1))
	}
	return h.k1
}

// rows is the keys and values of a span, row by row.
func (a *Attention) rows(h *headSpan) (keys, values []float32, ldk, ldv int) {
	switch {
	case a.Kept != nil:
		keys, values = a.Kept.head(h.slot, h.column/a.D)
		return keys, values, a.Kept.D, a.Kept.wide
	case h.k0 == h.k1:
		return nil, nil, 0, 0
	}
	return a.K[h.k0*a.LDK+h.column:], a.V[h.k0*a.LDV+h.column:], a.LDK, a.LDV
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
		p := tmp.floats[:h.visible(r, a.Causal)-h.k0]
		if len(p) == 0 {
			continue
		}
		for j := range p {
			p[j] = a.Scale * GenericDot(q, keys[j*ldk:][:a.D])
			if a.Mask != nil {
				p[j] += a.Mask[h.k0+j]
			}
		}
		top := float64(maxGeneric(p))
		var sum float64
		for j, v := range p {
			e := math.Exp(float64(v) - top)
			sum += e
			w := float32(e)
			for i, v := range values[j*ldv:][:a.D] {
				out[i] += w * v
			}
		}
		GenericScale(out, out, float32(1/sum))
	}
}
