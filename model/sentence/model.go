package sentence

import (
	"math"

	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/tensor"
)

// A Model is an encoder and what its modules do with the vectors of a text's tokens.
type Model struct {
	Encoder *bert.Encoder `weight:"encoder"`
	Dense   []*Dense      `weight:"dense"`
	Pools   []Pool
	context int // tokens that are read of a text
}

// Dimension is the length of a vector.
func (m *Model) Dimension() int {
	if n := len(m.Dense); n > 0 {
		return m.Dense[n-1].Linear.Weight.Dim(0)
	}
	return len(m.Pools) * m.Encoder.Config.Width
}

// EmbedText maps texts, given as ids with their special tokens and without padding, to vectors [B, D]. They are not normalised, also
// where the model's modules end with a normalisation: the caller scales them.
func (m *Model) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	y, err := m.pooled(p, texts)
	if err != nil {
		return nil, err
	}
	return m.dense(y), nil
}

// EmbedTextTokens is [Model.EmbedText] with the tokens of each text beside the vectors, special ones too, brought into the space by the layers
// after the pool: [T, D], and where each text's lie. With several pools each token takes the place of all.
func (m *Model) EmbedTextTokens(p *tensor.Pass, texts [][]int32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error) {
	if x, err = m.EmbedText(p, texts); err != nil {
		return nil, nil, nil, err
	}
	if tokens, seq, err = m.Encoder.Forward(p, texts); err != nil {
		return nil, nil, nil, err
	}
	if n, c := len(m.Pools), tokens.Dim(-1); n > 1 {
		wide := p.Empty(seq.Rows(), n*c)
		for r := range seq.Rows() {
			for i := range n {
				copy(wide.Floats()[(r*n+i)*c:], tokens.Floats()[r*c:][:c])
			}
		}
		tokens = wide
	}
	return x, m.dense(tokens), seq, nil
}

// dense is the layers after the pool.
func (m *Model) dense(y *tensor.Tensor) *tensor.Tensor {
	for _, d := range m.Dense {
		if y = d.Linear.Forward(y); d.Tanh {
			y.Tanh()
		}
	}
	return y
}

// pooled is what the pools make of the texts' tokens, side by side.
func (m *Model) pooled(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	if len(m.Pools) == 1 && m.Pools[0] == PoolFirst {
		return m.Encoder.First(p, texts)
	}
	x, seq, err := m.Encoder.Forward(p, texts)
	if err != nil {
		return nil, err
	}
	if len(m.Pools) == 1 && m.Pools[0] == PoolMean {
		return x.MeanRows(seq, 0), nil
	}
	y := p.Empty(seq.Len(), len(m.Pools)*m.Encoder.Config.Width)
	for i, pool := range m.Pools {
		m.pool(pool, x, seq, y, i*m.Encoder.Config.Width)
	}
	return y, nil
}

// pool writes one vector per text to the columns of y from first on.
func (m *Model) pool(pool Pool, x *tensor.Tensor, seq tensor.Spans, y *tensor.Tensor, first int) {
	c, wide := x.Dim(-1), y.Dim(-1)
	values := x.Floats()
	var mean []float32
	if pool == PoolMean || pool == PoolMeanSqrt {
		mean = x.MeanRows(seq, 0).Floats()
	}
	for s := range seq.Len() {
		from, to := int(seq[s]), int(seq[s+1])
		out := y.Floats()[s*wide+first:][:c]
		switch pool {
		case PoolFirst:
			copy(out, values[from*c:])
		case PoolLast:
			copy(out, values[(to-1)*c:])
		case PoolMax:
			copy(out, values[from*c:])
			for r := from + 1; r < to; r++ {
				for j, v := range values[r*c:][:c] {
					out[j] = max(out[j], v)
				}
			}
		default:
			copy(out, mean[s*c:])
			if pool == PoolMeanSqrt {
				root := float32(math.Sqrt(float64(to - from)))
				for j := range out {
					out[j] *= root
				}
			}
		}
	}
}
