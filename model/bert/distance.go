package bert

import (
	"math"

	"github.com/chiasm/chiasm/tensor"
)

const (
	buckets  = 32  // of distances that the models of this kind tell apart, half of them for tokens ahead
	farthest = 128 // from here on all distances are alike
)

// bucket is the row of the table for a token that lies so many places ahead of the one that looks (behind it where negative): one for
// each short distance, and wider ones, growing by powers, for long ones (Raffel et al. 2020). It computes in float32, as the reference does.
func bucket(ahead int) int {
	const half, exact = buckets / 2, buckets / 4
	row, n := 0, -ahead
	if n < 0 {
		row, n = half, -n
	}
	if n < exact {
		return row + n
	}
	const scale = float32(2.772588722239781) // ln(farthest/exact)
	far := float32(math.Log(float64(float32(n)/exact))) / scale * (half - exact)
	return row + min(exact+int(far), half-1)
}

// bias is what is added to the scores of attention, [1, H, T, T] for texts of up to n tokens: a value for each distance and head, the
// same in every layer. It is nil where the encoder has none.
func (e *Encoder) bias(p *tensor.Pass, n int) *tensor.Tensor {
	if e.Distance == nil {
		return nil
	}
	heads, table := e.Config.Heads, e.Distance.Floats()
	rows := p.Integers(max(2*n-1, 0)) // of tokens 1-n to n-1 places ahead
	for k := range rows {
		rows[k] = int32(bucket(k - n + 1))
	}
	y := p.Empty(1, heads, n, n)
	m := p.Mark()
	line := p.Empty(len(rows)).Floats() // of a head: the last token sees its beginning, the one before it the same from the second value on
	for h := range heads {
		for k, row := range rows {
			line[k] = table[int(row)*heads+h]
		}
		for i := range n {
			copy(y.Floats()[(h*n+i)*n:][:n], line[n-1-i:])
		}
	}
	return p.Keep(m, y)
}
