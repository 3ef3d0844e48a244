package bert

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A Config is the shape of an encoder.
type Config struct {
	Width, Layers, Heads, Hidden int
	Vocab, Positions, Types      int // rows of the tables; no types for 0
	First                        int // the position of the first token: 0, or 2 in RoBERTa
	Act                          tensor.Activation
	Eps                          float32
	Pad                          int32 // id
	Buckets                      int   // rows of the table of biases by distance; none for 0
}

// Context is how many tokens of a text the encoder reads.
func (c *Config) Context() int { return c.Positions - c.First }

// Kinds are the model types of config.json that are encoders of this package.
var Kinds = []string{"bert", "roberta", "xlm-roberta", "camembert", "distilbert", "mpnet"}

// vocabularies are the default sizes of those that differ from BERT's.
var vocabularies = map[string]int{"roberta": 50265, "mpnet": 30527}

// ParseConfig reads the config.json of one of Kinds. What a file leaves out has transformers' default.
func ParseConfig(data []byte) (*Config, error) {
	var file struct {
		Type string `json:"model_type"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("bert: config.json: %w", err)
	}
	if !slices.Contains(Kinds, file.Type) {
		return nil, fmt.Errorf("bert: config.json: model_type %q, want one of %v", file.Type, Kinds)
	}
	return ParseKind(file.Type, data)
}

// ParseKind is [ParseConfig] for a configuration that is known to be of a kind, whatever model_type it states.
func ParseKind(kind string, data []byte) (*Config, error) {
	file := struct {
		Width     int     `json:"hidden_size"`
		Layers    int     `json:"num_hidden_layers"`
		Heads     int     `json:"num_attention_heads"`
		Hidden    int     `json:"intermediate_size"`
		Vocab     int     `json:"vocab_size"`
		Positions int     `json:"max_position_embeddings"`
		Types     int     `json:"type_vocab_size"`
		Act       string  `json:"hidden_act"`
		Eps       float32 `json:"layer_norm_eps"`
		Pad       *int32  `json:"pad_token_id"`
		Position  string  `json:"position_embedding_type"`
		Buckets   int     `json:"relative_attention_num_buckets"`
		// DistilBERT's spellings
		Dim       int    `json:"dim"`
		NLayers   int    `json:"n_layers"`
		NHeads    int    `json:"n_heads"`
		HiddenDim int    `json:"hidden_dim"`
		Activated string `json:"activation"`
	}{
		Width: 768, Layers: 12, Heads: 12, Hidden: 3072, Vocab: 30522, Positions: 512, Types: 2, Act: "gelu", Eps: 1e-12, Buckets: buckets,
		Dim: 768, NLayers: 6, NHeads: 12, HiddenDim: 3072, Activated: "gelu",
	}
	if n := vocabularies[kind]; n > 0 {
		file.Vocab = n
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("bert: config.json: %w", err)
	}
	c := &Config{
		Width: file.Width, Layers: file.Layers, Heads: file.Heads, Hidden: file.Hidden, Vocab: file.Vocab, Positions: file.Positions,
		Types: file.Types, Eps: file.Eps,
	}
	act := file.Act
	switch kind {
	case "roberta", "xlm-roberta", "camembert", "mpnet":
		c.Pad = 1
	case "distilbert":
		c.Width, c.Layers, c.Heads, c.Hidden, c.Types, act = file.Dim, file.NLayers, file.NHeads, file.HiddenDim, 0, file.Activated
	}
	if file.Pad != nil {
		c.Pad = *file.Pad
	}
	switch kind {
	case "roberta", "xlm-roberta", "camembert":
		c.First = int(c.Pad) + 1
	case "mpnet":
		c.First, c.Types, c.Buckets = 2, 0, file.Buckets // the reference takes the padding's id for 1 here, whatever it is
		if c.Buckets < buckets {
			return nil, fmt.Errorf("bert: config.json: relative_attention_num_buckets is %d, want %d or more", c.Buckets, buckets)
		}
	}
	if file.Position != "" && file.Position != "absolute" {
		return nil, fmt.Errorf("bert: config.json: position_embedding_type %q, want absolute", file.Position)
	}
	var err error
	if c.Act, err = nn.Activation(act); err != nil {
		return nil, fmt.Errorf("bert: config.json: %w", err)
	}
	return c, c.Validate()
}

// maxBias bounds what a bias for every pair of tokens may take: published models have 3 million values.
const maxBias = 1 << 28

// Validate says what makes c impossible.
func (c *Config) Validate() error {
	for _, f := range []struct {
		name            string
		value, min, max int
	}{
		{"hidden_size", c.Width, 1, 1 << 14}, {"num_hidden_layers", c.Layers, 1, 1 << 10}, {"num_attention_heads", c.Heads, 1, 1 << 10},
		{"intermediate_size", c.Hidden, 1, 1 << 17}, {"vocab_size", c.Vocab, 1, 1 << 24}, {"type_vocab_size", c.Types, 0, 1 << 10},
		{"relative_attention_num_buckets", c.Buckets, 0, 1 << 10}, {"pad_token_id", int(c.Pad), 0, 1 << 24},
		{"max_position_embeddings", c.Positions, c.First + 1, 1 << 20},
	} {
		if f.value < f.min || f.value > f.max {
			return fmt.Errorf("bert: config: %s is %d, want %d to %d", f.name, f.value, f.min, f.max)
		}
	}
	if n := c.Heads * c.Positions * c.Positions; c.Buckets > 0 && n > maxBias {
		return fmt.Errorf("bert: config: %d heads and %d positions have %d biases by distance, want at most %d", c.Heads, c.Positions, n, maxBias)
	}
	if c.Width%c.Heads != 0 {
		return fmt.Errorf("bert: config: hidden_size %d is not a multiple of %d heads", c.Width, c.Heads)
	}
	return nil
}
