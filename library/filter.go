package library

import (
	"context"
	"fmt"
	"math"
	bit "math/bits"
	"sync/atomic"
	"time"

	"github.com/chiasm/chiasm/index"
)

// A filtered is the answer of the catalogue to the conditions of a query: which pieces and files fulfil them.
type filtered struct {
	generation int64
	pieces     bits // nil where they were not asked for
	files      bits // those that could not be read included
	readable   bits
	count      int // of the readable ones
	spans      atomic.Pointer[spans]
}

// bits is a set of numbers.
type bits []uint64

// Has reports whether a number is in the set.
func (b bits) Has(id uint64) bool { return id/64 < uint64(len(b)) && b[id/64]>>(id%64)&1 != 0 }

func (b *bits) add(id uint64) {
	if n := int(id/64) + 1; n > len(*b) {
		*b = append(*b, make([]uint64, max(n, len(*b)*2)-len(*b))...)
	}
	(*b)[id/64] |= 1 << (id % 64)
}

// drop takes out a number that is in the set.
func (b bits) drop(id uint64) { b[id/64] &^= 1 << (id % 64) }

// count is how many numbers are in the set.
func (b bits) count() (n int) {
	for _, w := range b {
		n += bit.OnesCount64(w)
	}
	return n
}

// each calls f for each number in the set, which may take it out.
func (b bits) each(f func(id int)) {
	for at, w := range b {
		for ; w != 0; w &= w - 1 {
			f(64*at + bit.TrailingZeros64(w))
		}
	}
}

// elements calls f for each id in the set with where its element of a column is.
func (b bits) elements(c *column, f func(id int, part *chunk, i int)) {
	for at, w := range b {
		if w == 0 {
			continue
		}
		part, first := c.at(at/(chunkRows/64)), at%(chunkRows/64)*64
		for ; w != 0; w &= w - 1 {
			i := bit.TrailingZeros64(w)
			f(64*at+i, part, first+i)
		}
	}
}

// keep takes out of a set of ids those for whose element of a column f does not hold.
func (b bits) keep(c *column, f func(part *chunk, i int) bool) {
	b.elements(c, func(id int, part *chunk, i int) {
		if !f(part, i) {
			b[id/64] &^= 1 << (id % 64)
		}
	})
}

// in is a bit for each of 1 to 64 numbers, set where it is in the set.
func (b bits) in(ids []uint64) (word uint64) {
	for _, id := range ids { // from the top down, by shifts of a constant
		word >>= 1
		if at := id / 64; at < uint64(len(b)) {
			word |= b[at] >> (id % 64) << 63
		}
	}
	return word >> (64 - len(ids))
}

// A choice is a set of pieces as the scan of vectors asks for it, [index.Filter].
type choice struct {
	of   bits // nil for all numbers
	also bits // nil for all numbers
	less bits // but for these
}

// Keep clears the bits of numbers that are not in the set.
func (c choice) Keep(mask, ids []uint64) {
	for i := range mask {
		some := ids[64*i : min(64*i+64, len(ids))]
		if mask[i] != 0 && c.of != nil {
			mask[i] &= c.of.in(some)
		}
		if mask[i] != 0 && c.also != nil {
			mask[i] &= c.also.in(some)
		}
		if mask[i] != 0 && len(c.less) > 0 {
			mask[i] &^= c.less.in(some)
		}
	}
}

// conditional reports whether a query leaves files out.
func (q *Query) conditional() bool {
	return len(q.Types)+len(q.Places)+len(q.Cameras)+len(q.Paths)+len(q.Tags)+len(q.Words) > 0 || !q.After.IsZero() || !q.Before.IsZero() || q.Size.set || q.Duration.set
}

// choose is the pieces that fulfil the conditions, those in also if that is not nil, but for some: nil for all.
func (f *filtered) choose(also, less bits) index.Filter {
	if f == nil && also == nil && len(less) == 0 {
		return nil
	}
	c := choice{also: also, less: less}
	if f != nil {
		if c.of = f.pieces; c.of == nil {
			c.of = bits{}
		}
	}
	return c
}

// mostFilters is how many answers of the catalogue are kept.
const mostFilters = 16

// key tells the conditions of queries apart.
func (q *Query) key(s Space) string {
	return fmt.Sprintf("%d %q %d %d %q %q %q %q %q %v %v", s.id, q.Types, moment(q.After), moment(q.Before), q.Places, q.Cameras, q.Paths, q.Tags, q.Words, q.Size, q.Duration)
}

// moment is a time in Unix seconds, but for none.
func moment(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return t.Unix()
}

// filter finds the files that fulfil the conditions of a query, all if it has none, and if that is asked for their pieces in a space.
func (l *Library) filter(ctx context.Context, s Space, q *Query, pieces bool) (*filtered, error) {
	generation, err := l.generation(ctx)
	if err != nil {
		return nil, err
	}
	key := q.key(s)
	l.mu.Lock()
	f := l.filters[key]
	l.mu.Unlock()
	if f != nil && f.generation >= generation && (f.pieces != nil || !pieces) {
		return f, nil
	}
	columns := q.columns(s)
	if pieces {
		columns = append(columns, "piece", "space")
	}
	t, err := l.columns(ctx, columns...)
	if err != nil {
		return nil, err
	}
	f = &filtered{generation: t["file"].generation}
	f.files, f.readable = t["file"].there()
	l.fulfil(f.files, t, s, q)
	for i, word := range f.files {
		f.readable[i] &= word
	}
	f.count = f.readable.count()
	if pieces {
		f.pieces = bits{}
		files := t["piece"]
		t["space"].pieces(s, func(id int, _ bool) {
			if f.files.Has(uint64(files.at(id / chunkRows).small[id%chunkRows])) {
				f.pieces.add(uint64(id))
			}
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.filters) >= mostFilters {
		clear(l.filters)
	}
	l.filters[key] = f
	return f, nil
}

// pieces calls f for each piece of a space, by the column of spaces.
func (c *column) pieces(s Space, f func(id int, sound bool)) {
	for n := range c.chunks {
		for i, v := range c.chunks[n].small {
			if v != 0 && int64(v>>1) == s.id {
				f(n*chunkRows+i, v&1 != 0)
			}
		}
	}
}

// A heard is which pieces of a space are of sound, in a generation.
type heard struct {
	generation int64
	pieces     bits
}

// sounds is the pieces of a space that are of sound.
func (l *Library) sounds(ctx context.Context, s Space) (bits, error) {
	generation, err := l.generation(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	h, ok := l.heard[s.id]
	l.mu.Unlock()
	if ok && h.generation >= generation {
		return h.pieces, nil
	}
	t, err := l.columns(ctx, "space")
	if err != nil {
		return nil, err
	}
	h = heard{generation: t["space"].generation}
	t["space"].pieces(s, func(id int, sound bool) {
		if sound {
			h.pieces.add(uint64(id))
		}
	})
	l.mu.Lock()
	l.heard[s.id] = h
	l.mu.Unlock()
	return h.pieces, nil
}
