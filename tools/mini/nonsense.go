package main

import (
	"math/rand/v2"
	"strings"
)

// Parts of words that could be: what syllables begin with, their vowels, what they end with.
var (
	onsets = strings.Fields("b bl br c ch cl cr d dr f fl fr g gl gr h j k kl kn kr l m n p pl pr qu r s sch sh sk sl sm sn sp st str t th tr v vr w wh x y z zw")
	vowels = strings.Fields("a e i o u y aa ae ai au ea ee ei eu ie io oa oi oo ou ue ä ö ü é è á í ó ú")
	codas  = strings.Fields("b bs ck ct d f ff ft g gs k l ld lk ll lm lp lt m mp n nd ng nk ns nt p ps r rb rd rf rk rm rn rp rt s sk sp st t th ts v x z")
	rows   = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"}
)

const (
	latinLetters    = "abcdefghijklmnopqrstuvwxyz"
	rareLetters     = "bcdfghjkpqvwxyzqxzjk"
	cyrillicLetters = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
	cyrillicVowels  = "аеиоуыэюя"
)

// nonsense makes a text that means nothing: letters at random, keys beside each other, syllables that no language has put together, characters
// of scripts that have thousands. Some of the short ones will be words of some language, which does no harm.
func nonsense(r *rand.Rand) string {
	n := 1
	if r.IntN(5) == 0 {
		n = 2
	}
	var words []string
	for range n {
		words = append(words, nonsenseWord(r))
	}
	return strings.Join(words, " ")
}

func nonsenseWord(r *rand.Rand) string {
	var b strings.Builder
	letters := func(alphabet string, least, most int) {
		all := []rune(alphabet)
		for range least + r.IntN(most-least+1) {
			b.WriteRune(all[r.IntN(len(all))])
		}
	}
	switch kind := r.IntN(20); {
	case kind < 4:
		letters(latinLetters, 4, 10)
	case kind < 6:
		letters(rareLetters, 4, 9)
	case kind < 8:
		mash(r, &b)
	case kind < 14:
		for range 2 + r.IntN(2) {
			b.WriteString(onsets[r.IntN(len(onsets))] + vowels[r.IntN(len(vowels))])
			if r.IntN(2) == 0 {
				b.WriteString(codas[r.IntN(len(codas))])
			}
		}
		b.WriteString(codas[r.IntN(len(codas))])
	case kind < 15:
		letters(latinLetters+"0123456789", 5, 10)
	case kind < 16:
		letters(cyrillicLetters, 4, 9)
	case kind < 17:
		for range 2 + r.IntN(3) {
			letters(cyrillicLetters, 1, 2)
			letters(cyrillicVowels, 1, 1)
		}
	case kind < 18: // of 20,000 Han characters most are hardly used
		for range 2 + r.IntN(3) {
			b.WriteRune(0x4e00 + rune(r.IntN(0x9fa5-0x4e00)))
		}
	case kind < 19:
		for range 3 + r.IntN(3) {
			b.WriteRune(0xac00 + rune(r.IntN(0xd7a3-0xac00)))
		}
	default:
		first := []rune{0x3042, 0x30a2}[r.IntN(2)]
		for range 4 + r.IntN(4) {
			b.WriteRune(first + rune(r.IntN(80)))
		}
	}
	return b.String()
}

// mash goes along the keys of a keyboard.
func mash(r *rand.Rand, b *strings.Builder) {
	row := []rune(rows[r.IntN(len(rows))])
	at := r.IntN(len(row))
	for range 4 + r.IntN(6) {
		b.WriteRune(row[at])
		at = (at + len(row) + []int{-1, 1, 1, 1, 2, 3}[r.IntN(6)]) % len(row)
	}
}
