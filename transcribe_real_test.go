package chiasm_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
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
		Clip, Language, Text string
		Segments             [][4]any // start, end, text, mean log probability
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
		var want strings.Builder
		for _, s := range c.Segments {
			want.WriteString(s[2].(string))
		}
		if got.Text() != strings.TrimSpace(want.String()) {
			t.Logf("%s: got %q, want %q", c.Clip, got.Text(), want.String())
			other++
			continue
		}
		for i, s := range got.Segments {
			w := c.Segments[i]
			if math.Abs(s.Start-w[0].(float64)) > 0.021 || math.Abs(s.End-w[1].(float64)) > 0.021 || math.Abs(s.AvgLogProb-w[3].(float64)) > 0.01 {
				t.Errorf("%s: got %.2f to %.2f, mean log probability %.4f, want %v", c.Clip, s.Start, s.End, s.AvgLogProb, w)
			}
		}
	}
	// Sounds of 8 kHz come from two resamplers, whose differences of 1e-4 may part two texts that are all but equally likely.
	if other > 1 {
		t.Errorf("%d of %d clips have another text", other, len(cases))
	}
}
