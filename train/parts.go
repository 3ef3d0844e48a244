package train

import (
	"context"
	"fmt"

	"github.com/chiasm/chiasm/tensor"
)

// An Embed makes the vectors of length 1 of pairs first to last-1 of a batch, two tensors [last-first, D] of pass p.
type Embed func(p *tensor.Pass, first, last int) (a, b *tensor.Tensor, err error)

// LearnParts is [Contrast.Learn] and the way back for a batch of n pairs whose passes would not fit into memory, part pairs at a time
// (Gao et al. 2021): it embeds every part without recording, computes the loss over all the vectors, then embeds every part once more,
// recording, and goes back from the derivatives by its vectors. The gradients are those of the whole batch, but for the order of sums.
// It resets p, and leaves it recording.
func (c *Contrast) LearnParts(ctx context.Context, loss Loss, p *tensor.Pass, n, part int, embed Embed, into *tensor.Gradients) (float64, error) {
	if part < 1 {
		return 0, fmt.Errorf("train: parts of %d pairs, want 1 or more", part)
	}
	d := 0
	for first := 0; first < n; first += part {
		p.Reset(ctx)
		a, b, err := embed(p.Record(nil), first, min(first+part, n))
		if err != nil {
			return 0, err
		}
		d = a.Dim(-1)
		for i, x := range []*tensor.Tensor{a, b} {
			if len(c.vectors[i]) != n*d {
				c.vectors[i] = make([]float32, n*d)
			}
			copy(c.vectors[i][first*d:], x.Floats())
		}
	}
	p.Reset(ctx)
	a, b := p.Record(into).Input(c.vectors[0], n, d).Watch(), p.Input(c.vectors[1], n, d).Watch()
	value, err := c.Learn(loss, a, b, into)
	if err != nil {
		return 0, err
	}
	p.Backward()
	if err := p.Err(); err != nil {
		return 0, fmt.Errorf("train: %w", err)
	}
	copy(c.vectors[0], a.Gradient()) // the vectors themselves are not needed any more
	copy(c.vectors[1], b.Gradient())
	for first := 0; first < n; first += part {
		last := min(first+part, n)
		p.Reset(ctx)
		a, b, err := embed(p, first, last)
		if err != nil {
			return 0, err
		}
		for i, x := range []*tensor.Tensor{a, b} {
			if x.Learns() { // else its tower is frozen
				x.Seed(c.vectors[i][first*d : last*d])
			}
		}
		p.Backward()
	}
	if err := p.Err(); err != nil {
		return 0, fmt.Errorf("train: %w", err)
	}
	return value, nil
}
