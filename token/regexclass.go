package token

import (
	"strings"
	"sync"
	"unicode"
)

// wordSet is what \w means.
var wordSet = sync.OnceValue(func() string { return classMembers(wordy) })

// classMembers writes a class as ranges of a set.
func classMembers(c class) string {
	var b strings.Builder
	t := tables().class
	for r := rune(0); r < 0x110000; r++ {
		if t.index[r>>8] == 0 {
			r |= 0xff
			continue
		}
		if t.at(r)&c == 0 {
			continue
		}
		lo := r
		for r+1 < 0x110000 && t.at(r+1)&c != 0 {
			r++
		}
		b.WriteString(quoteRune(lo))
		if lo < r {
			b.WriteString("-" + quoteRune(r))
		}
	}
	return b.String()
}

// newerMembers writes, as ranges of a set, what the reference gives a category, or its first letter, and Go does not.
func newerMembers(category string) string {
	var b strings.Builder
	old := unicode.Categories[category]
	for _, n := range tables().newer {
		if !strings.HasPrefix(n.category, category) {
			continue
		}
		for r := n.lo; r <= n.hi; r++ {
			if unicode.Is(old, r) {
				continue
			}
			lo := r
			for r < n.hi && !unicode.Is(old, r+1) {
				r++
			}
			b.WriteString(quoteRune(lo) + "-" + quoteRune(r))
		}
	}
	return b.String()
}

// properties maps Oniguruma's names to members of a set.
var properties = sync.OnceValue(func() map[string]string {
	letters := classMembers(alpha)
	category := func(c string) string { return `\p{` + c + `}` + newerMembers(c) }
	return map[string]string{
		"letter": category("L"), "mark": category("M"), "number": category("N"), "punctuation": category("P"), "symbol": category("S"),
		"separator": category("Z"), "other": `\p{C}`, "alpha": letters, "alphabetic": letters, "alnum": letters + category("Nd"),
		"digit": category("Nd"), "upper": category("Lu") + `Ⅰ-ⅯⒶ-Ⓩ🄰-🅉🅐-🅩🅰-🆉`, "lower": category("Ll") + `ªºⅰ-ⅿⓐ-ⓩʰ-ʸˀˁˠ-ˤᴬ-ᵪ`,
		"punct": category("P"), "space": `\s`, "whitespace": `\s`, "word": wordSet(), "cntrl": `\p{Cc}`, "xdigit": `0-9a-fA-F`,
		"blank": `\p{Zs}\t`, "uppercaseletter": category("Lu"), "lowercaseletter": category("Ll"), "ascii": `\x00-\x7f`,
	}
})
