package library

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/chiasm/chiasm/index"
)

// A filtered is the answer of the catalogue to the conditions of a query: which pieces and files fulfil them.
type filtered struct {
	generation int64
	pieces     bits
	sounds     bits // those of the pieces that are of sound
	files      bits
	count      int // files
}

// bits is a set of numbers. As an [index.Filter] it is asked within the scan of vectors.
type bits []uint64

// Has reports whether a number is in the set.
func (b bits) Has(id uint64) bool { return id/64 < uint64(len(b)) && b[id/64]>>(id%64)&1 != 0 }

func (b *bits) add(id uint64) {
	if n := int(id/64) + 1; n > len(*b) {
		*b = append(*b, make([]uint64, max(n, len(*b)*2)-len(*b))...)
	}
	(*b)[id/64] |= 1 << (id % 64)
}

// without is a set less another one.
type without struct{ all, less bits }

// Has reports whether a number is in the set.
func (w without) Has(id uint64) bool { return w.all.Has(id) && !w.less.Has(id) }

// conditional reports whether a query leaves files out.
func (q *Query) conditional() bool {
	return len(q.Types)+len(q.Places)+len(q.Cameras)+len(q.Paths)+len(q.Tags) > 0 || !q.After.IsZero() || !q.Before.IsZero() || q.Size.set || q.Duration.set
}

// where is the conditions of a query as SQL over files.
func (q *Query) where() (clause string, args []any) {
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
		add("kind IN ("+marks(len(q.Types))+")", anys(q.Types)...)
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

// filter is the pieces as a filter of vectors: nil for all.
func (f *filtered) filter() index.Filter {
	if f == nil {
		return nil
	}
	return f.pieces
}

// mostFilters is how many answers of the catalogue are kept.
const mostFilters = 16

// filter finds the pieces and files that fulfil the conditions, among those of a space.
func (l *Library) filter(ctx context.Context, s Space, q *Query) (*filtered, error) {
	generation, err := l.generation(ctx)
	if err != nil {
		return nil, err
	}
	clause, args := q.where()
	key := fmt.Sprintf("%d %s %q", s.id, clause, args)
	l.mu.Lock()
	f := l.filters[key]
	l.mu.Unlock()
	if f != nil && f.generation == generation {
		return f, nil
	}
	f = &filtered{generation: generation}
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var id uint64
		err := scan(&id)
		f.files.add(id)
		f.count++
		return err
	}, "SELECT id FROM files WHERE "+clause, args...); err != nil {
		return nil, err
	}
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var id, file uint64
		var sound bool
		err := scan(&id, &file, &sound)
		if f.files.Has(file) {
			f.pieces.add(id)
			if sound {
				f.sounds.add(id)
			}
		}
		return err
	}, "SELECT id, file, sound FROM pieces WHERE space = ?", s.id); err != nil {
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
