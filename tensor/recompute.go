package tensor

import "github.com/chiasm/chiasm/internal/kernel"

// A Layer maps rows x [T, C] of sequences, which it may change, to others. Nothing else that it uses was computed in the pass of x.
type Layer interface {
	Forward(x *Tensor, seq Spans) *Tensor
}

// Recompute makes a recording pass forget what is computed within a layer that goes through [Pass.Through], and compute it once more on
// the way back (Chen et al. 2016): the pass holds the rows between layers and the values within one, and takes a forward pass longer.
// No bit of results and gradients changes. It stays so when the pass is reset. It returns p.
func (p *Pass) Recompute(on bool) *Pass {
	p.tape.recompute = on
	return p
}

// Recomputes reports whether layers are to go through [Pass.Through]. Within one that does, it is false.
func (p *Pass) Recomputes() bool { return p.tape.recompute && p.tape.into != nil && !p.tape.within }

// Through is layer.Forward(x, seq), of which the tape remembers nothing but x. A layer begins its Forward with it if [Pass.Recomputes]
// says so. x must not be used afterwards.
func (p *Pass) Through(layer Layer, x *Tensor, seq Spans) *Tensor {
	check(x.pass == p, "through", "rows of the pass", x)
	t := &p.tape
	m, first, draws := p.Mark(), len(t.steps), p.source.draws
	z := *p.enter(layer, p.copied(x.floats, x), seq)
	clear(t.steps[first:])
	t.steps = t.steps[:first]
	p.leave(m)
	y := p.copied(z.floats, &z) // never above where it was: copy moves downwards
	y.learns = false
	if t.events = m.events; z.learns {
		s := p.record(y, throughBack, x)
		s.layer, s.seq, s.held[0] = layer, seq, x.hold()
		s.n = int(draws)
	}
	return y
}

// enter runs a layer whose own layers do not go through Through again.
func (p *Pass) enter(layer Layer, x *Tensor, seq Spans) *Tensor {
	p.tape.within = true
	y := layer.Forward(x, seq)
	p.tape.within = false
	return y
}

// leave frees everything that was computed since m.
func (p *Pass) leave(m Mark) {
	p.mem.release(m.mem)
	p.used = m.headers
}

// copied is values as a new tensor like x.
func (p *Pass) copied(values []float32, x *Tensor) *Tensor {
	y := p.Empty(x.shape[:x.rank]...)
	copy(y.floats, values)
	y.learns = x.learns
	return y
}

// throughBack runs the layer again and goes back through what it recorded. Gradients within it come from memory of its own, which is
// freed at once.
func throughBack(p *Pass, s *step) {
	layer, x, seq, values, dy := s.layer, s.x[0], s.seq, s.held[0], s.y.grad // recording may move s
	var dx []float32
	fresh := false
	if x.learns {
		dx, fresh = p.gradientTo(x)
	}
	t, m := &p.tape, p.Mark()
	outside, first := t.free, len(t.steps)
	t.free = t.inside[:0]
	in := p.copied(values, x)
	p.source.draws = uint64(s.n) // the same random choices once more
	p.enter(layer, in, seq).grad = dy
	p.back(first)
	switch {
	case dx == nil:
	case fresh:
		copy(dx, in.grad)
	default:
		kernel.Add(dx, dx, in.grad)
	}
	t.inside, t.free = t.free, outside
	p.leave(m)
}
