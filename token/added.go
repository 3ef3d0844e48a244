package token

import (
	"bytes"
	"unicode/utf8"
)

// An AddedToken is a token that is looked for in the text itself, before the model sees it.
type AddedToken struct {
	ID      int32
	Content string
	// SingleWord: it counts only where no word character touches it.
	SingleWord bool
	// LStrip, RStrip: it takes in the white space on its left, on its right.
	LStrip, RStrip bool
	// Normalized: it is looked for in the normalized text, in its own normalized form.
	Normalized bool
	// Special: Decode leaves it out on request.
	Special bool
}

// maxAdded bounds the length of an added token, and with it the time a search takes.
const maxAdded = 4096

// A finder looks for a set of added tokens: the leftmost, and of those the longest.
type finder struct {
	trie   *trie
	tokens map[int32]*AddedToken
	first  [256]bool
	only   int // the one byte that all tokens start with, or -1
}

// newFinder returns nil for no keys.
func newFinder(keys []trieKey, tokens map[int32]*AddedToken) *finder {
	if len(keys) == 0 {
		return nil
	}
	f := &finder{trie: newTrie(keys), tokens: tokens, only: -1}
	starts := 0
	for _, k := range keys {
		if k.key == "" {
			continue
		}
		if c := k.key[0]; !f.first[c] {
			f.first[c] = true
			f.only = int(c)
			starts++
		}
	}
	if starts != 1 {
		f.only = -1
	}
	return f
}

// next returns the next place at or after i where a token may start, or len(b).
func (f *finder) next(b []byte, i int) int {
	if f.only >= 0 {
		if n := bytes.IndexByte(b[i:], byte(f.only)); n >= 0 {
			return i + n
		}
		return len(b)
	}
	for i < len(b) && !f.first[b[i]] {
		i++
	}
	return i
}

// cut parts the pieces of t at added tokens.
func (f *finder) cut(t *text) {
	if f == nil {
		return
	}
	any := false
	for _, p := range t.pieces {
		any = any || p.id < 0 && f.next(t.buf[p.lo:p.hi], 0) < p.hi-p.lo
	}
	if !any {
		return
	}
	t.next = t.next[:0]
	for _, p := range t.pieces {
		if p.id >= 0 {
			t.next = append(t.next, p)
			continue
		}
		f.cutPiece(t, p)
	}
	t.endSplit()
}

func (f *finder) cutPiece(t *text, p piece) {
	b := t.buf[p.lo:p.hi]
	prev := 0
	for i := f.next(b, 0); i < len(b); i = f.next(b, i) {
		id, n := f.trie.longest(b[i:])
		if id < 0 {
			i++
			continue
		}
		lo, hi := i, i+n
		i = hi
		tok := f.tokens[id]
		if tok.SingleWord && (wordBefore(b, lo) || wordAfter(b, hi)) {
			continue
		}
		if tok.LStrip {
			for lo > prev {
				r, n := utf8.DecodeLastRune(b[:lo])
				if classOf(r)&space == 0 {
					break
				}
				lo -= n
			}
		}
		// The search goes on behind the token itself, as in the reference: one that starts with the white space
		// taken in is found again.
		if tok.RStrip {
			hi = runEnd(b, hi, space, 0)
		}
		t.push(p.lo+prev, p.lo+lo)
		if lo < hi {
			t.next = append(t.next, piece{p.lo + lo, p.lo + hi, id})
		}
		prev = hi
	}
	t.push(p.lo+prev, p.hi)
}

func wordBefore(b []byte, i int) bool {
	if i == 0 {
		return false
	}
	r, _ := utf8.DecodeLastRune(b[:i])
	return classOf(r)&word != 0
}

func wordAfter(b []byte, i int) bool {
	if i == len(b) {
		return false
	}
	r, _ := utf8.DecodeRune(b[i:])
	return classOf(r)&word != 0
}
