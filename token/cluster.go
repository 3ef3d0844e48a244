package token

import "unicode/utf8"

// Values of Grapheme_Cluster_Break in unicodeTables.cluster.
const (
	gOther = iota
	gCR
	gLF
	gControl
	gExtend
	gZWJ
	gRegional
	gPrepend
	gSpacing
	gL
	gV
	gT
	gLV
	gLVT
	gPicture
)

// clusterLen returns the length in bytes of the extended grapheme cluster that b, not empty, starts with.
func clusterLen(b []byte) int {
	if len(b) == 1 || b[0] < utf8.RuneSelf && b[1] < utf8.RuneSelf {
		if b[0] == '\r' && len(b) > 1 && b[1] == '\n' {
			return 2
		}
		return 1
	}
	tab := tables()
	r, pos := utf8.DecodeRune(b)
	prev := tab.cluster.at(r)
	regionals := 0
	if prev == gRegional {
		regionals = 1
	}
	picture := prev == gPicture          // a pictograph and extenders since
	joined := false                      // ... then a joiner
	consonant := tab.conjunct.at(r) == 1 // a consonant, then extenders or linkers
	linked := false                      // ... with a linker among them
	for pos < len(b) {
		r, n := utf8.DecodeRune(b[pos:])
		next := tab.cluster.at(r)
		conj := tab.conjunct.at(r)
		join := false
		switch {
		case prev == gCR && next == gLF:
			join = true
		case prev == gCR, prev == gLF, prev == gControl, next == gCR, next == gLF, next == gControl:
		case prev == gL && (next == gL || next == gV || next == gLV || next == gLVT),
			(prev == gLV || prev == gV) && (next == gV || next == gT),
			(prev == gLVT || prev == gT) && next == gT:
			join = true
		case next == gExtend, next == gZWJ, next == gSpacing, prev == gPrepend:
			join = true
		case consonant && linked && conj == 1:
			join = true
		case joined && next == gPicture:
			join = true
		case prev == gRegional && next == gRegional:
			join = regionals%2 == 1
			regionals++
		}
		if !join {
			return pos
		}
		joined = picture && next == gZWJ
		picture = next == gPicture || picture && next == gExtend
		switch {
		case conj == 1:
			consonant, linked = true, false
		case consonant && conj == 2:
			linked = true
		case consonant && (next == gExtend || next == gZWJ):
		default:
			consonant, linked = false, false
		}
		prev = next
		pos += n
	}
	return pos
}
