package token

import (
	"unicode/utf8"
)

// A postProcessor puts special tokens around one text or two.
type postProcessor interface {
	// added returns how many tokens that makes.
	added(pair bool) int
	process(encs []*Encoding, special bool) []*Encoding
}

// A templatePart is a text (0 or 1), or, where that is -1, special tokens.
type templatePart struct {
	text   int
	typeID int32
	ids    []int32
	tokens []string
}

// template spells out where texts and special tokens stand.
type template struct{ single, pair []templatePart }

func (m template) parts(pair bool) []templatePart {
	if pair {
		return m.pair
	}
	return m.single
}

func (m template) added(pair bool) (n int) {
	for _, p := range m.parts(pair) {
		n += len(p.ids)
	}
	return n
}

func (m template) process(encs []*Encoding, special bool) (out []*Encoding) {
	var used [2]bool
	for _, p := range m.parts(len(encs) == 2) {
		if p.text >= 0 {
			e := encs[p.text]
			if used[p.text] {
				e = e.clone()
			}
			used[p.text] = true
			e.setType(p.typeID)
			out = append(out, e)
			continue
		}
		if !special {
			continue
		}
		e := newEncoding(len(p.ids))
		for i, id := range p.ids {
			e.add(id, p.tokens[i], [2]int{}, -1, p.typeID, 1, 1)
		}
		out = append(out, e)
	}
	return out
}

// around is Bert's and Roberta's: a token before, one behind each text; Roberta also has one before the second,
// knows one type only, and may trim offsets.
type around struct {
	cls, sep           string
	clsID, sepID       int32
	roberta            bool
	trim, prefixedTrim bool
}

func (m around) added(pair bool) int {
	switch {
	case pair && m.roberta:
		return 4
	case pair:
		return 3
	}
	return 2
}

func (m around) process(encs []*Encoding, special bool) []*Encoding {
	if m.roberta {
		if m.trim {
			trimOffsets(encs, m.prefixedTrim)
		}
		for _, e := range encs {
			e.setType(0)
		}
	}
	if !special {
		return encs
	}
	out := make([]*Encoding, len(encs))
	for i, e := range encs {
		out[i] = m.wrap(e, i)
		for _, o := range e.Overflow {
			out[i].Overflow = append(out[i].Overflow, m.wrap(o, i))
		}
		out[i].Dropped = e.Dropped
	}
	return out
}

func (m around) wrap(e *Encoding, i int) *Encoding {
	w := newEncoding(e.Len() + 2)
	last := int32(0)
	switch {
	case i == 0:
		w.add(m.clsID, m.cls, [2]int{}, -1, 0, 1, 1)
	case m.roberta:
		w.add(m.sepID, m.sep, [2]int{}, -1, 0, 1, 1)
	default:
		last = 1
	}
	w.appendRange(e, 0, e.Len())
	if m.roberta {
		w.setType(0)
	}
	w.add(m.sepID, m.sep, [2]int{}, -1, last, 1, 1)
	return w
}

// trimmed is ByteLevel as a post-processor: it takes white space out of the offsets.
type trimmed struct{ trim, prefixed bool }

func (trimmed) added(bool) int { return 0 }

func (m trimmed) process(encs []*Encoding, _ bool) []*Encoding {
	if m.trim {
		trimOffsets(encs, m.prefixed)
	}
	return encs
}

// trimOffsets takes leading and trailing spaces out of the offsets. prefixed tells that one space may have been
// added in front of the text, which then has no place in it.
func trimOffsets(encs []*Encoding, prefixed bool) {
	for _, e := range encs {
		for i, s := range e.Tokens {
			o := &e.Offsets[i]
			lead, trail := spaces(s, false), spaces(s, true)
			if (i == 0 || o[0] == 0) && prefixed && lead == 1 {
				lead = 0
			}
			for ; lead > 0 && o[0] < o[1]; lead-- {
				_, n := utf8.DecodeRuneInString(e.source[o[0]:])
				o[0] += n
			}
			for ; trail > 0 && o[1] > o[0]; trail-- {
				_, n := utf8.DecodeLastRuneInString(e.source[:o[1]])
				o[1] -= n
			}
		}
		trimOffsets(e.Overflow, prefixed)
	}
}

// spaces counts the spaces, plain or in byte-level writing, that s starts or ends with.
func spaces(s string, atEnd bool) (count int) {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if atEnd {
			r, n = utf8.DecodeLastRuneInString(s)
		}
		if r != byteRune[' '] && classOf(r)&space == 0 {
			break
		}
		count++
		if atEnd {
			s = s[:len(s)-n]
		} else {
			s = s[n:]
		}
	}
	return count
}

// postSequence runs several.
type postSequence []postProcessor

func (m postSequence) added(pair bool) (n int) {
	for _, p := range m {
		n += p.added(pair)
	}
	return n
}

func (m postSequence) process(encs []*Encoding, special bool) []*Encoding {
	for _, p := range m {
		encs = p.process(encs, special)
	}
	return encs
}
