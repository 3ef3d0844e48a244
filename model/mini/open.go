package mini

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// The files of a model.
const (
	ConfigFile    = "config.json"
	WeightsFile   = "model.safetensors"
	TokenizerFile = "tokenizer.json"
	LexiconFile   = "lexicon.txt" // of a model that hears: a word on each line
	CardFile      = "README.md"
)

// mostWords is how many words a lexicon may have.
const mostWords = 1 << 20

// A Bundle is a model with its tokenizer, its image processor, and its weights.
type Bundle struct {
	*Model
	Tokenizer *token.Tokenizer
	Processor *image.Processor
	Weights   *weights.Set
	known     sync.Map  // ids of the words of the lexicon that were needed so far
	lists     sync.Pool // of *[][]int32, for the ids of some words
	prints    sync.Map  // fingerprints, by their modalities
	files     map[string][]byte
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Model)
	return b.Weights.Close()
}

// Open reads a model from a folder, whose weights are mapped into memory.
func Open(dir string) (*Bundle, error) {
	files := map[string][]byte{}
	for _, name := range []string{ConfigFile, TokenizerFile, LexiconFile} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !(name == LexiconFile && errors.Is(err, fs.ErrNotExist)) {
			return nil, fmt.Errorf("mini: %w", err)
		}
		files[name] = data
	}
	set, err := weights.Open(filepath.Join(dir, WeightsFile))
	if err != nil {
		return nil, fmt.Errorf("mini: %w", err)
	}
	b, err := bind(files, set)
	if err != nil {
		set.Close()
		return nil, fmt.Errorf("%w, in %s", err, dir)
	}
	return b, nil
}

// Parse makes a model of the contents of its files, by their names. Its weights are views of them, which must stay as they are until the
// model is closed.
func Parse(files map[string][]byte) (*Bundle, error) {
	set, err := weights.Parse(files[WeightsFile])
	if err != nil {
		return nil, fmt.Errorf("mini: %s: %w", WeightsFile, err)
	}
	return bind(files, set)
}

// bind makes the model that files describe.
func bind(files map[string][]byte, set *weights.Set) (*Bundle, error) {
	config, err := ParseConfig(files[ConfigFile])
	if err != nil {
		return nil, err
	}
	b := &Bundle{Weights: set, files: files}
	var wrong error // of the tokenizer, which takes as long as all the rest
	var reading sync.WaitGroup
	reading.Go(func() { b.Tokenizer, wrong = token.Parse(files[TokenizerFile]) })
	err = b.fill(config)
	reading.Wait()
	if wrong != nil {
		return nil, fmt.Errorf("mini: %w", wrong)
	}
	if n := b.Tokenizer.VocabSize(); n > config.Vocabulary {
		return nil, fmt.Errorf("mini: the tokenizer has %d pieces, but the model has vectors of %d", n, config.Vocabulary)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// fill makes the model of its weights.
func (b *Bundle) fill(config *Config) (err error) {
	var lexicon []string
	if config.Ear != nil {
		if lexicon, err = Words(string(b.files[LexiconFile]), mostWords); err != nil {
			return err
		}
	}
	if b.Model, err = New(config, lexicon); err != nil {
		return err
	}
	var entries []tensor.Entry
	for _, name := range b.Weights.Names() {
		e, _ := b.Weights.Get(name)
		entries = append(entries, e)
	}
	if err := nn.Bind(b.Model, entries, b.Weights.Forget); err != nil {
		return fmt.Errorf("mini: %s: %w", WeightsFile, err)
	}
	b.Processor = Pictures(b.Image)
	return nil
}

// Pictures is how pictures are prepared for a tower: as it wants them, but whole pictures, whatever their proportions, are made into
// squares, and what is transparent lies on white.
func Pictures(t *efficientnet.Tower) *image.Processor {
	p, size := t.Config.Processor(), t.Config.Size
	p.Fit, p.W, p.H, p.CropW, p.CropH, p.White = image.FitExact, size, size, 0, 0, true
	return p
}

// Encode turns a text into the ids of its pieces, not cut.
func (b *Bundle) Encode(text string) *token.Encoding { return b.Tokenizer.Encode(text, true) }

// Fit cuts ids to what the text tower reads.
func (b *Bundle) Fit(ids []int32) (fitted []int32, truncated bool) {
	if n := b.Config.Context; len(ids) > n {
		return ids[:n], true
	}
	return ids, false
}

// Context is how many pieces are read of a text.
func (b *Bundle) Context() int { return b.Config.Context }

// EmbedText is the vectors [B, D] of texts, the ids of their pieces.
func (b *Bundle) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	return b.Text.Forward(p, texts), nil
}

// Pixels is the processor that makes pictures into the image tower's input.
func (b *Bundle) Pixels() *image.Processor { return b.Processor }

// EmbedImage maps pictures [B, 3, H, W] to vectors [B, D].
func (b *Bundle) EmbedImage(pixels *tensor.Tensor) *tensor.Tensor {
	return b.Sight.Forward(b.Image.Features(pixels), b.Image)
}

// EmbedImageTokens is [Bundle.EmbedImage] with tokens beside the vectors: what the image tower sees on a grid of side by side places, each
// brought into the space as if it were a picture, [B·side·side, D].
func (b *Bundle) EmbedImageTokens(pixels *tensor.Tensor, side int) (x, tokens *tensor.Tensor) {
	features, places := b.Image.FeaturesOn(pixels, side)
	return b.Sight.Forward(features, b.Image), b.Sight.Forward(places, b.Image)
}

// EmbedTextTokens is [Bundle.EmbedText] with the vectors of each text's words beside that of the text: [T, D], and where each text's lie. The
// tower knows no order: a word's vector is that of the word alone.
func (b *Bundle) EmbedTextTokens(p *tensor.Pass, texts [][]int32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error) {
	var words [][]int32
	seq = p.Spans(len(texts), 0)
	for i, ids := range texts {
		first := 0
		for k := range ids {
			if k > first && b.begins(ids[k]) {
				words, first = append(words, ids[first:k]), k
			}
		}
		if len(ids) > 0 {
			words = append(words, ids[first:])
		}
		seq[i+1] = int32(len(words))
	}
	return b.Text.Forward(p, texts), b.Text.Forward(p, words), seq, nil
}

// begins reports whether a piece is the first of a word. In scripts without spaces each is one.
func (b *Bundle) begins(id int32) bool {
	piece, _ := b.Tokenizer.Token(id)
	first, _ := utf8.DecodeRuneInString(piece)
	return first == '▁' || unicode.In(first, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
}

// EmbedAudioTokens is [Bundle.EmbedAudio] with tokens beside the vectors: what is heard in each stretch of 0.28 seconds of a sound, without the silence
// at its ends, as if it were a sound of its own: [T, D], and where each sound's lie.
func (b *Bundle) EmbedAudioTokens(p *tensor.Pass, sounds [][]float32) (x, tokens *tensor.Tensor, seq tensor.Spans, err error) {
	return b.Sound.EmbedTokens(p, sounds, b.meaning)
}

// ImageTokens is about what a picture of w by h pixels costs, in tokens of a transformer.
func (b *Bundle) ImageTokens(w, h int) int { return (w + 15) / 16 * ((h + 15) / 16) }

// AudioRate is that of the sounds that the model takes, 0 if it takes none.
func (b *Bundle) AudioRate() int {
	if b.Sound == nil {
		return 0
	}
	return SoundRate
}

// AudioLimit is how many samples of a sound it hears.
func (b *Bundle) AudioLimit() int { return SoundLimit }

// AudioTokens is how many patches a sound of so many samples has.
func (b *Bundle) AudioTokens(samples int) int { return patches(samples / soundHop) }

// EmbedAudio is the vectors [B, D] of sounds.
func (b *Bundle) EmbedAudio(p *tensor.Pass, sounds [][]float32) (*tensor.Tensor, error) {
	return b.Sound.Embed(p, sounds, b.meaning)
}

// meaning is that of words, by the text tower.
func (b *Bundle) meaning(p *tensor.Pass, words []string) (*tensor.Tensor, error) {
	list, ok := b.lists.Get().(*[][]int32)
	if !ok {
		list = new([][]int32)
	}
	defer b.lists.Put(list)
	texts := slices.Grow((*list)[:0], len(words))[:len(words)]
	*list = texts
	for i, w := range words {
		ids, ok := b.known.Load(w)
		if !ok {
			fitted, _ := b.Fit(b.Encode(w).IDs)
			ids, _ = b.known.LoadOrStore(w, fitted)
		}
		texts[i] = ids.([]int32)
	}
	return b.Text.Forward(p, texts).Normalize(1e-12), nil
}

// Dimension is the size of the space.
func (b *Bundle) Dimension() int { return b.Config.Dimension }

// Scale is by what the cosine of a pair is multiplied to give its logit.
func (b *Bundle) Scale() float32 { return b.Config.Scale }

// Bias is what is added to that.
func (b *Bundle) Bias() float32 { return b.Config.Bias }

// Sigmoid says that each pair has a probability of its own.
func (b *Bundle) Sigmoid() bool { return true }

// Calibration is what a logit of a text with a picture ("image") or a sound ("audio") is made of, whose sigmoid is the probability that
// the two belong together, see [Config]; not ok if that was never measured.
func (b *Bundle) Calibration(modality string) (scale, bias float32, ok bool) {
	switch modality {
	case "image":
		scale, bias = b.Config.Scale, b.Config.Bias
	case "audio":
		scale, bias = b.Config.SoundScale, b.Config.SoundBias
	}
	return scale, bias, scale > 0
}

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return "chiasm" }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }

// Files are the paths of the weights: none for those inside the program.
func (b *Bundle) Files() []string { return b.Weights.Files() }
