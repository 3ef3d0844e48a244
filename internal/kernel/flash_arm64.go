//go:build !purego

package kernel

import (
	"math"
	"unsafe"
)

// keyBlock is how many keys are scored before their values are added up: the scores of a tile then stay in the first cache.
const keyBlock = 256

// A flash computes the attention of one head without ever holding all scores. Keys and values lie packed as panels of weights, so
// that both products use the micro-kernel; the sums of a row are rescaled when a block of keys brings a larger score.
type flash struct {
	*Attention
	headSpan
	lay    *layout
	panels int       // of D columns
	keys   []float32 // [blocks of width keys, D, width]
	values []float32 // [panels, all keys, width]
	scores []float32 // [height, keyBlock]
	sums   []float32 // [panels, height, width]
	tops   []float32 // [height] the largest score so far
	norms  []float32 // [height] the sum of exponentials so far
}

// head computes what h spans.
func (a *Attention) head(h headSpan) {
	lay := layoutOf(a.tier, F32)
	w, n := lay.width, h.visible(h.to-1, a.Causal)-h.k0
	f := flash{Attention: a, headSpan: h, lay: lay, panels: (a.D + w - 1) / w}
	blocks := (n + w - 1) / w
	sizes := [...]int{blocks * w * a.D, f.panels * n * w, lay.height * keyBlock, f.panels * lay.height * w, 16, 16}
	total := 0
	for _, s := range sizes {
		total += s
	}
	s := takeScratch(total)
	defer s.release()
	rest := s.floats
	for i, to := range []*[]float32{&f.keys, &f.values, &f.scores, &f.sums, &f.tops, &f.norms} {
		*to, rest = rest[:sizes[i]], rest[sizes[i]:]
	}
	f.pack(n)
	rows := h.to - h.from
	tiles := (rows + lay.height - 1) / lay.height
	for i := range tiles {
		f.tile(h.from+rows*i/tiles, h.from+rows*(i+1)/tiles)
	}
}

// pack lays out n keys and values of the head.
func (f *flash) pack(n int) {
	w, d := f.lay.width, f.D
	for j := 0; j < n; j += w {
		c := min(w, n-j)
		panel := f.keys[j*d:][:w*d]
		if c < w {
			clear(panel)
		}
		at := (f.k0+j)*f.LDK + f.column
		packPanel(f.lay.tier, panel, f.K[at:at+(c-1)*f.LDK+d], d, f.LDK, 0, w)
	}
	for p := range f.panels {
		if n == 0 {
			break
		}
		panel, c := f.values[p*n*w:][:n*w], min(w, d-p*w)
		at := f.k0*f.LDV + f.column + p*w
		if c == w {
			copyRows(f.lay.tier, &panel[0], &f.V[at], 4*f.LDV, n)
			continue
		}
		clear(panel)
		for j := range n {
			copy(panel[j*w:], f.V[at+j*f.LDV:][:c])
		}
	}
}

// tile computes the query rows r0 to r1, a tile at most.
func (f *flash) tile(r0, r1 int) {
	w, h := f.lay.width, r1-r0
	all := len(f.values) / (f.panels * w) // keys packed
	n := f.visible(r1-1, f.Causal) - f.k0
	for r := range h {
		f.tops[r], f.norms[r] = float32(math.Inf(-1)), 0
	}
	clear(f.sums)
	for j0 := 0; j0 < n; j0 += keyBlock {
		c := min(keyBlock, n-j0)
		t := tile{a: pointer(f.Q[r0*f.LDQ+f.column:]), lda: uintptr(f.LDQ) * 4, k: f.D, ldc: keyBlock * 4}
		for j := 0; j < c; j += w {
			t.b, t.c = pointer(f.keys[(j0+j)*f.D:]), pointer(f.scores[j:])
			t.next = t.b
			t.multiply(f.lay, h)
		}
		for r := range h {
			f.weigh(r, f.scores[r*keyBlock:][:c], f.visible(r0+r, f.Causal)-f.k0-j0, j0)
		}
		t = tile{a: pointer(f.scores), lda: keyBlock * 4, k: c, ldc: uintptr(w) * 4}
		for p := range f.panels {
			t.b, t.c = pointer(f.values[(p*all+j0)*w:]), f.sum(p, 0)
			t.from, t.next = t.c, t.b
			t.multiply(f.lay, h)
		}
	}
	for r := range h {
		out := f.Out[(r0+r)*f.LDO+f.column:][:f.D]
		if f.visible(r0+r, f.Causal) == f.k0 { // no key at all
			clear(out)
			continue
		}
		for p := range f.panels {
			c := min(w, f.D-p*w)
			scale(out[p*w:][:c], f.sums[(p*f.lay.height+r)*w:][:c], 1/f.norms[r])
		}
	}
}

// sum points at the sums of row r in panel p.
func (f *flash) sum(p, r int) unsafe.Pointer { return pointer(f.sums[(p*f.lay.height+r)*f.lay.width:]) }

// weigh turns the scores of row r, for keys from j0 on of which it sees the first n, into exponentials, and brings what was summed
// before to the same largest score.
func (f *flash) weigh(r int, scores []float32, n, j0 int) {
	n = max(0, min(n, len(scores)))
	if clear(scores[n:]); n == 0 {
		return
	}
	seen, factor := scores[:n], f.Scale
	if f.Mask != nil || factor < 0 { // otherwise the largest score stays the largest when scaled
		scale(seen, seen, factor)
		factor = 1
	}
	if f.Mask != nil {
		add(seen, seen, f.Mask[f.k0+j0:][:n])
	}
	top := max(largest(seen)*factor, f.tops[r])
	if j0 > 0 && f.tops[r] != top {
		shrink := float32(math.Exp(float64(f.tops[r]) - float64(top)))
		f.norms[r] *= shrink
		for p := range f.panels {
			s := f.sums[(p*f.lay.height+r)*f.lay.width:][:f.lay.width]
			scale(s, s, shrink)
		}
	}
	f.tops[r] = top
	if math.IsInf(float64(top), -1) {
		top = 0 // the mask hides every key so far: their exponentials are 0
	}
	f.norms[r] += expSum(seen, seen, factor, top)
}
