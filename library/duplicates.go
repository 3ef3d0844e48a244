package library

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/chiasm/chiasm/index"
)

// A Group is files that are the same, or nearly.
type Group struct {
	Exact bool   `json:"exact"` // their contents are equal in every byte
	Keep  Item   `json:"keep"`  // the one that would be kept: the largest picture, the oldest file
	Same  []Item `json:"same"`  // the others, but not the kept one by another name, as a link
}

// DuplicateOptions say what counts as the same.
type DuplicateOptions struct {
	Least    float64               // the cosine from which on pictures are nearly the same; 0 for equal contents only
	Progress func(done, total int) // told how many of the pictures have their group or are known to have none
}

const duplicateBatch = 64 // pictures whose neighbours are looked for together

// Duplicates groups files of equal content, and pictures whose vectors in the current space are nearly equal. A picture belongs to one
// group at most: that of the best one among those near it which is in no other, so that no chain of small differences joins what differs.
func (l *Library) Duplicates(ctx context.Context, o DuplicateOptions) ([]Group, error) {
	groups, grouped, err := l.equal(ctx)
	if err == nil && o.Least > 0 {
		var more []Group
		more, err = l.alike(ctx, o, grouped)
		groups = append(groups, more...)
	}
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	return groups, err
}

// BurstOptions say which pictures belong together.
type BurstOptions struct {
	Within time.Duration // between one and the next at most; 0 for 30 seconds
	Least  float64       // the cosine of one and the next; 0 for 0.9
}

// Bursts groups pictures that were taken soon after one another and look alike, in the order of time. Where a file does not say when it was
// taken, it counts as taken when it was last changed.
func (l *Library) Bursts(ctx context.Context, o BurstOptions) (groups []Group, err error) {
	groups, err = l.bursts(ctx, o)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("library: %w", err)
	}
	return groups, err
}

func (l *Library) bursts(ctx context.Context, o BurstOptions) (groups []Group, err error) {
	within, least := int64(cmp.Or(o.Within, 30*time.Second)/time.Second), cmp.Or(o.Least, 0.9)
	s, ok, err := l.Current(ctx)
	if err != nil || !ok {
		return nil, err
	}
	x, err := l.vectors(ctx, s)
	if err != nil {
		return nil, err
	}
	var chains [][]int64
	var chain []int64
	var last []float32
	var then int64
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var piece uint64
		var id, date int64
		if err := scan(&piece, &id, &date); err != nil {
			return err
		}
		v := x.Get(piece)
		if v == nil {
			return nil
		}
		if len(chain) == 0 || date-then > within || cosine(last, v) < least {
			chains = append(chains, chain)
			chain = nil
		}
		chain, last, then = append(chain, id), v, date
		return nil
	}, `SELECT p.id, f.id, coalesce(f.taken, f.modified / 1000000000) t FROM files f JOIN pieces p ON p.file = f.id AND p.space = ?
		WHERE f.kind = 'image' AND f.error IS NULL ORDER BY t, f.id`, s.id); err != nil {
		return nil, err
	}
	for _, ids := range append(chains, chain) {
		if len(ids) < 2 {
			continue
		}
		g, err := l.group(ctx, ids)
		if err != nil {
			return nil, err
		}
		if len(g.Same) > 0 {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// cosine is that of vectors of length 1.
func cosine(a, b []float32) (sum float64) {
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// equal groups files of equal content. Files of a group but the kept one are marked.
func (l *Library) equal(ctx context.Context) (groups []Group, marked map[int64]bool, err error) {
	marked = map[int64]bool{}
	var last []byte
	var ids [][]int64
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var id int64
		var hash []byte
		if err := scan(&id, &hash); err != nil {
			return err
		}
		if string(hash) != string(last) {
			ids, last = append(ids, nil), hash
		}
		ids[len(ids)-1] = append(ids[len(ids)-1], id)
		return nil
	}, "SELECT id, hash FROM files WHERE size > 0 AND hash IN (SELECT hash FROM files GROUP BY hash HAVING count(*) > 1) ORDER BY hash, id"); err != nil {
		return nil, nil, err
	}
	for _, list := range ids {
		g, err := l.group(ctx, list)
		if err != nil {
			return nil, nil, err
		}
		if len(g.Same) == 0 {
			continue
		}
		g.Exact = true
		for _, it := range g.Same {
			marked[it.ID] = true
		}
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b Group) int { return cmp.Compare(a.Keep.Path, b.Keep.Path) })
	return groups, marked, nil
}

// group chooses which of some files would be kept. Other names of it are left out.
func (l *Library) group(ctx context.Context, ids []int64) (g Group, err error) {
	items, err := l.items(ctx, ids)
	if err != nil || len(items) == 0 { // files go while others are looked at
		return g, err
	}
	slices.SortFunc(items, better)
	g = Group{Keep: items[0], Same: items[1:]}
	if kept, err := os.Stat(g.Keep.Path); err == nil {
		g.Same = slices.DeleteFunc(g.Same, func(it Item) bool {
			info, err := os.Stat(it.Path)
			return err == nil && os.SameFile(kept, info)
		})
	}
	return g, nil
}

// better orders the file that would rather be kept first.
func better(a, b Item) int {
	return cmp.Or(cmp.Compare(b.Width*b.Height, a.Width*a.Height), cmp.Compare(b.Size, a.Size), a.Modified.Compare(b.Modified),
		cmp.Compare(len(a.Path), len(b.Path)), cmp.Compare(a.Path, b.Path))
}

// alike groups pictures that are near each other, leaving out those that are marked.
func (l *Library) alike(ctx context.Context, o DuplicateOptions, marked map[int64]bool) (groups []Group, err error) {
	s, ok, err := l.Current(ctx)
	if err != nil || !ok {
		return nil, err
	}
	x, err := l.vectors(ctx, s)
	if err != nil {
		return nil, err
	}
	file := map[uint64]int64{}
	c := clustering{x: x, least: o.Least, told: o.Progress}
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var piece uint64
		var id int64
		if err := scan(&piece, &id); err != nil {
			return err
		}
		if !marked[id] {
			file[piece], c.order = id, append(c.order, piece)
		}
		return nil
	}, `SELECT p.id, f.id FROM pieces p JOIN files f ON f.id = p.file WHERE p.space = ? AND f.kind = 'image'
		ORDER BY coalesce(width * height, 0) DESC, size DESC, modified, length(path), path`, s.id); err != nil {
		return nil, err
	}
	err = c.run(ctx, func(pieces []uint64) error {
		ids := make([]int64, len(pieces))
		for i, p := range pieces {
			ids[i] = file[p]
		}
		g, err := l.group(ctx, ids)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && len(g.Same) > 0 {
			groups = append(groups, g)
		}
		return err
	})
	return groups, err
}

// A clustering groups vectors around leaders: the first in the order that has no group takes all near it that have none.
type clustering struct {
	x     *index.Index
	order []uint64 // the better ones first
	least float64  // the cosine of what is near
	told  func(done, total int)
	left  bits // those that have no group and have not led one
}

// A leader is a vector whose neighbours are looked for.
type leader struct {
	id     uint64
	vector []float32
}

// run finds the groups of two or more, the leader first in each. The neighbours of several leaders are looked for together, in one scan for all.
func (c *clustering) run(ctx context.Context, found func(ids []uint64) error) error {
	for _, id := range c.order {
		c.left.add(id)
	}
	for total, rest := len(c.order), c.order; len(rest) > 0; {
		leaders, later, next := c.leaders(rest)
		queries := make([]index.Query, len(leaders))
		for i, p := range leaders {
			queries[i] = index.Query{Vector: p.vector, K: total, Filter: choice{of: c.left}, Least: &c.least}
		}
		hits, err := c.x.SearchAll(ctx, queries)
		if err != nil {
			return err
		}
		for i, p := range leaders {
			if !c.left.Has(p.id) {
				continue
			}
			c.left.drop(p.id)
			group := []uint64{p.id}
			for _, h := range hits[i] {
				if c.left.Has(h.ID) {
					c.left.drop(h.ID)
					group = append(group, h.ID)
				}
			}
			if len(group) > 1 {
				if err := found(group); err != nil {
					return err
				}
			}
		}
		rest = rest[next:]
		if later = slices.DeleteFunc(later, func(id uint64) bool { return !c.left.Has(id) }); len(later) > 0 {
			rest = append(later, rest...)
		}
		if c.told != nil {
			c.told(total-c.left.count(), total)
		}
	}
	return nil
}

// leaders are the next of the rest that no other of them is near. Those that one is near come later: their leader takes them, but for a difference of rounding.
func (c *clustering) leaders(rest []uint64) (leaders []leader, later []uint64, next int) {
	for next < len(rest) && len(leaders) < duplicateBatch {
		id := rest[next]
		next++
		if !c.left.Has(id) {
			continue
		}
		v := c.x.Get(id)
		switch {
		case v == nil:
			c.left.drop(id)
		case slices.ContainsFunc(leaders, func(p leader) bool { return cosine(p.vector, v) >= c.least }):
			later = append(later, id)
		default:
			leaders = append(leaders, leader{id, v})
		}
	}
	return leaders, later, next
}
