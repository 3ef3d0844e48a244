package chiasm

import (
	"context"
	"encoding/json"
	"errors"
	stdimage "image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/media/video"
)

const tinyGemma = "model/embeddinggemma/testdata"

// The beginning of a vector is a vector of its own, and its space says so.
func TestDimension(t *testing.T) {
	ctx := context.Background()
	open := func(n int) *Model {
		m, err := Open(ctx, tinyGemma, &Options{Dimension: n})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	whole, part := open(0), open(128)
	a, err := whole.EmbedText(ctx, "two dogs")
	if err != nil {
		t.Fatal(err)
	}
	b, err := part.EmbedText(ctx, "two dogs")
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Values) != 128 || b.Space != part.Space() || !strings.HasSuffix(b.Space.String(), "/128") || part.Info().Dimension != 128 {
		t.Errorf("got %d values in %v", len(b.Values), b.Space)
	}
	for i, v := range a.Truncate(128).Values {
		if math.Abs(float64(v-b.Values[i])) > 1e-6 {
			t.Fatalf("value %d is %v, want %v", i, b.Values[i], v)
		}
	}
	for _, n := range []int{100, 145, -1} {
		if _, err := Open(ctx, tinyGemma, &Options{Dimension: n}); err == nil || !strings.Contains(err.Error(), "trained for [144 128]") {
			t.Errorf("%d dimensions: got %v", n, err)
		}
	}
}

// grid is a picture whose pixels follow a rule.
func grid(w, h, seed int) stdimage.Image {
	img := image.NewRGB(w, h)
	for i := range img.Pix {
		img.Pix[i] = uint8(i * (seed + 3) * 2654435761 >> 7)
	}
	return img
}

// Pictures of many shapes at once have the vectors that they have alone, and sequences those of their only part.
func TestPartsEqualSingles(t *testing.T) {
	ctx := context.Background()
	m, err := Open(ctx, tinyGemma, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	imgs := []stdimage.Image{grid(20, 30, 1), grid(20, 30, 2), grid(90, 11, 3), grid(20, 30, 4), grid(20, 30, 5), grid(20, 30, 6), grid(20, 30, 7)}
	all, err := m.EmbedImages(ctx, imgs)
	if err != nil {
		t.Fatal(err)
	}
	for i, img := range imgs {
		alone, err := m.EmbedParts(ctx, Part{Image: img})
		if err != nil || !slices.Equal(alone.Values, all[i].Values) {
			t.Errorf("picture %d alone has another vector than among others (%v)", i, err)
		}
	}
	text, err := m.EmbedText(ctx, "two dogs")
	if err != nil {
		t.Fatal(err)
	}
	if alone, err := m.EmbedParts(ctx, Part{Text: "two dogs"}); err != nil || !slices.Equal(alone.Values, text.Values) {
		t.Errorf("a text alone has another vector as a part (%v)", err)
	}
	sound := Sound{Samples: make([]float32, 9000), Rate: 16000}
	for i := range sound.Samples {
		sound.Samples[i] = float32(i*7919%997)/1000 - 0.5
	}
	heard, err := m.EmbedAudio(ctx, sound)
	if err != nil {
		t.Fatal(err)
	}
	if alone, err := m.EmbedParts(ctx, Part{Sound: &sound}); err != nil || !slices.Equal(alone.Values, heard.Values) {
		t.Errorf("a sound alone has another vector as a part (%v)", err)
	}
	if _, err := m.EmbedParts(ctx, Part{Sound: &Sound{Rate: 16000}}); err == nil || !strings.Contains(err.Error(), "no samples") {
		t.Errorf("a sound of nothing: got %v", err)
	}
	both, err := m.EmbedParts(ctx, Part{Text: "two dogs"}, Part{Image: imgs[0]})
	if err != nil {
		t.Fatal(err)
	}
	if c := both.Cosine(text); c > 0.9999 {
		t.Errorf("a picture beside a text changes nothing: cosine %v", c)
	}
}

func TestVideo(t *testing.T) {
	ctx := context.Background()
	m, err := Open(ctx, tinyGemma, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	whole := &Video{Rate: 2}
	for i := range 8 {
		whole.Frames = append(whole.Frames, grid(30, 20, i))
	}
	a, err := m.EmbedVideo(ctx, whole)
	if err != nil {
		t.Fatal(err)
	}
	picked := &Video{Frames: []stdimage.Image{whole.Frames[0], whole.Frames[2], whole.Frames[6]}, Times: []float64{0, 1, 3}} // of one a second, three
	if b, err := m.EmbedVideo(ctx, picked); err != nil || !slices.Equal(a.Values, b.Values) {
		t.Errorf("the frames that are looked at have another vector than all (%v)", err)
	}
	for what, v := range map[string]*Video{
		"no frames":        {},
		"times of none":    {Frames: whole.Frames, Times: []float64{1}},
		"frames of a kind": {Frames: []stdimage.Image{grid(30, 20, 1), grid(20, 30, 1)}},
	} {
		if _, err := m.EmbedVideo(ctx, v); err == nil || !strings.HasPrefix(err.Error(), "chiasm: ") {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if _, err := m.EmbedParts(ctx, Part{Text: "a text with <|image|> in it"}); err == nil || !strings.Contains(err.Error(), "stands for a medium") {
		t.Errorf("a placeholder: got %v", err)
	}
	if _, err := m.EmbedParts(ctx); err == nil {
		t.Error("no parts have a vector")
	}
	v, err := m.OpenVideo(ctx, "media/video/testdata/counting.mp4")
	if errors.Is(err, video.ErrNoFFmpeg) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Frames) != 3 || !slices.Equal(v.Times, []float64{0, 1, 2}) {
		t.Errorf("looks at %d frames, at %v", len(v.Frames), v.Times)
	}
	if _, err := m.EmbedVideo(ctx, v); err != nil {
		t.Error(err)
	}
}

// A model of texts alone, as some are published, says so; towers that the files hold and the configuration does not name are left alone.
func TestTextOnly(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tinyGemma)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	config["vision_config"], config["audio_config"] = nil, nil
	if data, err = json.Marshal(config); err == nil {
		err = os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Open(ctx, tinyGemma, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	part, err := Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	a, err := whole.EmbedText(ctx, "two dogs")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := part.EmbedText(ctx, "two dogs"); err != nil || !slices.Equal(a.Values, b.Values) {
		t.Errorf("another vector without the other towers (%v)", err)
	}
	if list := part.Info().Modalities; !slices.Equal(list, []string{"text"}) {
		t.Errorf("takes %v", list)
	}
	if _, err := part.EmbedImage(ctx, grid(9, 9, 1)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a picture: got %v", err)
	}
	if _, err := part.EmbedParts(ctx, Part{Video: &Video{}}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a video: got %v", err)
	}
}
