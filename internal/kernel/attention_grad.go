package kernel

import "sync"

// AttentionGrad adds the derivatives of an [Attention] by Q, K and V to DQ, DK and DV, which lie as those do, given that by its result,
// DOut. The weights are computed anew. It serves attention without Mask and Kept. That by a Bias goes to DBias, if there is one: sequences
// that share matrices add to them in their order.
//
// A chunk is a head of keys of one sequence with all of its queries, so that nothing depends on the number of workers.
type AttentionGrad struct {
	Attention
	DOut       []float32 // LDO apart
	DQ, DK, DV []float32
	DBias      []float32 // as Bias, or nil
}

// Plan checks the sizes and returns how many chunks Run does.
func (a *AttentionGrad) Plan() (chunks int) {
	need(a.Kept == nil && a.Mask == nil, "attention gradient", "expected %d masks and kept keys, got %d", 0, 1)
	a.Out = a.DOut // of one shape, for the checks
	if a.Attention.Plan(1) == 0 {
		return 0
	}
	need(len(a.DQ) == len(a.Q) && len(a.DK) == len(a.K) && len(a.DV) == len(a.V), "attention gradient", "expected as many values as the operands have, %d, got %d", len(a.Q), len(a.DQ))
	if a.DBias != nil {
		need(len(a.DBias) == len(a.Bias), "attention gradient", "expected a bias of %d values, got %d", len(a.Bias), len(a.DBias))
		return min(len(a.Starts)-1, a.BiasN) * a.KHeads
	}
	return (len(a.Starts) - 1) * a.KHeads
}

// Run does one chunk: with DBias that of all sequences that share a bias.
func (a *AttentionGrad) Run(chunk int) {
	s, kh := chunk/a.KHeads, chunk%a.KHeads
	if a.DBias == nil {
		a.sequence(s, kh)
		return
	}
	for ; s < len(a.Starts)-1; s += a.BiasN {
		a.sequence(s, kh)
	}
}

// sequence does the queries of sequence s that share a head of keys.
func (a *AttentionGrad) sequence(s, kh int) {
	group := a.Heads / a.KHeads
	q0, q1 := int(a.Starts[s]), int(a.Starts[s+1])
	k0, k1 := a.keys(s)
	if q0 == q1 || k0 == k1 {
		return
	}
	w := headGrads.Get().(*headGrad)
	defer headGrads.Put(w)
	for head := kh * group; head < (kh+1)*group; head++ {
		h := headSpan{column: head * a.D, khead: kh, from: q0, to: q1, k0: k0, k1: k1, ahead: k1 - q1, before: everything, after: everything}
		if a.Window > 0 {
			h.before, h.after = a.Window, a.Window
		}
		if a.Causal {
			h.after = 0
		}
		if a.Bias != nil {
			at := (s%a.BiasN*a.Heads + head) * a.BiasT * a.BiasS
			if h.bias = a.Bias[at:]; a.DBias != nil {
				w.bias = a.DBias[at:]
			}
		}
		w.run(a, &h)
		w.bias = nil
	}
}

// A headGrad is what the gradient of a head needs while it is computed. They are kept, so that nothing is allocated.
type headGrad struct {
	gemm   Gemm
	weight Turned
	list   [1]*Packed
	room   *scratch
	pack   []float32 // memory of weight
	bias   []float32 // the derivative by the bias of the head, or nil
}

var headGrads = sync.Pool{New: func() any { return new(headGrad) }}

// run adds the derivatives of one head: with weights P and scores S, dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P·(dP - Σ P·dP), dQ = dS·K and
// dK = dSᵀ·Q, the latter two scaled.
func (w *headGrad) run(a *AttentionGrad, h *headSpan) {
	t, s, d := h.to-h.from, h.k1-h.k0, a.D
	wide := max(t, s, d)
	space := max(TurnedSpace(wide, d, F32), TurnedSpace(d, wide, F32))
	w.room = takeScratch(3*t*s + wide*d + space)
	defer w.room.release()
	rest := w.room.floats
	take := func(n int) (part []float32) {
		part, rest = rest[:n:n], rest[n:]
		return part
	}
	w.pack = take(space)
	p, dp, turned, rows := take(t*s), take(t*s), take(t*s), take(wide*d)
	q, out := a.Q[h.from*a.LDQ+h.column:], a.DOut[h.from*a.LDO+h.column:]
	k, v := a.K[h.k0*a.LDK+h.khead*d:], a.V[h.k0*a.LDV+h.khead*d:]
	dq, dk, dv := a.DQ[h.from*a.LDQ+h.column:], a.DK[h.k0*a.LDK+h.khead*d:], a.DV[h.k0*a.LDV+h.khead*d:]

	Transpose(rows, k, s, d, a.LDK)
	w.product(p, s, q, a.LDQ, t, rows, s, s, d, nil)
	Transpose(rows, v, s, d, a.LDV)
	w.product(dp, s, out, a.LDO, t, rows, s, s, d, nil)
	for r := range t {
		w.weigh(a, h, p[r*s:][:s], dp[r*s:][:s], r)
	}
	Transpose(turned, p, t, s, s)
	w.product(dv, a.LDV, turned, t, s, out, a.LDO, d, t, dv)
	w.product(dq, a.LDQ, dp, s, t, k, a.LDK, d, s, dq)
	Transpose(turned, dp, t, s, s)
	w.product(dk, a.LDK, turned, t, s, q, a.LDQ, d, t, dk)
}

// weigh turns a row of scores, not scaled yet, into weights, and dp, the derivative by these, into that by the scores, scaled.
func (w *headGrad) weigh(a *AttentionGrad, h *headSpan, p, dp []float32, r int) {
	first, last := h.first(h.from+r)-h.k0, h.visible(h.from+r)-h.k0
	clear(p[:first])
	clear(p[max(first, last):])
	clear(dp[:first])
	clear(dp[max(first, last):])
	if last <= first {
		return
	}
	p, dp = p[first:last], dp[first:last]
	scale(p, p, a.Scale)
	if h.bias != nil {
		add(p, p, h.bias[r*a.BiasS+first:][:len(p)])
	}
	softmax(p, p)
	along := Dot(p, dp)
	for j, v := range p {
		dp[j] = v * float32(dp[j]-along)
	}
	if w.bias != nil {
		row := w.bias[r*a.BiasS+first:][:len(dp)]
		add(row, row, dp)
	}
	scale(dp, dp, a.Scale)
}

// product writes a·b, or with sum set adds it, to c [m, n], for a [m, k] and b [k, n]; rows lie ldc, lda and ldb apart.
func (w *headGrad) product(c []float32, ldc int, a []float32, lda, m int, b []float32, ldb, n, k int, sum []float32) {
	for i := range w.weight.Plan(n, k, F32, b, ldb, w.pack) {
		w.weight.Run(i)
	}
	w.list[0] = &w.weight.Packed
	w.gemm = Gemm{C: c, LDC: ldc, A: a, LDA: lda, M: m, W: w.list[:], Residual: sum, LDR: ldc}
	for i := range w.gemm.Plan(1) {
		w.gemm.Run(i)
	}
}
