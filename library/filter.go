package library

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/index"
)

// A filtered is the answer of the catalogue to the conditions of a query: which pieces and files fulfil them.
type filtered struct {
	generation int64
	pieces     bits
	files      bits
	count      int // files
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

// where is the conditions of a query as SQL over files. What a model saw in them, it saw in a space.
func (q *Query) where(s Space) (clause string, args []any) {
	clauses := []string{"1"}
	add := func(c string, a ...any) { clauses, args = append(clauses, c), append(args, a...) }
	anyOf := func(column string, list []string) {
		if len(list) == 0 {
			return
		}
		var some []string
		for _, s := range list {
			some = append(some, "instr(lower(CAST("+column+" AS TEXT)), lower(?)) > 0")
			args = append(args, s)
		}
		clauses = append(clauses, "("+strings.Join(some, " OR ")+")")
	}
	if len(q.Types) > 0 {
		column := "kind"
		if len(q.Types) > 1 {
			column = "+kind" // the order of dates is worth more than an index of kinds
		}
		add(column+" IN ("+marks(len(q.Types))+")", anys(q.Types)...)
	}
	if !q.After.IsZero() {
		add("coalesce(taken, modified / 1000000000) >= ?", q.After.Unix())
	}
	if !q.Before.IsZero() {
		add("coalesce(taken, modified / 1000000000) < ?", q.Before.Unix())
	}
	for _, p := range q.Places {
		anyOf("coalesce(place, '')", []string{p})
	}
	anyOf("coalesce(camera, '')", q.Cameras)
	anyOf("path", q.Paths)
	for _, t := range q.Tags {
		add("EXISTS (SELECT 1 FROM tags WHERE file = files.id AND lower(tag) = lower(?))", t)
	}
	for _, w := range q.Words {
		names := namesOf(w)
		add("EXISTS (SELECT 1 FROM seen WHERE file = files.id AND space = ? AND word IN ("+marks(len(names))+"))", append([]any{s.id}, anys(names)...)...)
	}
	between := func(column string, r Range) {
		if r.set {
			add(column+" BETWEEN ? AND ?", finite(r.Least), finite(r.Most))
		}
	}
	between("size", q.Size)
	between("duration", q.Duration)
	return strings.Join(clauses, " AND "), args
}

func finite(x float64) float64 { return min(max(x, -math.MaxFloat64), math.MaxFloat64) }

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

// filter finds the pieces and files that fulfil the conditions, among those of a space.
func (l *Library) filter(ctx context.Context, s Space, q *Query) (*filtered, error) {
	generation, err := l.generation(ctx)
	if err != nil {
		return nil, err
	}
	clause, args := q.where(s)
	key := fmt.Sprintf("%d %s %q", s.id, clause, args)
	l.mu.Lock()
	f := l.filters[key]
	l.mu.Unlock()
	if f != nil && f.generation == generation {
		return f, nil
	}
	f = &filtered{generation: generation}
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var file uint64
		var piece *uint64
		if err := scan(&file, &piece); err != nil {
			return err
		}
		if !f.files.Has(file) {
			f.files.add(file)
			f.count++
		}
		if piece != nil {
			f.pieces.add(*piece)
		}
		return nil
	}, "SELECT files.id, pieces.id FROM files LEFT JOIN pieces ON pieces.file = files.id AND pieces.space = ? WHERE "+clause, append([]any{s.id}, args...)...); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.filters) >= mostFilters {
		clear(l.filters)
	}
	l.filters[key] = f
	return f, nil
}

// A heard is which pieces of a space are of sound, up to one of them: later ones are added, numbers are never used again.
type heard struct {
	generation int64
	last       uint64
	pieces     bits
}

// sounds is the pieces of a space that are of sound, and some that were.
func (l *Library) sounds(ctx context.Context, s Space) (bits, error) {
	generation, err := l.generation(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	h := l.heard[s.id]
	l.mu.Unlock()
	if h.generation == generation && h.last > 0 {
		return h.pieces, nil
	}
	var fresh []uint64
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		fresh = append(fresh, 0)
		return scan(&fresh[len(fresh)-1])
	}, "SELECT id FROM pieces WHERE space = ? AND sound AND id > ?", s.id, h.last); err != nil {
		return nil, err
	}
	if len(fresh) > 0 {
		h.pieces = slices.Clone(h.pieces) // searches may be reading it
		for _, id := range fresh {
			h.pieces.add(id)
			h.last = max(h.last, id)
		}
	}
	h.generation = generation
	l.mu.Lock()
	l.heard[s.id] = h
	l.mu.Unlock()
	return h.pieces, nil
}

// countFiles is how many files, of those that could be read, fulfil the conditions of a query.
func (l *Library) countFiles(ctx context.Context, s Space, q *Query) (int, error) {
	other := *q
	if other.Types = nil; !other.conditional() {
		return l.countKinds(ctx, q.Types)
	}
	generation, err := l.generation(ctx)
	if err != nil {
		return 0, err
	}
	clause, args := q.where(s)
	key := fmt.Sprintf("%d %s %q", s.id, clause, args)
	l.mu.Lock()
	t, ok := l.totals[key]
	l.mu.Unlock()
	if ok && t.generation == generation {
		return t.files, nil
	}
	t.generation = generation
	if err := l.db.QueryRowContext(ctx, "SELECT count(*) FROM files WHERE error IS NULL AND "+clause, args...).Scan(&t.files); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.totals) >= mostFilters {
		clear(l.totals)
	}
	l.totals[key] = t
	return t.files, nil
}
