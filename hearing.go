package chiasm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/vad"
	"github.com/chiasm/chiasm/model/whisper"
	"github.com/chiasm/chiasm/tensor"
)

// errStopped says that nobody wants more segments.
var errStopped = errors.New("stopped")

// A hearing is the transcription of one sound.
type hearing struct {
	model *Model
	t     *whisper.Transcriber
	opts  *TranscribeOptions
	sound *counted
}

// counted counts the samples that were read.
type counted struct {
	sound *audio.Mono
	n     int64
	err   error // that ended the sound, unless it was its end
}

// Read is the sound's. Any error is its end: what there is before it shall be heard first.
func (c *counted) Read(dst []float32) (int, error) {
	n, err := c.sound.Read(dst)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err, err = err, io.EOF
	}
	return n, err
}

// windows finds the speech and hears it.
func (j *hearing) windows(ctx context.Context, segment func(Segment) bool) error {
	speech := j.opts.Speech
	if speech.MinSilence == 0 {
		speech.MinSilence = 160 * time.Millisecond
	}
	most := time.Duration(j.t.WindowSamples()) * time.Second / vad.Rate
	if speech.MaxSpeech == 0 || speech.MaxSpeech > most {
		speech.MaxSpeech = most
	}
	if speech.Pad == 0 {
		speech.Pad = 400 * time.Millisecond
	}
	speech.Pad = min(speech.Pad, most/8) // so that there is room for speech
	f := feed(ctx, func(yield func(*vad.Window) bool) {
		for w, err := range vad.Windows(j.sound, &speech, j.t.WindowSamples()) {
			if err != nil || !yield(w) {
				return
			}
		}
	}, j.batch())
	defer f.stop()
	for least := max(j.opts.LanguageWindows, 1); ; least = 1 { // the first ones decide the language
		batch := f.next(ctx, least)
		if len(batch) == 0 {
			break
		}
		if err := j.hear(ctx, batch, segment); err != nil {
			return err
		}
		j.report(float64(batch[len(batch)-1].Heard) / vad.Rate)
	}
	return j.end(ctx)
}

// mostMemory is what a batch of windows may take in the decoder, in bytes, if it is more than one.
const mostMemory = 1 << 30

// batch is how many windows are heard together.
func (j *hearing) batch() int { return max(1, min(j.opts.Batch, mostMemory/j.t.WindowBytes())) }

// end is why the sound ended, nil if it is complete.
func (j *hearing) end(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("chiasm: %w", err)
	}
	j.report(float64(j.sound.n) / vad.Rate)
	if j.sound.err != nil {
		return fmt.Errorf("chiasm: %w", j.sound.err)
	}
	return nil
}

func (j *hearing) report(done float64) {
	if j.opts.Progress == nil {
		return
	}
	l := j.t.Language()
	j.opts.Progress(Progress{Language: l.Code, Probability: float64(l.Probability), Done: done})
}

// hear gives the segments of windows, at their times in the sound.
func (j *hearing) hear(ctx context.Context, batch []*vad.Window, segment func(Segment) bool) error {
	windows := make([]whisper.Window, len(batch))
	for i, w := range batch {
		windows[i] = whisper.Window{Start: float64(w.Spans[0].Start) / vad.Rate, Samples: w.Samples}
	}
	var heard [][]Segment
	err := j.model.shield(func() (err error) {
		heard, err = j.t.Windows(ctx, windows)
		return err
	})
	if err != nil {
		return err
	}
	for i, segments := range heard {
		for _, s := range segments {
			place(&s, batch[i], windows[i].Start)
			if err := j.give(s, segment); err != nil {
				return err
			}
		}
	}
	return nil
}

// place moves a segment from its window, which was heard as if it began at start and had no pauses, to where it lies in the sound.
func place(s *Segment, w *vad.Window, start float64) {
	for i := range s.Words {
		x := &s.Words[i]
		shift := w.Shift((x.Start+x.End)/2 - start)
		x.Start, x.End = round2(x.Start-start+shift), round2(x.End-start+shift)
	}
	if n := len(s.Words); n > 0 {
		s.Start, s.End = s.Words[0].Start, s.Words[n-1].End
		return
	}
	s.Start, s.End = round2(w.Time(round2(s.Start-start), false)), round2(w.Time(round2(s.End-start), true))
}

// round2 rounds to hundredths of a second, which are as fine as the model hears.
func round2(seconds float64) float64 { return math.Round(seconds*100) / 100 }

// sequential hears the sound window after window.
func (j *hearing) sequential(ctx context.Context, segment func(Segment) bool) error {
	next, stop := iter.Pull2(j.t.Sequential(ctx, j.sound.Read))
	defer stop()
	for {
		var s Segment
		var more bool
		err := j.model.shield(func() (err error) {
			s, err, more = next()
			return err
		})
		if err != nil {
			return err
		}
		if !more {
			return j.end(ctx)
		}
		if err := j.give(s, segment); err != nil {
			return err
		}
		j.report(s.End)
	}
}

// give hands a segment on.
func (j *hearing) give(s Segment, segment func(Segment) bool) error {
	if math.IsNaN(s.AvgLogProb) {
		return j.model.explain()
	}
	if !segment(s) {
		return errStopped
	}
	return nil
}

// shield runs f, of whose panics those about shapes are errors.
func (m *Model) shield(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			shape, ok := r.(*tensor.ShapeError)
			if !ok {
				panic(r)
			}
			err = shape
		}
		if err != nil {
			err = fmt.Errorf("chiasm: %s: %w", m.name, err)
		}
	}()
	return f()
}
