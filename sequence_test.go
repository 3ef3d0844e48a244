package chiasm

import (
	stdimage "image"
	"math"
	"slices"
	"strings"
	"testing"
)

// The vectors beside tokens have the bits that they have alone, in a batch too; tokens are as many as is promised, of length 1, and the model
// says of which things it has some.
func TestSequences(t *testing.T) {
	shipTiny(t)
	_, pictures, err := accuracyData()
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"a red disc", "", strings.Repeat("a red disc ", 40)}
	var sounds []Sound
	for _, seconds := range []float64{0.3, 3} {
		s := Sound{Samples: make([]float32, int(seconds*16000)), Rate: 16000}
		for i := range s.Samples {
			s.Samples[i] = float32(0.3 * math.Sin(float64(i)*float64(i)*1e-5))
		}
		sounds = append(sounds, s)
	}
	for name, of := range map[string][3]bool{
		Shipped: {true, true, true}, "model/clip/testdata/transformers": {true, true}, "model/siglip/testdata/naflex": {true, true}, "model/sentence/testdata/bert": {true},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Open(t.Context(), name, &Options{Offline: true, Cache: "off"})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			text, image, audio := m.GivesTokens()
			if got := [3]bool{text, image, audio}; got != of {
				t.Fatalf("gives tokens of texts, pictures, sounds: %v, want %v", got, of)
			}
			check := func(what string, list []Sequence, err error, alone []Embedding, alsoErr error, least, most int) {
				t.Helper()
				if err != nil || alsoErr != nil || len(list) != len(alone) {
					t.Fatalf("%s: %v, %v, %d sequences for %d vectors", what, err, alsoErr, len(list), len(alone))
				}
				for i, s := range list {
					n := len(s.Tokens) / m.Space().Dimension
					if !slices.Equal(s.Values, alone[i].Values) || s.Space != alone[i].Space || s.Length != alone[i].Length {
						t.Errorf("%s %d: its vector is another than alone", what, i)
					}
					if n < least || n > most {
						t.Errorf("%s %d has %d tokens, want %d to %d", what, i, n, least, most)
					}
					for row := range slices.Chunk(s.Tokens, m.Space().Dimension) {
						if l := length(row); math.Abs(float64(l)-1) > 1e-5 {
							t.Errorf("%s %d has a token of length %v", what, i, l)
						}
					}
				}
			}
			list, err := m.EmbedTextTokens(t.Context(), texts)
			alone, alsoErr := m.EmbedTexts(t.Context(), texts)
			check("text", list, err, alone, alsoErr, 0, MostTextTokens)
			if n := len(list[2].Tokens) / m.Space().Dimension; n < 4 {
				t.Errorf("a long text has %d tokens", n)
			}
			if image {
				list, err := m.EmbedImageTokens(t.Context(), pictures)
				alone, alsoErr := m.EmbedImages(t.Context(), pictures)
				check("picture", list, err, alone, alsoErr, ImageSide*ImageSide, ImageSide*ImageSide)
			} else if _, err := m.EmbedImageTokens(t.Context(), []stdimage.Image{pictures[0]}); err == nil || !strings.Contains(err.Error(), "cannot give the tokens of pictures") {
				t.Errorf("got %v", err)
			}
			if audio {
				list, err := m.EmbedAudioTokens(t.Context(), sounds)
				alone, alsoErr := m.EmbedAudios(t.Context(), sounds)
				check("sound", list, err, alone, alsoErr, 1, MostAudioTokens)
				if a, b := len(list[0].Tokens), len(list[1].Tokens); a >= b {
					t.Errorf("a short sound has %d values, a long one %d", a, b)
				}
			}
		})
	}
}
