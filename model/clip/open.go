package clip

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// A Bundle is a model with what belongs to it: tokenizer, image processor, and the files they came from.
type Bundle struct {
	*Model
	Tokenizer *token.Tokenizer
	Processor *image.Processor
	Weights   *weights.Set
	clean     func(string) string // what the layout does to texts first, nil for nothing
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Model)
	return b.Weights.Close()
}

// Open reads a model of any layout from a folder, or from OpenAI's single file.
func Open(path string) (*Bundle, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	if !info.IsDir() {
		return open(path, "", OpenAI)
	}
	config, err := os.ReadFile(filepath.Join(path, "config.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("clip: %w", err)
	}
	if isTransformers(config) {
		if file := weights.Find(path, weights.TransformersFiles); file != "" {
			return open(file, path, Transformers)
		}
	}
	if weights.Find(path, []string{openConfigFile}) != "" {
		if file := weights.Find(path, weights.OpenCLIPFiles); file != "" {
			return open(file, path, OpenCLIP)
		}
		return nil, fmt.Errorf("clip: %s has no weights, want one of %v", path, weights.OpenCLIPFiles)
	}
	return nil, fmt.Errorf("clip: %s has no weights, want one of %v", path, weights.TransformersFiles)
}

const openConfigFile = "open_clip_config.json"

// isTransformers tells transformers' config.json from those that other libraries give the same name.
func isTransformers(config []byte) bool {
	var c struct {
		Text   json.RawMessage `json:"text_config"`
		Vision json.RawMessage `json:"vision_config"`
		Type   string          `json:"model_type"`
	}
	return json.Unmarshal(config, &c) == nil && (c.Text != nil || c.Vision != nil || c.Type != "")
}

// open reads the weights file of a layout with the config, tokenizer and processor beside it.
func open(file, dir string, layout Layout) (_ *Bundle, err error) {
	set, err := weights.Open(file)
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	b := &Bundle{Weights: set}
	defer func() {
		if err != nil {
			set.Close()
		}
	}()
	var config *Config
	switch layout {
	case Transformers:
		config, err = b.transformers(dir)
	case OpenCLIP:
		config, err = b.openCLIP(dir)
	case OpenAI:
		b.Tokenizer = token.CLIP()
		config, err = InferConfig(set)
	}
	if err != nil {
		return nil, err
	}
	if b.Model, err = New(*config); err != nil {
		return nil, err
	}
	entries, err := Entries(set, layout)
	if err != nil {
		return nil, err
	}
	if err := nn.Bind(b.Model, entries, set.Forget); err != nil {
		return nil, fmt.Errorf("clip: %s: %w", file, err)
	}
	if b.Processor == nil {
		if b.Processor, err = image.ParseOpenCLIP(nil, config.Vision.Wide, config.Vision.Height); err != nil {
			return nil, fmt.Errorf("clip: %w", err)
		}
	}
	if err := b.Processor.Fits(config.Vision.Wide, config.Vision.Height); err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	return b, nil
}

// transformers reads config.json, the tokenizer and the processor that transformers saves.
func (b *Bundle) transformers(dir string) (*Config, error) {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	config, err := ParseConfig(data)
	if err != nil {
		return nil, err
	}
	if b.Tokenizer, err = token.OpenFolder(dir); err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	if b.Processor, err = image.OpenProcessor(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("clip: %w", err)
	}
	return config, nil
}

// openCLIP reads open_clip_config.json; the tokenizer is the published one unless the config names another, which then lies beside it.
func (b *Bundle) openCLIP(dir string) (*Config, error) {
	data, err := os.ReadFile(filepath.Join(dir, openConfigFile))
	if err != nil {
		return nil, fmt.Errorf("clip: %w", err)
	}
	var file struct {
		Model      json.RawMessage `json:"model_cfg"`
		Preprocess json.RawMessage `json:"preprocess_cfg"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("clip: %s: %w", openConfigFile, err)
	}
	config, err := ParseOpenConfig(file.Model, b.Weights)
	if err != nil {
		return nil, err
	}
	var text struct {
		Text struct {
			Tokenizer string `json:"hf_tokenizer_name"`
		} `json:"text_cfg"`
	}
	_ = json.Unmarshal(file.Model, &text) // it has just been read without an error
	b.Tokenizer = token.CLIP()
	if text.Text.Tokenizer != "" {
		b.clean = token.CleanText
		if b.Tokenizer, err = token.OpenFolder(dir); err != nil {
			return nil, fmt.Errorf("clip: the config names the tokenizer %s: %w", text.Text.Tokenizer, err)
		}
	}
	b.Processor, err = image.ParseOpenCLIP(file.Preprocess, config.Vision.Wide, config.Vision.Height)
	if err != nil {
		return nil, fmt.Errorf("clip: %s: %w", openConfigFile, err)
	}
	return config, nil
}

// Encode turns a text into ids with special tokens, neither padded nor cut.
func (b *Bundle) Encode(text string) *token.Encoding {
	if b.clean != nil {
		text = b.clean(text)
	}
	return b.Tokenizer.Encode(text, true)
}

// Fit cuts ids to what the text tower reads, keeping the end token, in place.
func (b *Bundle) Fit(ids []int32) (fitted []int32, truncated bool) {
	return token.Fit(ids, b.Context())
}

// Pixels is the processor that makes pictures into the image tower's input.
func (b *Bundle) Pixels() *image.Processor { return b.Processor }

// Context is the length of the longest text in tokens.
func (b *Bundle) Context() int { return b.Config.Text.Context }

// ImageTokens is the length of a picture in tokens, whatever its size is said to be: the processor makes one size only.
func (b *Bundle) ImageTokens(_, _ int) int { return b.Config.Vision.Tokens() }

// Dimension is the size of the space.
func (b *Bundle) Dimension() int { return b.Config.D }

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return string(b.Config.Layout) }

// Files are the paths of the files that hold the weights.
func (b *Bundle) Files() []string { return b.Weights.Files() }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }
