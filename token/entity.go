package token

import (
	"html"
	"strings"
	"unicode/utf8"
)

// entity returns what an HTML entity stands for; name is without the &, and with the semicolon if it has one. The
// table is that of Go's html package, which does not show it: so it is asked one name at a time.
func entity(name string) (string, bool) {
	got := html.UnescapeString("&" + name)
	if got == "&"+name {
		return "", false
	}
	if strings.HasSuffix(name, ";") {
		return got, name == "semi;" || !strings.HasSuffix(got, ";")
	}
	return got, utf8.RuneCountInString(got) == 1
}

// ascii returns up to n runes of s as a string, as long as ok likes them.
func ascii(s []placed, n int, ok func(r rune) bool) string {
	var b strings.Builder
	for i := 0; i < len(s) && i < n && ok(s[i].r); i++ {
		b.WriteRune(s[i].r)
	}
	return b.String()
}

func isAlnum(r rune) bool { return r < 0x80 && asciiClass[r]&(letter|number) != 0 }

// put appends with, for what s[0:n] said.
func put(out []placed, s []placed, n int, with string) []placed {
	at := span{s[0].at.lo, s[n-1].at.hi}
	for _, r := range with {
		out = append(out, placed{r, at})
	}
	return out
}

// unescapeStrict replaces entities that end in a semicolon, names in capitals included: ftfy's way.
func unescapeStrict(s []placed) []placed {
	out := s[:0:0]
	for i := 0; i < len(s); i++ {
		if s[i].r != '&' {
			out = append(out, s[i])
			continue
		}
		hash := ""
		if i+1 < len(s) && s[i+1].r == '#' {
			hash = "#"
		}
		body := ascii(s[i+1+len(hash):], 25, isAlnum)
		end := i + 1 + len(hash) + len(body)
		if len(body) == 0 || len(body) > 24 || end >= len(s) || s[end].r != ';' {
			out = append(out, s[i])
			continue
		}
		with, ok := "", false
		if hash != "" {
			with, ok = charref(body + ";")
			ok = ok && !strings.Contains(with, ";")
		} else {
			with, ok = strictEntity(body)
		}
		if !ok {
			out = append(out, s[i])
			continue
		}
		out = put(out, s[i:], end-i+1, with)
		i = end
	}
	return out
}

// upperSpecial are the entities' characters whose capital is more than one rune.
var upperSpecial = map[rune]string{'ß': "SS", 'ŉ': "ʼN", 'ﬀ': "FF", 'ﬁ': "FI", 'ﬂ': "FL", 'ﬃ': "FFI", 'ﬄ': "FFL"}

func strictEntity(name string) (string, bool) {
	if s, ok := entity(name + ";"); ok {
		return s, true
	}
	if strings.ToUpper(name) != name || html.UnescapeString("&"+name+";") != "&"+name+";" {
		return "", false
	}
	s, ok := entity(strings.ToLower(name) + ";")
	if !ok {
		return "", false
	}
	var b strings.Builder
	for _, r := range s {
		if u, ok := upperSpecial[r]; ok {
			b.WriteString(u)
		} else {
			b.WriteString(strings.ToUpper(string(r)))
		}
	}
	return b.String(), true
}

// unescapeHTML is Python's html.unescape.
func unescapeHTML(s []placed) []placed {
	out := s[:0:0]
	for i := 0; i < len(s); i++ {
		if s[i].r != '&' {
			out = append(out, s[i])
			continue
		}
		if i+1 < len(s) && s[i+1].r == '#' {
			n := refLen(s[i+2:])
			if n == 0 {
				out = append(out, s[i])
				continue
			}
			with, _ := charref(ascii(s[i+2:], n, func(rune) bool { return true }))
			out = put(out, s[i:], n+2, with)
			i += n + 1
			continue
		}
		name := ascii(s[i+1:], 32, func(r rune) bool { return !strings.ContainsRune("\t\n\f <&#;", r) })
		n := utf8.RuneCountInString(name)
		if n > 0 && i+1+n < len(s) && s[i+1+n].r == ';' {
			if with, ok := entity(name + ";"); ok {
				out = put(out, s[i:], n+2, with)
				i += n + 1
				continue
			}
		}
		found := false
		for k := n; k >= 2 && !found; k-- { // the longest start that is an entity without semicolon
			if k > len(name) || ascii(s[i+1:], k, isAlnum) != name[:min(k, len(name))] {
				continue
			}
			if with, ok := entity(name[:k]); ok {
				out = put(out, s[i:], k+1, with)
				i += k
				found = true
			}
		}
		if !found {
			out = append(out, s[i])
		}
	}
	return out
}

// refLen returns the length of the digits of a character reference at s, with x and semicolon if there, or 0.
func refLen(s []placed) int {
	i := 0
	isHex := len(s) > 0 && (s[0].r == 'x' || s[0].r == 'X')
	if isHex {
		i = 1
	}
	from := i
	for i < len(s) && (s[i].r >= '0' && s[i].r <= '9' || isHex && s[i].r < 0x80 && strings.ContainsRune("abcdefABCDEF", s[i].r)) {
		i++
	}
	if i == from {
		return 0
	}
	if i < len(s) && s[i].r == ';' {
		i++
	}
	return i
}

// charref returns what a numeric reference stands for, by HTML's rules for the invalid ones. s is without the &#.
func charref(s string) (string, bool) {
	s = strings.TrimSuffix(s, ";")
	base := int64(10)
	if s != "" && s[0]|0x20 == 'x' {
		base, s = 16, s[1:]
	}
	n := int64(0)
	for _, c := range []byte(s) {
		d := int64(c - '0')
		if c > '9' {
			d = int64(c|0x20-'a') + 10
		}
		if d < 0 || d >= base {
			return "", false
		}
		n = min(n*base+d, 1<<32)
	}
	switch {
	case s == "":
		return "", false
	case n == 0, n >= 0xd800 && n < 0xe000, n > 0x10ffff:
		return "\ufffd", true
	case n == '\r':
		return "\r", true
	case n >= 0x80 && n <= 0x9f:
		return string(windows1252[n-0x80]), true
	case n < 9, n == 0xb, n >= 0xe && n < 0x20, n == 0x7f, n >= 0xfdd0 && n <= 0xfdef, n&0xfffe == 0xfffe:
		return "", true
	}
	return string(rune(n)), true
}
