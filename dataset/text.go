package dataset

import (
	"math/rand/v2"
	"strings"
	"unicode"
)

// Fill puts a name where a template has {c} or {}, as in "a photo of a {c}."; a template without either is followed by the name.
func Fill(template, name string) string {
	for _, hole := range []string{"{c}", "{}"} {
		if strings.Contains(template, hole) {
			return strings.ReplaceAll(template, hole, name)
		}
	}
	return strings.TrimSpace(template + " " + name)
}

// Synonyms are words and what may stand for them, in small letters.
type Synonyms map[string][]string

// Replace draws for every word of a text that the table knows whether another stands for it, with a chance, and which. A word that
// begins with a capital is replaced by one that does. What is between the words stays.
func (s Synonyms) Replace(r *rand.Rand, text string, chance float64) string {
	var out strings.Builder
	for text != "" {
		n := strings.IndexFunc(text, func(c rune) bool { return !inWord(c) })
		if n < 0 {
			n = len(text)
		}
		word := text[:n]
		if others := s[lower(word)]; len(others) > 0 && r.Float64() < chance {
			other := others[r.IntN(len(others))]
			if first := []rune(word)[0]; unicode.IsUpper(first) {
				letters := []rune(other)
				other = string(unicode.ToUpper(letters[0])) + string(letters[1:])
			}
			word = other
		}
		out.WriteString(word)
		text = text[n:]
		if n = strings.IndexFunc(text, inWord); n < 0 {
			n = len(text)
		}
		out.WriteString(text[:n])
		text = text[n:]
	}
	return out.String()
}

func inWord(c rune) bool { return unicode.IsLetter(c) || unicode.IsMark(c) || c == '\'' || c == '’' }
