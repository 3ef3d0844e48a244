package study

import (
	"slices"
)

// The kinds of what a model puts into its space.
const (
	text  = "text"
	image = "image"
	sound = "sound"
)

// A side is the vectors of one kind: row i belongs to some items of the data, and a text is in a language.
type side struct {
	kind     string
	d        int
	values   []float32 // [rows, d]
	items    [][]int32 // ascending
	language []string  // of texts, else nil
}

func (s *side) rows() int { return len(s.items) }

func (s *side) add(vector []float32, language string, items ...int32) {
	s.values = append(s.values, vector...)
	s.items = append(s.items, items)
	if s.kind == text {
		s.language = append(s.language, language)
	}
}

// only is the rows that keep wants. It shares the vectors if these are all.
func (s *side) only(keep func(row int) bool) *side {
	var picked []int
	for i := range s.items {
		if keep(i) {
			picked = append(picked, i)
		}
	}
	if len(picked) == s.rows() {
		return s
	}
	out := &side{kind: s.kind, d: s.d}
	for _, i := range picked {
		language := ""
		if s.language != nil {
			language = s.language[i]
		}
		out.add(s.values[i*s.d:(i+1)*s.d], language, s.items[i]...)
	}
	return out
}

// among lists, for each row, the rows of other that belong to one of the same items.
func (s *side) among(other *side) [][]int32 {
	byItem := map[int32][]int32{}
	for row, items := range other.items {
		for _, item := range items {
			byItem[item] = append(byItem[item], int32(row))
		}
	}
	lists := make([][]int32, s.rows())
	for row, items := range s.items {
		for _, item := range items {
			lists[row] = append(lists[row], byItem[item]...)
		}
		slices.Sort(lists[row])
		lists[row] = slices.Compact(lists[row])
	}
	return lists
}

// has is the items that have a row.
func (s *side) has() map[int32]bool {
	set := map[int32]bool{}
	for _, items := range s.items {
		for _, item := range items {
			set[item] = true
		}
	}
	return set
}

// languages are those of the rows, sorted.
func (s *side) languages() []string {
	list := slices.Clone(s.language)
	slices.Sort(list)
	return slices.Compact(list)
}

// merge makes one row of the texts that are the same in one language; words are the texts of the rows.
func (s *side) merge(words []string) *side {
	type key struct{ language, word string }
	first := map[key]int{}
	out := &side{kind: s.kind, d: s.d}
	for i, word := range words {
		k := key{s.language[i], word}
		at, ok := first[k]
		if !ok {
			first[k] = out.rows()
			out.add(s.values[i*s.d:(i+1)*s.d], s.language[i], s.items[i]...)
			continue
		}
		out.items[at] = append(out.items[at], s.items[i]...)
		slices.Sort(out.items[at])
		out.items[at] = slices.Compact(out.items[at])
	}
	return out
}
