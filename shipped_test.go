package chiasm

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

const tinyMini = "model/mini/testdata/tiny"

// shipTiny puts a tiny model into the place of the shipped one, for a test.
func shipTiny(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{mini.ConfigFile, mini.WeightsFile, mini.TokenizerFile, mini.LexiconFile, mini.CardFile} {
		data, err := os.ReadFile(filepath.Join(tinyMini, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	before := shippedModel
	shippedModel = func() map[string][]byte { return files }
	t.Cleanup(func() { shippedModel = before })
	return files
}

// nowhere takes everything away that a model could be found in or kept in.
func nowhere(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "HF_HOME", "CHIASM_CACHE", "CHIASM_MODEL"} {
		t.Setenv(name, "") // so that it is put back
		os.Unsetenv(name)
	}
	t.Setenv("HF_HUB_CACHE", filepath.Join(dir, "cache"))
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1")
	t.Chdir(dir)
	t.Cleanup(func() {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("something was written: %v, %v", entries, err)
		}
	})
}

// everything is vectors of two texts, a picture and a sound.
func everything(t *testing.T, m *Model) (all []Embedding) {
	t.Helper()
	ctx := t.Context()
	_, pictures, err := accuracyData()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []func() ([]Embedding, error){
		func() ([]Embedding, error) { return m.EmbedTexts(ctx, []string{"a cat", "狗"}) },
		func() ([]Embedding, error) { return m.EmbedImages(ctx, pictures[:1]) },
		func() ([]Embedding, error) { return m.EmbedAudios(ctx, accuracySounds()[:1]) },
	} {
		e, err := f()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e...)
	}
	return all
}

// What is inside the program opens without home, cache or network, leaves nothing behind, and is what its files in a folder are.
func TestShippedNeedsNothing(t *testing.T) {
	files := shipTiny(t)
	folder, err := Open(t.Context(), tinyMini, &Options{Cache: "off"})
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	want := everything(t, folder)
	nowhere(t)
	if err := os.Mkdir(Shipped, 0o777); err != nil { // a folder of the name is not meant
		t.Fatal(err)
	}
	defer os.Remove(Shipped)
	m, err := Open(t.Context(), Shipped, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := everything(t, m)
	for i := range want {
		if !slices.Equal(got[i].Values, want[i].Values) {
			t.Errorf("vector %d is another than the folder's", i)
		}
	}
	space := got[0].Space
	if space.Model != Shipped || len(space.Revision) != 64 || space.Dimension != 24 || got[2].Space != space || got[3].Space != space {
		t.Errorf("the space is %+v", space)
	}
	info := m.Info()
	if info.Path != "" || info.Licence != "cc0-1.0" || len(info.Files) != 5 || info.Files[3].Size != int64(len(files[mini.WeightsFile])) ||
		!slices.Equal(info.Modalities, []string{"text", "image", "audio"}) || info.Architecture != mini.Kind || len(info.Kept) > 0 {
		t.Errorf("its description is %+v", info)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	files[mini.LexiconFile] = []byte(strings.ReplaceAll(string(files[mini.LexiconFile]), "dog", "god"))
	other, err := Open(t.Context(), Shipped, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if other.Space() == space {
		t.Error("a change of its files leaves the space what it was")
	}
}

// Any precision can be asked for.
func TestShippedPrecisions(t *testing.T) {
	shipTiny(t)
	nowhere(t)
	precisions := []string{"bf16", "int8", "auto"}
	if testing.Short() {
		precisions = precisions[2:]
	}
	for _, precision := range precisions {
		m, err := Open(t.Context(), Shipped, &Options{Precision: precision})
		if err != nil {
			t.Fatal(err)
		}
		a, err := m.Measure(t.Context(), m.Precision())
		if err != nil {
			t.Fatal(err)
		}
		least := 0.9
		if m.Precision() == "int8" { // what this model's random layers pass on is far below 6, of which there are 127 steps
			least = 0.7
		}
		if a.Texts.Count != 32 || a.Images.Count != 16 || a.Sounds.Count != 8 || a.Texts.Mean < 0.99 || a.Images.Mean < least {
			t.Errorf("%s: %v", precision, a)
		}
		m.Close()
	}
}

// The model inside the program passes the gate at what auto chooses for it, which does not measure it.
func TestShippedPasses(t *testing.T) {
	if !Ships() || testing.Short() {
		t.Skip("no model inside, or no time")
	}
	m, err := Open(t.Context(), Shipped, &Options{Precision: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	a, err := m.Measure(t.Context(), m.Precision())
	if err != nil {
		t.Fatal(err)
	}
	if t.Log(a); !a.Passes() {
		t.Errorf("auto chose %v", a)
	}
}

func TestShippedLacks(t *testing.T) {
	shipTiny(t)
	m, err := Open(t.Context(), Shipped, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	_, err = m.OpenVideo(t.Context(), "x.mp4")
	if !errors.Is(err, errors.ErrUnsupported) || err.Error() != "chiasm: mini cannot see videos, it takes text and image and audio; an EmbeddingGemma 2 can: unsupported operation" {
		t.Errorf("got %v", err)
	}
	for _, e := range m.Transcribe(t.Context(), nil, nil) {
		err = e
	}
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "; openai/whisper-base can") {
		t.Errorf("got %v", err)
	}
	shippedModel = func() map[string][]byte { return nil }
	if _, err := Open(t.Context(), Shipped, nil); !errors.Is(err, errNoneShipped) || Ships() {
		t.Errorf("got %v", err)
	}
}

func TestRelevance(t *testing.T) {
	m, err := Open(t.Context(), tinyMini, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r, ok := m.Relevance("image")
	if want := 1 / (1 + math.Exp(-(10*0.35 - 2))); !ok || math.Abs(r.Of(0.35)-want) > 1e-6 {
		t.Errorf("got %v, %v, want %v", r.Of(0.35), ok, want)
	}
	for _, p := range []float64{0.1, 0.5, 0.9} {
		if got := r.Of(r.Least(p)); math.Abs(got-p) > 1e-6 {
			t.Errorf("the least cosine of %v has a probability of %v", p, got)
		}
	}
	sounds, ok := m.Relevance("audio")
	if !ok || sounds == r {
		t.Errorf("of sounds: %v, %v", sounds, ok)
	}
	if _, ok := m.Relevance("video"); ok {
		t.Error("there is a calibration for videos")
	}
	clip, err := Open(t.Context(), "model/clip/testdata/transformers", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer clip.Close()
	if _, ok := clip.Relevance("image"); ok {
		t.Error("there is a calibration of CLIP")
	}
}

// A model that computed in other formats computes in its first one as before, to the bit.
func TestFormatsLeaveNoTrace(t *testing.T) {
	m, err := Open(context.Background(), tinyMini, &Options{Precision: "f32"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	sounds := accuracySounds()[:3]
	for i := range sounds {
		sounds[i].Samples = sounds[i].Samples[:len(sounds[i].Samples)/8]
	}
	hear := func() (values []float32) {
		e, err := m.EmbedAudios(context.Background(), sounds)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range e {
			values = append(values, x.Values...)
		}
		return values
	}
	want := hear()
	for i := range 6 {
		nn.SetFormat(m.family, []tensor.Format{tensor.FormatI8, tensor.FormatBF16, tensor.FormatW8}[i%3])
		hear()
		nn.SetFormat(m.family, tensor.FormatF32)
		for call := range 2 {
			if !slices.Equal(hear(), want) {
				t.Fatalf("round %d, call %d: the vectors of sounds differ", i, call)
			}
		}
	}
}
