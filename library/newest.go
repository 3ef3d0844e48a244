package library

import (
	"cmp"
	"context"
	bit "math/bits"
	"slices"
)

// newest lists files that fulfil some conditions, those that were taken, or else changed, last before the others. Their details are to be filled in.
func (l *Library) newest(ctx context.Context, f *filtered, offset, limit int) (hits []Hit, err error) {
	t, err := l.columns(ctx, "date")
	if err != nil {
		return nil, err
	}
	for _, d := range latest(f.readable, t["date"], offset, limit) {
		hits = append(hits, Hit{ID: int64(d.id)})
	}
	return hits, nil
}

// A dated is a file and its date.
type dated struct {
	date int64
	id   int
}

// latest is a page of a set of files in the order of their dates, the last first and those of one date by their ids. Files are counted by spans of time, of
// which there are thousands, and sorted only in those spans that the page lies in.
func latest(set bits, dates *column, offset, limit int) []dated {
	first, last := int64(0), int64(0) // of all files
	for i := range dates.chunks {
		first, last = min(first, dates.chunks[i].first), max(last, dates.chunks[i].last)
	}
	shift := max(bit.Len64(uint64(last-first))-16, 0) // the difference is right as a uint64, also where it overflows
	counts := make([]int, uint64(last-first)>>shift+1)
	span := func(part *chunk, i int) uint64 { return uint64(last-int64(part.large[i])) >> shift }
	set.elements(dates, func(_ int, part *chunk, i int) { counts[span(part, i)]++ })
	from, before := 0, 0
	for from < len(counts) && before+counts[from] <= offset {
		before += counts[from]
		from++
	}
	to, there := from, 0
	for to < len(counts) && there < offset-before+limit {
		there += counts[to]
		to++
	}
	page := make([]dated, 0, there)
	set.elements(dates, func(id int, part *chunk, i int) {
		if s := span(part, i); s >= uint64(from) && s < uint64(to) {
			page = append(page, dated{int64(part.large[i]), id})
		}
	})
	slices.SortFunc(page, func(a, b dated) int { return cmp.Or(cmp.Compare(b.date, a.date), cmp.Compare(a.id, b.id)) })
	page = page[min(offset-before, len(page)):]
	return page[:min(limit, len(page))]
}
