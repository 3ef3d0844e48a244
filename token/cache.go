package token

import (
	"hash/maphash"
	"sync/atomic"
)

// A cache remembers the tokens of short words. It is bounded, and safe for many goroutines without a lock.
type cache struct {
	seed  maphash.Seed
	sets  [][4]atomic.Pointer[cacheEntry]
	turns atomic.Uint32
}

type cacheEntry struct {
	key  string
	toks []tok
}

const (
	cacheSets = 4096
	cacheKey  = 64 // longer words are not kept
)

func newCache() *cache {
	return &cache{seed: maphash.MakeSeed(), sets: make([][4]atomic.Pointer[cacheEntry], cacheSets)}
}

// get returns the tokens of b, and the hash that put wants.
func (c *cache) get(b []byte) ([]tok, uint64, bool) {
	h := maphash.Bytes(c.seed, b)
	set := &c.sets[h%cacheSets]
	for i := range set {
		e := set[i].Load()
		if e == nil {
			break
		}
		if e.key == string(b) {
			return e.toks, h, true
		}
	}
	return nil, h, false
}

// put keeps the tokens of b. In a full set only one new word in sixteen takes the place of another, so that a
// stream of rare words costs little.
func (c *cache) put(h uint64, b []byte, toks []tok) {
	set := &c.sets[h%cacheSets]
	i := 0
	for i < len(set) && set[i].Load() != nil {
		i++
	}
	if i == len(set) {
		turn := c.turns.Add(1)
		if turn%16 != 0 {
			return
		}
		i = int(turn/16) % len(set)
	}
	set[i].Store(&cacheEntry{string(b), append([]tok(nil), toks...)})
}
