package audio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// fuzzRead feeds damaged files: they may be refused, but nothing may panic, go on for ever, or give samples that are none.
func fuzzRead(f *testing.F, patterns ...string) {
	for _, pattern := range patterns {
		files, err := filepath.Glob("testdata/files/" + pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(err, pattern)
		}
		for _, path := range files {
			data := sampleFile(f, filepath.Base(path))
			f.Add(data[:min(len(data), 3000)])
		}
	}
	f.Setenv("PATH", f.TempDir()) // others' programs are not ours to try
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := New(context.Background(), bytes.NewReader(data))
		if err != nil {
			if r != nil || !strings.HasPrefix(err.Error(), "audio: ") {
				t.Errorf("%v with %v", r, err)
			}
			return
		}
		defer r.Close()
		format := r.Format()
		if err := format.check(); err != nil {
			t.Error(err)
		}
		buf := make([]float32, 1000*format.Channels)
		total := int64(0)
		for {
			n, err := r.Read(buf)
			if n < 0 || n > 1000 || (n == 0) != (err != nil) {
				t.Fatalf("%d frames with %v", n, err)
			}
			total += int64(n)
			for _, v := range buf[:n*format.Channels] {
				if v-v != 0 {
					t.Fatalf("a sample of %v", v)
				}
			}
			if err != nil {
				if errors.Is(err, io.EOF) && format.Frames >= 0 && total != format.Frames {
					t.Errorf("%d frames of %d, and no complaint", total, format.Frames)
				}
				break
			}
			if total > int64(len(data))*70000+1<<20 { // FLAC's blocks may be 65535 frames of one value
				t.Fatalf("%d frames from %d bytes", total, len(data))
			}
		}
	})
}

func FuzzReadWAV(f *testing.F)  { fuzzRead(f, "*.wav") }
func FuzzReadAIFF(f *testing.F) { fuzzRead(f, "*.aiff") }
func FuzzReadFLAC(f *testing.F) { fuzzRead(f, "*.flac") }
func FuzzReadMP3(f *testing.F)  { fuzzRead(f, "*.mp3") }

// FuzzResample tries rates and lengths.
func FuzzResample(f *testing.F) {
	f.Add(44100, 16000, 1000, 7)
	f.Add(44101, 16000, 1000, 100)
	f.Add(8000, 48000, 10, 1)
	f.Fuzz(func(t *testing.T, from, to, n, piece int) {
		if from < LowestRate || from > HighestRate || to < LowestRate || to > HighestRate || n < 0 || n > 5000 || piece < 1 || from > 100*to || to > 100*from {
			return
		}
		x := noise(n, 1)
		want := Resample(x, from, to)
		r := NewResampler(from, to)
		got := make([]float32, len(want)+1)
		k := 0
		for rest := x; len(rest) > 0; {
			m := min(piece, len(rest))
			r.Push(rest[:m])
			rest = rest[m:]
			k += r.Pull(got[k:])
		}
		r.End()
		k += r.Pull(got[k:])
		if k != len(want) {
			t.Fatalf("%d samples, want %d", k, len(want))
		}
		for i, v := range want {
			if got[i] != v || v-v != 0 {
				t.Fatalf("sample %d: %v, want %v", i, got[i], v)
			}
		}
	})
}
