package library

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// columns is those that a query's conditions ask about.
func (q *Query) columns(s Space) []string {
	names := []string{"file"}
	add := func(asked bool, some ...string) {
		if asked {
			names = append(names, some...)
		}
	}
	add(!q.After.IsZero() || !q.Before.IsZero(), "date")
	add(len(q.Places) > 0, "place")
	add(len(q.Cameras) > 0, "camera")
	add(len(q.Paths) > 0, "folder", "name")
	add(len(q.Tags) > 0, "tag")
	add(len(q.Words) > 0, wordColumn(s.id))
	add(q.Size.set, "size")
	add(q.Duration.set, "duration")
	return names
}

// there is the files that there are, and those of them that could be read, by the column of files.
func (c *column) there() (files, readable bits) {
	files, readable = make(bits, len(c.chunks)*chunkRows/64), make(bits, len(c.chunks)*chunkRows/64)
	for n := range c.chunks {
		for i, v := range c.chunks[n].small {
			at := n*chunkRows + i
			files[at/64] |= uint64(v&1) << (at % 64)
			readable[at/64] |= uint64(v&^(v>>1)&1) << (at % 64)
		}
	}
	return files, readable
}

// fulfil takes out of a set of files those that do not fulfil the conditions of a query, by its columns.
func (l *Library) fulfil(b bits, t table, s Space, q *Query) {
	if len(q.Types) > 0 {
		kinds := l.meant("file", func(kind string) bool { return slices.Contains(q.Types, kind) })
		b.keep(t["file"], func(c *chunk, i int) bool { return kinds.Has(uint64(c.small[i] >> 2)) })
	}
	for _, p := range q.Places {
		b.keepTerms(t["place"], l.meant("place", holds(p)))
	}
	if len(q.Cameras) > 0 {
		b.keepTerms(t["camera"], l.meant("camera", holds(q.Cameras...)))
	}
	for _, tag := range q.Tags {
		b.keepAny(t["tag"], l.meant("tag", func(value string) bool { return lower(value) == lower(tag) }))
	}
	for _, w := range q.Words {
		names := namesOf(w)
		b.keepAny(t[wordColumn(s.id)], l.meant("word", func(value string) bool { return slices.Contains(names, value) }))
	}
	if !q.After.IsZero() || !q.Before.IsZero() {
		from, to := q.After.Unix(), q.Before.Unix()
		b.keep(t["date"], func(c *chunk, i int) bool {
			date := int64(c.large[i])
			return (q.After.IsZero() || date >= from) && (q.Before.IsZero() || date < to)
		})
	}
	if q.Size.set {
		b.keep(t["size"], func(c *chunk, i int) bool { return q.Size.has(float64(int64(c.large[i]))) })
	}
	if q.Duration.set {
		b.keep(t["duration"], func(c *chunk, i int) bool { return c.large[i] != 0 && q.Duration.has(math.Float64frombits(c.large[i])) })
	}
	if len(q.Paths) > 0 {
		l.keepPaths(b, t, q.Paths)
	}
}

func (r Range) has(x float64) bool { return x >= r.Least && x <= r.Most }

// lower is a text with small letters, of those in ASCII.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// holds reports whether a value holds any of some texts, whatever the case of their letters.
func holds(texts ...string) func(string) bool {
	return func(value string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(lower(value), lower(text)) })
	}
}

// keepTerms takes out the files whose term is none of some.
func (b bits) keepTerms(c *column, terms bits) {
	b.keep(c, func(c *chunk, i int) bool { return terms.Has(uint64(c.small[i])) })
}

// keepAny takes out the files of whose terms none is one of some.
func (b bits) keepAny(c *column, terms bits) {
	b.keep(c, func(c *chunk, i int) bool {
		for list := c.list(i); len(list) >= 4; list = list[4:] {
			if terms.Has(uint64(binary.LittleEndian.Uint32(list))) {
				return true
			}
		}
		return false
	})
}

// keepPaths takes out the files whose paths hold none of some texts: in the folder, in the name, or from the one into the other.
func (l *Library) keepPaths(b bits, t table, texts []string) {
	left := slices.Clone(b)
	for _, text := range texts {
		text = lower(text)
		slash := strings.LastIndexAny(text, `/\`) + 1
		path := func(value string) string { _, path, _ := strings.Cut(lower(value), " "); return path }
		inside := l.meant("folder", func(value string) bool { return strings.Contains(path(value), text) })
		before := l.meant("folder", func(value string) bool { return slash > 0 && strings.HasSuffix(path(value), text[:slash]) })
		whole, begin := []byte(text), []byte(text[slash:])
		folders, names := t["folder"], t["name"]
		left.each(func(id int) {
			at, i := id/chunkRows, id%chunkRows
			folder, name := uint64(folders.at(at).small[i]), names.at(at).list(i)
			switch {
			case inside.Has(folder), slash == 0 && containsFold(name, whole),
				before.Has(folder) && len(name) >= len(begin) && containsFold(name[:len(begin)], begin):
				left[id/64] &^= 1 << (id % 64)
			}
		})
	}
	for i := range b {
		b[i] &^= left[i]
	}
}

// containsFold reports whether a text holds another, of small letters, whatever the case of its own letters in ASCII.
func containsFold(text, small []byte) bool {
	var buffer [256]byte
	folded := append(buffer[:0], text...)
	for i, c := range folded {
		if c >= 'A' && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return bytes.Contains(folded, small)
}
