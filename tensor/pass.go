package tensor

import (
	"context"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
)

// A Pass owns what lives for one forward computation: memory, context and the number of workers. It serves one goroutine.
// Resetting it keeps its memory, so that a pass used again allocates nothing.
//
// When the context is cancelled, what is left of the pass computes nothing; the caller asks [Pass.Err] before it uses a result.
type Pass struct {
	ctx     context.Context
	workers int
	mem     arena
	tensors [][]Tensor // slabs of headers
	used    int        // headers in use
	ints    []int32    // for row numbers and spans
	tasks   tasks
	tape    tape
	source  source
}

// The tasks of a pass are kept so that handing one to the workers allocates nothing.
type tasks struct {
	gemm   kernel.Gemm
	attend kernel.Attention
	rows   rowTask
	local  kernel.Local
	glu    gluTask
	window windowTask
	depth  kernel.Depthwise
	bottle kernel.Bottleneck
	column columnTask
	pack   packTask
	drop   dropTask
	w      [4]*kernel.Packed
	bias   [4][]float32
}

// NewPass makes an empty pass that computes with as many workers as the machine allows, or with workers if that is positive.
func NewPass(ctx context.Context, workers int) *Pass {
	if workers <= 0 {
		workers = par.Workers()
	}
	return &Pass{ctx: ctx, workers: workers}
}

// Reset forgets every tensor of the pass, what it recorded included, and keeps its memory for the next one, under ctx.
func (p *Pass) Reset(ctx context.Context) {
	p.ctx, p.ints, p.tasks, p.source = ctx, p.ints[:0], tasks{}, source{}
	p.tape.reset()
	if p.mem.large() {
		for i := 0; i*slab < p.used; i++ { // else memory that is let go would stay in use
			clear(p.tensors[i])
		}
	}
	p.used, p.source = 0, source{}
	p.mem.reset()
}

// Bytes is how much memory the pass holds for values: as much as the largest use of it since it was made needed, and some more.
func (p *Pass) Bytes() int {
	return 4 * p.mem.size()
}

// Workers is how many goroutines compute, the caller's included.
func (p *Pass) Workers() int { return p.workers }

// Err says why the pass was cancelled, nil if it was not.
func (p *Pass) Err() error { return p.ctx.Err() }

const slab = 128

// header returns a new tensor of this pass without values.
func (p *Pass) header(d DType, shape []int) *Tensor {
	if p.used == slab*len(p.tensors) {
		p.tensors = append(p.tensors, make([]Tensor, slab))
	}
	t := &p.tensors[p.used/slab][p.used%slab]
	*t = Tensor{dtype: d, pass: p, index: p.used}
	p.used++
	t.setShape("pass", shape)
	return t
}

// Empty is a new F32 tensor of unspecified values, for the caller to fill.
func (p *Pass) Empty(shape ...int) *Tensor {
	t := p.header(F32, shape)
	t.floats, t.at = p.mem.take(t.Len())
	return t
}

// Input brings values into the pass without copying them: they must not change until the pass is reset.
func (p *Pass) Input(values []float32, shape ...int) *Tensor {
	t := p.header(F32, shape)
	if len(values) != t.Len() {
		fail("input", "as many values as the shape holds", len(values), " for ", t)
	}
	p.detached(values)
	t.floats = values
	return t
}

// Ints brings integers (token ids, row numbers) into the pass without copying them.
func (p *Pass) Ints(values []int32, shape ...int) *Tensor {
	t := p.header(I32, shape)
	if len(values) != t.Len() {
		fail("ints", "as many values as the shape holds", len(values), " for ", t)
	}
	t.ints = values
	return t
}

// A Mark is a point in the use of a pass's memory.
type Mark struct {
	mem     position
	headers int
	events  int // of the tape
}

// Mark notes how much of the pass is in use, for [Pass.Keep].
func (p *Pass) Mark() Mark { return Mark{p.mem.at, p.used, p.tape.events} }

// Keep frees what was computed since m, except t, and returns t, which may have moved. Other tensors made since m must not be
// used any more. What a recording pass remembers is not freed.
func (p *Pass) Keep(m Mark, t *Tensor) *Tensor {
	check(t.pass == p, "keep", "a tensor of this pass", t)
	if p.tape.events != m.events {
		return t
	}
	kept := *t
	p.mem.release(m.mem)
	if kept.index < m.headers {
		p.used = m.headers
		return t
	}
	p.used = m.headers
	moved := p.header(kept.dtype, kept.shape[:kept.rank])
	moved.floats, moved.ints, moved.at, moved.learns = kept.floats, kept.ints, kept.at, kept.learns
	if !kept.at.before(m.mem) {
		moved.floats, moved.at = p.mem.take(len(kept.floats)) // never above where it was: copy moves downwards
		copy(moved.floats, kept.floats)
	}
	return moved
}

// Integers is memory of the pass for n row numbers or ids, for the caller to fill.
func (p *Pass) Integers(n int) []int32 {
	if len(p.ints)+n > cap(p.ints) {
		p.ints = make([]int32, 0, 2*cap(p.ints)+n+64) // what was handed out before stays valid where it is
	}
	from := len(p.ints)
	p.ints = p.ints[:from+n]
	return p.ints[from : from+n : from+n]
}

// Steps is the row numbers 0, step, 2·step … of b sequences: where each begins.
func (p *Pass) Steps(b, step int) []int32 {
	rows := p.Integers(b)
	for i := range rows {
		rows[i] = int32(i * step)
	}
	return rows
}

// Spans is b sequences of n rows.
func (p *Pass) Spans(b, n int) Spans { return p.Steps(b+1, n) }
