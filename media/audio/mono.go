package audio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

// A Mono gives the samples of a sound as one channel at one rate, as librosa.load(mono=True) does: the channels are
// averaged, then resampled.
type Mono struct {
	r        *Reader
	rate     int
	from     int // the rate of the file
	resample *Resampler
	in       []float32 // frames of the file
	mixed    []float32
	err      error
}

// Mono gives the rest of the sound as one channel at rate, in Hz. The Reader is not to be read directly from then on, and keeps one Mono,
// whose memory the next has again. It panics if rate isn't positive.
func (r *Reader) Mono(rate int) *Mono {
	m, frames := &r.mono, max(1<<13/r.format.Channels, 1)
	if m.resample == nil || m.rate != rate || m.from != r.format.Rate {
		m.resample = NewResampler(r.format.Rate, rate)
	} else {
		m.resample.restart()
	}
	m.r, m.rate, m.from, m.err = r, rate, r.format.Rate, nil
	n := frames * r.format.Channels
	m.in, m.mixed = slices.Grow(m.in[:0], n)[:n], slices.Grow(m.mixed[:0], frames)[:frames]
	return m
}

// Rate of the samples, in Hz.
func (m *Mono) Rate() int { return m.rate }

// Read fills dst as far as the sound reaches and returns how many samples. It ends as [Reader.Read] does, with io.EOF or an
// error that may wrap [ErrTruncated]: all that was read before the error is given first. A dst that is filled has no error.
func (m *Mono) Read(dst []float32) (n int, err error) {
	for n < len(dst) {
		k := m.resample.Pull(dst[n:])
		n += k
		switch {
		case k > 0:
		case m.err != nil:
			if n == 0 {
				return 0, m.err
			}
			return n, nil
		default:
			m.fill()
		}
	}
	return n, nil
}

// fill reads the next frames of the file.
func (m *Mono) fill() {
	frames, err := m.r.Read(m.in)
	if err != nil {
		m.err = err
		m.resample.End()
		return
	}
	m.resample.Push(m.mix(frames))
}

// mix averages the channels of the frames read.
func (m *Mono) mix(frames int) []float32 {
	channels := m.r.format.Channels
	if channels == 1 {
		return m.in[:frames]
	}
	mixed := m.mixed[:frames]
	for i := range mixed {
		sum := float32(0)
		for _, v := range m.in[i*channels : (i+1)*channels] {
			sum += v
		}
		mixed[i] = sum / float32(channels)
	}
	return mixed
}

// ReadAll gives the rest of the sound, at most limit samples. If there are more, the error wraps [ErrLimit]; if the file is
// cut off, [ErrTruncated]; in both cases what was read is given too. Any other error comes without samples.
func (m *Mono) ReadAll(limit int) ([]float32, error) {
	all, err := m.Append(nil, limit)
	if err == ErrLimit {
		err = fmt.Errorf("audio: %s%w of %d samples", m.r.name, ErrLimit, limit)
	}
	return all, err
}

// Append is [Mono.ReadAll] that puts the samples behind those of all, in its memory if that suffices; the limit is of what is added, and an
// error for it is [ErrLimit] itself.
func (m *Mono) Append(all []float32, limit int) ([]float32, error) {
	before := len(all)
	for {
		n := len(all) - before
		room := min(limit-n, max(1<<14, n/2))
		if room <= 0 {
			var more [1]float32
			if n, err := m.Read(more[:]); n == 0 {
				return all, m.ending(err)
			}
			return all, ErrLimit
		}
		all = append(all, make([]float32, room)...)
		n, err := m.Read(all[len(all)-room:])
		all = all[:len(all)-room+n]
		if err == nil {
			continue
		}
		if err = m.ending(err); err == nil || errors.Is(err, ErrTruncated) {
			return all, err
		}
		return all[:before], err
	}
}

func (m *Mono) ending(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Load gives the sound of the file at path as one channel at rate, in Hz, at most limit samples: see [Mono.ReadAll].
func Load(ctx context.Context, path string, rate, limit int) ([]float32, error) {
	r, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Mono(rate).ReadAll(limit)
}

// A Window is a stretch of a long sound.
type Window struct {
	Start   int64     // its first sample, counted from the sound's
	Samples []float32 // valid until the next window; the last one may be shorter
}

// Windows walks over the rest of the sound in windows of size samples that begin hop samples apart, in memory of one
// window. The last window is the one that reaches the end. An error, which may wrap [ErrTruncated], comes by itself after
// the windows. It panics unless 0 < hop <= size.
func (m *Mono) Windows(size, hop int) iter.Seq2[Window, error] {
	if hop <= 0 || hop > size {
		panic(fmt.Sprintf("audio: expected windows with 0 < hop <= size, got %d and %d", hop, size))
	}
	return func(yield func(Window, error) bool) {
		buf := make([]float32, size+1) // one sample more tells whether a window is the last
		start, have := int64(0), 0
		for {
			n, err := m.Read(buf[have:])
			have += n
			if have <= size {
				if have > 0 && !yield(Window{start, buf[:have]}, nil) {
					return
				}
				if err == nil {
					_, err = m.Read(buf)
				}
				if err = m.ending(err); err != nil {
					yield(Window{}, err)
				}
				return
			}
			if !yield(Window{start, buf[:size]}, nil) {
				return
			}
			have = copy(buf, buf[hop:])
			start += int64(hop)
		}
	}
}
