package token

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A decoder rewrites tokens so that, joined, they read as text.
type decoder interface {
	decode(tokens []string) []string
}

// eachToken rewrites the tokens one by one.
type eachToken func(s string, first, last bool) string

func (f eachToken) decode(tokens []string) []string {
	for i, s := range tokens {
		tokens[i] = f(s, i == 0, i == len(tokens)-1)
	}
	return tokens
}

// byteLevelDecoder turns visible runes into bytes again; tokens that have other runes stand for themselves.
type byteLevelDecoder struct{}

func (byteLevelDecoder) decode(tokens []string) []string {
	var b []byte
	for _, s := range tokens {
		var ok bool
		if b, ok = unbyte(b, s); !ok {
			b = append(b, s...)
		}
	}
	return []string{validText(b)}
}

// validText replaces every maximal part of an ill-formed sequence by one U+FFFD, as Unicode recommends.
func validText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = illFormed(b)
		}
		out.WriteRune(r)
		b = b[n:]
	}
	return out.String()
}

// illFormed returns the length of the longest start of a well-formed sequence at b, at least 1.
func illFormed(b []byte) int {
	lo, hi, need := byte(0x80), byte(0xbf), 0
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 1
	case c >= 0xe0 && c <= 0xef:
		need = 2
		if c == 0xe0 {
			lo = 0xa0
		} else if c == 0xed {
			hi = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		need = 3
		if c == 0xf0 {
			lo = 0x90
		} else if c == 0xf4 {
			hi = 0x8f
		}
	}
	n := 1
	for n <= need && n < len(b) && b[n] >= lo && b[n] <= hi {
		n++
		lo, hi = 0x80, 0xbf
	}
	return n
}

// tidy takes out the spaces that WordPiece puts before punctuation and English contractions. The order matters.
func tidy(s string) string {
	for _, p := range [][2]string{{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
		{" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}} {
		s = strings.ReplaceAll(s, p[0], p[1])
	}
	return s
}

// wordPieceDecoder joins continuations and puts spaces between words.
func wordPieceDecoder(prefix string, cleanup bool) decoder {
	return eachToken(func(s string, first, _ bool) string {
		if !first {
			if rest, ok := strings.CutPrefix(s, prefix); ok {
				s = rest
			} else {
				s = " " + s
			}
		}
		if cleanup {
			s = tidy(s)
		}
		return s
	})
}

// metaspaceDecoder turns the replacement into spaces, or into nothing in the first token if one was put there.
func metaspaceDecoder(replacement string, prefixed bool) decoder {
	return eachToken(func(s string, first, _ bool) string {
		if first && prefixed {
			return strings.ReplaceAll(s, replacement, "")
		}
		return strings.ReplaceAll(s, replacement, " ")
	})
}

// bpeDecoder turns the suffix of word ends into spaces.
func bpeDecoder(suffix string) decoder {
	return eachToken(func(s string, _, last bool) string {
		if last {
			return strings.ReplaceAll(s, suffix, "")
		}
		return strings.ReplaceAll(s, suffix, " ")
	})
}

// stripDecoder takes up to start and stop runes off the ends, where they are content.
func stripDecoder(content string, start, stop int) decoder {
	return eachToken(func(s string, _, _ bool) string {
		rest := s
		for i := 0; i < start && strings.HasPrefix(rest, content); i++ {
			rest = rest[len(content):]
		}
		for i := 0; i < stop && strings.HasSuffix(rest, content); i++ {
			rest = rest[:len(rest)-len(content)]
		}
		return rest
	})
}

// replaceDecoder replaces what a pattern matches in each token.
func replaceDecoder(pattern matcher, content string) decoder {
	return eachToken(func(s string, _, _ bool) string {
		var t text
		var out strings.Builder
		prev := 0
		for _, h := range pattern.match(&t, nil, []byte(s)) {
			out.WriteString(s[prev:h.lo])
			out.WriteString(content)
			prev = h.hi
		}
		out.WriteString(s[prev:])
		return out.String()
	})
}

// byteFallbackDecoder joins tokens like <0x61> to text; a run of them that is not UTF-8 becomes one U+FFFD each.
type byteFallbackDecoder struct{}

func (byteFallbackDecoder) decode(tokens []string) []string {
	var out []string
	var run []byte
	flush := func() {
		switch {
		case len(run) == 0:
		case utf8.Valid(run):
			out = append(out, string(run))
		default:
			for range run {
				out = append(out, "\ufffd")
			}
		}
		run = run[:0]
	}
	for _, s := range tokens {
		if len(s) == 6 && strings.HasPrefix(s, "<0x") && s[5] == '>' {
			if n, err := strconv.ParseUint(s[3:5], 16, 8); err == nil {
				run = append(run, byte(n))
				continue
			}
		}
		flush()
		out = append(out, s)
	}
	flush()
	return out
}

// fuseDecoder makes one token of all.
type fuseDecoder struct{}

func (fuseDecoder) decode(tokens []string) []string { return []string{strings.Join(tokens, "")} }

// ctcDecoder drops repetitions and blanks, as speech recognisers want it.
type ctcDecoder struct {
	pad, delimiter string
	cleanup        bool
}

func (m ctcDecoder) decode(tokens []string) []string {
	var out []string
	for i, s := range tokens {
		if i > 0 && s == tokens[i-1] {
			continue
		}
		s = strings.ReplaceAll(s, m.pad, "")
		if m.cleanup {
			s = strings.ReplaceAll(tidy(s), m.delimiter, " ")
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// decodeSequence runs several.
type decodeSequence []decoder

func (m decodeSequence) decode(tokens []string) []string {
	for _, d := range m {
		tokens = d.decode(tokens)
	}
	return tokens
}
