package audio

import (
	"fmt"
	"math"
	"sync"

	"github.com/chiasm/chiasm/internal/wave"
)

// CLAP makes the log-mel features of CLAP, in decibels: frames of 1024 samples every 480 at 48 kHz, 64 bands up to 14 kHz.
// Equal to transformers' ClapFeatureExtractor, but that nothing is left to chance: where the reference takes stretches of a
// long sound at random, these are always the same. A sound of less than ten seconds is repeated as often as it fits whole,
// then followed by silence (repeatpad). Safe for any number of goroutines.
type CLAP struct {
	front  *front[float64]
	fusion bool
	sounds sync.Pool
	mels   sync.Pool
}

// What CLAP hears.
const (
	CLAPRate    = 48000         // Hz
	CLAPSamples = 10 * CLAPRate // of a sound that isn't long
	CLAPFrames  = CLAPSamples/clapHop + 1
	CLAPBands   = 64

	clapHop = 480
	clapFFT = 1024
)

// NewCLAP makes the front end of a model without fusion ("rand_trunc", Slaney's filters), or of one with fusion ("fusion",
// HTK's filters). The lowest band begins at low hertz: 50 in the published models, 0 where a file doesn't say.
func NewCLAP(fusion bool, low float64) *CLAP {
	s := slaney
	if fusion {
		s = htk
	}
	return &CLAP{fusion: fusion, front: &front[float64]{
		fft: wave.NewFFT[float64](clapFFT), window: hann[float64](clapFFT), hop: clapHop, left: clapFFT / 2, mirror: true,
		bank: newMelBank[float64](CLAPBands, clapFFT/2+1, CLAPRate, low, 14000, s, !fusion),
		log:  wave.Log{Floor: 1e-10, Factor: 10 / math.Ln10},
	}}
}

// Images is how many pictures of the sound the features are: 1, or 4 with fusion.
func (c *CLAP) Images() int {
	if c.fusion {
		return 4
	}
	return 1
}

// Features writes the features of a sound at 48 kHz to dst, [Images, CLAPFrames, CLAPBands], and reports whether the sound
// is longer than they are. Without fusion they are of its first ten seconds. With fusion they are the whole, shrunk in
// time, then ten seconds each of the beginning, the middle and the end; or four times the same for a short sound.
//
// The reference marks one sound of a batch as long if none is, whatever its length: for a batch of one, always.
func (c *CLAP) Features(dst, sound []float32) (longer bool) {
	const size = CLAPFrames * CLAPBands
	if len(dst) != c.Images()*size {
		panic(fmt.Sprintf("audio: expected space for %d x %d x %d features, got %d", c.Images(), CLAPFrames, CLAPBands, len(dst)))
	}
	longer = len(sound) > CLAPSamples
	switch {
	case longer && c.fusion:
		frames := len(sound)/clapHop + 1
		if frames > CLAPFrames {
			c.fuse(dst, sound, frames)
			return true
		}
		longer = false // by less than a frame
		c.front.run(dst[:size], CLAPBands, 1, CLAPFrames, sound, len(sound))
	case longer:
		c.front.run(dst[:size], CLAPBands, 1, CLAPFrames, sound[:CLAPSamples], CLAPSamples)
	default:
		c.short(dst[:size], sound)
	}
	for i := 1; i < c.Images(); i++ {
		copy(dst[i*size:(i+1)*size], dst)
	}
	return longer
}

// short writes the features of up to ten seconds.
func (c *CLAP) short(dst, sound []float32) {
	if len(sound) > 0 && len(sound) <= CLAPSamples/2 {
		p, ok := c.sounds.Get().(*[]float32)
		if !ok {
			p = new([]float32)
			*p = make([]float32, CLAPSamples)
		}
		defer c.sounds.Put(p)
		n := 0
		for n+len(sound) <= CLAPSamples {
			n += copy((*p)[n:], sound)
		}
		sound = (*p)[:n]
	}
	c.front.run(dst, CLAPBands, 1, CLAPFrames, sound, CLAPSamples)
}

// fuse writes the four pictures of a long sound, which has that many frames.
func (c *CLAP) fuse(dst, sound []float32, frames int) {
	const size = CLAPFrames * CLAPBands
	p, ok := c.mels.Get().(*[]float32)
	if !ok {
		p = new([]float32)
	}
	defer c.mels.Put(p)
	if n := frames * CLAPBands; cap(*p) < n {
		*p = make([]float32, n)
	}
	mel := (*p)[:frames*CLAPBands]
	c.front.run(mel, CLAPBands, 1, frames, sound, len(sound))
	shrink(dst[:size], mel, frames)
	for i, at := range fusionStarts(frames) {
		copy(dst[(i+1)*size:(i+2)*size], mel[at*CLAPBands:])
	}
}

// fusionStarts is where the three stretches of a long sound begin. The reference divides all places where one can begin
// into thirds and draws one of each; these are the first of the first third, the middle of the second, the last of the last.
func fusionStarts(frames int) [3]int {
	places := frames - CLAPFrames + 1
	third, rest := places/3, places%3
	first := third + min(rest, 1)
	second := third + max(rest-1, 0)
	starts := [3]int{0, first + second/2, places - 1}
	if second == 0 {
		starts[1] = 0
	}
	if third == 0 {
		starts[2] = 0
	}
	return starts
}

// shrink interpolates frames in time, as torch's bilinear interpolate does without align_corners.
func shrink(dst, mel []float32, frames int) {
	ratio := float32(frames) / CLAPFrames
	for t := range CLAPFrames {
		at := max(ratio*(float32(t)+0.5)-0.5, 0)
		k := int(at)
		next := min(k+1, frames-1)
		high := at - float32(k)
		low := 1 - high
		a, b := mel[k*CLAPBands:(k+1)*CLAPBands], mel[next*CLAPBands:(next+1)*CLAPBands]
		out := dst[t*CLAPBands : (t+1)*CLAPBands]
		for i := range out {
			out[i] = low*a[i] + high*b[i]
		}
	}
}
