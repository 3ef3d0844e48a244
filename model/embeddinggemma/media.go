package embeddinggemma

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/media/video"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// media is what brings media into the form that the towers take, and into a text.
type media struct {
	Processor *image.Processor // of pictures, nil for a model without, as the next two
	Frames    *image.Processor // of a video's frames
	Sampling  video.Sampling   // which of them
	Stamped   bool             // frames have their times before them
	Listener  *audio.Gemma     // nil for a model without sounds
	tags      map[int32]tag    // by the id of the placeholder
	start     int32
	end       int32
}

// A tag is the tokens that stand for a medium in a text: one is written, and becomes begin, as many as the medium has tokens, and end.
type tag struct {
	text       string // of the placeholder
	id         int32
	begin, end int32
}

// openMedia reads the processors and finds the tokens of media.
func (b *Bundle) openMedia(dir string) (err error) {
	frame := b.Tokenizer.Encode("", true).IDs
	if len(frame) != 2 {
		return fmt.Errorf("embeddinggemma: tokenizer.json: %d tokens around a text, want a beginning and an end", len(frame))
	}
	b.start, b.end, b.tags = frame[0], frame[1], map[int32]tag{}
	c := b.Config
	if c.Hearing != nil {
		b.Listener = audio.NewGemma()
		if err := b.addTag(c.Audio, c.AudioBegin, c.AudioEnd); err != nil {
			return err
		}
	}
	if c.Vision == nil {
		return nil
	}
	for _, id := range []int32{c.Image, c.Video} {
		if err := b.addTag(id, c.ImageBegin, c.ImageEnd); err != nil {
			return err
		}
	}
	file := weights.Find(dir, []string{"processor_config.json", "preprocessor_config.json"})
	if file == "" {
		return fmt.Errorf("embeddinggemma: %s has no processor_config.json", dir)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("embeddinggemma: %w", err)
	}
	if b.Processor, err = image.ParseProcessor(data); err == nil {
		if err = b.openVideo(data); err == nil {
			err = errors.Join(b.fits(b.Processor), b.fits(b.Frames))
		}
	}
	if err != nil {
		return fmt.Errorf("embeddinggemma: %s: %w", filepath.Base(file), err)
	}
	return nil
}

// fits checks that a processor makes pictures that the vision tower takes.
func (b *Bundle) fits(p *image.Processor) error {
	c := b.Config.Vision
	if p.Fit != image.FitTiles || p.Tile != c.Tile() || p.Tiles*c.Pool > c.Positions {
		return fmt.Errorf("pictures of %d tiles of %d pixels, but the model takes tiles of %d pixels, %d in a row", p.Tiles, p.Tile, c.Tile(), c.Positions/c.Pool)
	}
	return nil
}

// openVideo reads what becomes of videos. What a file leaves out is as transformers' EmbeddingGemma2VideoProcessor has it.
func (b *Bundle) openVideo(data []byte) error {
	type settings struct {
		Rate    *float64 `json:"fps"`
		Most    *int     `json:"max_frames"`
		Cut     *string  `json:"overflow_strategy"`
		Stamped bool     `json:"add_timestamps"`
		Tokens  int      `json:"max_soft_tokens"`
		Patch   int      `json:"patch_size"`
		Pool    int      `json:"pooling_kernel_size"`
	}
	rate, most, cut := 1.0, 32, "uniform"
	file := struct {
		Video settings `json:"video_processor"`
	}{settings{&rate, &most, &cut, false, 70, 16, 3}}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	v := file.Video
	b.Sampling, b.Stamped = video.Sampling{Most: longest}, v.Stamped
	if v.Rate != nil {
		b.Sampling.Rate = *v.Rate
	}
	switch {
	case v.Cut == nil:
	case v.Most == nil || *v.Most < 1 || *v.Cut != "uniform" && *v.Cut != "truncate":
		return fmt.Errorf("video_processor: overflow_strategy %q without max_frames, want uniform or truncate with a positive number", *v.Cut)
	default:
		b.Sampling.Most, b.Sampling.First = min(*v.Most, longest), *v.Cut == "truncate"
	}
	frames, err := json.Marshal(map[string]any{
		"image_processor_type": "Gemma4ImageProcessor", "patch_size": v.Patch, "pooling_kernel_size": v.Pool, "max_soft_tokens": v.Tokens,
	})
	if err == nil {
		b.Frames, err = image.ParseProcessor(frames)
	}
	if err != nil {
		return fmt.Errorf("video_processor: %w", err)
	}
	return nil
}

// addTag finds the tokens of a kind of media.
func (b *Bundle) addTag(id, begin, end int32) error {
	for _, id := range []int32{begin, end, b.start, b.end} {
		if id < 0 || int(id) >= b.Config.Text.Vocab {
			return fmt.Errorf("embeddinggemma: the token %d goes around media, want 0 to %d", id, b.Config.Text.Vocab-1)
		}
	}
	text, ok := b.Tokenizer.Token(id)
	if !ok {
		return fmt.Errorf("embeddinggemma: the tokenizer has no token %d, which stands for media", id)
	}
	if ids := b.Tokenizer.Encode(text, false).IDs; len(ids) != 1 || ids[0] != id {
		return fmt.Errorf("embeddinggemma: the tokenizer makes %v of %s, want the token %d", ids, text, id)
	}
	b.tags[id] = tag{text, id, begin, end}
	return nil
}

// expand appends the tokens of a medium that has n of them.
func (t *tag) expand(ids []int32, n int) []int32 {
	ids = append(ids, t.begin)
	for range n {
		ids = append(ids, t.id)
	}
	return append(ids, t.end)
}

// Pixels is the processor that makes pictures into the image tower's input; nil for a model without.
func (b *Bundle) Pixels() *image.Processor { return b.Processor }

// FramePixels is the processor that makes a video's frames into the image tower's input; nil for a model without.
func (b *Bundle) FramePixels() *image.Processor { return b.Frames }

// SampleVideo lists the numbers of the frames to look at, as [video.Sampling] has it.
func (b *Bundle) SampleVideo(frames int, rate, seconds float64) (picked []int) {
	return b.Sampling.Pick(frames, rate, seconds)
}

// ImageTokens is the length in tokens of a picture of w by h pixels, as the processor makes it.
func (b *Bundle) ImageTokens(w, h int) int { return b.Config.Vision.Tokens(w, h) + 4 }

// EmbedImage maps pictures [B, 3, H, W], as the processor makes them, to vectors [B, D], not normalised.
func (b *Bundle) EmbedImage(pixels *tensor.Tensor) *tensor.Tensor {
	p, n := pixels.Pass(), pixels.Len()/max(pixels.Dim(0), 1)
	l := b.list()
	defer b.give(l)
	for i := range pixels.Dim(0) {
		one := p.Input(pixels.Floats()[i*n:][:n], 1, 3, pixels.Dim(2), pixels.Dim(3))
		ids := b.alone(p, b.Config.Image, b.Config.Vision.Tokens(pixels.Dim(3), pixels.Dim(2)))
		l.inputs = append(l.inputs, Input{IDs: ids, Images: l.one(one)})
	}
	y, err := b.Embed(p, l.inputs)
	if err != nil { // Open has seen to it that these tokens are known: only their number can be wrong
		panic(&tensor.ShapeError{Op: "embeddinggemma: image", Want: "pictures as the processor makes them", Got: err.Error()})
	}
	return y
}

// alone is the ids of a medium without any text.
func (b *Bundle) alone(p *tensor.Pass, id int32, tokens int) []int32 {
	t := b.tags[id]
	ids := append(p.Integers(tokens + 4)[:0], b.start)
	return append(t.expand(ids, tokens), b.end)
}

// AudioRate is the samples per second of what the model hears, 0 for a model that does not.
func (b *Bundle) AudioRate() int {
	if b.Listener == nil {
		return 0
	}
	return audio.GemmaRate
}

// AudioLimit is how many samples of a sound one vector hears.
func (b *Bundle) AudioLimit() int { return audio.GemmaSamples }

// AudioTokens is the length in tokens of a sound of so many samples.
func (b *Bundle) AudioTokens(samples int) int {
	_, valid := b.Listener.Frames(samples)
	return b.Config.Hearing.Tokens(valid) + 4
}

// EmbedAudio maps sounds of one channel at [Bundle.AudioRate] to vectors [B, D], not normalised.
func (b *Bundle) EmbedAudio(p *tensor.Pass, sounds [][]float32) (*tensor.Tensor, error) {
	l := b.list()
	defer b.give(l)
	for _, sound := range sounds {
		features := b.features(p, sound)
		ids := b.alone(p, b.Config.Audio, b.Config.Hearing.Tokens(features.Dim(0)))
		l.inputs = append(l.inputs, Input{IDs: ids, Sounds: l.one(features)})
	}
	return b.Embed(p, l.inputs)
}

// features is what the sound tower takes of a sound.
func (b *Bundle) features(p *tensor.Pass, sound []float32) *tensor.Tensor {
	frames, valid := b.Listener.Frames(len(sound))
	all := p.Empty(frames, audio.GemmaBands).Floats()
	b.Listener.Features(all, sound)
	return p.Input(all[:valid*audio.GemmaBands], valid, audio.GemmaBands)
}
