package chiasm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"reflect"
	"time"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/vad"
	"github.com/chiasm/chiasm/model/whisper"
	"github.com/chiasm/chiasm/tensor"
)

// transcribes is a family that writes down what is said.
type transcribes interface {
	NewTranscriber(opts *whisper.Options) (*whisper.Transcriber, error)
}

// What transcripts are made of.
type (
	Segment = whisper.Segment
	Word    = whisper.Word
)

// TranscribeOptions say how a sound becomes text: change those of [TranscribeDefaults].
type TranscribeOptions struct {
	whisper.Options

	// Sequential hears the sound window after window, each with the text of the one before in mind, as openai/whisper does. Otherwise speech
	// is found first and packed into windows of up to 30 seconds, several of which are heard together: faster, and without text that is made
	// up where nothing is said.
	Sequential bool
	Speech     vad.Options // what is speech; pauses of MinSilence, 0 for 160 ms, are left out

	Progress func(Progress) // told how far the transcript is, between segments
}

// A Progress says how far a transcript is.
type Progress struct {
	Language    string  // of the sound, empty while it is not known
	Probability float64 // of that language, 1 if it was given
	Done        float64 // seconds of the sound
}

// TranscribeDefaults are options to change.
func TranscribeDefaults() TranscribeOptions { return TranscribeOptions{Options: whisper.Defaults()} }

// Transcribe writes down what is said in the rest of a sound: the segments in their order, as they are found, while what follows is being read.
// Memory does not grow with the sound's length. opts may be nil. An error ends the sequence; one that wraps [audio.ErrTruncated] comes after
// the segments of all that there is. A model that cannot hear speech gives errors.ErrUnsupported.
func (m *Model) Transcribe(ctx context.Context, sound *audio.Reader, opts *TranscribeOptions) iter.Seq2[Segment, error] {
	return func(yield func(Segment, error) bool) {
		if opts == nil {
			defaults := TranscribeDefaults()
			opts = &defaults
		}
		t, err := m.transcriber(opts.Options)
		if err != nil {
			yield(Segment{}, err)
			return
		}
		defer m.hearers.Put(t)
		j := &hearing{model: m, t: t.Transcriber, opts: opts, sound: &counted{sound: sound.Mono(vad.Rate)}}
		segments := j.windows
		if opts.Sequential {
			segments = j.sequential
		}
		err = segments(ctx, func(s Segment) bool { return yield(s, nil) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(Segment{}, err)
		}
	}
}

// TranscribeFile is the transcript of a file, whose format is recognised by its content: see [audio.Open]. If the file is cut off, the transcript
// of what there is comes with an error that wraps [audio.ErrTruncated].
func (m *Model) TranscribeFile(ctx context.Context, path string, opts *TranscribeOptions) (*Transcript, error) {
	sound, err := audio.Open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("chiasm: %w", err)
	}
	defer sound.Close()
	if opts == nil {
		defaults := TranscribeDefaults()
		opts = &defaults
	}
	own, out := *opts, &Transcript{Input: path}
	own.Progress = func(p Progress) {
		out.Language, out.Probability, out.Duration = p.Language, p.Probability, p.Done
		if opts.Progress != nil {
			opts.Progress(p)
		}
	}
	for s, err := range m.Transcribe(ctx, sound, &own) {
		if errors.Is(err, audio.ErrTruncated) {
			return out, err
		}
		if err != nil {
			return nil, err
		}
		out.Segments = append(out.Segments, s)
	}
	return out, nil
}

// A hearer is a Transcriber with the options that it was made with.
type hearer struct {
	*whisper.Transcriber
	opts whisper.Options
}

// transcriber is one that no other call uses.
func (m *Model) transcriber(opts whisper.Options) (*hearer, error) {
	if m.speech == nil {
		return nil, m.lacks("transcribe")
	}
	if opts.Workers == 0 {
		opts.Workers = m.opts.Workers
	}
	if h, ok := m.hearers.Get().(*hearer); ok && reflect.DeepEqual(h.opts, opts) {
		h.Forget()
		return h, nil
	}
	t, err := m.speech.NewTranscriber(&opts)
	if err != nil {
		return nil, fmt.Errorf("chiasm: %s: %w", m.name, err)
	}
	return &hearer{t, opts}, nil
}

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
	}, max(j.opts.Batch, 1))
	defer f.stop()
	for {
		batch := f.next(ctx)
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
