package token

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding: a word starts as its characters (or bytes), and the pair of the lowest rank is
// joined until no pair has one.
type bpe struct {
	vocab
	merges         *pairTable
	prefix, suffix string // of characters that do not begin, or that end, a word
	unk            int32  // -1 for none
	fuseUnk        bool
	ignoreMerges   bool        // a word that is a token stays whole
	bytes          *[256]int32 // the tokens <0x00> to <0xFF>, where all characters may fall back to them
	cache          *cache
	runes          *table[int32] // id + 1 of the tokens of one rune

	// Where no token goes across "▁" and what stands before it, words are independent: such as are cut there.
	cuts   bool
	before map[rune]bool // what does stand before ▁ within tokens

	// Byte-level models work on plain bytes rather than on their visible runes, where every byte is a token.
	raw   bool
	start [4][256]int32    // by byte: +1 where it begins the word, +2 where it ends it
	whole map[string]int32 // what ignoreMerges looks up: the vocabulary in plain bytes
}

// A symbol is a part of a word on the way to a token.
type symbol struct {
	id         int32
	size       int32 // bytes; 0 once joined to the one before
	prev, next int32
}

// A merge is a pair that may be joined: the symbol at pos and the one after it.
type merge struct {
	rank uint32
	pos  int32
	id   int32
}

func (m merge) before(o merge) bool { return m.rank < o.rank || m.rank == o.rank && m.pos < o.pos }

// bpeOptions are the fields of a BPE model but its vocabulary and merges.
type bpeOptions struct {
	unk, prefix, suffix                 string
	fuseUnk, byteFallback, ignoreMerges bool
}

// newBPE builds the model. merges holds pairs: left, right, left, right ….
func newBPE(ids map[string]int32, merges []string, o bpeOptions) (*bpe, error) {
	m := &bpe{vocab: newVocab(ids), prefix: o.prefix, suffix: o.suffix, unk: -1, fuseUnk: o.fuseUnk,
		ignoreMerges: o.ignoreMerges, cache: newCache(), merges: newPairTable(len(merges) / 2)}
	var buf []byte
	for i := 0; i+1 < len(merges); i += 2 {
		a, b := merges[i], merges[i+1]
		if len(b) < len(m.prefix) {
			return nil, fmt.Errorf("merge %d: expected a right part of at least %d bytes, got %q", i/2, len(m.prefix), b)
		}
		buf = append(append(buf[:0], a...), b[len(m.prefix):]...)
		ida, oka := ids[a]
		idb, okb := ids[b]
		id, ok := ids[string(buf)]
		if !oka || !okb || !ok {
			for _, s := range []string{a, b, string(buf)} {
				if _, ok := ids[s]; !ok {
					return nil, fmt.Errorf("merge %d (%q %q): expected %q in the vocabulary, got no such token", i/2, a, b, s)
				}
			}
		}
		m.merges.put(ida, idb, uint32(i/2), id)
	}
	if o.unk != "" {
		m.unk = m.id(o.unk)
	}
	m.runes = newTable[int32]()
	for s, id := range ids {
		if r, n := utf8.DecodeRuneInString(s); n == len(s) && n > 0 && (r != utf8.RuneError || n > 1) {
			*m.runes.ref(r) = id + 1
		}
	}
	if o.byteFallback {
		m.bytes = new([256]int32)
		for i := range m.bytes {
			m.bytes[i] = m.id(fmt.Sprintf("<0x%02X>", i))
		}
	}
	m.findCuts(merges, o)
	return m, nil
}

const lowBlock = "▁"

// findCuts sets cuts and before. Tokens that do not stand for their own characters, the unknown one and bytes, must
// have no part in it.
func (m *bpe) findCuts(merges []string, o bpeOptions) {
	if m.runes.at('▁') == 0 || o.prefix != "" || o.suffix != "" || m.unk < 0 {
		return
	}
	m.before = map[rune]bool{}
	for i := 0; i+1 < len(merges); i += 2 {
		for _, s := range merges[i : i+2] {
			if s == o.unk || o.byteFallback && len(s) == 6 && strings.HasPrefix(s, "<0x") {
				return
			}
		}
		prev := rune(-1)
		for _, r := range merges[i] + merges[i+1] {
			if r == '▁' && prev >= 0 {
				m.before[prev] = true
			}
			prev = r
		}
	}
	m.cuts = true
}

// cut returns the length of the word that b starts with.
func (m *bpe) cut(b []byte) int {
	i := len(lowBlock)
	for i < len(b) {
		n := bytes.Index(b[i:], []byte(lowBlock))
		if n < 0 {
			break
		}
		i += n
		if r, _ := utf8.DecodeLastRune(b[:i]); !m.before[r] {
			return i
		}
		i += len(lowBlock)
	}
	return len(b)
}

// takeBytes switches the model to plain bytes, for use behind ByteLevel. It reports false, and changes nothing,
// if some byte has no token of its own: then the runes' offsets matter.
func (m *bpe) takeBytes() bool {
	var start [4][256]int32
	for where := range start {
		for b := range 256 {
			s := string(byteRune[b])
			if where&1 == 0 {
				s = m.prefix + s
			}
			if where&2 != 0 {
				s += m.suffix
			}
			id, ok := m.ids[s]
			if !ok {
				return false
			}
			start[where][b] = id
		}
	}
	m.start, m.raw = start, true
	if m.ignoreMerges {
		m.whole = make(map[string]int32, len(m.ids))
		var buf []byte
		for s, id := range m.ids {
			var ok bool
			if buf, ok = unbyte(buf[:0], s); ok {
				m.whole[string(buf)] = id
			}
		}
	}
	return true
}

func (m *bpe) written(k tok, _ []byte) string {
	s, _ := m.token(k.id)
	return s
}

func (m *bpe) tokenize(t *text, b []byte) {
	if m.ignoreMerges {
		words := m.ids
		if m.raw {
			words = m.whole
		}
		if id, ok := words[string(b)]; ok {
			t.toks = append(t.toks, tok{id, 0, int32(len(b)), false})
			return
		}
	}
	if !m.cuts || len(b) <= cacheKey {
		m.word(t, b)
		return
	}
	for at := 0; at < len(b); {
		n := m.cut(b[at:])
		from := len(t.toks)
		m.word(t, b[at:at+n])
		for i := range t.toks[from:] {
			t.toks[from+i].lo += int32(at)
			t.toks[from+i].hi += int32(at)
		}
		at += n
	}
}

// word appends the tokens of b, from the cache if it has them.
func (m *bpe) word(t *text, b []byte) {
	if len(b) > cacheKey {
		m.join(t, b)
		return
	}
	toks, h, ok := m.cache.get(b)
	if ok {
		t.toks = append(t.toks, toks...)
		return
	}
	n := len(t.toks)
	m.join(t, b)
	m.cache.put(h, b, t.toks[n:])
}

// join runs the merges over b.
func (m *bpe) join(t *text, b []byte) {
	t.symbols = t.symbols[:0]
	if m.raw {
		for i, c := range b {
			where := 0
			if i == 0 {
				where |= 1
			}
			if i == len(b)-1 {
				where |= 2
			}
			t.symbols = append(t.symbols, symbol{id: m.start[where][c], size: 1})
		}
	} else {
		m.spell(t, b)
	}
	switch n := len(t.symbols); {
	case n == 0:
		t.dropped++
	case n <= 24:
		m.mergeFew(t)
	default:
		m.mergeMany(t)
	}
	at := int32(0)
	for _, s := range t.symbols {
		if s.size > 0 {
			t.toks = append(t.toks, tok{s.id, at, min(at+s.size, int32(len(b))), false})
			at += s.size
		}
	}
}

// spell makes symbols of the characters of b: tokens, the tokens of their bytes, or the unknown token.
func (m *bpe) spell(t *text, b []byte) {
	unk := int32(0) // bytes of an unknown token not yet written
	flush := func() {
		if unk > 0 {
			t.symbols = append(t.symbols, symbol{id: m.unk, size: unk})
			unk = 0
		}
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		s := b[i : i+n]
		id := int32(-1)
		if i > 0 && m.prefix != "" || i+n == len(b) && m.suffix != "" {
			t.word = t.word[:0]
			if i > 0 {
				t.word = append(t.word, m.prefix...)
			}
			t.word = append(t.word, s...)
			if i+n == len(b) {
				t.word = append(t.word, m.suffix...)
			}
			s = t.word
			if known, ok := m.ids[string(s)]; ok {
				id = known
			}
		} else {
			id = m.runes.at(r) - 1
		}
		i += n
		if id >= 0 {
			flush()
			t.symbols = append(t.symbols, symbol{id: id, size: int32(n)})
			continue
		}
		if m.bytes != nil && m.spellBytes(t, s) {
			continue
		}
		if m.unk < 0 {
			continue // the reference drops it too
		}
		if !m.fuseUnk {
			flush()
		}
		unk += int32(n)
	}
	flush()
}

func (m *bpe) spellBytes(t *text, s []byte) bool {
	for _, c := range s {
		if m.bytes[c] < 0 {
			return false
		}
	}
	for _, c := range s {
		t.symbols = append(t.symbols, symbol{id: m.bytes[c], size: 1})
	}
	return true
}

// mergeFew joins the symbols of a short word: it looks for the lowest rank again after each join.
func (m *bpe) mergeFew(t *text) {
	sy := t.symbols
	ranks := t.ranks[:0] // of each symbol with the next: rank<<32 | id
	for i := 0; i+1 < len(sy); i++ {
		ranks = append(ranks, m.merges.get(sy[i].id, sy[i+1].id))
	}
	for {
		best, at := noPair, 0
		for i, r := range ranks {
			if r < best {
				best, at = r, i
			}
		}
		if best == noPair {
			break
		}
		sy[at].id = int32(uint32(best))
		sy[at].size += sy[at+1].size
		copy(sy[at+1:], sy[at+2:])
		sy = sy[:len(sy)-1]
		copy(ranks[at:], ranks[at+1:])
		ranks = ranks[:len(ranks)-1]
		if at > 0 {
			ranks[at-1] = m.merges.get(sy[at-1].id, sy[at].id)
		}
		if at < len(ranks) {
			ranks[at] = m.merges.get(sy[at].id, sy[at+1].id)
		}
	}
	t.symbols, t.ranks = sy, ranks
}

// mergeMany joins the symbols of a long word, with the pairs in a heap.
func (m *bpe) mergeMany(t *text) {
	sy := t.symbols
	t.heap = t.heap[:0]
	push := func(i int32) {
		if r := m.merges.get(sy[i].id, sy[sy[i].next].id); r != noPair {
			t.pushMerge(merge{uint32(r >> 32), i, int32(uint32(r))})
		}
	}
	for i := range sy {
		sy[i].prev, sy[i].next = int32(i)-1, int32(i)+1
	}
	last := int32(len(sy))
	for i := int32(0); i+1 < last; i++ {
		if r := m.merges.get(sy[i].id, sy[i+1].id); r != noPair {
			t.heap = append(t.heap, merge{uint32(r >> 32), i, int32(uint32(r))})
		}
	}
	for i := len(t.heap)/4 + 1; i >= 0; i-- {
		t.down(i)
	}
	for len(t.heap) > 0 {
		top := t.pop()
		a := &sy[top.pos]
		if a.size == 0 || a.next == last {
			continue
		}
		b := &sy[a.next]
		if r := m.merges.get(a.id, b.id); r == noPair || int32(uint32(r)) != top.id {
			continue // out of date
		}
		a.id, a.next = top.id, b.next
		a.size += b.size
		b.size = 0
		if a.next < last {
			sy[a.next].prev = top.pos
			push(top.pos)
		}
		if a.prev >= 0 {
			push(a.prev)
		}
	}
}

// pushMerge, pop and down keep t.heap a heap of four children a node.
func (t *text) pushMerge(m merge) {
	t.heap = append(t.heap, m)
	h, i := t.heap, len(t.heap)-1
	for i > 0 {
		up := (i - 1) / 4
		if !m.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = m
}

func (t *text) pop() merge {
	top := t.heap[0]
	n := len(t.heap) - 1
	t.heap[0] = t.heap[n]
	t.heap = t.heap[:n]
	t.down(0)
	return top
}

func (t *text) down(i int) {
	h := t.heap
	if i >= len(h) {
		return
	}
	m := h[i]
	for {
		kid := 4*i + 1
		if kid >= len(h) {
			break
		}
		for k, end := kid+1, min(kid+4, len(h)); k < end; k++ {
			if h[k].before(h[kid]) {
				kid = k
			}
		}
		if !h[kid].before(m) {
			break
		}
		h[i] = h[kid]
		i = kid
	}
	h[i] = m
}

// A pairTable maps pairs of ids to rank<<32 | id of the pair joined.
type pairTable struct {
	slots []pairSlot
	shift uint
}

type pairSlot struct{ key, value uint64 } // key is the pair, plus one; 0 is free

const noPair = ^uint64(0)

func newPairTable(n int) *pairTable {
	bits := uint(4)
	for 1<<bits < 2*n {
		bits++
	}
	return &pairTable{make([]pairSlot, 1<<bits), 64 - bits}
}

func (p *pairTable) put(a, b int32, rank uint32, id int32) {
	key := uint64(uint32(a))<<32 | uint64(uint32(b)) + 1
	for i := key * 0x9e3779b97f4a7c15 >> p.shift; ; i = (i + 1) & uint64(len(p.slots)-1) {
		if s := &p.slots[i]; s.key == 0 || s.key == key {
			*s = pairSlot{key, uint64(rank)<<32 | uint64(uint32(id))}
			return
		}
	}
}

func (p *pairTable) get(a, b int32) uint64 {
	key := uint64(uint32(a))<<32 | uint64(uint32(b)) + 1
	for i := key * 0x9e3779b97f4a7c15 >> p.shift; ; i = (i + 1) & uint64(len(p.slots)-1) {
		s := &p.slots[i&uint64(len(p.slots)-1)]
		if s.key == key {
			return s.value
		}
		if s.key == 0 {
			return noPair
		}
	}
}

// splitMerges reads the lines of merges.txt.
func splitMerges(file string) ([]string, error) {
	var out []string
	lines := strings.Split(file, "\n")
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if strings.HasPrefix(line, "#version") || line == "" && i == len(lines)-1 {
			continue
		}
		a, b, ok := strings.Cut(line, " ")
		if !ok || strings.Contains(b, " ") {
			return nil, fmt.Errorf("line %d: expected two tokens and one space between them, got %.100q", i+1, line)
		}
		out = append(out, a, b)
	}
	return out, nil
}
