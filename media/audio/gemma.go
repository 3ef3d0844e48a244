package audio

import (
	"fmt"

	"github.com/chiasm/chiasm/internal/wave"
)

// Gemma makes the log-mel features of Gemma 4's sound tower, which EmbeddingGemma 2 shares: frames of 20 ms every 10 ms at
// 16 kHz, padded with silence to the power of two, 128 HTK filters over magnitudes, ln(x + 0.001). Equal to transformers'
// Gemma4AudioFeatureExtractor on a list of one sound, computed in 64 bits. Safe for any number of goroutines.
type Gemma struct{ front *front[float64] }

// What Gemma hears.
const (
	GemmaRate    = 16000          // Hz
	GemmaSamples = 30 * GemmaRate // at most; what follows is cut off
	GemmaBands   = 128

	gemmaHop      = 160
	gemmaFrame    = 320
	gemmaFFT      = 512
	gemmaMultiple = 128 // samples are padded to a multiple of this
)

// NewGemma makes the front end.
func NewGemma() *Gemma {
	window := hann[float64](gemmaFrame)
	for i, v := range window {
		window[i] = float64(float32(v)) // as the reference keeps it
	}
	return &Gemma{&front[float64]{
		fft: wave.NewFFT[float64](gemmaFFT), window: window, hop: gemmaHop, left: gemmaFrame / 2, magnitude: true,
		bank: newMelBank[float64](GemmaBands, gemmaFFT/2+1, GemmaRate, 0, 8000, htk, false),
		log:  wave.Log{Offset: 1e-3, Factor: 1},
	}}
}

// Frames is how many frames so many samples become, and how many of them, at the front, hear nothing but the sound. The
// others are padding, which the tower masks.
func (g *Gemma) Frames(samples int) (frames, valid int) {
	samples = min(samples, GemmaSamples)
	padded := (samples + gemmaMultiple - 1) / gemmaMultiple * gemmaMultiple
	// A frame takes in one sample more than it uses.
	frames = max((padded+gemmaFrame/2-gemmaFrame-1)/gemmaHop+1, 0)
	if padded < gemmaFrame/2+1 {
		frames = 0
	}
	return frames, min(frames, max(samples-1, 0)/gemmaHop)
}

// Features writes the features of a sound at 16 kHz to dst, [frames, GemmaBands]; frames of padding are zero.
func (g *Gemma) Features(dst, sound []float32) {
	frames, valid := g.Frames(len(sound))
	if len(dst) != frames*GemmaBands {
		panic(fmt.Sprintf("audio: expected space for %d x %d features, got %d", frames, GemmaBands, len(dst)))
	}
	sound = sound[:min(len(sound), GemmaSamples)]
	g.front.run(dst, GemmaBands, 1, valid, sound, len(sound))
	clear(dst[valid*GemmaBands:])
}
