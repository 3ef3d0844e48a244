package kernel

import "math"

// Local is the attention of conformers whose queries see a few keys around them: softmax(cap·tanh(s/cap))·V with the scores
// s = Q'·(KScale·K + R), Q' being Q times QScale value by value, and R a key for the distance (Shaw et al. 2018; Dai et al. 2019). Sequences
// lie one after the other among the rows.
type Local struct {
	Q, K, V, Out  []float32 // rows of Heads·D values
	Heads, D      int
	Starts        []int32 // sequence s has the rows Starts[s] to Starts[s+1]
	Before, After int     // a query sees the keys from so many rows before it to so many after it
	// Rel holds keys of distances, rows of Heads·D values: row Own is that of a query's own key, row Own+1 that of the next one. Distances
	// outside have none.
	Rel    []float32
	Own    int
	QScale []float32 // [D]
	KScale float32
	Cap    float32 // of the scores
}

// localRows is the queries of a chunk.
const localRows = 16

// Plan checks the sizes and returns how many chunks Run does.
func (a *Local) Plan() (chunks int) {
	n := a.Heads * a.D
	need(a.Heads > 0 && a.D > 0, "local attention", "expected heads and width of %d or more, got %d", 1, min(a.Heads, a.D))
	need(a.Before >= 0 && a.After >= 0 && a.Own >= 0, "local attention", "expected distances of %d or more, got %d", 0, min(a.Before, a.After, a.Own))
	rows := lastRow("local attention: starts", a.Starts)
	sameLength("local attention: scale", len(a.QScale), a.D)
	for _, m := range [][]float32{a.Q, a.K, a.V, a.Out} {
		sameLength("local attention", len(m), rows*n)
	}
	return (rows + localRows - 1) / localRows
}

// Run does one chunk of queries.
func (a *Local) Run(chunk int) {
	tmp := takeScratch(a.D + a.Before + a.After + 1)
	defer tmp.release()
	n := a.Heads * a.D
	first := chunk * localRows
	s := 0
	for r := first; r < min(first+localRows, len(a.Q)/n); r++ {
		for int(a.Starts[s+1]) <= r {
			s++
		}
		k0, k1 := max(int(a.Starts[s]), r-a.Before), min(int(a.Starts[s+1]), r+a.After+1)
		for h := range a.Heads {
			a.head(tmp.floats, r, k0, k1, h*a.D)
		}
	}
}

// head computes one head, whose columns begin at column, of query r, which sees the keys k0 to k1.
func (a *Local) head(tmp []float32, r, k0, k1, column int) {
	n := a.Heads * a.D
	q, p := tmp[:a.D], tmp[a.D:][:k1-k0]
	Mul(q, a.Q[r*n+column:][:a.D], a.QScale)
	top := float32(math.Inf(-1))
	for j := range p {
		p[j] = a.KScale * Dot(q, a.K[(k0+j)*n+column:][:a.D])
		if d := a.Own + k0 + j - r; d >= 0 && d < len(a.Rel)/n {
			p[j] += Dot(q, a.Rel[d*n+column:][:a.D])
		}
		p[j] = float32(math.Tanh(float64(p[j]/a.Cap))) * a.Cap
		top = max(top, p[j])
	}
	out := a.Out[r*n+column:][:a.D]
	clear(out)
	var sum float64
	for j, v := range p {
		e := math.Exp(float64(v - top))
		sum += e
		w := float32(e)
		for i, v := range a.V[(k0+j)*n+column:][:a.D] {
			out[i] += float32(w * v) // rounded by itself, that all processors give the same bits
		}
	}
	Scale(out, out, float32(1/sum))
}
