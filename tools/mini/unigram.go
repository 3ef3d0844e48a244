package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// space mark and unknown piece of the vocabulary.
const (
	mark     = '▁'
	wordMark = string(mark)
	unknown  = "<unk>"
)

// clean is what the tokenizer makes of a text before it looks for pieces.
func clean(text string) string { return strings.ToLower(norm.NFKC.String(text)) }

// learnPieces makes a vocabulary of n pieces with the logarithms of their probabilities from texts, each counted so many times: a unigram
// model (Kudo 2018), by its most likely segmentations instead of all of them.
func learnPieces(texts map[string]float64, n int) (pieces []string, scores []float64) {
	words := map[string]float64{}
	for text, count := range texts {
		for _, w := range strings.Fields(clean(text)) {
			words[wordMark+w] += count
		}
	}
	order := slices.Sorted(maps.Keys(words)) // a sum in one order has the same bits
	counts := candidates(order, words, 16*n)
	for size := len(counts); ; {
		model := newSegmenter(counts)
		counts = map[string]float64{}
		for _, w := range order {
			for _, p := range model.split(w) {
				counts[p] += words[w]
			}
		}
		if size <= n {
			return rank(prune(counts, n-1))
		}
		size = max(n, size*2/3)
		counts = prune(counts, size)
	}
}

// candidates are the substrings of words that are worth most: count times length, and every single letter. Where a script has no spaces,
// they are short, and the mark of a beginning stands alone, since what begins there says nothing.
func candidates(order []string, words map[string]float64, most int) map[string]float64 {
	const longest, spaceless = 14, 4
	all := map[string]float64{}
	for _, w := range order {
		letters := []rune(w)
		for i := range letters {
			for j := i + 1; j <= min(len(letters), i+longest); j++ {
				if j > i+1 && unicode.In(letters[j-1], unicode.Han, unicode.Hiragana, unicode.Katakana) && (j > i+spaceless || letters[i] == mark) {
					break
				}
				all[string(letters[i:j])] += words[w]
			}
		}
	}
	worth := func(p string) float64 { return all[p] * float64(utf8.RuneCountInString(p)) }
	keys := slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Or(cmp.Compare(worth(b), worth(a)), cmp.Compare(a, b)) })
	out := map[string]float64{}
	for i, p := range keys {
		if i < most || utf8.RuneCountInString(p) == 1 {
			out[p] = worth(p)
		}
	}
	return out
}

// prune keeps size pieces: the most frequent, and single letters that are met more than once before others.
func prune(counts map[string]float64, size int) map[string]float64 {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		one, other := utf8.RuneCountInString(a) == 1 && counts[a] > 3, utf8.RuneCountInString(b) == 1 && counts[b] > 3
		if one != other {
			if one {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	out := map[string]float64{}
	for _, p := range keys[:min(size, len(keys))] {
		out[p] = counts[p]
	}
	return out
}

// rank makes the vocabulary: the unknown piece, then the others by frequency.
func rank(counts map[string]float64) (pieces []string, scores []float64) {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	sum := 0.0
	for _, p := range keys {
		sum += counts[p]
	}
	pieces, scores = []string{unknown}, []float64{0}
	for _, p := range keys {
		pieces, scores = append(pieces, p), append(scores, math.Log(counts[p]/sum))
	}
	return pieces, scores
}

// A segmenter splits words into their most likely pieces.
type segmenter struct {
	score   map[string]float64
	longest int // bytes
	low     float64
}

func newSegmenter(counts map[string]float64) *segmenter {
	s, sum := &segmenter{score: map[string]float64{}}, 0.0
	for _, p := range slices.Sorted(maps.Keys(counts)) {
		sum += counts[p]
		s.longest = max(s.longest, len(p))
	}
	for p, c := range counts {
		s.score[p] = math.Log(c / sum)
		s.low = min(s.low, s.score[p])
	}
	return s
}

// split is the pieces of a word, those of letters that have none left out (Viterbi 1967).
func (s *segmenter) split(word string) (pieces []string) {
	best, from := make([]float64, len(word)+1), make([]int, len(word)+1)
	for end := 1; end <= len(word); end++ {
		if best[end] = math.Inf(-1); end < len(word) && !utf8.RuneStart(word[end]) {
			continue
		}
		for start := max(0, end-max(s.longest, utf8.UTFMax)); start < end; start++ {
			if !utf8.RuneStart(word[start]) {
				continue
			}
			v, ok := s.score[word[start:end]]
			if !ok {
				if utf8.RuneCountInString(word[start:end]) > 1 {
					continue
				}
				v = s.low - 10
			}
			if v += best[start]; v > best[end] {
				best[end], from[end] = v, start
			}
		}
	}
	for end := len(word); end > 0; end = from[end] {
		if p := word[from[end]:end]; s.score[p] != 0 {
			pieces = append(pieces, p)
		}
	}
	return pieces
}

// tokenizerJSON is a vocabulary in the form of Hugging Face's tokenizers.
func tokenizerJSON(pieces []string, scores []float64) ([]byte, error) {
	vocabulary := make([][2]any, len(pieces))
	for i, p := range pieces {
		vocabulary[i] = [2]any{p, math.Round(scores[i]*1e3) / 1e3}
	}
	type object = map[string]any
	return json.Marshal(object{
		"version": "1.0", "truncation": nil, "padding": nil,
		"added_tokens": []object{{"id": 0, "content": unknown, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}},
		"normalizer":   object{"type": "Sequence", "normalizers": []object{{"type": "NFKC"}, {"type": "Lowercase"}}},
		"pre_tokenizer": object{"type": "Sequence", "pretokenizers": []object{
			{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": wordMark, "prepend_scheme": "always", "split": true},
		}},
		"post_processor": nil, "decoder": object{"type": "Metaspace", "replacement": wordMark, "prepend_scheme": "always", "split": true},
		"model": object{"type": "Unigram", "unk_id": 0, "vocab": vocabulary, "byte_fallback": false},
	})
}
