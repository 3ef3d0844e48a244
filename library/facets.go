package library

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Count is a value that files have, and how many do.
type Count struct {
	Value string `json:"value"`
	Files int    `json:"files"`
}

// Facets are what the files that fulfil some conditions have in common: the most frequent values first.
type Facets struct {
	Files   int     `json:"files"`
	Types   []Count `json:"types"`
	Years   []Count `json:"years"`
	Cameras []Count `json:"cameras"`
	Places  []Count `json:"places"`
	Folders []Count `json:"folders"` // from the name of the root on
	Tags    []Count `json:"tags"`
	Words   []Count `json:"words"` // that a model saw
}

// mostFacets is how many values of one kind are listed.
const mostFacets = 50

// Facets counts what the files that fulfil a query's conditions have in common; its texts and examples count for nothing. Words are in a
// language of [Languages].
func (l *Library) Facets(ctx context.Context, q Query, language string) (f Facets, err error) {
	generation, err := l.Generation(ctx)
	if err != nil {
		return f, err
	}
	s, _, err := l.Current(ctx)
	if err != nil {
		return f, err
	}
	clause, args := q.where(s)
	key := fmt.Sprintf("%d %s %s %q", s.id, language, clause, args)
	l.mu.Lock()
	kept, ok := l.facets[key]
	l.mu.Unlock()
	if ok && kept.generation == generation {
		return kept.Facets, nil
	}
	if q.conditional() {
		f, err = l.some(ctx, s, &q)
	} else {
		f, err = l.everything(ctx, s)
	}
	if err != nil {
		return f, fmt.Errorf("library: %w", err)
	}
	for i := range f.Words {
		f.Words[i].Value = named(f.Words[i].Value, language)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.facets) >= mostFilters {
		clear(l.facets)
	}
	l.facets[key] = keptFacets{generation, f}
	return f, nil
}

// keptFacets are the facets of a generation of the catalogue.
type keptFacets struct {
	generation int64
	Facets
}

// some is the facets of the files that fulfil the conditions, all of which are looked at.
func (l *Library) some(ctx context.Context, s Space, q *Query) (f Facets, err error) {
	roots := map[int64]string{}
	all, err := l.Roots(ctx)
	if err != nil {
		return f, err
	}
	for _, r := range all {
		roots[r.id] = r.Path
	}
	var matched bits
	types, years, cameras, places, folders := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	clause, args := q.where(s)
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var id uint64
		var root, date int64
		var path []byte
		var kind, camera, place string
		if err := scan(&id, &root, &path, &kind, &date, &camera, &place); err != nil {
			return err
		}
		matched.add(id)
		f.Files++
		types[kind]++
		years[strconv.Itoa(time.Unix(date, 0).Year())]++
		cameras[camera]++
		places[place]++
		folders[below(roots[root], string(path))]++
		return nil
	}, "SELECT id, root, path, kind, coalesce(taken, modified / 1000000000), coalesce(camera, ''), coalesce(place, '') FROM files WHERE error IS NULL AND "+clause, args...); err != nil {
		return f, err
	}
	f.Types, f.Years, f.Cameras, f.Places, f.Folders = counts(types), counts(years), counts(cameras), counts(places), counts(folders)
	if f.Tags, err = l.countIn(ctx, matched, "SELECT tag, file FROM tags"); err == nil {
		f.Words, err = l.countIn(ctx, matched, "SELECT word, file FROM seen WHERE space = ?", s.id)
	}
	return f, err
}

// countIn counts the values that a query gives for some of the files.
func (l *Library) countIn(ctx context.Context, files bits, query string, args ...any) ([]Count, error) {
	n := map[string]int{}
	err := each(ctx, l.db, func(scan func(...any) error) error {
		var value string
		var file uint64
		err := scan(&value, &file)
		if files.Has(file) {
			n[value]++
		}
		return err
	}, query, args...)
	return counts(n), err
}

// counts lists the most frequent values but "".
func counts(n map[string]int) []Count {
	out := []Count{}
	for value, files := range n {
		if value != "" {
			out = append(out, Count{strings.ToValidUTF8(value, "\uFFFD"), files})
		}
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Files, a.Files), cmp.Compare(a.Value, b.Value)) })
	return out[:min(len(out), mostFacets)]
}

// Tags lists the tags that begin so, by people or in files, the most frequent first: at most limit, 0 for all.
func (l *Library) Tags(ctx context.Context, prefix string, limit int) (out []Count, err error) {
	if limit <= 0 {
		limit = -1 // which is no limit to SQLite
	}
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		out = append(out, Count{})
		c := &out[len(out)-1]
		return scan(&c.Value, &c.Files)
	}, "SELECT tag, count(*) n FROM tags WHERE lower(substr(tag, 1, length(?))) = lower(?) GROUP BY tag ORDER BY n DESC, tag LIMIT ?", prefix, prefix, limit); err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	return out, nil
}
