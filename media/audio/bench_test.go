package audio

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/wave"
)

// BenchmarkFeatures is the front ends at 30 seconds of sound (CLAP: ten), by the clock; see tools/peers/audio.py for a race.
func BenchmarkFeatures(b *testing.B) {
	x16, x48 := sound("chirp", WhisperSamples, 16000), sound("chirp", CLAPSamples, 48000)
	b.Run("whisper80", func(b *testing.B) {
		w := NewWhisper(80)
		dst := make([]float32, 80*WhisperFrames)
		b.ReportAllocs()
		for b.Loop() {
			w.Window(dst, x16)
		}
	})
	b.Run("whisper128", func(b *testing.B) {
		w := NewWhisper(128)
		dst := make([]float32, 128*WhisperFrames)
		for b.Loop() {
			w.Window(dst, x16)
		}
	})
	b.Run("clap", func(b *testing.B) {
		c := NewCLAP(false, 0)
		dst := make([]float32, CLAPFrames*CLAPBands)
		for b.Loop() {
			c.Features(dst, x48)
		}
	})
	b.Run("gemma", func(b *testing.B) {
		g := NewGemma()
		frames, _ := g.Frames(GemmaSamples)
		dst := make([]float32, frames*GemmaBands)
		for b.Loop() {
			g.Features(dst, x16)
		}
	})
}

// BenchmarkStages is what the front ends are made of, for eight frames of Whisper.
func BenchmarkStages(b *testing.B) {
	w := NewWhisper(80)
	f := w.front
	s := f.newScratch()
	r := &run[float32]{front: f, dst: make([]float32, 80*WhisperFrames), perFrame: 1, perBand: WhisperFrames, sound: noise(2000, 1), total: 2000}
	for _, stage := range []struct {
		name string
		do   func()
	}{
		{"window", func() { r.load(s, 4, wave.Lanes) }},
		{"fft", func() { f.fft.Power(s.power, s.work) }},
		{"filters", func() { f.bank.Sums(s.sums, s.power) }},
		{"log", func() { wave.Logs(s.logs, s.sums, f.log) }},
		{"place", func() { r.place(s.logs, 4, wave.Lanes) }},
	} {
		b.Run(stage.name, func(b *testing.B) {
			for b.Loop() {
				stage.do()
			}
		})
	}
	b.Run("level", func(b *testing.B) { // of all the frames
		for b.Loop() {
			wave.Raise(r.dst, kernel.Max(r.dst)-8, 4, 0.25)
		}
	})
}

// BenchmarkDecode reads whole files.
func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"pcm_16.wav", "pcm_24.wav", "ulaw.wav", "pcm_16.flac", "44100.mp3"} {
		b.Run(filepath.Ext(name)[1:]+"-"+name, func(b *testing.B) {
			data := sampleFile(b, name)
			frames := int64(0)
			buf := make([]float32, 1<<14)
			for b.Loop() {
				r, err := New(context.Background(), bytes.NewReader(data))
				if err != nil {
					b.Fatal(err)
				}
				for frames = 0; ; {
					n, err := r.Read(buf)
					frames += int64(n)
					if err != nil {
						break
					}
				}
				r.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(int64(b.N)*frames), "ns/frame")
		})
	}
}
