package token

import (
	"time"
	"unicode/utf8"
)

// A span is a range of bytes of the original text.
type span struct{ lo, hi uint32 }

// A hit is a range of bytes of the piece that was searched.
type hit struct{ lo, hi int }

// A piece is a range of text.buf: text to be encoded, or an added token.
type piece struct {
	lo, hi int
	id     int32 // of the added token; -1 for text
}

// A tok is a token that a model found in a piece.
type tok struct {
	id     int32
	lo, hi int32 // its bytes within the piece
	own    bool  // its written form is those bytes, not the vocabulary's entry
}

// A text is one string on its way to tokens: the normalized bytes, the pieces they are cut into and,
// when offsets are wanted, where each byte came from. Its storage is reused.
type text struct {
	buf    []byte
	at     []span // for each byte of buf, the bytes of the original it stands for
	track  bool   // keep at
	pieces []piece

	// what the step under way writes; swapped with the above at its end
	out   []byte
	outAt []span
	next  []piece
	start int // of the piece being rewritten
	pos   int // the byte of buf that emit stands at

	hits    []hit
	toks    []tok
	ends    []int // of each piece's tokens among toks
	runes   []rune
	offs    []int
	marks   []decomposed
	queue   []composed
	symbols []symbol
	ranks   []uint64
	heap    []merge
	best    []bestPath
	word    []byte
	limit   int           // bytes that normalizers may write: a hostile file could ask for any number
	spent   time.Duration // on regular expressions
	dropped int           // pieces without any token, not even an unknown one
}

// growth bounds how many times longer normalizers may make a text; what goes beyond is not written. The largest
// compatibility decomposition, of U+FDFA, is eleven times as long.
const growth = 64

// reset makes t hold s as one piece. A byte that is not UTF-8 counts as U+FFFD.
func (t *text) reset(s string, track bool) {
	t.buf, t.at = t.buf[:0], t.at[:0]
	t.track = track
	t.toks = t.toks[:0]
	t.dropped, t.spent = 0, 0
	t.limit = growth*len(s) + 1<<16
	if utf8.ValidString(s) {
		t.buf = append(t.buf, s...)
	} else {
		for _, r := range s {
			t.buf = utf8.AppendRune(t.buf, r)
		}
	}
	if track {
		for i, r := range s {
			_, n := utf8.DecodeRuneInString(s[i:])
			sp := span{uint32(i), uint32(i + n)}
			for range utf8.RuneLen(r) {
				t.at = append(t.at, sp)
			}
		}
	}
	t.pieces = append(t.pieces[:0], piece{0, len(t.buf), -1})
	if len(s) == 0 {
		t.pieces = t.pieces[:0]
	}
}

// begin starts a step that writes out and next.
func (t *text) begin() {
	t.out, t.outAt, t.next = t.out[:0], t.outAt[:0], t.next[:0]
}

// endRewrite makes what the step wrote the text.
func (t *text) endRewrite() {
	t.buf, t.out = t.out, t.buf
	t.at, t.outAt = t.outAt, t.at
	t.pieces, t.next = t.next, t.pieces
}

// endSplit keeps the bytes and takes the new pieces.
func (t *text) endSplit() { t.pieces, t.next = t.next, t.pieces }

// keep copies bytes lo to hi as they are.
func (t *text) keep(lo, hi int) {
	t.out = append(t.out, t.buf[lo:hi]...)
	if t.track {
		t.outAt = append(t.outAt, t.at[lo:hi]...)
	}
}

// insert writes s as if it came from the byte before old position at.
func (t *text) insert(s string, at int) {
	if len(t.out) > t.limit {
		return
	}
	t.out = append(t.out, s...)
	if t.track {
		sp := t.origin(at)
		for range len(s) {
			t.outAt = append(t.outAt, sp)
		}
	}
}

// origin returns where a rune inserted before old position at is said to come from.
func (t *text) origin(at int) span {
	if at > t.start {
		return t.at[at-1]
	}
	if at < len(t.at) {
		return span{t.at[at].lo, t.at[at].lo}
	}
	return span{}
}

// emit writes one rune of a rewritten piece. change says how it relates to the old ones: 1, it is
// inserted; 0, it replaces the one that emit stands at; -n, it replaces that one and n more go.
func (t *text) emit(r rune, change int) {
	n := len(t.out)
	if n > t.limit {
		return
	}
	t.out = utf8.AppendRune(t.out, r)
	if !t.track {
		return
	}
	var sp span
	if change > 0 {
		sp = t.origin(t.pos)
	} else {
		if t.pos < len(t.at) {
			sp = t.at[t.pos]
		}
		t.skip(1 - change)
	}
	for range len(t.out) - n {
		t.outAt = append(t.outAt, sp)
	}
}

// skip moves over n runes of the old text.
func (t *text) skip(n int) {
	if !t.track {
		return
	}
	for ; n > 0 && t.pos < len(t.buf); n-- {
		_, size := utf8.DecodeRune(t.buf[t.pos:])
		t.pos += size
	}
}

// rewrite runs n over every piece that is not an added token.
func (t *text) rewrite(n normalizer) {
	same := true
	for _, p := range t.pieces {
		if p.id < 0 && !n.same(t.buf[p.lo:p.hi]) {
			same = false
			break
		}
	}
	if same || len(t.buf) > t.limit {
		return
	}
	t.begin()
	for _, p := range t.pieces {
		lo := len(t.out)
		if p.id >= 0 || n.same(t.buf[p.lo:p.hi]) {
			t.keep(p.lo, p.hi)
		} else {
			t.start, t.pos = p.lo, p.lo
			n.apply(t, p.lo, p.hi)
		}
		t.next = append(t.next, piece{lo, len(t.out), p.id})
	}
	t.endRewrite()
}

// prune drops empty pieces.
func (t *text) prune() {
	kept := t.pieces[:0]
	for _, p := range t.pieces {
		if p.lo < p.hi || p.id >= 0 {
			kept = append(kept, p)
		}
	}
	t.pieces = kept
}

// prepend writes s before bytes lo to hi, which are not empty; it counts as part of their first rune.
func (t *text) prepend(s string, lo, hi int) {
	t.out = append(t.out, s...)
	if t.track {
		for range len(s) {
			t.outAt = append(t.outAt, t.at[lo])
		}
	}
	t.keep(lo, hi)
}

// cut adds the pieces of p, given what a pattern matched in it.
func (t *text) cut(p piece, hits []hit, how behavior, invert bool) {
	switch {
	case how == removed && invert: // keep the matches only
		for _, h := range hits {
			t.push(p.lo+h.lo, p.lo+h.hi)
		}
		return
	case how == removed, how == isolated:
		prev := p.lo
		for _, h := range hits {
			t.push(prev, p.lo+h.lo)
			if how == isolated {
				t.push(p.lo+h.lo, p.lo+h.hi)
			}
			prev = p.lo + h.hi
		}
		t.push(prev, p.hi)
		return
	}
	// The others join neighbours, so whether a stretch matched matters.
	first, prev := len(t.next), p.lo
	was := false // the stretch before was a match
	add := func(lo, hi int, match bool) {
		match = match != invert
		join := false
		switch how {
		case contiguous:
			join = match == was
		case mergedWithPrevious:
			join = match && !was
		case mergedWithNext:
			join = !match && was // a match takes in what follows it, unless that matches too
		}
		if last := len(t.next) - 1; join && last >= first {
			t.next[last].hi = hi
		} else {
			t.next = append(t.next, piece{lo, hi, -1})
		}
		was = match
	}
	for _, h := range hits {
		if prev < p.lo+h.lo {
			add(prev, p.lo+h.lo, false)
		}
		add(p.lo+h.lo, p.lo+h.hi, true)
		prev = p.lo + h.hi
	}
	if prev < p.hi {
		add(prev, p.hi, false)
	}
	kept := t.next[:first]
	for _, q := range t.next[first:] {
		if q.lo < q.hi {
			kept = append(kept, q)
		}
	}
	t.next = kept
}

// push adds a piece unless it is empty.
func (t *text) push(lo, hi int) {
	if lo < hi {
		t.next = append(t.next, piece{lo, hi, -1})
	}
}
