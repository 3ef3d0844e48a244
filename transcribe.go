package chiasm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/vad"
	"github.com/chiasm/chiasm/model/whisper"
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
