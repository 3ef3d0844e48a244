package token

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// wordPiece cuts the longest token off the front of a word, again and again.
type wordPiece struct {
	vocab
	first, rest *trie // tokens, and those with the prefix, without it
	unk         int32
	longest     int // runes of a word that is tried at all
}

func newWordPiece(ids map[string]int32, unk, prefix string, longest int) *wordPiece {
	m := &wordPiece{vocab: newVocab(ids), longest: longest}
	m.unk = m.id(unk)
	var first, rest []trieKey
	for s, id := range ids {
		first = append(first, trieKey{s, id})
		if len(s) > len(prefix) && s[:len(prefix)] == prefix {
			rest = append(rest, trieKey{s[len(prefix):], id})
		}
	}
	m.first, m.rest = newTrie(first), newTrie(rest)
	return m
}

func (m *wordPiece) written(k tok, _ []byte) string {
	s, _ := m.token(k.id)
	return s
}

func (m *wordPiece) tokenize(t *text, b []byte) {
	n := len(t.toks)
	ok := len(b) <= m.longest || utf8.RuneCount(b) <= m.longest
	tr := m.first
	for i := 0; ok && i < len(b); tr = m.rest {
		id, size := tr.longest(b[i:])
		if ok = id >= 0; ok {
			t.toks = append(t.toks, tok{id, int32(i), int32(i + size), false})
			i += size
		}
	}
	if ok {
		return
	}
	t.toks = t.toks[:n]
	if m.unk < 0 {
		t.dropped++
		return
	}
	t.toks = append(t.toks, tok{m.unk, 0, int32(len(b)), false})
}

// wordLevel knows whole words only.
type wordLevel struct {
	vocab
	unk int32
}

func (m *wordLevel) written(k tok, _ []byte) string {
	s, _ := m.token(k.id)
	return s
}

func (m *wordLevel) tokenize(t *text, b []byte) {
	id, ok := m.ids[string(b)]
	if !ok {
		if id = m.unk; id < 0 {
			t.dropped++
			return
		}
	}
	t.toks = append(t.toks, tok{id, 0, int32(len(b)), false})
}

// unigram chooses the cut whose tokens have the largest sum of scores, by Viterbi's algorithm.
type unigram struct {
	vocab
	trie   *trie
	scores []float64
	unk    int32 // -1 for none
	low    float64
	bytes  *[256]int32
	cache  *cache
}

// A bestPath is the best way to some byte: the last token on it and where that starts.
type bestPath struct {
	score float64
	id    int32
	from  int32 // -1: no way yet
}

// unkPenalty is what an unknown character costs more than the worst token.
const unkPenalty = 10

func newUnigram(tokens []string, scores []float64, unk int32, byteFallback bool) *unigram {
	ids := make(map[string]int32, len(tokens))
	keys := make([]trieKey, len(tokens))
	low := math.Inf(1)
	for i, s := range tokens {
		ids[s] = int32(i)
		keys[i] = trieKey{s, int32(i)}
		low = min(low, scores[i])
	}
	m := &unigram{vocab: newVocab(ids), trie: newTrie(keys), scores: scores, unk: unk, low: low, cache: newCache()}
	for i, s := range tokens { // a token that stands twice is written the same either way
		if m.dense != nil && i < len(m.dense) && m.dense[i] == "" {
			m.dense[i] = s
		}
	}
	if byteFallback {
		m.bytes = new([256]int32)
		for i := range m.bytes {
			m.bytes[i] = m.id(fmt.Sprintf("<0x%02X>", i))
		}
	}
	return m
}

func (m *unigram) written(k tok, b []byte) string {
	if k.own {
		return string(b[k.lo:k.hi])
	}
	s, _ := m.token(k.id)
	return s
}

func (m *unigram) tokenize(t *text, b []byte) {
	if len(b) > cacheKey {
		m.search(t, b)
		return
	}
	toks, h, ok := m.cache.get(b)
	if ok {
		t.toks = append(t.toks, toks...)
		return
	}
	n, dropped := len(t.toks), t.dropped
	m.search(t, b)
	if t.dropped == dropped {
		m.cache.put(h, b, t.toks[n:])
	}
}

func (m *unigram) search(t *text, b []byte) {
	if cap(t.best) <= len(b) {
		t.best = make([]bestPath, len(b)+1+len(b)/2)
	}
	best := t.best[:len(b)+1]
	for i := range best {
		best[i] = bestPath{from: -1}
	}
	nodes := m.trie.nodes
	for i := 0; i < len(b); {
		_, size := utf8.DecodeRune(b[i:])
		here := best[i].score
		single := false
		s := int32(0)
		for j := i; j < len(b); j++ {
			n := nodes[s].base + int32(b[j])
			if uint32(n) >= uint32(len(nodes)) || nodes[n].check != s || n == 0 {
				break
			}
			s = n
			id := nodes[s].value
			if id < 0 {
				continue
			}
			if to, score := &best[j+1], m.scores[id]+here; to.from < 0 || score > to.score {
				*to = bestPath{score, id, int32(i)}
			}
			single = single || j+1-i == size
		}
		if !single {
			if to, score := &best[i+size], m.low-unkPenalty+here; to.from < 0 || score > to.score {
				*to = bestPath{score, m.unk, int32(i)}
			}
		}
		i += size
	}
	n := len(t.toks)
	for end := int32(len(b)); end > 0; { // backwards, unknown characters side by side as one
		id, from := best[end].id, best[end].from
		if id == m.unk {
			for from > 0 && best[from].id == m.unk {
				from = best[from].from
			}
		}
		t.toks = append(t.toks, tok{id, from, end, id == m.unk})
		end = from
	}
	toks := t.toks[n:]
	for i, j := 0, len(toks)-1; i < j; i, j = i+1, j-1 {
		toks[i], toks[j] = toks[j], toks[i]
	}
	for _, k := range toks {
		if k.id == m.unk {
			m.unknown(t, b, n)
			break
		}
	}
}

// unknown looks again at the unknown stretches among t.toks[from:]: they may be tokens, or be spelt in bytes.
func (m *unigram) unknown(t *text, b []byte, from int) {
	toks := append([]tok(nil), t.toks[from:]...)
	t.toks = t.toks[:from]
next:
	for _, k := range toks {
		s := b[k.lo:k.hi]
		if k.id != m.unk {
			t.toks = append(t.toks, k)
			continue
		}
		if id, ok := m.ids[string(s)]; ok {
			k.id, k.own = id, false
			t.toks = append(t.toks, k)
			continue
		}
		if m.bytes != nil {
			n := len(t.toks)
			for _, c := range s {
				if m.bytes[c] < 0 {
					t.toks = t.toks[:n]
					break
				}
				t.toks = append(t.toks, tok{m.bytes[c], k.lo, k.hi, false})
			}
			if len(t.toks) > n {
				continue next
			}
		}
		if m.unk < 0 {
			t.dropped++
			continue
		}
		t.toks = append(t.toks, k)
	}
}
