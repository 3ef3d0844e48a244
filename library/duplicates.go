package library

import (
	"cmp"
	"context"
	"errors"
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
	Least float64 // the cosine from which on pictures are nearly the same; 0 for equal contents only
}

const (
	duplicateBatch = 64
	mostNeighbours = 50
)

// Duplicates groups files of equal content, and pictures whose vectors in the current space are nearly equal. A picture belongs to one
// group at most: that of the best one among those near it, so that no chain of small differences joins what differs.
func (l *Library) Duplicates(ctx context.Context, o DuplicateOptions) ([]Group, error) {
	groups, grouped, err := l.equal(ctx)
	if err == nil && o.Least > 0 {
		var more []Group
		more, err = l.alike(ctx, o.Least, grouped)
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
	var items []Item
	for _, id := range ids {
		it, err := l.Item(ctx, id)
		if err != nil {
			return g, err
		}
		items = append(items, it)
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
func (l *Library) alike(ctx context.Context, least float64, marked map[int64]bool) (groups []Group, err error) {
	s, ok, err := l.Current(ctx)
	if err != nil || !ok {
		return nil, err
	}
	x, err := l.vectors(ctx, s)
	if err != nil {
		return nil, err
	}
	file := map[uint64]int64{}
	var order []uint64 // the better ones first
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var piece uint64
		var id int64
		if err := scan(&piece, &id); err != nil {
			return err
		}
		if !marked[id] {
			file[piece], order = id, append(order, piece)
		}
		return nil
	}, `SELECT p.id, f.id FROM pieces p JOIN files f ON f.id = p.file WHERE p.space = ? AND f.kind = 'image'
		ORDER BY coalesce(width * height, 0) DESC, size DESC, modified, length(path), path`, s.id); err != nil {
		return nil, err
	}
	pictures := bits{}
	for _, p := range order {
		pictures.add(p)
	}
	taken := map[uint64]bool{}
	for first := 0; first < len(order); first += duplicateBatch {
		var queries []index.Query
		var asked []uint64
		for _, p := range order[first:min(len(order), first+duplicateBatch)] {
			if v := x.Get(p); v != nil && !taken[p] {
				queries, asked = append(queries, index.Query{Vector: v, K: mostNeighbours, Filter: choice{of: pictures}, Least: &least}), append(asked, p)
			}
		}
		if len(queries) == 0 {
			continue
		}
		found, err := x.SearchAll(ctx, queries)
		if err != nil {
			return nil, err
		}
		for i, p := range asked {
			if taken[p] {
				continue
			}
			ids := []int64{file[p]}
			for _, h := range found[i] {
				if h.ID != p && !taken[h.ID] {
					taken[h.ID] = true
					ids = append(ids, file[h.ID])
				}
			}
			if taken[p] = true; len(ids) < 2 {
				continue
			}
			g, err := l.group(ctx, ids)
			if errors.Is(err, ctx.Err()) && err != nil {
				return nil, err
			}
			if err == nil && len(g.Same) > 0 {
				groups = append(groups, g)
			}
		}
	}
	return groups, nil
}
