package text

import (
	"fmt"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Tower maps texts to vectors. Its keys are those of transformers' CLIPTextModel.
type Tower struct {
	Token     *tensor.Tensor `weight:"embeddings.token_embedding.weight"`    // [V, C]
	Position  *tensor.Tensor `weight:"embeddings.position_embedding.weight"` // [T, C]
	Blocks    []*nn.Block    `weight:"encoder.layers"`
	FinalNorm *nn.LayerNorm  `weight:"final_layer_norm"`
	Config    Config
}

// New makes a tower without values. c must be valid.
func New(c Config) *Tower {
	t := &Tower{
		Token: tensor.Param(c.Vocab, c.Width), Position: tensor.Param(c.Context, c.Width),
		FinalNorm: nn.NewLayerNorm(c.Width, c.Eps), Config: c,
	}
	for range c.Layers {
		t.Blocks = append(t.Blocks, nn.NewBlock(c.Width, c.Heads, c.Hidden, c.Act, c.Eps, c.Causal))
	}
	return t
}

// pooled is the index of the token whose vector stands for the text.
func (c *Config) pooled(ids []int32) int {
	switch c.Pool {
	case PoolLast:
		return len(ids) - 1
	case PoolHighest:
		best := 0
		for i, id := range ids {
			if id > ids[best] {
				best = i
			}
		}
		return best
	default:
		for i, id := range ids {
			if id == c.End {
				return i
			}
		}
		return 0
	}
}

// fill writes ids to part, as far as it goes, with padding after or before them.
func (c *Config) fill(part, ids []int32) {
	if c.PadLeft {
		for i := range len(part) - len(ids) {
			part[i] = c.Pad
		}
		part = part[max(len(part)-len(ids), 0):]
	}
	for j := copy(part, ids); j < len(part); j++ {
		part[j] = c.Pad
	}
}

// Forward maps texts, given as ids with their special tokens and without padding, to their vectors [B, C]. In a causal tower nothing
// after the pooled token is computed, since the vector does not depend on it.
func (t *Tower) Forward(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	flat, rows, seq, err := t.lay(p, texts)
	if err != nil {
		return nil, err
	}
	x := t.Embed(p.Ints(flat, len(flat)), seq)
	last := len(t.Blocks) - 1
	for _, block := range t.Blocks[:last] {
		x = block.Forward(x, seq)
	}
	return t.FinalNorm.Forward(t.Blocks[last].Pool(x, rows, p.Spans(len(texts), 1), seq)), nil
}

// ForwardTokens is [Tower.Forward] with the tokens of each text beside the vectors, after the last norm, [T, C]: no padding, and in a causal
// tower none after the pooled one. own is where each text's lie.
func (t *Tower) ForwardTokens(p *tensor.Pass, texts [][]int32) (pooled, tokens *tensor.Tensor, own tensor.Spans, err error) {
	flat, rows, seq, err := t.lay(p, texts)
	if err != nil {
		return nil, nil, nil, err
	}
	x := t.Embed(p.Ints(flat, len(flat)), seq)
	for _, block := range t.Blocks {
		x = block.Forward(x, seq)
	}
	x = t.FinalNorm.Forward(x)
	own = p.Spans(len(texts), 0)
	var real []int32
	for i, ids := range texts {
		n := min(int32(len(ids)), seq[i+1]-seq[i])
		first := seq[i]
		if t.Config.PadLeft {
			first = seq[i+1] - n
		}
		for k := range n {
			real = append(real, first+k)
		}
		own[i+1] = int32(len(real))
	}
	return x.Select(rows), x.Select(real), own, nil
}

// lay lays out texts for a pass: their ids with padding where the tower was taught with it, the row of each text's pooled token, and where each
// text's rows lie.
func (t *Tower) lay(p *tensor.Pass, texts [][]int32) (flat, rows []int32, seq tensor.Spans, err error) {
	b := len(texts)
	seq, rows = p.Spans(b, 0), p.Integers(b)
	for i, ids := range texts {
		if len(ids) == 0 || len(ids) > t.Config.Context {
			return nil, nil, nil, fmt.Errorf("text: text %d has %d tokens, want 1 to %d", i, len(ids), t.Config.Context)
		}
		n := t.Config.Context
		if t.Config.Causal && t.Config.Pool != PoolLast {
			n = t.Config.pooled(ids) + 1
		}
		seq[i+1] = seq[i] + int32(n)
	}
	flat = p.Integers(seq.Rows())
	for i, ids := range texts {
		part := flat[seq[i]:seq[i+1]]
		t.Config.fill(part, ids)
		for _, id := range part {
			if id < 0 || int(id) >= t.Config.Vocab {
				return nil, nil, nil, fmt.Errorf("text: text %d has the token id %d, want 0 to %d: the tokenizer does not belong to the model", i, id, t.Config.Vocab-1)
			}
		}
		rows[i] = seq[i] + int32(t.Config.pooled(part))
	}
	return flat, rows, seq, nil
}

// Embed turns ids [T] into the tokens [T, C] that the first layer sees.
func (t *Tower) Embed(ids *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	return ids.Lookup(t.Token).AddPositions(t.Position, seq)
}
