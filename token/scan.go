package token

import (
	"bytes"
	"unicode/utf8"
)

// A matcher finds what a pattern matches, from left to right and without overlap.
type matcher interface {
	match(t *text, dst []hit, b []byte) []hit
}

// literal matches its own bytes; it is not empty.
type literal []byte

func (l literal) match(_ *text, dst []hit, b []byte) []hit {
	for i := 0; ; {
		n := bytes.Index(b[i:], l)
		if n < 0 {
			return dst
		}
		dst = append(dst, hit{i + n, i + n + len(l)})
		i += n + len(l)
	}
}

// runsOf matches runs of at least n runes of a class, or single runes where each is set.
type runsOf struct {
	class class
	n     int
	each  bool
}

func (m runsOf) match(_ *text, dst []hit, b []byte) []hit {
	for i := 0; i < len(b); {
		c, n := classAt(b, i)
		if c&m.class == 0 {
			i += n
			continue
		}
		lo, count := i, 0
		for {
			i += n
			count++
			if m.each || i == len(b) {
				break
			}
			if c, n = classAt(b, i); c&m.class == 0 {
				break
			}
		}
		if count >= m.n {
			dst = append(dst, hit{lo, i})
		}
	}
	return dst
}

// blanks matches runs of at least so many plain spaces.
type blanks int

func (m blanks) match(_ *text, dst []hit, b []byte) []hit {
	for i := 0; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], ' ')
		if n < 0 {
			break
		}
		lo := i + n
		for i = lo; i < len(b) && b[i] == ' '; i++ {
		}
		if i-lo >= int(m) {
			dst = append(dst, hit{lo, i})
		}
	}
	return dst
}

// classAt returns the class and the length of the rune at b[i].
func classAt(b []byte, i int) (class, int) {
	if c := b[i]; c < utf8.RuneSelf {
		return asciiClass[c], 1
	}
	r, n := utf8.DecodeRune(b[i:])
	return tables().class.at(r), n
}

// runEnd returns the end of the run from i on of runes that have a property of want and none of not.
func runEnd(b []byte, i int, want, not class) int {
	for i < len(b) {
		c, n := classAt(b, i)
		if c&not != 0 || want != 0 && c&want == 0 {
			break
		}
		i += n
	}
	return i
}

// contraction returns the length of 's 't 're 've 'm 'll 'd at the start of b, or 0. With fold, capitals count
// too, and the long s, which Unicode folds to s.
func contraction(b []byte, fold bool) int {
	if len(b) < 2 || b[0] != '\'' {
		return 0
	}
	c := b[1]
	if fold {
		if c == 0xc5 && len(b) > 2 && b[2] == 0xbf {
			return 3
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
	}
	switch c {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v', 'l':
		if len(b) < 3 {
			return 0
		}
		d := b[2]
		if fold && 'A' <= d && d <= 'Z' {
			d |= 0x20
		}
		if c == 'l' && d == 'l' || c != 'l' && d == 'e' {
			return 3
		}
	}
	return 0
}

// spaceEnd ends a run of white space from i on as \s+(?!\S)|\s+ does: all of it at the end of the text, else all
// but the last, which goes with the word.
func spaceEnd(b []byte, i int, sp class) int {
	end := runEnd(b, i, sp, 0)
	if end == len(b) {
		return end
	}
	_, n := utf8.DecodeLastRune(b[i:end])
	if end-n > i {
		return end - n
	}
	return end
}

// gpt2 is GPT-2's pattern, which ByteLevel has built in.
type gpt2 struct{}

func (gpt2) match(_ *text, dst []hit, b []byte) []hit {
	for i := 0; i < len(b); {
		lo := i
		if n := contraction(b[i:], false); n > 0 {
			i += n
			dst = append(dst, hit{lo, i})
			continue
		}
		j := i
		if b[i] == ' ' && i+1 < len(b) {
			j++
		}
		switch c, n := classAt(b, j); {
		case c&letter != 0:
			i = runEnd(b, j+n, letter, 0)
		case c&number != 0:
			i = runEnd(b, j+n, number, 0)
		case c&space == 0:
			i = runEnd(b, j+n, 0, space|letter|number)
		default:
			i = spaceEnd(b, i, space)
		}
		dst = append(dst, hit{lo, i})
	}
	return dst
}

// cl100k is the pattern of OpenAI's cl100k, which Llama 3 (three digits at a time) and Qwen (one) took over.
type cl100k struct{ digits int }

func (m cl100k) match(_ *text, dst []hit, b []byte) []hit {
	for i := 0; i < len(b); {
		lo := i
		i = m.end(b, i)
		dst = append(dst, hit{lo, i})
	}
	return dst
}

func (m cl100k) end(b []byte, i int) int {
	if n := contraction(b[i:], true); n > 0 {
		return i + n
	}
	c, n := classAt(b, i)
	if c&letter != 0 {
		return runEnd(b, i+n, letter, 0)
	}
	if c&number != 0 {
		for k := 0; k < m.digits && c&number != 0; k++ {
			if i += n; i == len(b) {
				break
			}
			c, n = classAt(b, i)
		}
		return i
	}
	if b[i] != '\r' && b[i] != '\n' && i+n < len(b) { // one rune that is neither letter nor digit may lead a word
		if c2, n2 := classAt(b, i+n); c2&letter != 0 {
			return runEnd(b, i+n+n2, letter, 0)
		}
	}
	j := i
	if b[i] == ' ' && i+1 < len(b) {
		j++
	}
	if c, n := classAt(b, j); c&(space|letter|number) == 0 {
		j = runEnd(b, j+n, 0, space|letter|number)
		for j < len(b) && (b[j] == '\r' || b[j] == '\n') {
			j++
		}
		return j
	}
	run := b[i:runEnd(b, i, space, 0)]
	if k := bytes.LastIndexAny(run, "\r\n"); k >= 0 {
		return i + k + 1
	}
	return spaceEnd(b, i, space)
}

// clipWords is CLIP's pattern; white space matches nothing.
type clipWords struct {
	specials              []string
	fold                  bool // 'S and the like too
	letter, number, space class
}

func (m clipWords) match(_ *text, dst []hit, b []byte) []hit {
	for i := 0; i < len(b); {
		c, n := classAt(b, i)
		if c&m.space != 0 {
			i += n
			continue
		}
		lo := i
		switch k := m.special(b[i:]); {
		case k > 0:
			i += k
		case c&m.letter != 0:
			i = runEnd(b, i+n, m.letter, 0)
		case c&m.number != 0:
			i += n
		default:
			i = runEnd(b, i+n, 0, m.space|m.letter|m.number)
		}
		dst = append(dst, hit{lo, i})
	}
	return dst
}

func (m clipWords) special(b []byte) int {
	switch b[0] {
	case '\'':
		return contraction(b, m.fold)
	case '<':
		for _, s := range m.specials {
			if n := prefixFold(b, s, m.fold); n > 0 {
				return n
			}
		}
	}
	return 0
}

// prefixFold returns how many bytes of b spell s, which is in lower case, or 0.
func prefixFold(b []byte, s string, fold bool) int {
	i := 0
	for j := 0; j < len(s); j++ {
		switch {
		case i >= len(b):
			return 0
		case b[i] == s[j], fold && 'A' <= b[i] && b[i] <= 'Z' && b[i]|0x20 == s[j]:
			i++
		case fold && s[j] == 's' && bytes.HasPrefix(b[i:], []byte("ſ")):
			i += 2
		default:
			return 0
		}
	}
	return i
}

const (
	patternGPT2    = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	patternCLIP    = `'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`
	patternCLIPMix = `<\|startoftext\|>|<\|endoftext\|>|` + patternCLIP
	patternLlama3  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen2   = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// knownPattern returns a hand-written matcher for a pattern that is worth one.
func knownPattern(p string) matcher {
	switch p {
	case patternGPT2:
		return gpt2{}
	case patternCLIP:
		return clipWords{nil, false, letter, number, space}
	case patternCLIPMix:
		return clipWords{[]string{"<|startoftext|>", "<|endoftext|>"}, false, letter, number, space}
	case patternLlama3:
		return cl100k{3}
	case patternQwen2:
		return cl100k{1}
	case `\s+`:
		return runsOf{space, 1, false}
	case `\s`:
		return runsOf{space, 1, true}
	case `\p{N}`, `\p{N}{1}`:
		return runsOf{number, 1, true}
	case ` {2,}`:
		return blanks(2)
	case ` +`:
		return blanks(1)
	}
	return nil
}
