package sentence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// A Bundle is a model with its tokenizer, its prompts, and the files that they came from.
type Bundle struct {
	*Model
	Tokenizer *token.Tokenizer
	prompts   map[string]string // by the names that the model's files give them
	standard  string            // the name of the one that is used when none is asked for; "" for none
	lower     bool              // texts are put in lower case first
	sets      []*weights.Set
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Model)
	var errs []error
	for _, s := range b.sets {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Open reads a model from a folder. Without a modules.json it is a bare encoder, whose tokens are averaged, as sentence-transformers does.
func Open(dir string) (_ *Bundle, err error) {
	b := &Bundle{Model: &Model{}}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	modules := []module{{Type: "Transformer"}, {Type: "Mean"}}
	if _, err := readJSON(dir, "modules.json", &modules); err != nil {
		return nil, err
	}
	for i, m := range modules {
		// A path from a file must not lead out of the folder.
		if m.Path != "" && !filepath.IsLocal(m.Path) {
			return nil, fmt.Errorf("sentence: modules.json: path %q of module %d, want one within the folder", m.Path, i)
		}
		if err := b.add(m.kind(), filepath.Join(dir, m.Path)); err != nil {
			return nil, err
		}
	}
	if b.Encoder == nil || len(b.Pools) == 0 {
		return nil, fmt.Errorf("sentence: modules.json lists no Transformer with a Pooling after it")
	}
	width := len(b.Pools) * b.Encoder.Config.Width
	for i, d := range b.Dense {
		if d.Linear.Weight.Dim(1) != width {
			return nil, fmt.Errorf("sentence: dense layer %d takes %d values, but %d come", i, d.Linear.Weight.Dim(1), width)
		}
		width = d.Linear.Weight.Dim(0)
	}
	prompts := struct {
		Prompts map[string]string `json:"prompts"`
		Default string            `json:"default_prompt_name"`
	}{}
	if _, err := readJSON(dir, "config_sentence_transformers.json", &prompts); err != nil {
		return nil, err
	}
	if _, ok := prompts.Prompts[prompts.Default]; !ok && prompts.Default != "" {
		return nil, fmt.Errorf("sentence: config_sentence_transformers.json: default_prompt_name is %q, want one of its prompts", prompts.Default)
	}
	b.prompts, b.standard = prompts.Prompts, prompts.Default
	return b, nil
}

// add reads a module of a kind.
func (b *Bundle) add(kind, dir string) error {
	switch kind {
	case "Transformer":
		return b.encoder(dir)
	case "Pooling":
		pools, err := parsePool(dir)
		b.Pools = pools
		return err
	case "Mean":
		b.Pools = []Pool{PoolMean}
	case "Dense":
		d, set, err := openDense(dir)
		if err != nil {
			return err
		}
		b.Dense, b.sets = append(b.Dense, d), append(b.sets, set)
	case "Normalize": // every embedding is normalised
	default:
		return fmt.Errorf("sentence: modules.json: a module of the type %s, want Transformer, Pooling, Dense or Normalize", kind)
	}
	return nil
}

// encoder reads the transformer and its tokenizer.
func (b *Bundle) encoder(dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return fmt.Errorf("sentence: %w", err)
	}
	config, err := bert.ParseConfig(data)
	if err != nil {
		return fmt.Errorf("sentence: %w", err)
	}
	limits := struct {
		Length int  `json:"max_seq_length"`
		Lower  bool `json:"do_lower_case"`
	}{}
	if _, err := readJSON(dir, "sentence_bert_config.json", &limits); err != nil {
		return err
	}
	if b.context, b.lower = config.Context(), limits.Lower; limits.Length > 0 {
		b.context = min(b.context, limits.Length)
	}
	if b.Tokenizer, err = token.OpenFolder(dir); err != nil {
		return fmt.Errorf("sentence: %w", err)
	}
	file := weights.Find(dir, weights.TransformersFiles)
	if file == "" {
		return fmt.Errorf("sentence: %s has no weights, want one of %v", dir, weights.TransformersFiles)
	}
	set, err := weights.Open(file)
	if err != nil {
		return fmt.Errorf("sentence: %w", err)
	}
	b.sets = append(b.sets, set)
	b.Encoder = bert.New(*config)
	if err := nn.Bind(b.Encoder, bert.Entries(set), set.Forget); err != nil {
		return fmt.Errorf("sentence: %s: %w", file, err)
	}
	return nil
}

// Prompts are what the model's files put before a query, a document …, by name, and the one that is used when none is asked for, "" for
// none. A prompt is a part of the text that it stands before.
func (b *Bundle) Prompts() (byName map[string]string, standard string) {
	return b.prompts, b.prompts[b.standard]
}

// Encode turns a text into ids with special tokens, neither padded nor cut.
func (b *Bundle) Encode(text string) *token.Encoding {
	if b.lower {
		text = strings.ToLower(text)
	}
	return b.Tokenizer.Encode(text, true)
}

// Fit cuts ids to what the model reads, keeping the end token, in place.
func (b *Bundle) Fit(ids []int32) (fitted []int32, truncated bool) {
	return token.Fit(ids, b.context)
}

// Context is the number of tokens that the model reads of a text.
func (b *Bundle) Context() int { return b.context }

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return "sentence-transformers" }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }

// Files are the paths of the weights.
func (b *Bundle) Files() (paths []string) {
	for _, s := range b.sets {
		paths = append(paths, s.Files()...)
	}
	return paths
}
