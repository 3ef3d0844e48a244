package library

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// seam is what [separate] puts between words that no space parts: the full-text index takes it for one, and nobody writes it.
const seam = '\x1f'

// uncut stands before the words that [separate] has cut.
const uncut = '\x1e'

// separate writes a text so that the full-text index sees its words: characters of scripts without spaces are words by themselves, and
// words that are run together, as in BeachHouse or IMG2041, are given apart; those that letters alone make, as iPhone, are given whole too, at the
// end. [joined] takes that back.
func separate(s string) string {
	cut := apart(s)
	var ends []string
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) {
		for last, r := range w {
			if before, _ := utf8.DecodeLastRuneInString(w[:last]); unicode.IsLower(before) && unicode.IsUpper(r) {
				ends = append(ends, w)
				break
			}
		}
	}
	if len(ends) == 0 {
		return cut
	}
	return cut + string(uncut) + strings.Join(ends, " ")
}

// apart puts seams between the words of a text.
func apart(s string) string {
	var out strings.Builder
	var last rune
	for _, r := range strings.ToValidUTF8(s, " ") {
		if spaceless(r) || spaceless(last) ||
			unicode.IsLower(last) && unicode.IsUpper(r) || unicode.IsDigit(last) != unicode.IsDigit(r) && unicode.IsLetter(last) != unicode.IsLetter(r) {
			out.WriteRune(seam)
		}
		if r != seam && r != uncut {
			out.WriteRune(r)
		}
		last = r
	}
	return out.String()
}

// joined is the text that separate was given.
func joined(s string) string {
	s, _, _ = strings.Cut(s, string(uncut))
	return strings.ReplaceAll(s, string(seam), "")
}

func spaceless(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// wordsOf cuts a text into what the full-text index is asked for: words, and runs of characters without spaces.
func wordsOf(s string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(apart(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) }) {
		out = append(out, strings.ToLower(w))
	}
	return out
}

// phrase asks the full-text index for words that follow each other, be their sharp s written as ß or as ss.
func phrase(words []string) string {
	parts := strings.SplitN(strings.ReplaceAll(strings.Join(words, " "), "ß", "ss"), "ss", mostSharp+1)
	ways := parts[:1]
	for _, part := range parts[1:] {
		var longer []string
		for _, way := range ways {
			longer = append(longer, way+"ss"+part, way+"ß"+part)
		}
		ways = longer
	}
	return `"` + strings.Join(ways, `" OR "`) + `"`
}

const (
	mostMatches = 20000 // files that a word is looked up in
	mostWords   = 32    // of a query
	mostSharp   = 6     // letters of a phrase that may be written as ß
	share       = 0.5   // of the weight of a query's words that a file has to hold
)

// A match is a file that holds words of a query.
type match struct {
	file   int64
	weight float64
}

// lexical ranks the files that hold the words of a query. A word weighs the more the fewer files hold it, so that "the" counts for
// little in any language; all is how many files there are, and files with less than half of that weight are left out.
func (l *Library) lexical(ctx context.Context, q *Query, allowed *filtered, all int) ([]match, error) {
	var total float64
	held := map[int64]float64{}
	files := float64(all)
	for _, p := range asked(q) {
		var found []int64
		if err := each(ctx, l.db, func(scan func(...any) error) error {
			var id int64
			err := scan(&id)
			found = append(found, id)
			return err
		}, "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", p, mostMatches); err != nil {
			return nil, err
		}
		weight := math.Log((files + 1) / (float64(len(found)) + 0.5))
		if len(found) == 0 { // it may be one that no file would be called by
			weight = math.Log((files+1)/1.5) / 2
		}
		total += max(weight, 0)
		for _, id := range found {
			if allowed == nil || allowed.files.Has(uint64(id)) {
				held[id] += max(weight, 0)
			}
		}
	}
	var out []match
	for id, w := range held {
		if total > 0 && w >= share*total {
			out = append(out, match{id, w})
		}
	}
	slices.SortFunc(out, func(a, b match) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.file, b.file)) })
	return out, nil
}

// asked is what of a query's texts the full-text index is asked for.
func asked(q *Query) (out []string) {
	add := func(p string) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, t := range q.Terms {
		if t.Weight <= 0 {
			continue
		}
		words := wordsOf(t.Text)
		if t.Phrase && len(words) > 0 {
			add(phrase(words))
			continue
		}
		for i := 0; i < len(words) && len(out) < mostWords; {
			j := i + 1
			for j < len(words) && spaceless([]rune(words[i])[0]) && spaceless([]rune(words[j])[0]) {
				j++
			}
			add(phrase(words[i:j]))
			i = j
		}
	}
	return out
}
