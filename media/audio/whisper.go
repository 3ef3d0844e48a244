package audio

import (
	"fmt"
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/wave"
)

// Whisper makes the log-mel features of Whisper and of models that share its front end: frames of 25 ms every 10 ms,
// Slaney's filters up to 8 kHz, logarithms to base 10 of which the lowest lie 8 below the highest, (x+4)/4. Equal to
// transformers' WhisperFeatureExtractor and to openai/whisper's log_mel_spectrogram. Safe for any number of goroutines.
type Whisper struct {
	front *front[float32]
	bands int
}

// What Whisper hears.
const (
	WhisperRate    = 16000            // Hz
	WhisperSamples = 30 * WhisperRate // of a window
	WhisperFrames  = WhisperSamples / whisperHop

	whisperHop = 160
	whisperFFT = 400
)

// NewWhisper makes the front end with that many bands: 80, or 128 for large-v3. It panics if there are none.
func NewWhisper(bands int) *Whisper {
	if bands <= 0 {
		panic(fmt.Sprintf("audio: expected mel bands, got %d", bands))
	}
	return &Whisper{bands: bands, front: &front[float32]{
		fft: wave.NewFFT[float32](whisperFFT), window: hann[float32](whisperFFT), hop: whisperHop, left: whisperFFT / 2, mirror: true,
		bank: newMelBank[float32](bands, whisperFFT/2+1, WhisperRate, 0, 8000, slaney, true),
		log:  wave.Log{Floor: 1e-10, Factor: 1 / math.Ln10},
	}}
}

// Bands is the number of mel bands.
func (w *Whisper) Bands() int { return w.bands }

// Window writes the features of 30 seconds to dst, [bands, WhisperFrames]: of sound at 16 kHz, followed by silence or cut
// off. The lowest level belongs to each window.
func (w *Whisper) Window(dst, sound []float32) {
	w.features(dst, sound[:min(len(sound), WhisperSamples)], WhisperSamples)
}

// Long writes the features of a whole sound at 16 kHz to dst, [bands, len(sound)/160]: what transformers' long-form
// transcription cuts into windows. The lowest level belongs to the whole.
func (w *Whisper) Long(dst, sound []float32) { w.features(dst, sound, len(sound)) }

func (w *Whisper) features(dst, sound []float32, total int) {
	frames := total / whisperHop
	if len(dst) != w.bands*frames {
		panic(fmt.Sprintf("audio: expected space for %d x %d features, got %d", w.bands, frames, len(dst)))
	}
	w.front.run(dst, 1, frames, frames, sound, total)
	wave.Raise(dst, kernel.Max(dst)-8, 4, 0.25)
}
