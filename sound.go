package chiasm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/tensor"
)

// A Sound is one channel of samples, about -1 to 1.
type Sound struct {
	Samples []float32
	Rate    int  // samples a second
	Longer  bool // there was more than the model hears, which was left out
}

// Hears says what sounds the model takes: samples a second, and how many of them one vector hears at most. Both are 0 if it takes none.
// [audio.Mono.Windows] cuts longer sounds into pieces.
func (m *Model) Hears() (rate, samples int) {
	if m.sound == nil {
		return 0, 0
	}
	return m.sound.AudioRate(), m.sound.AudioLimit()
}

// OpenAudio reads as much of a sound file as a vector of the model hears, at the model's rate, its channels averaged. Formats that
// package audio doesn't decode need the program ffmpeg. If the file is damaged or cut off, the error wraps [audio.ErrTruncated] and what
// there is of the sound comes too.
func (m *Model) OpenAudio(ctx context.Context, path string) (Sound, error) {
	if m.sound == nil {
		return Sound{}, m.lacks("hear sounds")
	}
	r, err := audio.Open(ctx, path)
	if err != nil {
		return Sound{}, err
	}
	defer r.Close()
	return m.Hear(r)
}

// ReadAudio is [Model.OpenAudio] for a stream.
func (m *Model) ReadAudio(ctx context.Context, from io.Reader) (Sound, error) {
	if m.sound == nil {
		return Sound{}, m.lacks("hear sounds")
	}
	r, err := audio.New(ctx, from)
	if err != nil {
		return Sound{}, err
	}
	defer r.Close()
	return m.Hear(r)
}

// Hear is [Model.OpenAudio] for a file that is open: from where it is read up to now.
func (m *Model) Hear(r *audio.Reader) (s Sound, err error) {
	err = m.HearInto(&s, r)
	return s, err
}

// HearInto makes s the sound that [Model.Hear] gives, in the memory of the samples that it has if that suffices: of WAV and AIFF files that one
// reader reads one after the other (see [audio.Reader.Reset]), then, nothing is allocated. A sound that cannot be heard has no samples.
func (m *Model) HearInto(s *Sound, r *audio.Reader) error {
	samples := s.Samples[:0]
	*s = Sound{Samples: samples}
	if m.sound == nil {
		return m.lacks("hear sounds")
	}
	rate := m.sound.AudioRate()
	heard, err := r.Mono(rate).Append(samples, m.sound.AudioLimit())
	longer := err == audio.ErrLimit
	if longer {
		err = nil
	}
	if err != nil && !errors.Is(err, audio.ErrTruncated) {
		return err
	}
	*s = Sound{heard, rate, longer}
	if bad := s.Check(); bad != nil {
		*s = Sound{Samples: samples}
		return bad
	}
	return err
}

// Check says what keeps a sound from having a vector: no samples, a rate that none has, samples that are not numbers or far too loud.
func (s Sound) Check() error {
	if len(s.Samples) == 0 {
		return errors.New("chiasm: the sound has no samples")
	}
	if s.Rate < audio.LowestRate || s.Rate > audio.HighestRate {
		return fmt.Errorf("chiasm: the sound has %d samples a second, want %d to %d", s.Rate, audio.LowestRate, audio.HighestRate)
	}
	for i, v := range s.Samples {
		if !(math.Abs(float64(v)) <= loudest) {
			return fmt.Errorf("chiasm: sample %d of the sound is %v, want about -1 to 1", i, v)
		}
	}
	return nil
}

// loudest is far beyond what sounds have, and so little that no front end overflows.
const loudest = 1e6

// EmbedAudio is the embedding of a sound: of as much of it as [Model.Hears] says. One at another rate than the model's is resampled.
func (m *Model) EmbedAudio(ctx context.Context, s Sound) (e Embedding, err error) {
	err = m.EmbedAudioInto(ctx, &e, s)
	return e, err
}

// EmbedAudioInto makes e the embedding of a sound, as [Model.EmbedAudio] does, in the memory of e: see [Model.EmbedImageInto].
func (m *Model) EmbedAudioInto(ctx context.Context, e *Embedding, s Sound) error {
	one := m.single(e)
	one.sounds[0] = s
	return m.into(one, e, m.embedAudios(ctx, one.sounds[:], &one.out))
}

// EmbedAudios is the embeddings of sounds, in their order.
func (m *Model) EmbedAudios(ctx context.Context, sounds []Sound) ([]Embedding, error) {
	out := make([]Embedding, 0, len(sounds))
	err := m.embedAudios(ctx, sounds, &out)
	return out, err
}

func (m *Model) embedAudios(ctx context.Context, sounds []Sound, out *[]Embedding) error {
	if m.sound == nil {
		return m.lacks("embed sounds")
	}
	return m.inSounds(ctx, sounds, func(p *tensor.Pass, samples [][]float32) error {
		x, err := m.sound.EmbedAudio(p, samples)
		return m.vectors(p, x, err, out)
	})
}

// sampleLists keeps the lists of inSounds between calls.
var sampleLists = sync.Pool{New: func() any { return new([][]float32) }}

// inSounds hands the samples of sounds to do, as many at a time as go through the tower together.
func (m *Model) inSounds(ctx context.Context, sounds []Sound, do func(p *tensor.Pass, samples [][]float32) error) error {
	list := sampleLists.Get().(*[][]float32)
	defer sampleLists.Put(list)
	*list = slices.Grow((*list)[:0], len(sounds))[:len(sounds)]
	defer clear(*list)
	samples := *list
	for i, s := range sounds {
		if err := s.Check(); err != nil {
			return fmt.Errorf("sound %d of %d: %w", i+1, len(sounds), err)
		}
		samples[i] = m.atRate(s)
	}
	for len(samples) > 0 {
		n, tokens := 0, 0
		for n < len(samples) {
			if tokens += m.sound.AudioTokens(len(samples[n])); n > 0 && tokens > batchTokens {
				break
			}
			n++
		}
		if err := m.within(ctx, func(p *tensor.Pass) error { return do(p, samples[:n]) }); err != nil {
			return err
		}
		samples = samples[n:]
	}
	return nil
}

// atRate is what the model hears of a sound.
func (m *Model) atRate(s Sound) []float32 {
	rate, limit := m.Hears()
	x := s.Samples
	if s.Rate != rate {
		// A second more than is heard, so that the cut is not.
		x = audio.Resample(x[:min(int64(len(x)), int64(limit)*int64(s.Rate)/int64(rate)+int64(s.Rate))], s.Rate, rate)
	}
	return x[:min(len(x), limit)]
}
