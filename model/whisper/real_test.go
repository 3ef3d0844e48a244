package whisper

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/chiasm/chiasm/media/audio"
)

// realModels is the folder of real models; without one the test is skipped.
func realModels(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CHIASM_REALMODELS")
	if dir == "" {
		t.Skip("CHIASM_REALMODELS names no folder of real models; tools/realmodels makes one")
	}
	return dir
}

// samplesOf is a clip at 16 kHz; one with half of that gets the means of neighbours between them, as in tools/golden/whisper_real.py.
func samplesOf(t *testing.T, path string) (x []float32) {
	t.Helper()
	r, err := audio.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	piece := make([]float32, 4096)
	for err == nil {
		var n int
		n, err = r.Read(piece)
		x = append(x, piece[:n]...)
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if r.Format().Rate == audio.WhisperRate {
		return x
	}
	y := make([]float32, 2*len(x))
	for i, v := range x {
		next := float32(0)
		if i+1 < len(x) {
			next = x[i+1]
		}
		y[2*i], y[2*i+1] = v, (v+next)/2
	}
	return y
}

// TestReal compares what the published base model says of real speech with what the reference makes it say: texts, languages, and times.
func TestReal(t *testing.T) {
	dir := realModels(t)
	data, err := os.ReadFile("testdata/real.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		goldenSequence
		Clips []string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	b, err := Open(filepath.Join(dir, "whisper-base"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, c := range cases {
		t.Run(c.Clips[0], func(t *testing.T) {
			var sound []float32
			for _, clip := range c.Clips {
				sound = append(sound, samplesOf(t, filepath.Join(dir, "clips", clip))...)
			}
			o := c.Options.options()
			o.Language = ""
			c.check(t, b, o, sound)
		})
	}
}
