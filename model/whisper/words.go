package whisper

import (
	"context"
	"math"
	"slices"
	"strings"
)

// Marks that belong to the word after or before them, and those that end a sentence, as in openai/whisper.
const (
	opening = "\"'“¿([{-"
	closing = "\"'.。,，!！?？:：”)]}、"
	ending  = ".。!！?？"
	ascii   = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

// A timing is a word of a window: nothing if it became a part of its neighbour.
type timing struct {
	text        string
	tokens      int
	start, end  float64 // seconds into the window
	probability float64
}

// addWords finds the words of a window's segments, and sets the segments' ends by them. spoken is the time at which something was said last
// before.
func (t *Transcriber) addWords(ctx context.Context, segments []Segment, window int, language string, w *Window, spoken float64) error {
	var ids []int32
	counts := make([]int, len(segments))
	for i, s := range segments {
		for _, id := range s.IDs {
			if id < t.tokens().End {
				ids = append(ids, id)
				counts[i]++
			}
		}
	}
	timings, err := t.align(ctx, ids, window, language, w.frames())
	if err != nil {
		return err
	}
	share(timings, segments, counts, w.Start, spoken)
	return nil
}

// share gives the words of a window that begins at offset to its segments, which have so many tokens each.
func share(words []timing, segments []Segment, counts []int, offset, spoken float64) {
	usual := usualLength(words)
	shorten(words, 2*usual)
	join(words)
	for i := range segments {
		s := &segments[i]
		for n := 0; len(words) > 0 && n < counts[i]; words = words[1:] {
			w := &words[0]
			if w.text != "" {
				s.Words = append(s.Words, Word{hundredths(offset + w.start), hundredths(offset + w.end), w.text, w.probability})
			}
			n += w.tokens
		}
		if len(s.Words) > 0 {
			s.settle(usual, spoken)
			spoken = s.End
		}
	}
}

func hundredths(seconds float64) float64 { return math.Round(seconds*100) / 100 }

// align finds when the words of ids are said, by what the alignment heads listen to (openai/whisper's timing.py).
func (t *Transcriber) align(ctx context.Context, ids []int32, window int, language string, frames int) ([]timing, error) {
	k := t.tokens()
	before := append([]int32{k.Start}, t.task(language)...)
	steps := min(frames/frameStamp, t.config().Frames)
	room := t.config().Context - len(before) - 2
	ids = ids[:min(len(ids), max(room, 0))] // never more than was found in one window
	if len(ids) == 0 || steps == 0 {
		return nil, nil
	}
	read := slices.Concat(before, []int32{k.NoTimestamps}, ids, []int32{k.End})
	rows := make([]int32, len(ids))
	for i := range rows {
		rows[i] = int32(len(before) + i)
	}
	t.pass.Reset(ctx)
	weights, logits := t.decoder.Align(t.pass, window, read, rows)
	if err := ended(ctx); err != nil {
		return nil, err
	}
	a := &t.words
	a.tokens, a.steps, a.from, a.to = len(read), steps, len(before), len(read)-1
	at := a.starts(weights.Floats(), weights.Dim(0), weights.Dim(2), t.opts.Workers)
	likely := make([]float64, len(ids))
	for i, id := range ids {
		likely[i] = probability(logits.Floats()[i*logits.Dim(1):][:k.End], id)
	}
	timings := t.split(ids, language)
	from := 0
	for i := range timings {
		w, to := &timings[i], from+timings[i].tokens
		w.start, w.end = float64(at[from])/stampRate, float64(at[to])/stampRate
		for _, p := range likely[from:to] {
			w.probability += p / float64(w.tokens)
		}
		from = to
	}
	return timings, nil
}

// split cuts ids into words: where characters are whole, and unless the language is written without spaces, at these and at punctuation.
func (t *Transcriber) split(ids []int32, language string) []timing {
	spaced := !slices.Contains([]string{"zh", "ja", "th", "lo", "my", "yue"}, language)
	const replaced = "\uFFFD" // what stands for a part of a character
	whole := t.bundle.Tokenizer.Decode(ids, false)
	var words []timing
	from, at := 0, 0 // tokens, bytes of whole
	for i := range ids {
		part := t.bundle.Tokenizer.Decode(ids[from:i+1], false)
		if cut := strings.Index(part, replaced); cut >= 0 && i < len(ids)-1 {
			if rest := whole[min(at+cut, len(whole)):]; !strings.HasPrefix(rest, replaced) {
				continue // a character that goes on
			}
		}
		n := i + 1 - from
		trimmed := strings.TrimSpace(part)
		if len(words) == 0 || !spaced || strings.HasPrefix(part, " ") || strings.Contains(ascii, trimmed) {
			words = append(words, timing{})
		}
		last := &words[len(words)-1]
		last.text, last.tokens = last.text+part, last.tokens+n
		from, at = i+1, at+len(part)
	}
	return words
}

// usualLength is the median length of the words that have one, at most 0.7 seconds.
func usualLength(words []timing) float64 {
	var lengths []float64
	for _, w := range words {
		if w.end != w.start {
			lengths = append(lengths, w.end-w.start)
		}
	}
	n := len(lengths)
	if n == 0 {
		return 0
	}
	slices.Sort(lengths)
	return min(0.7, (lengths[(n-1)/2]+lengths[n/2])/2)
}

// shorten makes words at the ends of sentences no longer than longest.
func shorten(words []timing, longest float64) {
	if longest == 0 {
		return
	}
	for i := 1; i < len(words); i++ {
		w := &words[i]
		if w.end-w.start <= longest {
			continue
		}
		if strings.Contains(ending, w.text) {
			w.end = w.start + longest
		} else if strings.Contains(ending, words[i-1].text) {
			w.start = w.end - longest
		}
	}
}

// join puts marks to the words that they belong to.
func join(words []timing) {
	next := len(words) - 1
	for i := next - 1; i >= 0; i-- {
		w := &words[i]
		if strings.HasPrefix(w.text, " ") && strings.Contains(opening, strings.TrimSpace(w.text)) {
			words[next].text, words[next].tokens = w.text+words[next].text, w.tokens+words[next].tokens
			w.text, w.tokens = "", 0
		} else {
			next = i
		}
	}
	last := 0
	for i := 1; i < len(words); i++ {
		w := &words[i]
		if !strings.HasSuffix(words[last].text, " ") && strings.Contains(closing, w.text) {
			words[last].text, words[last].tokens = words[last].text+w.text, words[last].tokens+w.tokens
			w.text, w.tokens = "", 0
		} else {
			last = i
		}
	}
}

// settle shortens the first words after a pause, and lets segment and words agree on when they begin and end.
func (s *Segment) settle(usual, spoken float64) {
	w, longest := s.Words, 2*usual
	first, last := &w[0], &w[len(w)-1]
	if first.End-spoken > 4*usual && (first.End-first.Start > longest || len(w) > 1 && w[1].End-first.Start > 2*longest) {
		if len(w) > 1 && w[1].End-w[1].Start > longest {
			first.End = max(w[1].End/2, w[1].End-longest)
			w[1].Start = first.End
		}
		first.Start = max(0, first.End-longest)
	}
	if s.Start < first.End && s.Start-0.5 > first.Start {
		first.Start = max(0, min(first.End-usual, s.Start))
	} else {
		s.Start = first.Start
	}
	if s.End > last.Start && s.End+0.5 < last.End {
		last.End = max(last.Start+usual, s.End)
	} else {
		s.End = last.End
	}
}
