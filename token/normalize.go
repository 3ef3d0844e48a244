package token

import (
	"bytes"
	"unicode/utf8"
)

// A normalizer rewrites a piece of text.
type normalizer interface {
	// same reports whether b certainly stays as it is.
	same(b []byte) bool
	// apply writes the new form of t.buf[lo:hi].
	apply(t *text, lo, hi int)
}

// lowercase maps every rune to lower case, without regard to its neighbours.
type lowercase struct{}

func (lowercase) same(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

func (lowercase) apply(t *text, lo, hi int) {
	if !t.track && isASCII(t.buf[lo:hi]) {
		n := len(t.out)
		t.out = append(t.out, t.buf[lo:hi]...)
		for i, c := range t.out[n:] {
			if 'A' <= c && c <= 'Z' {
				t.out[n+i] = c | 0x20
			}
		}
		return
	}
	for i := lo; i < hi; {
		r, n := utf8.DecodeRune(t.buf[i:hi])
		i += n
		a, b := lowerRune(r)
		t.emit(a, 0)
		if b >= 0 {
			t.emit(b, 1)
		}
	}
}

// strip drops white space from the ends.
type strip struct{ left, right bool }

func (strip) same([]byte) bool { return false }

func (s strip) apply(t *text, lo, hi int) {
	for s.left && lo < hi {
		r, n := utf8.DecodeRune(t.buf[lo:hi])
		if classOf(r)&space == 0 {
			break
		}
		lo += n
	}
	for s.right && lo < hi {
		r, n := utf8.DecodeLastRune(t.buf[lo:hi])
		if classOf(r)&space == 0 {
			break
		}
		hi -= n
	}
	t.keep(lo, hi)
}

// without drops the runes of some class: StripAccents, and parts of others.
type without struct{ drop class }

func (w without) same(b []byte) bool {
	if w.drop&^(mark|nonspacing) == 0 {
		return isASCII(b) // no ASCII mark
	}
	for _, c := range b {
		if c >= utf8.RuneSelf || asciiClass[c]&w.drop != 0 {
			return false
		}
	}
	return true
}

func (w without) apply(t *text, lo, hi int) {
	t.filter(lo, hi, func(r rune) (rune, bool) { return r, classOf(r)&w.drop == 0 })
}

// filter writes the runes that f keeps, as f maps them.
func (t *text) filter(lo, hi int, f func(rune) (rune, bool)) {
	for i := lo; i < hi; {
		r, n := utf8.DecodeRune(t.buf[i:hi])
		if r, ok := f(r); ok {
			from := len(t.out)
			t.out = utf8.AppendRune(t.out, r)
			if t.track {
				for range len(t.out) - from {
					t.outAt = append(t.outAt, t.at[i])
				}
			}
		}
		i += n
	}
}

// nmt is the clean-up of Google's neural machine translation: controls go, odd spaces become plain ones.
type nmt struct{}

func (nmt) same(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

func (nmt) apply(t *text, lo, hi int) {
	t.filter(lo, hi, func(r rune) (rune, bool) {
		switch {
		case r >= 1 && r <= 8, r == 0xb, r >= 0xe && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
			return 0, false
		case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, r >= 0x200b && r <= 0x200f,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == 0xfffd:
			return ' ', true
		}
		return r, true
	})
}

// bertClean is BertNormalizer's clean_text.
type bertClean struct{}

func (bertClean) same(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

func (bertClean) apply(t *text, lo, hi int) {
	t.filter(lo, hi, func(r rune) (rune, bool) {
		c := classOf(r)
		if c&blank != 0 {
			r = ' '
		}
		return r, c&control == 0
	})
}

// bertChinese puts spaces around ideographs, so that each becomes a word.
type bertChinese struct{}

func isChinese(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0x3400 && r <= 0x4dbf || r >= 0x20000 && r <= 0x2a6df ||
		r >= 0x2a700 && r <= 0x2b81f || r >= 0x2b920 && r <= 0x2ceaf || r >= 0xf900 && r <= 0xfaff ||
		r >= 0x2f800 && r <= 0x2fa1f
}

func (bertChinese) same(b []byte) bool {
	for i := 0; i < len(b); {
		if b[i] < 0xe3 {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if isChinese(r) {
			return false
		}
		i += n
	}
	return true
}

func (bertChinese) apply(t *text, lo, hi int) {
	for i := lo; i < hi; {
		r, n := utf8.DecodeRune(t.buf[i:hi])
		i += n
		if !isChinese(r) {
			t.emit(r, 0)
			continue
		}
		t.emit(' ', 0)
		t.emit(r, 1)
		t.emit(' ', 1)
	}
}

// prepend puts a string before a text that is not empty.
type prepend struct{ s string }

func (p prepend) same(b []byte) bool { return len(b) == 0 || p.s == "" }

func (p prepend) apply(t *text, lo, hi int) { t.prepend(p.s, lo, hi) }

// replace puts content in the place of whatever the pattern matches.
type replace struct {
	pattern matcher
	content string
}

func (r replace) same(b []byte) bool {
	lit, ok := r.pattern.(literal)
	return ok && !bytes.Contains(b, lit)
}

func (r replace) apply(t *text, lo, hi int) {
	t.hits = r.pattern.match(t, t.hits[:0], t.buf[lo:hi])
	prev := lo
	for _, h := range t.hits {
		t.keep(prev, lo+h.lo)
		t.insert(r.content, lo+h.hi)
		prev = lo + h.hi
	}
	t.keep(prev, hi)
}

// byteChars writes every byte as one visible rune, as GPT-2 does.
type byteChars struct{}

func (byteChars) same(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

func (byteChars) apply(t *text, lo, hi int) {
	for i, c := range t.buf[lo:hi] {
		n := len(t.out)
		t.out = utf8.AppendRune(t.out, byteRune[c])
		if t.track {
			for range len(t.out) - n {
				t.outAt = append(t.outAt, t.at[lo+i])
			}
		}
	}
}

// byteRune gives the visible rune of each byte: itself where it is printable, else the next free one from U+0100.
var byteRune = func() (m [256]rune) {
	next := rune(256)
	for b := range m {
		if b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae {
			m[b] = rune(b)
		} else {
			m[b] = next
			next++
		}
	}
	return m
}()

// runeByte is the inverse of byteRune; -1 where there is none.
var runeByte = func() (m [324]int16) {
	for r := range m {
		m[r] = -1
	}
	for b, r := range byteRune {
		m[r] = int16(b)
	}
	return m
}()

// unbyte appends the bytes that s spells in byteRune's alphabet; false if a rune is not of it.
func unbyte(dst []byte, s string) ([]byte, bool) {
	n := len(dst)
	for _, r := range s {
		if int(r) >= len(runeByte) || runeByte[r] < 0 {
			return dst[:n], false
		}
		dst = append(dst, byte(runeByte[r]))
	}
	return dst, true
}
