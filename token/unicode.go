package token

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// unicode.tab.gz holds what the reference's libraries, each with Unicode tables of its own age, say of
// every code point; tools/golden/token_tables.py reads it off them.
//
//go:embed unicode.tab.gz
var unicodeTab []byte

// A class is a set of properties that a rune has in the reference's eyes.
type class uint32

const (
	letter     class = 1 << iota // \p{L} of the regular expressions of tokenizer.json
	number                       // \p{N}
	space                        // \s, which is also White_Space
	word                         // \w of the Whitespace pre-tokenizer and of single_word
	numeric                      // what Digits cuts out
	punct                        // what Punctuation and BertPreTokenizer cut out
	mark                         // what StripAccents drops
	control                      // what BertNormalizer's clean_text drops
	blank                        // what it turns into a space
	nonspacing                   // what BertNormalizer's strip_accents drops
	inert                        // has a normal form today, but none in the reference
	alpha                        // [[:alpha:]] of the regular expressions
	wordy                        // \w of the regular expressions
	pyInert                      // has a normal form today, but none in Python
	pyLetter                     // \p{L} of Python's regex module, which open_clip uses, without regard to case
	pyNumber                     // \p{N} of the same
	pySpace                      // \s of the same
)

var classNames = map[string]class{
	"letter": letter, "number": number, "space": space, "word": word, "numeric": numeric, "punct": punct,
	"mark": mark, "control": control, "blank": blank, "nonspacing": nonspacing, "inert": inert, "alpha": alpha, "wordy": wordy, "pyinert": pyInert,
	"pyletter": pyLetter, "pynumber": pyNumber, "pyspace": pySpace,
}

// A table maps runes to values in two stages; the zero value of T is the default.
type table[T comparable] struct {
	index [0x110000 >> 8]uint16
	pages [][256]T
}

func newTable[T comparable]() *table[T] { return &table[T]{pages: make([][256]T, 1)} }

func (t *table[T]) at(r rune) T {
	if uint32(r) >= 0x110000 {
		var zero T
		return zero
	}
	return t.pages[t.index[r>>8]][r&0xff]
}

// ref returns the place of r, so that it can be written.
func (t *table[T]) ref(r rune) *T {
	if t.index[r>>8] == 0 {
		t.index[r>>8] = uint16(len(t.pages))
		t.pages = append(t.pages, [256]T{})
	}
	return &t.pages[t.index[r>>8]][r&0xff]
}

// unicodeTables is what unicode.tab.gz holds, unpacked.
type unicodeTables struct {
	class    *table[class]
	lower    *table[rune]    // the lower-case rune where there is one of one rune
	pyLower  map[rune][]rune // where Python's str.lower differs
	newer    []newerRange
	cluster  *table[uint8] // Grapheme_Cluster_Break, and pictographs
	conjunct *table[uint8] // Indic_Conjunct_Break: 1 consonant, 2 linker
	moji     *table[moji]  // the parts that a rune plays in mojibake
	pages    [10]codePage
	script   *table[uint8] // numbers stand for scripts; 0 belongs to all
}

// A newerRange is of a general category that Unicode 14 does not give it.
type newerRange struct {
	lo, hi   rune
	category string
}

var tables = sync.OnceValue(loadTables)

func loadTables() *unicodeTables {
	t := &unicodeTables{
		class: newTable[class](), lower: newTable[rune](), pyLower: map[rune][]rune{},
		cluster: newTable[uint8](), conjunct: newTable[uint8](), script: newTable[uint8](), moji: newTable[moji](),
	}
	zr, err := gzip.NewReader(bytes.NewReader(unicodeTab))
	if err != nil {
		panic("token: unicode.tab.gz: " + err.Error()) // the embedded file is damaged: a build fault
	}
	for sc := bufio.NewScanner(zr); sc.Scan(); {
		name, rest, _ := strings.Cut(sc.Text(), " ")
		first, rest, ok := strings.Cut(rest, " ")
		if !ok || name == "#" {
			continue
		}
		last, value, _ := strings.Cut(rest, " ")
		lo, hi := hex(first), hex(last)
		switch name {
		case "lower":
			if runes := hexes(value); len(runes) == 1 {
				*t.lower.ref(lo) = runes[0]
			} // İ alone becomes two runes; lowerRune knows it
		case "pylower":
			t.pyLower[lo] = hexes(value)
		case "newer":
			t.newer = append(t.newer, newerRange{lo, hi, value})
		case "cluster":
			fill(t.cluster, lo, hi, uint8(hex(value)))
		case "conjunct":
			fill(t.conjunct, lo, hi, uint8(hex(value)))
		case "moji":
			for r := lo; r <= hi; r++ {
				*t.moji.ref(r) |= mojiNames[value]
			}
		case "page":
			t.pages[lo] = newCodePage(hexes(value))
		case "script":
			fill(t.script, lo, hi, uint8(hex(value)))
		default:
			c := classNames[name]
			for r := lo; r <= hi; r++ {
				*t.class.ref(r) |= c
			}
		}
	}
	return t
}

func fill[T comparable](t *table[T], lo, hi rune, v T) {
	for r := lo; r <= hi; r++ {
		*t.ref(r) = v
	}
}

func hex(s string) rune {
	n, err := strconv.ParseUint(s, 16, 21)
	if err != nil {
		panic("token: unicode.tab.gz: expected a hexadecimal number, got " + s)
	}
	return rune(n)
}

func hexes(s string) (out []rune) {
	for _, f := range strings.Split(s, ",") {
		out = append(out, hex(f))
	}
	return out
}

// asciiClass is the part of the class table that most text needs.
var asciiClass = func() (t [utf8.RuneSelf]class) {
	for r := range t {
		c := byte(r)
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			t[r] = letter | word | pyLetter
		case '0' <= c && c <= '9':
			t[r] = number | word | numeric | pyNumber
		case c == '_':
			t[r] = word | punct
		case c == ' ', '\t' <= c && c <= '\r':
			t[r] = space | blank | pySpace
			if c == '\v' || c == '\f' {
				t[r] = space | control | pySpace
			}
		case c < ' ', c == 0x7f:
			t[r] = control
		default:
			t[r] = punct
		}
	}
	return t
}()

// classOf returns the properties of r.
func classOf(r rune) class {
	if r < utf8.RuneSelf {
		return asciiClass[r]
	}
	return tables().class.at(r)
}

// lowerRune returns the lower case of r; a second rune follows for İ, else it is -1.
func lowerRune(r rune) (rune, rune) {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r |= 0x20
		}
		return r, -1
	}
	if r == 'İ' {
		return 'i', '\u0307'
	}
	if l := tables().lower.at(r); l != 0 {
		return l, -1
	}
	return r, -1
}

// isASCII reports whether b has no byte above 127.
func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if (uint64(b[0])|uint64(b[1])|uint64(b[2])|uint64(b[3])|uint64(b[4])|uint64(b[5])|uint64(b[6])|uint64(b[7]))&0x80 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
