package train

import (
	"context"
	"fmt"

	"github.com/chiasm/chiasm/tensor"
)

// Parts computes an [Objective] and the way back for batches whose passes would not fit into memory, some items at a time (Gao et al.
// 2021): it embeds every part without recording, computes the loss over all the vectors, then embeds every part once more, recording, and
// goes back from the derivatives by its vectors. The gradients are those of the whole batch, but for the order of sums.
type Parts struct {
	Size int // items at a time

	batch Batch
	kept  []keptVectors
}

// keptVectors is those of a modality, of the whole batch.
type keptVectors struct {
	values []float32 // then the derivatives by them
	of     []int32
	keys   []uint64
	width  int
	at     int // of the values, where the next part begins
}

// An Embed makes the vectors of items first to last-1 of a batch in pass p. Owners count in the whole batch; where there are none, row i is
// of item first+i. A part without a row of some modality has nil for its X. Made twice it must make the same: a source for dropout is set anew
// each time, from first.
type Embed func(p *tensor.Pass, first, last int) (Batch, error)

// Learn goes forward and back for n items. It resets p, and leaves it recording.
func (s *Parts) Learn(ctx context.Context, o Objective, p *tensor.Pass, n int, embed Embed, into *tensor.Gradients) (float64, error) {
	if s.Size < 1 {
		return 0, fmt.Errorf("train: parts of %d items, want 1 or more", s.Size)
	}
	for i := range s.kept {
		k := &s.kept[i]
		*k = keptVectors{values: k.values[:0], of: k.of[:0], keys: k.keys[:0]}
	}
	for first := 0; first < n; first += s.Size {
		p.Reset(ctx)
		b, err := embed(p.Record(nil), first, min(first+s.Size, n))
		if err != nil {
			return 0, err
		}
		if err := s.keep(b, first); err != nil {
			return 0, err
		}
	}
	p.Reset(ctx)
	p.Record(into)
	value, err := o.Learn(s.whole(p), 1, into)
	if err != nil {
		return 0, err
	}
	p.Backward()
	if err := p.Err(); err != nil {
		return 0, fmt.Errorf("train: %w", err)
	}
	for i := range s.kept { // the vectors themselves are not needed any more
		if x := s.batch[i].X; x != nil {
			if g := x.Gradient(); g != nil {
				copy(s.kept[i].values, g)
			} else {
				clear(s.kept[i].values)
			}
		}
	}
	return value, s.back(ctx, p, n, embed)
}

// keep copies the vectors of a part.
func (s *Parts) keep(b Batch, first int) error {
	for len(s.kept) < len(b) {
		s.kept = append(s.kept, keptVectors{})
	}
	for i, v := range b {
		if v.X == nil {
			continue
		}
		if err := v.check(i); err != nil {
			return err
		}
		k := &s.kept[i]
		if k.width == 0 {
			k.width = v.X.Dim(-1)
		}
		if v.X.Dim(-1) != k.width || (v.Keys == nil) != (len(k.keys) == 0) && len(k.values) > 0 {
			return fmt.Errorf("train: modality %d: parts with vectors of %d values and of %d, with keys and without, want one kind", i, k.width, v.X.Dim(-1))
		}
		for row := range v.X.Rows() {
			owner := v.owner(row)
			if v.Of == nil {
				owner += int32(first)
			}
			k.of = append(k.of, owner)
		}
		k.values, k.keys = append(k.values, v.X.Floats()...), append(k.keys, v.Keys...)
	}
	return nil
}

// whole is the batch of all parts.
func (s *Parts) whole(p *tensor.Pass) Batch {
	s.batch = s.batch[:0]
	for _, k := range s.kept {
		v := Vectors{}
		if k.width > 0 {
			v.X, v.Of = p.Input(k.values, len(k.of), k.width).Watch(), k.of
		}
		if len(k.keys) > 0 {
			v.Keys = k.keys
		}
		s.batch = append(s.batch, v)
	}
	return s.batch
}

// back embeds every part again and goes back from the derivatives by its vectors.
func (s *Parts) back(ctx context.Context, p *tensor.Pass, n int, embed Embed) error {
	for i := range s.kept {
		s.kept[i].at = 0
	}
	for first := 0; first < n; first += s.Size {
		p.Reset(ctx)
		b, err := embed(p, first, min(first+s.Size, n))
		if err != nil {
			return err
		}
		for i, v := range b {
			if v.X == nil {
				continue
			}
			k := &s.kept[i]
			size := v.X.Len()
			if k.at+size > len(k.values) {
				return fmt.Errorf("train: modality %d: a part has %d vectors when embedded again, want as many as before", i, v.X.Rows())
			}
			if v.X.Learns() { // else its tower is frozen
				v.X.Seed(k.values[k.at : k.at+size])
			}
			k.at += size
		}
		p.Backward()
	}
	if err := p.Err(); err != nil {
		return fmt.Errorf("train: %w", err)
	}
	return nil
}
