package token

import (
	"bytes"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// clipClean is open_clip's cleaning: ftfy.fix_text (version 6.3), HTML entities twice, white space to single spaces,
// lower case.
type clipClean struct{}

// A placed rune remembers where it came from.
type placed struct {
	r  rune
	at span
}

// clipPlain marks the bytes that cleaning only lowers or, for spaces, collapses.
func clipPlain(b []byte) bool {
	for _, c := range b {
		if c >= 0x7f || c == '&' || c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

func (clipClean) same(b []byte) bool {
	for i, c := range b {
		if c >= 0x7f || c == '&' || c < ' ' || 'A' <= c && c <= 'Z' || c == ' ' && (i == 0 || i == len(b)-1 || b[i-1] == ' ') {
			return false
		}
	}
	return true
}

func (clipClean) apply(t *text, lo, hi int) {
	if clipPlain(t.buf[lo:hi]) {
		gap := false
		from := len(t.out)
		for i, c := range t.buf[lo:hi] {
			switch {
			case c <= ' ':
				gap = len(t.out) > from
				continue
			case 'A' <= c && c <= 'Z':
				c |= 0x20
			}
			if gap {
				t.out = append(t.out, ' ')
				if t.track {
					t.outAt = append(t.outAt, t.at[lo+i-1])
				}
				gap = false
			}
			t.out = append(t.out, c)
			if t.track {
				t.outAt = append(t.outAt, t.at[lo+i])
			}
		}
		return
	}
	var s []placed
	for i := lo; i < hi; {
		r, n := utf8.DecodeRune(t.buf[i:hi])
		p := placed{r: r}
		if t.track {
			p.at = t.at[i]
		}
		s = append(s, p)
		i += n
	}
	s = fixText(s)
	s = unescapeHTML(unescapeHTML(s))
	for _, p := range lowerPython(collapse(s)) {
		n := len(t.out)
		t.out = utf8.AppendRune(t.out, p.r)
		if t.track {
			for range len(t.out) - n {
				t.outAt = append(t.outAt, p.at)
			}
		}
	}
}

// fixText fixes text line by line, as ftfy.fix_text does.
func fixText(s []placed) (out []placed) {
	entities := true // until a line looks like HTML itself
	for len(s) > 0 {
		n := slices.IndexFunc(s, func(p placed) bool { return p.r == '\n' }) + 1
		if n == 0 {
			n = len(s)
		}
		line := s[:n]
		s = s[n:]
		if slices.ContainsFunc(line, func(p placed) bool { return p.r == '<' }) {
			entities = false
		}
		out = append(out, fixLine(line, entities)...)
	}
	return out
}

// fixLine repeats ftfy's fixes until they change nothing. A line that grows stops the repetition: it cannot, but a
// bound is better than trust.
func fixLine(s []placed, entities bool) []placed {
	for range 100 {
		next := slices.Clone(s)
		if entities {
			next = unescapeStrict(next)
		}
		next = fixEncoding(next)
		next = fixRunes(next)
		next = fixBreaks(next)
		next = fixEscapes(next)
		next = slices.DeleteFunc(next, func(p placed) bool {
			r := p.r
			return r <= 8 || r == 0xb || r >= 0xe && r < ' ' || r == 0x7f || r >= 0x206a && r < 0x2070 || r == 0xfeff || r >= 0xfff9 && r < 0xfffd
		})
		next = composeNFC(next)
		if slices.EqualFunc(s, next, func(a, b placed) bool { return a.r == b.r }) {
			return next
		}
		s = next
	}
	return s
}

// windows1252 is what the bytes 0x80 to 0x9f mean on Windows; the five it lacks stand for themselves.
var windows1252 = [32]rune{'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ'}

// ligatures are the Latin ones that ftfy takes apart.
var ligatures = map[rune]string{'Ĳ': "IJ", 'ĳ': "ij", 'ŉ': "ʼn", 'Ǳ': "DZ", 'ǲ': "Dz", 'ǳ': "dz", 'Ǆ': "DŽ", 'ǅ': "Dž", 'ǆ': "dž",
	'Ǉ': "LJ", 'ǈ': "Lj", 'ǉ': "lj", 'Ǌ': "NJ", 'ǋ': "Nj", 'ǌ': "nj", 'ﬀ': "ff", 'ﬁ': "fi", 'ﬂ': "fl", 'ﬃ': "ffi", 'ﬄ': "ffl",
	'ﬅ': "ſt", 'ﬆ': "st"}

// fixRunes replaces single runes: C1 controls, ligatures, widths, curly quotes.
func fixRunes(s []placed) []placed {
	out := s[:0:0]
	for _, p := range s {
		if p.r >= 0x80 && p.r <= 0x9f {
			p.r = windows1252[p.r-0x80]
		}
		form := ""
		switch r := p.r; {
		case r < 0x80:
		case r == 0x3000:
			form = " "
		case r > 0xff00 && r < 0xfff0:
			form = norm.NFKC.String(string(r))
		default:
			form = ligatures[r]
		}
		if form == "" {
			form = string(p.r)
		}
		for _, r := range form {
			switch {
			case r == 0x2bc, r >= 0x2018 && r <= 0x201b:
				r = '\''
			case r >= 0x201c && r <= 0x201f:
				r = '"'
			}
			out = append(out, placed{r, p.at})
		}
	}
	return out
}

// fixBreaks makes every line break a plain one.
func fixBreaks(s []placed) []placed {
	out := s[:0]
	for i, p := range s {
		switch p.r {
		case '\r':
			if i+1 < len(s) && s[i+1].r == '\n' {
				continue
			}
			p.r = '\n'
		case 0x2028, 0x2029, 0x85:
			p.r = '\n'
		}
		out = append(out, p)
	}
	return out
}

// fixEscapes drops ANSI terminal sequences: ESC [ digits and semicolons, a letter.
func fixEscapes(s []placed) []placed {
	out := s[:0]
	for i := 0; i < len(s); i++ {
		if s[i].r == 0x1b && i+1 < len(s) && s[i+1].r == '[' {
			j := i + 2
			for j < len(s) && (s[j].r == ';' || unicode.Is(unicode.Nd, s[j].r)) {
				j++
			}
			if j < len(s) && s[j].r < 0x80 && unicode.IsLetter(s[j].r) {
				i = j
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

// composeNFC brings s to NFC; what is composed takes the place of its first part.
func composeNFC(s []placed) []placed {
	low := true
	for _, p := range s {
		low = low && p.r < 0x300
	}
	if low {
		return s
	}
	t := text{track: true, limit: math.MaxInt}
	for _, p := range s {
		n := len(t.buf)
		t.buf = utf8.AppendRune(t.buf, p.r)
		for range len(t.buf) - n {
			t.at = append(t.at, p.at)
		}
	}
	form{norm.NFC, true, pyInert}.apply(&t, 0, len(t.buf))
	out := s[:0:0]
	for i := 0; i < len(t.out); {
		r, n := utf8.DecodeRune(t.out[i:])
		out = append(out, placed{r, t.outAt[i]})
		i += n
	}
	return out
}

// isPythonSpace is str.isspace for one rune.
func isPythonSpace(r rune) bool { return r >= 0x1c && r <= 0x1f || classOf(r)&space != 0 }

// collapse trims s and makes every run of white space one space.
func collapse(s []placed) []placed {
	out := s[:0]
	var gap *placed
	for _, p := range s {
		if isPythonSpace(p.r) {
			if gap == nil && len(out) > 0 {
				gap = &placed{' ', p.at}
			}
			continue
		}
		if gap != nil {
			out = append(out, *gap)
			gap = nil
		}
		out = append(out, p)
	}
	return out
}

// lowerPython is str.lower: full lower case, with the sigma that ends a word.
func lowerPython(s []placed) []placed {
	out := s[:0:0]
	for i, p := range s {
		if p.r == 'Σ' {
			if casedBeside(s, i, -1) && !casedBeside(s, i, 1) {
				p.r = 'ς'
			} else {
				p.r = 'σ'
			}
			out = append(out, p)
			continue
		}
		if p.r >= utf8.RuneSelf {
			if special, ok := tables().pyLower[p.r]; ok {
				for _, r := range special {
					out = append(out, placed{r, p.at})
				}
				continue
			}
		}
		a, b := lowerRune(p.r)
		out = append(out, placed{a, p.at})
		if b >= 0 {
			out = append(out, placed{b, p.at})
		}
	}
	return out
}

// casedBeside reports whether the nearest rune in a direction that case does not ignore has case.
func casedBeside(s []placed, i, step int) bool {
	for i += step; i >= 0 && i < len(s); i += step {
		r := s[i].r
		if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || bytes.ContainsRune([]byte("'.:··՟״‘’․‧︓﹒﹕＇．："), r) {
			continue
		}
		return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
	}
	return false
}
