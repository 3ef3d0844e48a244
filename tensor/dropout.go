package tensor

import "github.com/chiasm/chiasm/internal/par"

// A source is where a pass takes its random choices from. They depend on the seed, on which of the pass's choices it is, and on the
// place of each value: on nothing else, so that any number of workers makes the same.
type source struct {
	on    bool
	seed  uint64
	draws uint64 // choices since the seed was given
}

// Random makes operations of p choose at random until it is reset, as they do in training. The same seed makes the same choices. It
// returns p. A step of training and each of its parts wants a seed of its own.
func (p *Pass) Random(seed uint64) *Pass {
	p.source = source{on: true, seed: seed}
	return p
}

// Dropout sets each value of x to 0 with a probability of rate, from 0 to below 1, and divides the others by 1 - rate (Srivastava et al.
// 2014). In a pass that does not choose at random it is x.
func (x *Tensor) Dropout(rate float32) *Tensor {
	p := in("dropout", x)
	if !(rate >= 0 && rate < 1) {
		fail("dropout", "a rate from 0 to below 1", rate)
	}
	if !p.source.on || rate == 0 {
		return x
	}
	draw := p.source.draws
	p.source.draws++
	y := p.Empty(x.shape[:x.rank]...)
	p.dropTo(y.floats, x.floats, rate, draw, false)
	if p.learns(x) {
		s := p.record(y, dropBack, x)
		s.n, s.scale = int(draw), rate
	}
	return y
}

// dropBack lets through what went through.
func dropBack(p *Pass, s *step) {
	p.dropTo(p.gradient(s.x[0]), s.y.grad, s.scale, uint64(s.n), true)
}

func (p *Pass) dropTo(dst, src []float32, rate float32, draw uint64, sum bool) {
	if p.ctx.Err() != nil {
		return
	}
	t := &p.tasks.drop
	*t = dropTask{dst: dst, src: src, key: mix(p.source.seed + mix(draw+1)), least: uint32(float64(rate) * (1 << 32)), scale: 1 / (1 - rate), sum: sum}
	par.Do(t, (len(src)+dropStep-1)/dropStep, p.workers)
}

const dropStep = 1 << 13 // values a chunk

// A dropTask writes what is kept of src to dst, or adds it.
type dropTask struct {
	dst, src []float32
	key      uint64
	least    uint32 // value i is kept if its draw is this or more
	scale    float32
	sum      bool
}

// Run does chunk i.
func (t *dropTask) Run(i int) {
	from := i * dropStep
	dst := t.dst[from:min(from+dropStep, len(t.src))]
	for j := range dst {
		v := float32(0)
		if uint32(mix(t.key+uint64(from+j))>>32) >= t.least {
			v = t.src[from+j] * t.scale
		}
		if t.sum {
			v += dst[j]
		}
		dst[j] = v
	}
}

// mix is the finalizer of SplitMix64 (Steele et al. 2014), after its increment.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
