package token

import (
	"strings"
	"unicode/utf8"
)

// A moji is a set of parts that a rune plays where text in UTF-8 was read as another encoding. The names and the
// members are ftfy's.
type moji uint32

const (
	mCommon moji = 1 << iota
	mC1
	mBad
	mLaw
	mCurrency
	mStart
	mEnd
	mNumeric
	mKaomoji
	mUpper
	mLower
	mUpperCommon
	mLowerCommon
	mBox
	mFirst2
	mFirst3
	mFirst4
	mNext
	mNextStrict
)

var mojiNames = map[string]moji{"common": mCommon, "c1": mC1, "bad": mBad, "law": mLaw, "currency": mCurrency,
	"start_punctuation": mStart, "end_punctuation": mEnd, "numeric": mNumeric, "kaomoji": mKaomoji, "upper_accented": mUpper,
	"lower_accented": mLower, "upper_common": mUpperCommon, "lower_common": mLowerCommon, "box": mBox, "utf8_first_of_2": mFirst2,
	"utf8_first_of_3": mFirst3, "utf8_first_of_4": mFirst4, "utf8_continuation": mNext, "utf8_continuation_strict": mNextStrict}

// A sign is a set of runes in a suspicious sequence.
type sign struct {
	parts moji
	runes string
	class class // or a class
	not   bool
}

func (s sign) has(r rune) bool {
	in := tables().moji.at(r)&s.parts != 0 || s.class != 0 && classOf(r)&s.class != 0 || strings.ContainsRune(s.runes, r)
	return in != s.not
}

func parts(m moji, runes string) sign { return sign{parts: m, runes: runes} }
func runes(s string) sign             { return sign{runes: s} }

const (
	lowerCase = "abcdefghijklmnopqrstuvwxyz"
	bothCases = lowerCase + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	accented  = mLower | mUpper
	symbols   = mBox | mStart | mEnd | mCurrency | mNumeric | mLaw
)

// signs are the sequences that ftfy 6.3 takes for mojibake.
var signs = [][]sign{
	{parts(mC1, "")},
	{parts(accented|symbols, ""), parts(mBad, "")},
	{parts(mBad, ""), parts(accented|symbols, "")},
	{runes(bothCases), parts(mLowerCommon|mUpperCommon, ""), parts(mBad, "")},
	{parts(mLower|mLowerCommon|mBox|mEnd|mCurrency|mNumeric, ""), parts(mUpper, "")},
	{parts(mBox|mEnd|mCurrency|mNumeric, ""), parts(mLower, "")},
	{parts(mLower|mBox|mEnd, ""), parts(mCurrency, "")},
	{{class: space}, parts(mUpper, ""), parts(mCurrency, "")},
	{parts(mUpper|mBox, ""), parts(mNumeric|mLaw, "")},
	{parts(accented|mBox|mCurrency|mEnd, ""), parts(mStart, ""), parts(mNumeric, "")},
	{parts(accented|mCurrency|mNumeric|mBox|mLaw, ""), parts(mEnd, ""), parts(mStart, "")},
	{parts(mCurrency|mNumeric|mBox, ""), parts(mStart, "")},
	{runes(lowerCase), parts(mUpper, ""), parts(mStart|mCurrency, "")},
	{parts(mBox, ""), parts(mKaomoji|mEnd, "")},
	{parts(accented|mCurrency|mNumeric|mStart|mEnd|mLaw, ""), parts(mBox, "")},
	{parts(accented, ""), parts(mStart|mEnd, ""), {class: word}},
	{runes("Œœ"), {runes: bothCases, not: true}},
	{parts(mUpper, ""), runes("°")},
	{runes("ÂÃÎÐ"), parts(mStart|mEnd, "€œŠš¢£Ÿž\u00a0\u00ad®©°·»–—´")},
	{runes("×"), runes("²³")},
	{runes("ØÙ"), arabic, runes("ØÙ"), arabic},
	{runes("à"), runes("²µ¹¼½¾")},
	{runes("√"), runes("±∂†≠®™´≤≥¥µø")},
	{runes("≈"), runes("°¢")},
	{runes("‚"), runes("Ä"), runes("ìîïòôúùû†°¢π")},
	{runes("‚"), runes("âó"), runes("àä°ê")},
	{runes("в"), runes("Ђ")},
	{runes("ВГРС"), parts(mC1|mBad|mStart|mEnd|mCurrency, "°µ"), runes("ВГРС")},
	{runes("Г"), runes("ў"), runes("В"), runes("Ђ"), runes("В"), {runes: "\n", not: true}, runes(bothCases + " ")},
	{runes("Ã"), runes("\u00a0¡")},
	{runes(lowerCase), runes("ÃÂ"), runes(" ")},
	{runes(lowerCase), {class: space}, runes("ÃÂ"), runes(" ")},
	{parts(mEnd, lowerCase+".,?!"), runes("Â"), parts(mStart|mEnd, " ")},
	{runes("β"), runes("€"), runes("™\u00a0Ά\u00ad®°")},
	{runes("ΒΓΞΟ"), parts(mC1|mBad|mStart|mEnd|mCurrency, "°"), runes("ΒΓΞΟ")},
	{runes("ā"), runes("€")},
}

var arabic = parts(mCommon|mCurrency|mBad|mNumeric|mStart, "ŸŠ®°µ»")

// looksBad reports whether s has a sign of mojibake.
func looksBad(s []placed) bool {
	if len(s) > 1 && strings.ContainsRune("ÃÂ", s[0].r) && s[1].r == ' ' {
		return true
	}
	high := false
	for _, p := range s {
		high = high || p.r >= utf8.RuneSelf
	}
	if !high {
		return false
	}
	for i := range s {
	next:
		for _, sg := range signs {
			if i+len(sg) > len(s) {
				continue
			}
			for k, set := range sg {
				if !set.has(s[i+k].r) {
					continue next
				}
			}
			return true
		}
	}
	return false
}

// A codePage maps the upper half of the bytes, and 0x1a, to runes and back.
type codePage struct {
	upper  [129]rune // of 0x1a, 0x80, 0x81 …
	encode map[rune]byte
}

// The places of ftfy's code pages; from the second to the seventh they are its sloppy ones, in which every byte
// means something and U+FFFD is 0x1a.
const (
	pageLatin1   = 0
	pageSloppy   = 1
	pageISO      = 7
	pageMacRoman = 8
)

func newCodePage(runes []rune) (p codePage) {
	copy(p.upper[:], runes)
	p.encode = map[rune]byte{}
	for i, r := range p.upper {
		b := byte(0x1a)
		if i > 0 {
			b = byte(0x7f + i)
		}
		p.encode[r] = b
	}
	return p
}

// bytesOf writes s in the code page; false if it has other runes.
func (p *codePage) bytesOf(s []placed) ([]byte, bool) {
	out := make([]byte, len(s))
	for i, c := range s {
		b, ok := p.encode[c.r]
		switch {
		case ok:
			out[i] = b
		case c.r < utf8.RuneSelf && c.r != 0x1a:
			out[i] = byte(c.r)
		default:
			return nil, false
		}
	}
	return out, true
}

// fixEncoding undoes mojibake, as often as it finds some.
func fixEncoding(s []placed) []placed {
	for range 100 {
		next, ok := fixEncodingOnce(s)
		if !ok {
			break
		}
		s = next
	}
	return s
}

// fixEncodingOnce undoes one layer; false if it changes nothing.
func fixEncodingOnce(s []placed) ([]placed, bool) {
	if !looksBad(s) {
		return s, false
	}
	latin1 := false
	for i := range tables().pages {
		b, ok := tables().pages[i].bytesOf(s)
		if !ok {
			continue
		}
		latin1 = latin1 || i == pageLatin1
		at := make([]span, len(s))
		for k, c := range s {
			at[k] = c.at
		}
		if i != pageMacRoman {
			b, at = restoreA0(b, at)
		}
		if i >= pageSloppy && i < pageISO {
			b, at = markLost(b, at)
		}
		if out, ok := decodeVariants(b, at); ok {
			return out, !equalRunes(out, s)
		}
	}
	if out := fixEmbedded(s); !equalRunes(out, s) {
		return out, true
	}
	changed := false
	out := append([]placed(nil), s...)
	if latin1 { // C1 controls must have been Windows-1252, if it has them all
		whole := true
		for i, c := range out {
			if c.r >= 0x80 && c.r <= 0x9f {
				out[i].r = windows1252[c.r-0x80]
				whole = whole && out[i].r > 0x9f
				changed = true
			}
		}
		if whole {
			return out, changed
		}
		copy(out, s)
	}
	changed = false
	for i, c := range out {
		if c.r >= 0x80 && c.r <= 0x9f {
			out[i].r = windows1252[c.r-0x80]
			changed = changed || out[i].r != c.r
		}
	}
	return out, changed
}

func equalRunes(a, b []placed) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].r != b[i].r {
			return false
		}
	}
	return true
}

// fixEmbedded repairs stretches that look like UTF-8 read as something else, each by itself.
func fixEmbedded(s []placed) (out []placed) {
	tab := tables().moji
	is := func(i int, m moji) bool { return i < len(s) && tab.at(s[i].r)&m != 0 }
	for i := 0; i < len(s); {
		end := i
		if i == 0 || !is(i-1, mNextStrict) {
			for {
				switch {
				case is(end, mFirst2) && is(end+1, mNext):
					end += 2
					continue
				case is(end, mFirst3) && is(end+1, mNext) && is(end+2, mNext):
					end += 3
					continue
				case is(end, mFirst4) && is(end+1, mNext) && is(end+2, mNext) && is(end+3, mNext):
					end += 4
					continue
				}
				break
			}
		}
		if end == i {
			out = append(out, s[i])
			i++
			continue
		}
		part := s[i:end:end]
		if len(part) < len(s) && looksBad(part) {
			part = fixEncoding(part)
		}
		out = append(out, part...)
		i = end
	}
	return out
}

// between reports whether b[i] exists and lies in one of the ranges, which are pairs of bytes.
func between(b []byte, i int, ranges string) bool {
	if i >= len(b) {
		return false
	}
	for k := 0; k < len(ranges); k += 2 {
		if b[i] >= ranges[k] && b[i] <= ranges[k+1] {
			return true
		}
	}
	return false
}

const (
	lead2    = "\xc2\xc3\xc5\xc5\xce\xce\xd0\xd0\xd9\xd9"
	tailByte = "\x80\xbf"
	// continuation bytes but those that Windows shows as an ellipsis or a space
	tailPlain = "\x80\x84\x86\x9f\xa1\xbf"
	blankByte = "  "
)

// altered returns the length of a sequence at b[i] that would be UTF-8 if its space were the byte 0xa0.
func altered(b []byte, i int) int {
	at := func(k int, r string) bool { return between(b, i+k, r) }
	switch {
	case at(0, lead2) && at(1, blankByte):
		return 2
	case at(0, "\xe2\xe3") && at(1, blankByte) && at(2, tailPlain), at(0, "\xe0\xe3") && at(1, tailPlain) && at(2, blankByte):
		return 3
	case at(0, "\xf0\xf0") && (at(1, blankByte) && at(2, tailByte) && at(3, tailByte) ||
		at(1, tailByte) && at(2, blankByte) && at(3, tailByte) || at(1, tailByte) && at(2, tailByte) && at(3, blankByte)):
		return 4
	}
	return 0
}

// restoreA0 puts back bytes 0xa0 that became spaces, where that makes UTF-8.
func restoreA0(b []byte, at []span) ([]byte, []span) {
	any := false
	for i := range b {
		any = any || altered(b, i) > 0
	}
	if !any {
		return b, at
	}
	var out []byte
	var outAt []span
	for i := 0; i < len(b); i++ { // the word à, whose space is one, unless words of Latin languages go on
		out, outAt = append(out, b[i]), append(outAt, at[i])
		if b[i] != 0xc3 || i+1 >= len(b) || b[i+1] != ' ' {
			continue
		}
		rest := string(b[i+2:])
		if strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "quele") || strings.HasPrefix(rest, "quela") ||
			strings.HasPrefix(rest, "quilo") || strings.HasPrefix(rest, "s ") {
			continue
		}
		out, outAt = append(out, 0xa0, ' '), append(outAt, at[i], at[i+1])
		i++
	}
	for i := 0; i < len(out); {
		n := altered(out, i)
		for k := range n {
			if out[i+k] == ' ' {
				out[i+k] = 0xa0
			}
		}
		i += max(n, 1)
	}
	return out, outAt
}

// lost returns the length of a sequence at b[i] that would be UTF-8 but for bytes lost to 0x1a or a question mark.
func lost(b []byte, i int) int {
	const (
		gone   = "\x1a\x1a??"
		maybe  = "\x1a\x1a\x80\xbf"
		either = "\x1a\x1a??\x80\xbf"
	)
	at := func(k int, r string) bool { return between(b, i+k, r) }
	switch {
	case at(0, "\xc2\xdf") && at(1, "\x1a\x1a"), at(0, "\xc2\xc3") && at(1, "??"):
		return 2
	case at(0, "\xed\xed") && at(1, "\xa0\xaf") && at(3, "\xed\xed") && at(4, "\xb0\xbf") &&
		(at(2, gone) && at(5, either) || at(2, either) && at(5, gone)):
		return 6
	case at(0, "\xe0\xef") && (at(1, gone) && at(2, maybe) || at(1, maybe) && at(2, gone)):
		return 3
	case at(0, "\xf0\xf4") && (at(1, gone) && at(2, maybe) && at(3, maybe) || at(1, maybe) && at(2, gone) && at(3, maybe) ||
		at(1, maybe) && at(2, maybe) && at(3, gone)):
		return 4
	case b[i] == 0x1a:
		return 1
	}
	return 0
}

// markLost writes U+FFFD for sequences of which a byte is lost.
func markLost(b []byte, at []span) ([]byte, []span) {
	var out []byte
	var outAt []span
	for i := 0; i < len(b); {
		n := lost(b, i)
		if n == 0 {
			out, outAt = append(out, b[i]), append(outAt, at[i])
			i++
			continue
		}
		sp := span{at[i].lo, at[i+n-1].hi}
		out, outAt = append(out, "\ufffd"...), append(outAt, sp, sp, sp)
		i += n
	}
	return out, outAt
}

// decodeVariants reads UTF-8, also with Java's zero (0xc0 0x80) and surrogate pairs encoded one by one (CESU-8).
func decodeVariants(b []byte, at []span) ([]placed, bool) {
	var out []placed
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			part := func(k int, r string) bool { return between(b, i+k, r) }
			switch {
			case part(0, "\xc0\xc0") && part(1, "\x80\x80"):
				r, n = 0, 2
			case part(0, "\xed\xed") && part(1, "\xa0\xaf") && part(2, tailByte) && part(3, "\xed\xed") && part(4, "\xb0\xbf") && part(5, tailByte):
				r = 0x10000 + rune(b[i+1]&0xf)<<16 + rune(b[i+2]&0x3f)<<10 + rune(b[i+4]&0xf)<<6 + rune(b[i+5]&0x3f)
				n = 6
			default:
				return nil, false
			}
		}
		out = append(out, placed{r, span{at[i].lo, at[i+n-1].hi}})
		i += n
	}
	return out, true
}
