package chiasm_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/golden"
)

// With the real Whisper base, clips in five languages have the texts that faster-whisper finds. tools/golden/transcripts.py made the data.
func TestRealTranscripts(t *testing.T) {
	model, clips := golden.Real(t, "whisper-base"), golden.Real(t, "clips")
	data, err := os.ReadFile("testdata/transcripts.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Clip, Language string
		Text           string       // the beginning of its SHA-256
		Segments       [][3]float64 // start, end, mean log probability
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	m := open(t, model, &chiasm.Options{Cache: "off"})
	other := 0
	for _, c := range cases {
		o := chiasm.TranscribeDefaults()
		o.Language, o.Sequential = c.Language, true
		got, err := m.TranscribeFile(t.Context(), filepath.Join(clips, c.Clip), &o)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256([]byte(got.Text())); hex.EncodeToString(sum[:8]) != c.Text || len(got.Segments) != len(c.Segments) {
			t.Logf("%s: got %q in %d segments, which is not the text of the %d segments that are wanted", c.Clip, got.Text(), len(got.Segments), len(c.Segments))
			other++
			continue
		}
		for i, s := range got.Segments {
			w := c.Segments[i]
			if math.Abs(s.Start-w[0]) > 0.021 || math.Abs(s.End-w[1]) > 0.021 || math.Abs(s.AvgLogProb-w[2]) > 0.01 {
				t.Errorf("%s: got %.2f to %.2f, mean log probability %.4f, want %v", c.Clip, s.Start, s.End, s.AvgLogProb, w)
			}
		}
	}
	// Sounds of 8 kHz come from two resamplers, whose differences of 1e-4 may part two texts that are all but equally likely.
	if other > 1 {
		t.Errorf("%d of %d clips have another text", other, len(cases))
	}
}
