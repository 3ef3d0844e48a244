package token

import (
	"slices"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A form is one of Unicode's four normal forms, by the reference's tables: those of Unicode 9, in which
// younger characters have none (class inert). golang.org/x/text supplies the data; its own algorithm breaks
// up long runs of marks, which the reference does not, and tells nothing of where a rune came from.
type form struct {
	form    norm.Form
	compose bool
	lacks   class // of characters that have no normal form here: inert or pyInert
}

// A decomposed rune, its combining class, and whether it came first of its rune (0) or not (1).
type decomposed struct {
	r      rune
	class  uint8
	change int8
}

// A composed rune and its change, as text.emit wants it.
type composed struct {
	r      rune
	change int
}

func (f form) same(b []byte) bool {
	return isASCII(b) || f.form.QuickSpan(b) == len(b)
}

func (f form) apply(t *text, lo, hi int) {
	t.marks = f.decompose(t.marks[:0], t.buf[lo:hi])
	if !f.compose {
		for _, d := range t.marks {
			t.emit(d.r, int(d.change))
		}
		return
	}
	f.recompose(t)
}

// decompose appends the full decomposition of b, in canonical order.
func (f form) decompose(dst []decomposed, b []byte) []decomposed {
	tab := tables()
	sorted := len(dst) // up to here marks are in order
	order := func() {
		if run := dst[sorted:]; len(run) > 1 {
			slices.SortStableFunc(run, func(a, b decomposed) int { return int(a.class) - int(b.class) })
		}
		sorted = len(dst)
	}
	add := func(r rune, class uint8, change int8) {
		if class == 0 {
			order()
		}
		dst = append(dst, decomposed{r, class, change})
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r < 0xa0:
			add(r, 0, 0)
		case r >= hangulS && r < hangulS+hangulCount:
			s := r - hangulS
			add(hangulL+s/(hangulV2*hangulT2), 0, 0)
			add(hangulV+s%(hangulV2*hangulT2)/hangulT2, 0, 1)
			if tail := s % hangulT2; tail != 0 {
				add(hangulT+tail, 0, 1)
			}
		case tab.class.at(r)&f.lacks != 0:
			add(r, 0, 0)
		default:
			p := f.form.Properties(b[i:])
			dec := p.Decomposition()
			if len(dec) == 0 {
				add(r, p.CCC(), 0)
			}
			for change := int8(0); len(dec) > 0; change = 1 {
				d, size := utf8.DecodeRune(dec)
				add(d, norm.NFD.Properties(dec).CCC(), change)
				dec = dec[size:]
			}
		}
		i += n
	}
	order()
	return dst
}

// recompose emits t.marks with canonical pairs composed.
func (f form) recompose(t *text) {
	tab := tables()
	t.queue = t.queue[:0]
	var base composed
	have := false
	last := -1 // class of the mark before, of those left standing after base; -1: none
	flush := func() {
		if have {
			t.emit(base.r, base.change)
		}
		for _, q := range t.queue {
			t.emit(q.r, q.change)
		}
		t.queue = t.queue[:0]
	}
	for _, d := range t.marks {
		ch := composed{d.r, int(d.change)}
		class := int(d.class)
		if !have {
			if class != 0 {
				t.emit(ch.r, ch.change)
			} else {
				base, have = ch, true
			}
			continue
		}
		if last < class { // nothing stands between d and base, or what does is of a lower class
			if r := composePair(base.r, ch.r); r != 0 && tab.class.at(r)&f.lacks == 0 {
				base = composed{r, base.change + ch.change - 1}
				continue
			}
		}
		if class == 0 {
			flush()
			base, last = ch, -1
			continue
		}
		t.queue = append(t.queue, ch)
		last = class
	}
	flush()
}

// Hangul syllables are composed by arithmetic.
const (
	hangulS     = 0xac00
	hangulL     = 0x1100
	hangulV     = 0x1161
	hangulT     = 0x11a7
	hangulL2    = 19
	hangulV2    = 21
	hangulT2    = 28
	hangulCount = hangulL2 * hangulV2 * hangulT2
)

// composePair returns the rune that a and b make, or 0.
func composePair(a, b rune) rune {
	if a < 0x300 && b < 0x300 {
		return 0
	}
	if a >= hangulL && a < hangulL+hangulL2 && b >= hangulV && b < hangulV+hangulV2 {
		return hangulS + ((a-hangulL)*hangulV2+b-hangulV)*hangulT2
	}
	if a >= hangulS && a < hangulS+hangulCount && (a-hangulS)%hangulT2 == 0 && b > hangulT && b < hangulT+hangulT2 {
		return a + b - hangulT
	}
	return pairs()[[2]rune{a, b}]
}

// pairs holds every canonical composition but Hangul's.
var pairs = sync.OnceValue(func() map[[2]rune]rune {
	m := map[[2]rune]rune{}
	for _, block := range [][2]rune{{0xc0, 0x3200}, {0xa000, 0xac00}, {0xf900, 0xfe00}, {0x10000, 0x12000}, {0x16000, 0x17000}, {0x1d100, 0x1d200}} {
		for r := block[0]; r < block[1]; r++ {
			s := string(r)
			dec := norm.NFD.PropertiesString(s).Decomposition()
			if len(dec) == 0 || norm.NFC.String(s) != s {
				continue
			}
			b, n := utf8.DecodeLastRune(dec)
			a := []rune(norm.NFC.String(string(dec[:len(dec)-n])))
			if len(a) == 1 {
				m[[2]rune{a[0], b}] = r
			}
		}
	}
	return m
})

// The four forms.
var (
	nfc  = form{norm.NFC, true, inert}
	nfd  = form{norm.NFD, false, inert}
	nfkc = form{norm.NFKC, true, inert}
	nfkd = form{norm.NFKD, false, inert}
)
