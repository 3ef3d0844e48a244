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
	for _, d := range latest(f.readable, t["date"], f.byDate(t["date"]), offset, limit) {
		hits = append(hits, Hit{ID: int64(d.id)})
	}
	return hits, nil
}

// A dated is a file and its date.
type dated struct {
	date int64
	id   int
}

// Spans are how many files of a set are of each span of time: of 2 to the shift seconds, the last first.
type spans struct {
	dates *column
	last  int64
	shift int
	files []int
}

func (s *spans) of(date int64) uint64 { return uint64(s.last-date) >> s.shift }

// byDate counts the files that fulfil some conditions by spans of time, of which there are thousands.
func (f *filtered) byDate(dates *column) *spans {
	if s := f.spans.Load(); s != nil && s.dates == dates {
		return s
	}
	s := &spans{dates: dates}
	first := int64(0)
	for i := range dates.chunks {
		first, s.last = min(first, dates.chunks[i].first), max(s.last, dates.chunks[i].last)
	}
	s.shift = max(bit.Len64(uint64(s.last-first))-16, 0) // the difference is right as a uint64, also where it overflows
	s.files = make([]int, s.of(first)+1)
	f.readable.elements(dates, func(_ int, part *chunk, i int) { s.files[s.of(int64(part.large[i]))]++ })
	f.spans.Store(s)
	return s
}

// latest is a page of a set of files in the order of their dates, the last first and those of one date by their ids. Files are sorted only in the spans of
// time that the page lies in.
func latest(set bits, dates *column, spans *spans, offset, limit int) []dated {
	from, before := 0, 0
	for from < len(spans.files) && before+spans.files[from] <= offset {
		before += spans.files[from]
		from++
	}
	to, there := from, 0
	for to < len(spans.files) && there < offset-before+limit {
		there += spans.files[to]
		to++
	}
	page := make([]dated, 0, there)
	const words = chunkRows / 64
	for n := range len(set) / words {
		part := dates.at(n)
		if spans.of(part.last) >= uint64(to) || spans.of(part.first) < uint64(from) {
			continue
		}
		set[n*words : (n+1)*words].each(func(i int) {
			date := int64(part.large[i])
			if s := spans.of(date); s >= uint64(from) && s < uint64(to) {
				page = append(page, dated{date, n*chunkRows + i})
			}
		})
	}
	slices.SortFunc(page, func(a, b dated) int { return cmp.Or(cmp.Compare(b.date, a.date), cmp.Compare(a.id, b.id)) })
	page = page[min(offset-before, len(page)):]
	return page[:min(limit, len(page))]
}
