package token

import (
	"cmp"
	"slices"
)

// A trie is a double-array trie: from node s the byte c leads to node base[s]+c, if that one's check is s.
type trie struct{ nodes []trieNode }

type trieNode struct {
	base  int32
	check int32 // the parent; -1 where the place is free
	value int32 // of the key that ends here; -1 for none
}

// A trieKey is a key and its value, which is not negative.
type trieKey struct {
	key   string
	value int32
}

// newTrie builds a trie; of equal keys the last counts. The empty key is left out.
func newTrie(keys []trieKey) *trie {
	slices.SortStableFunc(keys, func(a, b trieKey) int { return cmp.Compare(a.key, b.key) })
	b := trieBuilder{next: 1}
	b.grow(257)
	b.nodes[0].check = 0
	b.add(0, 0, keys)
	for len(b.nodes) > 257 && b.nodes[len(b.nodes)-1].check < 0 && b.nodes[len(b.nodes)-257].check < 0 {
		b.nodes = b.nodes[:len(b.nodes)-1]
	}
	return &trie{b.nodes}
}

type trieBuilder struct {
	nodes []trieNode
	next  int         // every place below is taken or not worth a look
	kids  []trieChild // of the nodes that are being placed, the deepest last
}

// A trieChild is the keys lo to hi-1 of a node's, which go on with c.
type trieChild struct {
	c      byte
	lo, hi int32
}

func (b *trieBuilder) grow(n int) {
	for len(b.nodes) < n {
		b.nodes = append(b.nodes, trieNode{check: -1, value: -1})
	}
}

// add places the children of node s, whose keys, all of one prefix of length depth, are given in order. Its
// recursion is as deep as the longest key, which Parse bounds.
func (b *trieBuilder) add(s int32, depth int, keys []trieKey) {
	for len(keys) > 0 && len(keys[0].key) == depth {
		if depth > 0 {
			b.nodes[s].value = keys[0].value
		}
		keys = keys[1:]
	}
	if len(keys) == 0 {
		return
	}
	first := len(b.kids)
	for i, k := range keys {
		if c := k.key[depth]; i == 0 || b.kids[len(b.kids)-1].c != c {
			b.kids = append(b.kids, trieChild{c, int32(i), int32(i + 1)})
		} else {
			b.kids[len(b.kids)-1].hi++
		}
	}
	kids := b.kids[first:]
	base := max(b.next-int(kids[0].c), 1)
	for tried, full := 0, 0; ; base++ {
		b.grow(base + 256)
		fits := true
		for _, k := range kids {
			if b.nodes[base+int(k.c)].check >= 0 {
				fits = false
				break
			}
		}
		if fits {
			break
		}
		if tried++; b.nodes[base+int(kids[0].c)].check >= 0 {
			full++
		}
		if tried >= 64 && full*20 >= tried*19 { // nearly all taken: do not come back here
			b.next = base + int(kids[0].c)
			tried, full = 0, 0
		}
	}
	b.nodes[s].base = int32(base)
	for _, k := range kids {
		b.nodes[base+int(k.c)].check = s
	}
	for _, k := range kids { // whose memory may be left behind, but not written to, where the deeper ones need more
		b.add(int32(base)+int32(k.c), depth+1, keys[k.lo:k.hi])
	}
	b.kids = b.kids[:first]
}

// step returns the node that c leads to from s, or -1.
func (t *trie) step(s int32, c byte) int32 {
	n := t.nodes[s].base + int32(c)
	if uint32(n) >= uint32(len(t.nodes)) || t.nodes[n].check != s || n == 0 {
		return -1
	}
	return n
}

// longest returns the value and the length of the longest key that b starts with, or -1.
func (t *trie) longest(b []byte) (value int32, length int) {
	value = -1
	s := int32(0)
	for i, c := range b {
		if s = t.step(s, c); s < 0 {
			break
		}
		if v := t.nodes[s].value; v >= 0 {
			value, length = v, i+1
		}
	}
	return value, length
}
