package whisper

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/chiasm/chiasm/internal/kernel"
)

// A Language is one that may be spoken.
type Language struct {
	Code        string // as "en"
	Probability float32
}

// Detect tells which languages are spoken in a sound at 16 kHz, the likeliest first. It hears up to Options.LanguageWindows windows, until one
// is sure by Options.LanguageThreshold; if none is, the language that is the likeliest of the most windows comes first. A model for English
// alone answers English.
func (t *Transcriber) Detect(ctx context.Context, samples []float32) ([]Language, error) {
	if !t.tokens().Multilingual() {
		return []Language{{"en", 1}}, nil
	}
	size := t.WindowSamples()
	samples = samples[:min(len(samples), t.opts.LanguageWindows*size)]
	windows := []Window{{Samples: samples[:min(len(samples), size)]}}
	for at := size; at < len(samples); at += size {
		windows = append(windows, Window{Samples: samples[at:min(at+size, len(samples))]})
	}
	var all [][]Language
	for batch := range slices.Chunk(windows, t.opts.Batch) {
		if err := t.hear(ctx, batch); err != nil {
			return nil, err
		}
		heard, err := t.languages(ctx, len(batch))
		if err != nil {
			return nil, err
		}
		if all = append(all, heard...); t.sure(heard) >= 0 {
			break
		}
	}
	return t.decide(all), nil
}

// sure is the first of windows that is sure of its language, -1 if none is.
func (t *Transcriber) sure(windows [][]Language) int {
	return slices.IndexFunc(windows, func(l []Language) bool { return l[0].Probability > t.opts.LanguageThreshold })
}

// decide takes the first window that is sure, or lets them vote.
func (t *Transcriber) decide(windows [][]Language) []Language {
	if i := t.sure(windows); i >= 0 {
		return windows[i]
	}
	return vote(windows)
}

// languages tells of each of the first n windows heard which languages are likely.
func (t *Transcriber) languages(ctx context.Context, n int) ([][]Language, error) {
	k := t.tokens()
	prompts, windows := make([][]int32, n), make([]int32, n)
	for i := range n {
		prompts[i], windows[i] = []int32{k.Start}, int32(i)
	}
	t.pass.Reset(ctx)
	logits := t.decoder.Start(t.pass, windows, prompts, nil).Floats()
	if err := ended(ctx); err != nil {
		return nil, err
	}
	vocab := len(logits) / n
	out := make([][]Language, n)
	for i := range out {
		out[i] = likely(logits[i*vocab:][:vocab], k.Languages)
	}
	return out, nil
}

// likely is the distribution over the languages alone.
func likely(logits []float32, ids map[string]int32) []Language {
	top := never
	for _, id := range ids {
		top = max(top, logits[id])
	}
	out := make([]Language, 0, len(ids))
	var sum float64
	for code, id := range ids {
		out = append(out, Language{code, float32(math.Exp(float64(logits[id] - top)))})
	}
	slices.SortFunc(out, func(a, b Language) int {
		return cmp.Or(cmp.Compare(b.Probability, a.Probability), cmp.Compare(ids[a.Code], ids[b.Code]))
	})
	for _, l := range out {
		sum += float64(l.Probability)
	}
	for i := range out {
		out[i].Probability /= float32(sum)
	}
	return out
}

// vote is what the most windows find the likeliest, as the surest of them hears it; of languages with as many windows the one heard first.
func vote(windows [][]Language) []Language {
	votes := map[string]int{}
	for _, l := range windows {
		votes[l[0].Code]++
	}
	winner := windows[0]
	for _, l := range windows[1:] {
		switch n, m := votes[l[0].Code], votes[winner[0].Code]; {
		case n > m, l[0].Code == winner[0].Code && l[0].Probability > winner[0].Probability:
			winner = l
		}
	}
	return winner
}

// probability is that of one token.
func probability(logits []float32, id int32) float64 {
	top := kernel.Max(logits)
	return math.Exp(float64(logits[id]-top)) / expSum(logits, 1, top)
}
