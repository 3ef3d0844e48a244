package mini

import (
	"slices"
	"sync"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/media/audio"
)

// What an [Ear] hears.
const (
	SoundRate  = audio.WhisperRate // samples a second
	SoundLimit = 4 * SoundRate     // samples of one vector
	SoundBands = 64                // mel bands of a frame, of which there are 100 a second
)

const (
	soundHop   = SoundRate / 100
	soundDepth = 6 // orders of magnitude below the loudest: what is softer counts as that
	trimDepth  = 4 // frames that are so much softer than the loudest are no part of the sound at its ends
	trimMargin = 2 // frames kept around it
)

var soundFront = sync.OnceValue(func() *audio.Whisper { return audio.NewWhisper(SoundBands) })

// A Spectrum is the frames of a sound, [frames, SoundBands]: logarithms to base 10 of the energies, 0 where it is loudest and
// no less than -6, without the silence before and after it.
type Spectrum struct {
	Frames []float32
	bands  []float32 // [SoundBands, frames], as the front end gives them
}

// Hear makes s the spectrum of a sound of [SoundRate], in its own memory, and returns its number of frames. A sound of less than a
// frame is followed by silence.
func (s *Spectrum) Hear(sound []float32) int {
	sound = sound[:min(len(sound), SoundLimit)]
	n := len(sound) / soundHop
	if n == 0 {
		return s.nothing()
	}
	s.bands = slices.Grow(s.bands[:0], n*SoundBands)[:n*SoundBands]
	soundFront().Long(s.bands, sound)
	loudest := kernel.Max(s.bands)
	level := func(t int) (top float32) { // how far a frame is below the loudest
		top = s.bands[t]
		for b := 1; b < SoundBands; b++ {
			top = max(top, s.bands[b*n+t])
		}
		return 4 * (top - loudest)
	}
	first, end := 0, n
	for first < end && level(first) < -trimDepth {
		first++
	}
	for end > first && level(end-1) < -trimDepth {
		end--
	}
	first, end = max(first-trimMargin, 0), min(end+trimMargin, n)
	s.Frames = slices.Grow(s.Frames[:0], (end-first)*SoundBands)[:(end-first)*SoundBands]
	for b := range SoundBands {
		for t, v := range s.bands[b*n+first : b*n+end] {
			s.Frames[t*SoundBands+b] = max(4*(v-loudest), -soundDepth)
		}
	}
	return end - first
}

// nothing is one frame of silence.
func (s *Spectrum) nothing() int {
	s.Frames = slices.Grow(s.Frames[:0], SoundBands)[:SoundBands]
	for i := range s.Frames {
		s.Frames[i] = -soundDepth
	}
	return 1
}
