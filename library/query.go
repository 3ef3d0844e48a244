package library

import (
	"fmt"
	stdimage "image"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/chiasm/chiasm"
)

// A Query says what to find. Its texts, pictures and sounds are joined into one direction; what else it says, a file has to fulfil.
type Query struct {
	Terms []Term
	Like  []Example

	Types           []string // kinds of files, any of them
	After, Before   time.Time
	Places          []string // in the words of the file, all of them
	Cameras, Paths  []string // parts of what they are called, any of them
	Tags            []string // all of them
	Words           []string // what the model saw in the file, all of them
	Size, Duration  Range    // bytes, seconds
	Limit, Offset   int      // how many hits, 0 for 20, and how many before them
	Strictness      float64  // from 0 to 1 of the model's cut-off, if it has one
	NoWords, NoLike bool     // leave out the names, tags and captions of files; leave out the vectors
	Ranker          Ranker   // puts the first hits of words in order; nil for none
}

// A Term is a text to be near to, or with a negative weight far from.
type Term struct {
	Text   string
	Weight float64
	Phrase bool // it was quoted: its words follow each other
}

// An Example is a picture, a sound or a file to be near to. One of its fields besides the weight is set.
type Example struct {
	Path   string // of a file: in the library or elsewhere
	ID     int64  // of a file of the library
	Image  stdimage.Image
	Sound  *chiasm.Sound
	Weight float64
}

// A Range is of numbers, both ends belonging to it; an infinite end is none. The zero Range is all numbers.
type Range struct {
	Least, Most float64
	set         bool
}

// Between makes a Range.
func Between(least, most float64) Range { return Range{least, most, true} }

// Set reports whether a Range leaves anything out.
func (r Range) Set() bool { return r.set }

func (r Range) and(o Range) Range {
	if !r.set {
		return o
	}
	return Range{max(r.Least, o.Least), min(r.Most, o.Most), true}
}

// A SyntaxError says what of a query is not understood.
type SyntaxError struct {
	Word   string
	Reason string
}

// Error names the word and what was expected.
func (e *SyntaxError) Error() string { return fmt.Sprintf("library: %q: %s", e.Word, e.Reason) }

// Strictness is what people get who ask for none: hits that are more likely meant than not.
const Strictness = 0.5

// mostQuery is how many bytes a query may have.
const mostQuery = 1 << 14

// ParseQuery reads a query: words, which are read together as one text; "quoted phrases"; -word and -"a phrase" for what it should not
// be; 2:word and 0.5:"a phrase" for what counts more or less; and conditions: type:image, after:2024-05-01, before:2024, place:Berlin,
// camera:Nikon, path:holidays, tag:dog, word:dog, size:>1MB, duration:<10s, like:PATH. The value of a condition may be quoted. The error is a
// [*SyntaxError].
func ParseQuery(s string) (Query, error) {
	var q Query
	if len(s) > mostQuery {
		return q, &SyntaxError{s[:20] + "…", fmt.Sprintf("a query has at most %d bytes", mostQuery)}
	}
	var words []string
	for s = strings.TrimLeftFunc(s, unicode.IsSpace); s != ""; s = strings.TrimLeftFunc(s, unicode.IsSpace) {
		var t token
		var err error
		if t, s, err = nextToken(s); err != nil {
			return q, err
		}
		if t.plain() {
			words = append(words, t.text)
			continue
		}
		if err := q.take(t); err != nil {
			return q, err
		}
	}
	if len(words) > 0 {
		q.Terms = append([]Term{{Text: strings.Join(words, " "), Weight: 1}}, q.Terms...)
	}
	return q, nil
}

// A token is a part of a query between spaces.
type token struct {
	raw      string
	negative bool
	key      string // before the colon
	text     string
	quoted   bool
}

func (t *token) plain() bool { return !t.negative && t.key == "" && !t.quoted }

// conditions are the keys that are no weights.
var conditions = []string{"type", "after", "before", "place", "camera", "path", "tag", "word", "size", "duration", "like"}

// nextToken cuts a token off, which begins at the beginning of s.
func nextToken(s string) (t token, rest string, err error) {
	at := 0
	if strings.HasPrefix(s, "-") && len(s) > 1 && !unicode.IsSpace(rune(s[1])) {
		t.negative, at = true, 1
	}
	word := s[at:]
	if i := strings.IndexFunc(word, unicode.IsSpace); i >= 0 {
		word = word[:i]
	}
	if key, value, ok := strings.Cut(word, ":"); ok && isKey(key) {
		t.key = strings.ToLower(key)
		at += len(key) + 1
	} else if meant := misspelt(strings.ToLower(key)); ok && meant != "" && value != "" {
		return t, "", &SyntaxError{word, fmt.Sprintf("want %s: if that is meant, or quotes around it", meant)}
	}
	if strings.HasPrefix(s[at:], `"`) {
		end := strings.IndexByte(s[at+1:], '"')
		if end < 0 {
			return t, "", &SyntaxError{s[at:], `want a closing "`}
		}
		t.quoted, t.text, rest = true, s[at+1:at+1+end], s[at+1+end+1:]
	} else {
		end := strings.IndexFunc(s[at:], unicode.IsSpace)
		if end < 0 {
			end = len(s) - at
		}
		t.text, rest = s[at:at+end], s[at+end:]
	}
	t.raw = s[:len(s)-len(rest)]
	if strings.TrimSpace(t.text) == "" {
		return t, "", &SyntaxError{t.raw, "want something after it"}
	}
	return t, rest, nil
}

func isKey(key string) bool {
	for _, c := range conditions {
		if strings.EqualFold(key, c) {
			return true
		}
	}
	_, ok := weight(key)
	return ok
}

// misspelt is the condition that a key differs from in one letter, or two that changed places.
func misspelt(key string) string {
	for _, c := range conditions {
		same := 0
		for same < min(len(c), len(key)) && c[same] == key[same] {
			same++
		}
		a, b := c[same:], key[same:]
		switch {
		case len(c) < 4 && len(key) < 4 || a == b:
		case a != "" && a[1:] == b, b != "" && b[1:] == a, a != "" && b != "" && a[1:] == b[1:],
			len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]:
			return c
		}
	}
	return ""
}

// weight reads the number of 2:word.
func weight(key string) (float64, bool) {
	if key == "" || strings.Trim(key, "0123456789.") != "" {
		return 0, false
	}
	w, err := strconv.ParseFloat(key, 64)
	return w, err == nil && w > 0 && w <= 1000
}

// take adds what a token says.
func (q *Query) take(t token) error {
	fail := func(format string, args ...any) error { return &SyntaxError{t.raw, fmt.Sprintf(format, args...)} }
	w, weighted := weight(t.key)
	if !weighted {
		w = 1
	}
	if t.negative {
		w = -w
	}
	if t.negative && t.key != "" && !weighted && t.key != "like" {
		return fail("a condition cannot be turned round")
	}
	var err error
	switch t.key {
	case "type":
		for _, kind := range strings.Split(strings.ToLower(t.text), ",") {
			kind = map[string]string{"picture": Image, "photo": Image, "sound": Audio}[kind] + kind
			switch {
			case strings.HasPrefix(kind, Image):
				kind = Image
			case strings.HasPrefix(kind, Audio):
				kind = Audio
			case kind != Video:
				return fail("want image, audio or video")
			}
			q.Types = append(q.Types, kind)
		}
	case "after":
		if q.After, err = date(t.text); err != nil {
			return fail("%v", err)
		}
	case "before":
		if q.Before, err = date(t.text); err != nil {
			return fail("%v", err)
		}
	case "place":
		q.Places = append(q.Places, t.text)
	case "camera":
		q.Cameras = append(q.Cameras, t.text)
	case "path":
		q.Paths = append(q.Paths, t.text)
	case "tag":
		q.Tags = append(q.Tags, t.text)
	case "word":
		q.Words = append(q.Words, t.text)
	case "size":
		r, err := span(t.text, sizeUnits)
		if err != nil {
			return fail("%v, as in size:>1MB or size:1MB..5MB", err)
		}
		q.Size = q.Size.and(r)
	case "duration":
		r, err := span(t.text, timeUnits)
		if err != nil {
			return fail("%v, as in duration:<10s or duration:1m..5m", err)
		}
		q.Duration = q.Duration.and(r)
	case "like":
		q.Like = append(q.Like, Example{Path: t.text, Weight: w})
	default:
		q.Terms = append(q.Terms, Term{Text: t.text, Weight: w, Phrase: t.quoted})
	}
	return nil
}

// date reads a day, a month, a year or a moment.
func date(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02", "2006-01", "2006", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("want a date such as 2024-05-01, 2024-05 or 2024")
}

type unit struct {
	name   string
	factor float64
}

// The units of sizes and durations, longer names first.
var (
	sizeUnits = []unit{{"tib", 1 << 40}, {"gib", 1 << 30}, {"mib", 1 << 20}, {"kib", 1 << 10}, {"tb", 1e12}, {"gb", 1e9}, {"mb", 1e6}, {"kb", 1e3}, {"g", 1e9}, {"m", 1e6}, {"k", 1e3}, {"b", 1}, {"", 1}}
	timeUnits = []unit{{"min", 60}, {"ms", 1e-3}, {"h", 3600}, {"m", 60}, {"s", 1}, {"", 1}}
)

// span reads >1MB, <10s, 5MB..10MB, or one number.
func span(s string, units []unit) (Range, error) {
	low, high, both := strings.Cut(s, "..")
	if both {
		a, err := amount(low, units)
		if err != nil {
			return Range{}, err
		}
		b, err := amount(high, units)
		return Between(a, b), err
	}
	number := strings.TrimLeft(s, "<>=")
	x, err := amount(number, units)
	if err != nil {
		return Range{}, err
	}
	switch s[:len(s)-len(number)] {
	case ">":
		return Between(math.Nextafter(x, math.Inf(1)), math.Inf(1)), nil
	case ">=":
		return Between(x, math.Inf(1)), nil
	case "<":
		return Between(math.Inf(-1), math.Nextafter(x, math.Inf(-1))), nil
	case "<=":
		return Between(math.Inf(-1), x), nil
	case "", "=":
		return Between(x, x), nil
	}
	return Range{}, fmt.Errorf("want >, >=, <, <= or =")
}

func amount(s string, units []unit) (float64, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, u := range units {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err == nil && x >= 0 && x < 1e18 {
			return x * u.factor, nil
		}
	}
	return 0, fmt.Errorf("want a number with a unit")
}
