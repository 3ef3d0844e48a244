package whisper

import (
	"fmt"

	"github.com/chiasm/chiasm/tensor"
)

// Align reads a whole text of a window at once, without touching the hypotheses. weights is how much each of its tokens hears of each
// frame in each alignment head of the configuration, after the softmax: [heads, tokens, Frames]. logits is what follows the tokens whose
// numbers rows gives, [len(rows), V].
func (d *Decoder) Align(p *tensor.Pass, window int, ids, rows []int32) (weights, logits *tensor.Tensor) {
	c, t := &d.model.Config, d.model.Text
	if window < 0 || window >= d.windows || len(ids) == 0 || len(ids) > c.Context {
		misuse("align", fmt.Sprintf("1 to %d tokens for one of %d windows", c.Context, d.windows), len(ids), " tokens for window ", window)
	}
	weights = p.Empty(len(c.Alignment), len(ids), c.Frames)
	seq := p.Spans(1, len(ids))
	slot, frames := p.Steps(1, 0), p.Steps(1, 0)
	slot[0], frames[0] = int32(window), int32(c.Frames)
	x := p.Ints(ids, len(ids)).Lookup(t.Embed).AddPositions(t.Positions, seq)
	for i, b := range t.Blocks {
		m := p.Mark()
		x = b.Self.Forward(b.Norm1.Forward(x), x, seq)
		q := b.Cross.Query.Forward(b.Norm2.Forward(x))
		for h, head := range c.Alignment {
			if head.Layer == i {
				at := p.Mark()
				copy(weights.Floats()[h*len(ids)*c.Frames:], d.cross[i].Weights(q, window, head.Head, c.Frames).Floats())
				p.Keep(at, q)
			}
		}
		x = q.AttendKV(d.cross[i], seq, slot, frames, false).LinearAdd(b.Cross.Out.Weight, b.Cross.Out.Bias, x)
		x = p.Keep(m, b.MLP.Forward(b.Norm3.Forward(x), x))
	}
	return weights, t.logits(x.Select(rows))
}
