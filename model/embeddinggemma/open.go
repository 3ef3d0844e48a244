package embeddinggemma

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// A Bundle is a model with its tokenizer, its processors, and the files they came from. Weights are mapped: those of a tower take memory
// once the tower is used.
type Bundle struct {
	*Model
	Tokenizer *token.Tokenizer
	prompts   map[string]string // by the names that the model's files give them
	standard  string            // the name of the one that is used when none is asked for; "" for none
	Weights   *weights.Set
	media
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Model)
	return b.Weights.Close()
}

// Open reads a model from a folder in transformers' layout, with what sentence-transformers adds to it.
func Open(dir string) (_ *Bundle, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, fmt.Errorf("embeddinggemma: %w", err)
	}
	config, err := ParseConfig(data)
	if err != nil {
		return nil, err
	}
	b := &Bundle{Model: New(config)}
	if err := b.readSettings(dir); err != nil {
		return nil, err
	}
	if b.Tokenizer, err = token.OpenFolder(dir); err != nil {
		return nil, fmt.Errorf("embeddinggemma: %w", err)
	}
	if err := b.openMedia(dir); err != nil {
		return nil, err
	}
	file := weights.Find(dir, weights.TransformersFiles)
	if file == "" {
		return nil, fmt.Errorf("embeddinggemma: %s has no weights, want one of %v", dir, weights.TransformersFiles)
	}
	if b.Weights, err = weights.Open(file); err != nil {
		return nil, fmt.Errorf("embeddinggemma: %w", err)
	}
	entries, err := Entries(b.Weights, b.Model)
	if err == nil {
		err = nn.Bind(b.Model, entries, b.Weights.Forget)
	}
	if err != nil {
		b.Weights.Close()
		return nil, fmt.Errorf("embeddinggemma: %s: %w", file, err)
	}
	return b, nil
}

// readSettings reads what sentence-transformers keeps beside a model.
func (b *Bundle) readSettings(dir string) error {
	var modules []struct {
		Type string `json:"type"`
	}
	if err := readJSON(dir, "modules.json", &modules); err != nil {
		return err
	}
	for _, m := range modules {
		if kind := filepath.Ext(m.Type); kind == ".Dense" {
			return fmt.Errorf("embeddinggemma: modules.json: a module of the type %s, want a Transformer, a Pooling and a Normalize", m.Type)
		}
	}
	pooling := struct {
		Mode    any   `json:"pooling_mode"`
		Mean    *bool `json:"pooling_mode_mean_tokens"`
		Prompts *bool `json:"include_prompt"`
	}{}
	if err := readJSON(dir, filepath.Join("1_Pooling", "config.json"), &pooling); err != nil {
		return err
	}
	if pooling.Mode != nil && pooling.Mode != "mean" || pooling.Mean != nil && !*pooling.Mean || pooling.Prompts != nil && !*pooling.Prompts {
		return errors.New("embeddinggemma: 1_Pooling/config.json: want the mean of all tokens, those of the prompt too")
	}
	prompts := struct {
		Prompts map[string]string `json:"prompts"`
		Default string            `json:"default_prompt_name"`
	}{}
	err := readJSON(dir, "config_sentence_transformers.json", &prompts)
	if _, ok := prompts.Prompts[prompts.Default]; err == nil && !ok && prompts.Default != "" {
		err = fmt.Errorf("embeddinggemma: config_sentence_transformers.json: default_prompt_name is %q, want one of its prompts", prompts.Default)
	}
	b.prompts, b.standard = prompts.Prompts, prompts.Default
	return err
}

// readJSON decodes a file of the model's folder into v, if there is one.
func readJSON(dir, name string, v any) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		if err = json.Unmarshal(data, v); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	if err != nil {
		return fmt.Errorf("embeddinggemma: %w", err)
	}
	return nil
}

// Prompts are what the model's files put before a query, a document …, by name, and the one that is used when none is asked for, "" for
// none. A prompt is a part of the text that it stands before.
func (b *Bundle) Prompts() (byName map[string]string, standard string) {
	return b.prompts, b.prompts[b.standard]
}

// Encode turns a text into ids with special tokens, neither padded nor cut.
func (b *Bundle) Encode(text string) *token.Encoding { return b.Tokenizer.Encode(text, true) }

// Fit cuts ids to what the model reads, keeping the end token, in place.
func (b *Bundle) Fit(ids []int32) (fitted []int32, truncated bool) {
	return token.Fit(ids, b.Context())
}

// Context is the number of tokens that the model reads of a sequence.
func (b *Bundle) Context() int { return b.Config.Context() }

// Dimension is the size of the space.
func (b *Bundle) Dimension() int { return b.Config.Text.Dimension }

// Dimensions are the sizes that vectors may be cut to.
func (b *Bundle) Dimensions() []int { return b.Config.Dimensions() }

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return "transformers" }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }

// Files are the paths of the weights.
func (b *Bundle) Files() []string { return b.Weights.Files() }
