package embeddinggemma

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// media is what brings media into the form that the towers take, and into a text.
type media struct {
	Processor *image.Processor // nil for a model without pictures
	Listener  *audio.Gemma     // nil for a model without sounds
	image     tag
	sound     tag
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
func (b *Bundle) openMedia(dir string) error {
	frame := b.Tokenizer.Encode("", true).IDs
	if len(frame) != 2 {
		return fmt.Errorf("embeddinggemma: tokenizer.json: %d tokens around a text, want a beginning and an end", len(frame))
	}
	b.start, b.end = frame[0], frame[1]
	if c := b.Config; c.Hearing != nil {
		b.Listener = audio.NewGemma()
		var err error
		if b.sound, err = b.tag(c.Audio, c.AudioBegin, c.AudioEnd); err != nil {
			return fmt.Errorf("embeddinggemma: %w", err)
		}
	}
	file := weights.Find(dir, []string{"processor_config.json", "preprocessor_config.json"})
	var data []byte
	if b.Config.Vision != nil {
		if file == "" {
			return fmt.Errorf("embeddinggemma: %s has no processor_config.json", dir)
		}
		var err error
		if data, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("embeddinggemma: %w", err)
		}
		if err := b.openVision(data); err != nil {
			return fmt.Errorf("embeddinggemma: %s: %w", filepath.Base(file), err)
		}
	}
	return nil
}

// openVision reads the image processor, which must make pictures that the tower takes.
func (b *Bundle) openVision(data []byte) (err error) {
	if b.Processor, err = image.ParseProcessor(data); err != nil {
		return err
	}
	c := b.Config.Vision
	if p := b.Processor; p.Fit != image.FitTiles || p.Tile != c.Tile() || p.Tiles*c.Pool > c.Positions {
		return fmt.Errorf("pictures of %d tiles of %d pixels, but the model takes tiles of %d pixels, %d in a row", p.Tiles, p.Tile, c.Tile(), c.Positions/c.Pool)
	}
	b.image, err = b.tag(b.Config.Image, b.Config.ImageBegin, b.Config.ImageEnd)
	return err
}

// tag is the tokens of a kind of media.
func (b *Bundle) tag(id, begin, end int32) (tag, error) {
	for _, id := range []int32{begin, end, b.start, b.end} {
		if id < 0 || int(id) >= b.Config.Text.Vocab {
			return tag{}, fmt.Errorf("the token %d goes around media, want 0 to %d", id, b.Config.Text.Vocab-1)
		}
	}
	text, ok := b.Tokenizer.Token(id)
	if !ok {
		return tag{}, fmt.Errorf("the tokenizer has no token %d, which stands for media", id)
	}
	if ids := b.Tokenizer.Encode(text, false).IDs; len(ids) != 1 || ids[0] != id {
		return tag{}, fmt.Errorf("the tokenizer makes %v of %s, want the token %d", ids, text, id)
	}
	return tag{text, id, begin, end}, nil
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

// ImageTokens is the length in tokens of a picture of w by h pixels, as the processor makes it.
func (b *Bundle) ImageTokens(w, h int) int { return b.Config.Vision.Tokens(w, h) + 4 }

// EmbedImage maps pictures [B, 3, H, W], as the processor makes them, to vectors [B, D], not normalised.
func (b *Bundle) EmbedImage(pixels *tensor.Tensor) *tensor.Tensor {
	p, n := pixels.Pass(), pixels.Len()/max(pixels.Dim(0), 1)
	inputs := make([]Input, pixels.Dim(0))
	for i := range inputs {
		one := p.Input(pixels.Floats()[i*n:][:n], 1, 3, pixels.Dim(2), pixels.Dim(3))
		ids := b.image.expand([]int32{b.start}, b.Config.Vision.Tokens(pixels.Dim(3), pixels.Dim(2)))
		inputs[i] = Input{IDs: append(ids, b.end), Images: []*tensor.Tensor{one}}
	}
	y, err := b.Embed(p, inputs)
	if err != nil { // Open has seen to it that these tokens are known: only their number can be wrong
		panic(&tensor.ShapeError{Op: "embeddinggemma: image", Want: "pictures as the processor makes them", Got: err.Error()})
	}
	return y
}

// AudioRate is the samples per second of what the model hears.
func (b *Bundle) AudioRate() int { return audio.GemmaRate }

// AudioLimit is how many samples of a sound one vector hears.
func (b *Bundle) AudioLimit() int { return audio.GemmaSamples }

// AudioTokens is the length in tokens of a sound of so many samples.
func (b *Bundle) AudioTokens(samples int) int {
	_, valid := b.Listener.Frames(samples)
	return b.Config.Hearing.Tokens(valid) + 4
}

// EmbedAudio maps sounds of one channel at [Bundle.AudioRate] to vectors [B, D], not normalised.
func (b *Bundle) EmbedAudio(p *tensor.Pass, sounds [][]float32) (*tensor.Tensor, error) {
	inputs := make([]Input, len(sounds))
	for i, sound := range sounds {
		features := b.features(p, sound)
		ids := b.sound.expand([]int32{b.start}, b.Config.Hearing.Tokens(features.Dim(0)))
		inputs[i] = Input{IDs: append(ids, b.end), Sounds: []*tensor.Tensor{features}}
	}
	return b.Embed(p, inputs)
}

// features is what the sound tower takes of a sound.
func (b *Bundle) features(p *tensor.Pass, sound []float32) *tensor.Tensor {
	frames, valid := b.Listener.Frames(len(sound))
	all := p.Empty(frames, audio.GemmaBands).Floats()
	b.Listener.Features(all, sound)
	return p.Input(all[:valid*audio.GemmaBands], valid, audio.GemmaBands)
}
