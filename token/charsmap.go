package token

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A charsmap is sentencepiece's precompiled normalizer: a double-array trie from byte strings to places in
// a pool of NUL-terminated replacements.
type charsmap struct {
	units []uint32
	pool  string
}

// parseCharsmap reads the length of the trie in bytes (32 bits, little endian), the trie, the pool.
func parseCharsmap(b []byte) (*charsmap, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("expected at least 4 bytes, got %d", len(b))
	}
	size := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if uint64(size) > uint64(len(b)) || size < 4 {
		return nil, fmt.Errorf("expected a trie of 4 to %d bytes, got a length of %d", len(b), size)
	}
	c := &charsmap{units: make([]uint32, size/4)}
	for i := range c.units {
		c.units[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	c.pool = string(b[len(c.units)*4:])
	if !utf8.ValidString(c.pool) {
		return nil, fmt.Errorf("expected replacements in UTF-8, got other bytes")
	}
	return c, nil
}

// find returns the replacement of the shortest key that b starts with.
func (c *charsmap) find(b []byte) (string, bool) {
	offset := func(u uint32) uint32 { return u >> 10 << (u & (1 << 9) >> 6) }
	pos := offset(c.units[0])
	for _, ch := range b {
		if ch == 0 {
			break
		}
		pos ^= uint32(ch)
		if pos >= uint32(len(c.units)) {
			break
		}
		u := c.units[pos]
		if u&(1<<31|0xff) != uint32(ch) {
			break
		}
		pos ^= offset(u)
		if u>>8&1 == 0 {
			continue
		}
		if pos >= uint32(len(c.units)) {
			break
		}
		at := c.units[pos] & (1<<31 - 1)
		if at > uint32(len(c.pool)) {
			break
		}
		s := c.pool[at:]
		if end := strings.IndexByte(s, 0); end >= 0 {
			s = s[:end]
		}
		return s, true
	}
	return "", false
}

func (c *charsmap) same(b []byte) bool {
	for i, ch := range b {
		if ch < ' ' || ch >= 0x7f {
			return false
		}
		if _, ok := c.find(b[i : i+1]); ok {
			return false
		}
	}
	return true
}

// apply replaces clusters of under six bytes as a whole where they start with a key, and else rune by rune.
func (c *charsmap) apply(t *text, lo, hi int) {
	q := t.queue[:0]
	for lo < hi {
		n := clusterLen(t.buf[lo:hi])
		if n < 6 {
			if s, ok := c.find(t.buf[lo : lo+n]); ok {
				q = substitute(q, s, t.buf[lo:lo+n])
				lo += n
				continue
			}
		}
		for end := lo + n; lo < end; {
			r, size := utf8.DecodeRune(t.buf[lo:end])
			if s, ok := c.find(t.buf[lo : lo+size]); ok {
				q = substitute(q, s, t.buf[lo:lo+size])
			} else {
				q = append(q, composed{r, 0})
			}
			lo += size
		}
	}
	for _, r := range q {
		t.emit(r.r, r.change)
	}
	t.queue = q
}

// substitute appends s in the place of old, rune for rune. What s has over counts as inserted; what it lacks
// goes with the last rune written, whichever that is (there may be none: the reference then loses count, and
// so do we).
func substitute(q []composed, s string, old []byte) []composed {
	more := utf8.RuneCountInString(s) - utf8.RuneCount(old)
	for _, r := range s {
		q = append(q, composed{r, 0})
	}
	for i := 0; i < more; i++ {
		q[len(q)-1-i].change = 1
	}
	if more < 0 && len(q) > 0 {
		q[len(q)-1].change += more
	}
	return q
}
