package dataset

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Summary is what a set holds.
type Summary struct {
	Items                   int // all, broken ones included
	Images, Sounds, Videos  int
	Texts                   map[string]int // by language, "" where it is not known
	Classes                 map[string]int // items of each class, by name or else by number
	Empty, OneSided, Silent []string       // keys of items with nothing, with one side of a pair alone, without a text in a wanted language
	Missing                 []string       // keys of items whose media files are not there
	Repeated                []string       // keys that several items have
	Broken                  Report         // items that can't be read
}

// Survey reads every item of a set, but no media, and counts. languages are those that every item should have a text in, if any. progress,
// if not nil, is told how many are done. It ends early with an error only when ctx does.
func Survey(ctx context.Context, s *Set, languages []string, progress func(done int)) (*Summary, error) {
	sum := &Summary{Items: s.Len(), Texts: map[string]int{}, Classes: map[string]int{}}
	keys := map[string]int{}
	err := s.each(ctx, progress, &sum.Broken, func(_ int, it *Item) error {
		sum.add(it, languages)
		if keys[it.Key]++; keys[it.Key] == 2 {
			sum.Repeated = append(sum.Repeated, it.Key)
		}
		return nil
	})
	return sum, err
}

// each reads all items in order; the broken ones, and those of which f returns an error, are reported.
func (s *Set) each(ctx context.Context, progress func(done int), broken *Report, f func(i int, it *Item) error) error {
	for i := range s.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		it, err := s.Item(i)
		if err == nil {
			if err = f(i, it); err != nil {
				err = &ItemError{s.Name, i, it.Key, err}
			}
		}
		broken.Add(err)
		if progress != nil {
			progress(i + 1)
		}
	}
	return nil
}

func (sum *Summary) add(it *Item, languages []string) {
	for _, one := range []struct {
		m *Media
		n *int
	}{{it.Image, &sum.Images}, {it.Sound, &sum.Sounds}, {it.Video, &sum.Videos}} {
		if one.m == nil {
			continue
		}
		*one.n++
		if _, err := one.m.Size(); err != nil && !slices.Contains(sum.Missing, it.Key) {
			sum.Missing = append(sum.Missing, it.Key)
		}
	}
	for _, t := range it.Texts {
		sum.Texts[t.Language]++
	}
	for _, language := range languages {
		if len(it.In(language)) == 0 {
			sum.Silent = append(sum.Silent, it.Key)
			break
		}
	}
	switch {
	case it.Class != "":
		sum.Classes[it.Class]++
	default:
		for _, n := range it.Labels {
			sum.Classes[fmt.Sprint(n)]++
		}
	}
	switch {
	case it.Empty():
		sum.Empty = append(sum.Empty, it.Key)
	case it.OneSided():
		sum.OneSided = append(sum.OneSided, it.Key)
	}
}

// String is the summary in a few lines: what there is, and what should be looked at.
func (sum *Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d items: %d pictures, %d sounds, %d videos", sum.Items, sum.Images, sum.Sounds, sum.Videos)
	languages := sortedKeys(sum.Texts)
	slices.SortStableFunc(languages, func(a, b string) int { return cmp.Compare(sum.Texts[b], sum.Texts[a]) })
	for i, l := range languages {
		b.WriteString(map[bool]string{true: "; texts: ", false: ", "}[i == 0])
		fmt.Fprintf(&b, "%d", sum.Texts[l])
		b.WriteString(" " + cmp.Or(l, "in no language named"))
	}
	if len(sum.Classes) > 0 {
		fmt.Fprintf(&b, "; %d classes", len(sum.Classes))
	}
	for _, bad := range []struct {
		what string
		keys []string
	}{{"empty", sum.Empty}, {"with one side of a pair alone", sum.OneSided}, {"without a wanted language", sum.Silent},
		{"whose files are missing", sum.Missing}, {"keys that come again", sum.Repeated}} {
		if n := len(bad.keys); n > 0 {
			fmt.Fprintf(&b, "\n%d %s: %s", n, bad.what, strings.Join(bad.keys[:min(n, 3)], ", "))
			if n > 3 {
				b.WriteString(" …")
			}
		}
	}
	if n := sum.Broken.Count(); n > 0 {
		fmt.Fprintf(&b, "\n%d broken: %v", n, sum.Broken.First()[0])
	}
	return b.String()
}
