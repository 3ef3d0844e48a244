package token

import (
	"bytes"
	"unicode/utf8"
)

// A preTokenizer cuts pieces into smaller ones.
type preTokenizer interface{ cut(t *text) }

// A behavior says what becomes of what a pattern matched.
type behavior uint8

const (
	removed behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

var behaviors = map[string]behavior{"Removed": removed, "Isolated": isolated, "MergedWithPrevious": mergedWithPrevious,
	"MergedWithNext": mergedWithNext, "Contiguous": contiguous,
	"removed": removed, "isolated": isolated, "merged_with_previous": mergedWithPrevious,
	"merged_with_next": mergedWithNext, "contiguous": contiguous}

// split cuts at what a pattern matches, or, inverted, at what it does not.
type split struct {
	pattern matcher
	how     behavior
	invert  bool
}

func (s split) cut(t *text) {
	t.next = t.next[:0]
	for _, p := range t.pieces {
		if p.id >= 0 {
			t.next = append(t.next, p)
			continue
		}
		t.hits = s.pattern.match(t, t.hits[:0], t.buf[p.lo:p.hi])
		t.cut(p, t.hits, s.how, s.invert)
	}
	t.endSplit()
}

// whitespace keeps runs of word characters, and runs of what is neither that nor space.
type whitespace struct{}

func (whitespace) match(_ *text, dst []hit, b []byte) []hit {
	for i := 0; i < len(b); {
		c, n := classAt(b, i)
		lo := i
		switch {
		case c&word != 0:
			i = runEnd(b, i+n, word, 0)
		case c&space != 0:
			i += n
			continue
		default:
			i = runEnd(b, i+n, 0, word|space)
		}
		dst = append(dst, hit{lo, i})
	}
	return dst
}

// metaspace writes spaces as another rune and cuts before it.
type metaspace struct {
	replacement   string
	always, first bool // put one in front: of every piece, or of the one that starts the text
	split         bool
}

func (m metaspace) cut(t *text) {
	lit := literal(m.replacement)
	t.begin()
	for _, p := range t.pieces {
		lo := len(t.out)
		b := t.buf[p.lo:p.hi]
		if p.id >= 0 {
			t.keep(p.lo, p.hi)
			t.next = append(t.next, piece{lo, len(t.out), p.id})
			continue
		}
		begins := b[0] == ' ' || bytes.HasPrefix(b, lit)
		if !begins && (m.always || m.first && t.at[p.lo].lo == 0) {
			t.out = append(t.out, m.replacement...)
			for range len(m.replacement) {
				if t.track {
					t.outAt = append(t.outAt, t.at[p.lo])
				}
			}
		}
		for i := p.lo; i < p.hi; {
			n := bytes.IndexByte(t.buf[i:p.hi], ' ')
			if n < 0 {
				t.keep(i, p.hi)
				break
			}
			t.keep(i, i+n)
			i += n + 1
			t.start = p.lo
			t.insert(m.replacement, i)
		}
		if !m.split {
			t.next = append(t.next, piece{lo, len(t.out), -1})
			continue
		}
		for hi := len(t.out); lo < hi; {
			end := hi
			if n := bytes.Index(t.out[min(lo+len(lit), hi):hi], lit); bytes.HasPrefix(t.out[lo:hi], lit) && n >= 0 {
				end = lo + len(lit) + n
			} else if n := bytes.Index(t.out[lo:hi], lit); n > 0 {
				end = lo + n
			}
			t.next = append(t.next, piece{lo, end, -1})
			lo = end
		}
	}
	t.endRewrite()
}

// byteLevel may put a space in front, cuts by GPT-2's pattern, and writes every byte as a visible rune.
type byteLevel struct {
	prefix, pattern bool
	raw             bool // leave the bytes as they are: the model reads them so
}

func (m byteLevel) cut(t *text) {
	if m.prefix {
		need := false
		for _, p := range t.pieces {
			need = need || p.id < 0 && t.buf[p.lo] != ' '
		}
		if need {
			t.begin()
			for _, p := range t.pieces {
				lo := len(t.out)
				if p.id < 0 && t.buf[p.lo] != ' ' {
					t.prepend(" ", p.lo, p.hi)
				} else {
					t.keep(p.lo, p.hi)
				}
				t.next = append(t.next, piece{lo, len(t.out), p.id})
			}
			t.endRewrite()
		}
	}
	if m.pattern {
		split{gpt2{}, isolated, false}.cut(t)
	}
	if !m.raw {
		t.rewrite(byteChars{})
	}
}

// scripts cuts where the writing system changes. Kana count as Han, and a space goes with either side.
type scripts struct{}

func (scripts) match(_ *text, dst []hit, b []byte) []hit {
	tab := tables().script
	last, lo := uint8(0), 0
	started := false
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if s := tab.at(r); s != 0 {
			if s != last {
				if started {
					dst = append(dst, hit{lo, i})
				}
				lo, started = i, true
			}
			last = s
		}
		i += n
	}
	if started {
		dst = append(dst, hit{lo, len(b)})
	}
	return dst
}

// fixedLength cuts into pieces of so many runes.
type fixedLength struct{ n int }

func (m fixedLength) match(_ *text, dst []hit, b []byte) []hit {
	for i := 0; i < len(b); {
		lo := i
		for k := 0; k < m.n && i < len(b); k++ {
			_, n := utf8.DecodeRune(b[i:])
			i += n
		}
		dst = append(dst, hit{lo, i})
	}
	return dst
}
