package library

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"path/filepath"
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
	key := q.key(s) + language
	l.mu.Lock()
	kept, ok := l.facets[key]
	l.mu.Unlock()
	if ok && kept.generation >= generation {
		return kept.Facets, nil
	}
	matched, err := l.filter(ctx, s, &q, false)
	if err == nil {
		f, err = l.count(ctx, s, matched)
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
	l.facets[key] = keptFacets{matched.generation, f}
	return f, nil
}

// keptFacets are the facets of a generation of the catalogue.
type keptFacets struct {
	generation int64
	Facets
}

// count is the facets of some files.
func (l *Library) count(ctx context.Context, s Space, matched *filtered) (f Facets, err error) {
	t, err := l.columns(ctx, "file", "date", "camera", "place", "folder", "tag", wordColumn(s.id))
	if err != nil {
		return f, err
	}
	roots := map[string]string{} // by their ids
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var id string
		var path []byte
		err := scan(&id, &path)
		roots[id] = string(path)
		return err
	}, "SELECT CAST(id AS TEXT), path FROM roots"); err != nil {
		return f, err
	}
	f.Files = matched.count
	set := matched.readable
	f.Types = counts(l.values("file", countTerms(set, t["file"], 2)))
	f.Cameras = counts(l.values("camera", countTerms(set, t["camera"], 0)))
	f.Places = counts(l.values("place", countTerms(set, t["place"], 0)))
	folders := map[string]int{}
	for value, files := range l.values("folder", countTerms(set, t["folder"], 0)) {
		root, folder, _ := strings.Cut(value, " ")
		folders[below(roots[root], folder+"x")] += files
	}
	f.Folders = counts(folders)
	f.Years = counts(countYears(set, t["date"]))
	f.Tags = counts(l.values("tag", countLists(set, t["tag"])))
	f.Words = counts(l.values("word", countLists(set, t[wordColumn(s.id)])))
	return f, nil
}

// below is the folder of a file, from the name of its root on, "" if it has none there.
func below(root, path string) string {
	folder, err := filepath.Rel(filepath.Dir(root), filepath.Dir(path))
	if err != nil || folder == "." {
		return ""
	}
	return folder
}

// countTerms is how many files of a set have each term, which a column has shifted by some bits.
func countTerms(set bits, c *column, shift int) (n []int) {
	set.elements(c, func(_ int, part *chunk, i int) { n = increase(n, part.small[i]>>shift) })
	return n
}

// countLists is how many files of a set have each term among others.
func countLists(set bits, c *column) (n []int) {
	set.elements(c, func(_ int, part *chunk, i int) {
		for list := part.list(i); len(list) >= 4; list = list[4:] {
			n = increase(n, binary.LittleEndian.Uint32(list))
		}
	})
	return n
}

func increase(n []int, term uint32) []int {
	if int(term) >= len(n) {
		n = append(n, make([]int, max(int(term)+1, 2*len(n))-len(n))...)
	}
	n[term]++
	return n
}

// values is the values of terms that are counted.
func (l *Library) values(what string, n []int) map[string]int {
	out := map[string]int{}
	for _, t := range l.termsOf(what) {
		if int(t.id) < len(n) && n[t.id] > 0 {
			out[t.value] = n[t.id]
		}
	}
	return out
}

// countYears is how many files of a set are of each year, by the clock of this machine.
func countYears(set bits, dates *column) map[string]int {
	const first, last = 1900, 2100 // further away there are few
	var begins [last - first + 1]int64
	for i := range begins {
		begins[i] = time.Date(first+i, 1, 1, 0, 0, 0, 0, time.Local).Unix()
	}
	var n [last - first]int
	out := map[string]int{}
	set.elements(dates, func(_ int, part *chunk, at int) {
		date := int64(part.large[at])
		if date < begins[0] || date >= begins[last-first] {
			out[strconv.Itoa(time.Unix(date, 0).Year())]++
			return
		}
		i, found := slices.BinarySearch(begins[:], date)
		if !found {
			i--
		}
		n[i]++
	})
	for i, files := range n {
		if files > 0 {
			out[strconv.Itoa(first+i)] = files
		}
	}
	return out
}

// counts lists the most frequent values but "".
func counts(n map[string]int) []Count { return most(n, mostFacets) }

// most lists the most frequent values but "", at most limit.
func most(n map[string]int, limit int) []Count {
	out := []Count{}
	for value, files := range n {
		if value != "" {
			out = append(out, Count{strings.ToValidUTF8(value, "\uFFFD"), files})
		}
	}
	slices.SortFunc(out, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Files, a.Files), cmp.Compare(a.Value, b.Value)) })
	return out[:min(len(out), limit)]
}

// Tags lists the tags that begin so, by people or in files, the most frequent first: at most limit, 0 for all.
func (l *Library) Tags(ctx context.Context, prefix string, limit int) (out []Count, err error) {
	t, err := l.columns(ctx, "file", "tag")
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	files, _ := t["file"].there()
	n := l.values("tag", countLists(files, t["tag"]))
	small := lower(prefix)
	maps.DeleteFunc(n, func(tag string, _ int) bool { return !strings.HasPrefix(lower(tag), small) })
	return most(n, cmp.Or(max(limit, 0), len(n))), nil
}
