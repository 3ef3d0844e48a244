package chiasm_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/weights"
)

const tinyCLAP = "model/clap/testdata/unfused"

// heard are the sounds and texts of tools/golden/clap.py.
func heard() (texts []string, sounds []chiasm.Sound) {
	for _, s := range [][2]int{{62400, 3}, {480000, 1}, {700001, 2}} {
		x := make([]float32, s[0])
		for i := range x {
			x[i] = float32((i*i>>11*s[1]+31*i)%1009-504) / 512
		}
		sounds = append(sounds, chiasm.Sound{Samples: x, Rate: audio.CLAPRate})
	}
	return []string{"a dog barks", "", "It's raining on a tin roof while a distant train whistles; somebody hums: naïve!"}, sounds
}

// wav is a file of 16-bit samples.
func wav(samples []float32, rate, channels int) []byte {
	data := make([]byte, 0, 2*len(samples))
	for _, v := range samples {
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(math.RoundToEven(float64(v)*(1<<15)))))
	}
	b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00"), byte(channels), 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(2*rate*channels))
	b = append(b, byte(2*channels), 0, 16, 0)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	return append(b, data...)
}

// Logits must be the reference's, which has a scale of its own for sounds given a text.
func TestSoundsEqualReference(t *testing.T) {
	set, err := weights.Open(filepath.Join(tinyCLAP, "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	values := func(name string) []float32 {
		e, ok := set.Get(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		return e.Floats()
	}
	m := open(t, tinyCLAP, nil)
	texts, sounds := heard()
	scores, err := m.SimilarityAudio(context.Background(), texts, sounds)
	if err != nil {
		t.Fatal(err)
	}
	perAudio, perText := values("logits_per_audio"), values("logits_per_text")
	ofTexts, ofAudio := scores.PerText(), scores.PerAudio()
	for i, row := range scores.Logits {
		for j, got := range row {
			if d := math.Abs(float64(got - perAudio[3*i+j])); !(d <= 1e-4) {
				t.Errorf("sound %d, text %d: logit %v, want %v", i, j, got, perAudio[3*i+j])
			}
			var of, among float64
			for k := range 3 {
				of += math.Exp(float64(perText[3*j+k] - perText[3*j+i]))
				among += math.Exp(float64(perAudio[3*i+k] - perAudio[3*i+j]))
			}
			if math.Abs(float64(ofTexts[i][j])-1/of) > 1e-4 || math.Abs(float64(ofAudio[i][j])-1/among) > 1e-4 {
				t.Errorf("sound %d, text %d: probabilities %v and %v, want %v and %v", i, j, ofTexts[i][j], ofAudio[i][j], 1/of, 1/among)
			}
		}
	}
}

// Files come at the model's rate, cut to what it hears; sounds at other rates are brought to it.
func TestOpenAudio(t *testing.T) {
	ctx := context.Background()
	m := open(t, tinyCLAP, nil)
	rate, limit := m.Hears()
	if rate != audio.CLAPRate || limit != audio.CLAPSamples {
		t.Fatalf("hears %d samples at %d Hz", limit, rate)
	}
	tone := make([]float32, 2*11*16000) // eleven seconds, both channels alike
	for i := range tone {
		tone[i] = float32(math.RoundToEven(1<<14*math.Sin(2*math.Pi*440*float64(i/2)/16000)) / (1 << 15))
	}
	path := filepath.Join(t.TempDir(), "tone.wav")
	if err := os.WriteFile(path, wav(tone, 16000, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := m.OpenAudio(ctx, path)
	if err != nil || s.Rate != rate || len(s.Samples) != limit || !s.Longer {
		t.Fatalf("got %d samples at %d Hz, longer %v: %v", len(s.Samples), s.Rate, s.Longer, err)
	}
	file, err := m.EmbedAudio(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	one := make([]float32, len(tone)/2)
	for i := range one {
		one[i] = tone[2*i]
	}
	memory, err := m.EmbedAudio(ctx, chiasm.Sound{Samples: one, Rate: 16000})
	if err != nil {
		t.Fatal(err)
	}
	if c := file.Cosine(memory); c < 0.99999 {
		t.Errorf("the same sound from a file and from memory has a cosine of %v", c)
	}

	short, err := m.ReadAudio(ctx, bytes.NewReader(wav(tone[:32000], 16000, 2)))
	if err != nil || short.Longer || len(short.Samples) != rate {
		t.Errorf("a second has %d samples, longer %v: %v", len(short.Samples), short.Longer, err)
	}
	cut, err := m.ReadAudio(ctx, bytes.NewReader(wav(tone[:32000], 16000, 2)[:32000]))
	if !errors.Is(err, audio.ErrTruncated) || len(cut.Samples) == 0 {
		t.Errorf("a file cut off gave %d samples: %v", len(cut.Samples), err)
	}
}

func TestBadSounds(t *testing.T) {
	ctx := context.Background()
	m := open(t, tinyCLAP, nil)
	nan := make([]float32, 100)
	nan[7] = float32(math.NaN())
	for want, s := range map[string]chiasm.Sound{
		"no samples":             {Rate: 48000},
		"0 samples a second":     {Samples: make([]float32, 10)},
		"4000000000 samples":     {Samples: make([]float32, 10), Rate: 4_000_000_000},
		"sample 7 of the sound":  {Samples: nan, Rate: 48000},
		"sample 0 of the sound ": {Samples: []float32{1e30}, Rate: 48000},
	} {
		if _, err := m.EmbedAudio(ctx, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	_, err := open(t, tiny, nil).EmbedAudio(ctx, chiasm.Sound{Samples: make([]float32, 10), Rate: 48000})
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "it takes text and image") {
		t.Errorf("a model without ears: %v", err)
	}
	if _, err = m.EmbedImages(ctx, nil); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "it takes text and audio") {
		t.Errorf("a model without eyes: %v", err)
	}
	if _, err = open(t, tiny, nil).OpenAudio(ctx, "nothing.wav"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("opening: %v", err)
	}
}

// Alone, in a batch, and with any number of workers, a sound gives the same bits.
func TestSoundsOfABatch(t *testing.T) {
	ctx := context.Background()
	_, sounds := heard()
	var want []chiasm.Embedding
	for workers := 1; workers < 4; workers++ {
		m := open(t, tinyCLAP, &chiasm.Options{Workers: workers})
		all, err := m.EmbedAudios(ctx, sounds)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = all
		}
		for i := range sounds {
			alone, err := m.EmbedAudio(ctx, sounds[i])
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(alone.Values, want[i].Values) || !slices.Equal(all[i].Values, want[i].Values) {
				t.Errorf("sound %d with %d workers differs", i, workers)
			}
		}
	}
}

func TestClassifySounds(t *testing.T) {
	ctx := context.Background()
	m := open(t, tinyCLAP, nil)
	_, sounds := heard()
	c, err := m.Classifier(ctx, []string{"dog", "rain", "siren"}, []string{"This is a sound of {}."})
	if err != nil {
		t.Fatal(err)
	}
	best, err := c.ClassifyAudio(ctx, sounds, 2)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := m.SimilarityAudio(ctx, []string{"This is a sound of dog.", "This is a sound of rain.", "This is a sound of siren."}, sounds)
	if err != nil {
		t.Fatal(err)
	}
	for i, labels := range best {
		if len(labels) != 2 || labels[0].Logit != slices.Max(scores.Logits[i]) || labels[0].Prob != slices.Max(scores.PerAudio()[i]) {
			t.Errorf("sound %d: %v, of %v", i, labels, scores.Logits[i])
		}
	}
}

func TestInfoOfSounds(t *testing.T) {
	m := open(t, tinyCLAP, nil)
	info := m.Info()
	if !slices.Equal(info.Modalities, []string{"text", "audio"}) || info.AudioRate != 48000 || info.AudioSeconds != 10 {
		t.Errorf("got %v, %d Hz, %v seconds", info.Modalities, info.AudioRate, info.AudioSeconds)
	}
	a, err := m.Measure(context.Background(), "bf16")
	if err != nil || a.Sounds.Count != 8 || a.Sounds.Mean < 0.99 || a.Images.Count != 0 || !strings.Contains(a.String(), "of 8 sounds") {
		t.Errorf("accuracy: %+v, %v", a, err)
	}
}
