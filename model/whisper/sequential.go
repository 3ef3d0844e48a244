package whisper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/chiasm/chiasm/media/audio"
)

// frameSamples is how many samples a frame of features stands for.
const frameSamples = audio.WhisperRate / frameRate

// Sequential finds what is said in a sound of any length, window after window: each begins where the last segment of the one before ends and,
// with Options.Condition, the model reads the text before it (openai/whisper's transcribe). source fills dst with the next samples, one channel
// at 16 kHz, and returns how many; at the end io.EOF. It may return fewer than fit. Only the window that is heard is kept. The first error ends
// the sequence. Unlike in the reference the features of a window depend on its own samples alone, not on the loudest part of the whole sound.
func (t *Transcriber) Sequential(ctx context.Context, source func(dst []float32) (int, error)) iter.Seq2[Segment, error] {
	return func(yield func(Segment, error) bool) {
		s := &sequence{Transcriber: t, source: source, before: append([]int32(nil), t.initial...)}
		t.Forget()
		for {
			segments, err := s.next(ctx)
			for _, x := range segments {
				if !yield(x, nil) {
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(Segment{}, err)
				}
				return
			}
		}
	}
}

// A sequence is a sound on which a Transcriber works window after window.
type sequence struct {
	*Transcriber
	source func([]float32) (int, error)
	sound  []float32 // from seek on
	read   error     // why no more samples come
	seek   int       // frames before sound
	before []int32   // text that the model reads before the next window
	spoken float64   // when something was said last, in seconds
	begun  bool
}

// next is the segments of the next window, io.EOF if there is none.
func (s *sequence) next(ctx context.Context) ([]Segment, error) {
	size := s.WindowSamples()
	want := size
	if s.language == "" && !s.opts.Multilingual {
		want = s.opts.LanguageWindows * size
	}
	if err := s.fill(want); err != nil {
		return nil, err
	}
	frames := min(len(s.sound), size) / frameSamples
	if frames == 0 {
		return nil, io.EOF
	}
	language, heard, err := s.listen(ctx)
	if err != nil {
		return nil, err
	}
	w := Window{Start: float64(s.seek) / frameRate, Samples: s.sound[:frames*frameSamples]}
	if !heard {
		if err := s.hear(ctx, []Window{w}); err != nil {
			return nil, err
		}
		if s.opts.Multilingual {
			spoken, err := s.Transcriber.spoken(ctx, 1)
			if err != nil {
				return nil, err
			}
			language = spoken[0]
		}
	}
	var prefix []int32
	if !s.begun {
		s.begun, prefix = true, s.prefix
	}
	texts, err := s.decode(ctx, []*task{s.newTask(0, &w, language, s.before, prefix)})
	if err != nil {
		return nil, err
	}
	segments, rest, err := s.cut(ctx, &texts[0], &w, language)
	if err != nil {
		return nil, err
	}
	s.advance(rest)
	return segments, nil
}

// fill reads until there are n samples, or the sound ends.
func (s *sequence) fill(n int) error {
	empty := 0
	for len(s.sound) < n && s.read == nil {
		if cap(s.sound) < n {
			s.sound = append(make([]float32, 0, n), s.sound...)
		}
		var k int
		if k, s.read = s.source(s.sound[len(s.sound):n]); k == 0 && s.read == nil {
			if empty++; empty == 100 {
				s.read = io.ErrNoProgress
			}
			continue
		}
		empty = 0
		if k < 0 || k > n-len(s.sound) {
			panic(fmt.Sprintf("whisper: a source filled %d of %d samples", k, n-len(s.sound)))
		}
		s.sound = s.sound[:len(s.sound)+k]
	}
	if s.read != nil && !errors.Is(s.read, io.EOF) {
		return fmt.Errorf("whisper: %w", s.read)
	}
	return nil
}

// listen finds out the language at the beginning of the sound. heard tells whether the decoder knows the first window from that.
func (s *sequence) listen(ctx context.Context) (language string, heard bool, err error) {
	if s.language != "" || s.opts.Multilingual {
		return s.language, false, nil
	}
	found, err := s.Detect(ctx, s.sound[:len(s.sound)/frameSamples*frameSamples])
	if err != nil {
		return "", false, err
	}
	s.language, s.chance = found[0].Code, found[0].Probability
	return s.language, len(s.sound) <= s.WindowSamples(), nil
}

// cut makes segments of a window's text, keeps what the next window is to know of it, and returns how many frames are done with.
func (s *sequence) cut(ctx context.Context, x *text, w *Window, language string) ([]Segment, int, error) {
	h := heard{frames: w.frames(), offset: w.Start}
	if s.opts.silent(x) {
		return nil, h.frames, nil
	}
	var parts []span
	parts, h.rest, h.ended = spans(x.ids, s.tokens().Timestamp, h.frames, false)
	h.segments = s.segments(x, parts, w.Start)
	if s.opts.Words {
		if err := s.addWords(ctx, h.segments, 0, language, w, s.spoken); err != nil {
			return nil, 0, err
		}
	}
	segments := s.keep(&h, x.last)
	return segments, h.rest, nil
}

// keep decides which segments of a window stay and where the next one begins, and what the model reads before it.
func (s *sequence) keep(h *heard, temperature float32) []Segment {
	if s.opts.Words {
		h.byWords(s.seek)
		if s.opts.SkipSilence > 0 && s.skipSilence(h) {
			return nil
		}
		if end, ok := h.last(); ok {
			s.spoken = end
		}
	}
	if h.rest <= 0 {
		h.rest = h.frames // a model that finds nothing must not be asked again
	}
	segments := said(h.segments)
	for _, y := range segments {
		s.before = append(s.before, y.IDs...)
	}
	if !s.opts.Condition || temperature > s.opts.ResetAbove {
		s.before = s.before[:0]
	}
	if n := len(s.before) - s.config().Context; n > 0 {
		s.before = append(s.before[:0], s.before[n:]...) // a prompt is shorter
	}
	return segments
}

// advance drops what is done with.
func (s *sequence) advance(frames int) {
	n := min(frames*frameSamples, len(s.sound))
	s.sound = s.sound[:copy(s.sound, s.sound[n:])]
	s.seek += frames
}
