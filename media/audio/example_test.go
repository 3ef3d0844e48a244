package audio_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/chiasm/chiasm/media/audio"
)

// A file becomes what Whisper hears, 30 seconds at a time, in the memory of one window.
func Example() {
	r, err := audio.Open(context.Background(), "testdata/files/44100.mp3")
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	f := r.Format()
	fmt.Printf("%s, %d Hz, %d channels, %d frames\n", f.Codec, f.Rate, f.Channels, f.Frames)

	w := audio.NewWhisper(80)
	features := make([]float32, w.Bands()*audio.WhisperFrames)
	for window, err := range r.Mono(audio.WhisperRate).Windows(audio.WhisperSamples, audio.WhisperSamples) {
		if err != nil {
			log.Fatal(err)
		}
		w.Window(features, window.Samples)
		fmt.Printf("%d samples from %d, the first feature is %.3f\n", len(window.Samples), window.Start, features[0])
	}
	// Output:
	// mp3, 44100 Hz, 2 channels, 14025 frames
	// 5089 samples from 0, the first feature is 1.181
}

// A file that is cut off, or longer than one wants, gives what there is and says so.
func ExampleLoad() {
	samples, err := audio.Load(context.Background(), "testdata/files/pcm_24.wav", 16000, 1000)
	if err != nil && !errors.Is(err, audio.ErrTruncated) && !errors.Is(err, audio.ErrLimit) {
		log.Fatal(err)
	}
	fmt.Println(len(samples), err)
	// Output: 1000 audio: testdata/files/pcm_24.wav: the sound is longer than the limit of 1000 samples
}
