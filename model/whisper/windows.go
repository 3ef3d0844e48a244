package whisper

import (
	"context"
	"math"
	"slices"

	"github.com/chiasm/chiasm/media/audio"
)

// A Window is a stretch of a sound that the model hears at once.
type Window struct {
	Start   float64   // seconds into the sound
	Samples []float32 // one channel at 16 kHz, at most 30 seconds
}

// seed is what the draws for a window depend on beside the options' seed: where it begins.
func (w *Window) seed() uint64 { return mix(math.Float64bits(w.Start)) }

func (w *Window) frames() int { return len(w.Samples) * frameRate / audio.WhisperRate }

// Windows finds what is said in each window by itself, Options.Batch of them at a time, and returns the segments of each in the order of the
// windows. They don't depend on which windows are heard together. Unless the language is known, the first windows decide it for this and all
// later calls: see [Transcriber.Forget]. Windows in which nothing is said have no segments.
func (t *Transcriber) Windows(ctx context.Context, windows []Window) ([][]Segment, error) {
	out := make([][]Segment, 0, len(windows))
	for len(out) < len(windows) {
		n := t.opts.Batch
		if t.language == "" && !t.opts.Multilingual {
			n = max(n, t.opts.LanguageWindows)
		}
		batch := windows[len(out):min(len(out)+n, len(windows))]
		segments, err := t.batch(ctx, batch)
		if err != nil {
			return nil, err
		}
		out = append(out, segments...)
	}
	return out, nil
}

// again is how many frames of a window have to be left behind its last timestamp for them to be heard again.
const again = frameRate / 2

// batch does so for windows that are heard together. Where the model says that a segment ends and more follows, but not what, the rest of the
// window is heard again, together with that of the others.
func (t *Transcriber) batch(ctx context.Context, windows []Window) ([][]Segment, error) {
	out := make([][]Segment, len(windows))
	places := make([]int, len(windows))
	for i := range places {
		places[i] = i
	}
	prefix := t.prefix
	for windows = slices.Clone(windows); len(windows) > 0; prefix = nil {
		segments, rests, err := t.round(ctx, windows, prefix)
		if err != nil {
			return nil, err
		}
		left := 0
		for i, w := range windows {
			out[places[i]] = append(out[places[i]], segments[i]...)
			if rest := rests[i]; rest > 0 && rest+again <= w.frames() {
				windows[left] = Window{w.Start + float64(rest)/frameRate, w.Samples[rest*frameSamples:]}
				places[left] = places[i]
				left++
			}
		}
		windows, places = windows[:left], places[:left]
	}
	return out, nil
}

// round finds the segments of windows, and how many frames of each are done with.
func (t *Transcriber) round(ctx context.Context, windows []Window, prefix []int32) (segments [][]Segment, rests []int, err error) {
	if err := t.hear(ctx, windows); err != nil {
		return nil, nil, err
	}
	spoken, err := t.spoken(ctx, len(windows))
	if err != nil {
		return nil, nil, err
	}
	tasks := make([]*task, len(windows))
	for i := range windows {
		tasks[i] = t.newTask(i, &windows[i], spoken[i], t.initial, prefix)
	}
	texts, err := t.decode(ctx, tasks)
	if err != nil {
		return nil, nil, err
	}
	segments, rests = make([][]Segment, len(windows)), make([]int, len(windows))
	for i := range texts {
		x, w := &texts[i], &windows[i]
		if rests[i] = w.frames(); t.opts.silent(x) {
			continue
		}
		var parts []span
		parts, rests[i], _ = spans(x.ids, t.tokens().Timestamp, w.frames(), true)
		found := t.segments(x, parts, w.Start)
		if t.opts.Words {
			if err := t.addWords(ctx, found, i, spoken[i], w, w.Start); err != nil {
				return nil, nil, err
			}
		}
		segments[i] = said(found)
	}
	return segments, rests, nil
}

// newTask is the task of finding the text of window i of those that are heard.
func (t *Transcriber) newTask(i int, w *Window, language string, before, prefix []int32) *task {
	for len(t.tasks) <= i {
		t.tasks = append(t.tasks, &task{})
	}
	k := t.tasks[i]
	k.window, k.seed = int32(i), w.seed()+mix(t.opts.Seed)
	k.prompt, k.start = t.prompt(language, before, prefix)
	return k
}

// spoken tells the language of each of the n windows heard.
func (t *Transcriber) spoken(ctx context.Context, n int) ([]string, error) {
	if t.language != "" && !t.opts.Multilingual || !t.tokens().Multilingual() {
		return slices.Repeat([]string{t.language}, n), nil
	}
	heard, err := t.languages(ctx, n)
	if err != nil {
		return nil, err
	}
	if t.opts.Multilingual {
		out := make([]string, n)
		for i, l := range heard {
			out[i] = l[0].Code
		}
		return out, nil
	}
	found := t.decide(heard[:min(n, t.opts.LanguageWindows)])[0]
	t.language, t.chance = found.Code, found.Probability
	return slices.Repeat([]string{t.language}, n), nil
}
