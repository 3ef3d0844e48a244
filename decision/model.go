package decision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// The files of a saved model.
const (
	configFile  = "config.json"
	weightsFile = "model.safetensors"
	cardFile    = "README.md"
)

// format is how config.json says what it is.
const format = "chiasm-fused"

// A Config is what a model is made of, as config.json keeps it.
type Config struct {
	Format  string   `json:"model_type"`
	Encoder Encoder  `json:"encoder"`
	Columns []Column `json:"columns"`
	Target
	Tokens      []int  `json:"tokens,omitempty"` // of each column, at most, where features are tokens behind a vector, which counts too; nil where they are vectors
	Method      string `json:"method"`           // as a [fusion.Candidate] is called: "late/product", "lmf"
	Width       int    `json:"width"`
	Heads       int    `json:"heads"`
	Layers      int    `json:"layers"`
	Rank        int    `json:"rank"`
	Bottlenecks int    `json:"bottlenecks"`
	Similarity  bool   `json:"similarity,omitempty"` // of a match task: it adds to what the vectors' similarity tells
	Aligned     bool   `json:"aligned,omitempty"`    // tokens are told which of another column they are alike
}

// An Encoder is the model that makes the features.
type Encoder struct {
	Model     string `json:"model"` // what it is opened by; of a tuned one, what it was before
	Space     string `json:"space"`
	Dimension int    `json:"dimension"`
	Tuned     string `json:"tuned,omitempty"` // how it learnt with the model, lora or all: it lies beside it
}

// A Model decides about things. It is safe for concurrent use.
type Model struct {
	Config
	fused   *fusion.Model
	encoder *encoder
	owned   bool // Close closes the encoder
	workers int
	learnt  map[string]bool // rows that it has seen, by their fingerprints
}

// OpenOptions are the options of Open. nil is the default of each.
type OpenOptions struct {
	Encoder *chiasm.Model   // stays the caller's; nil for one of the model's own
	Name    string          // what the model's own is opened by, in place of what its config says
	Options *chiasm.Options // of the model's own; without a precision, [chiasm.Shipped] runs as fast as it stays accurate
	Cache   string          // folder in which features are kept, "" for none
}

// Recognise reports whether a folder holds a saved model, by its config.
func Recognise(dir string) bool {
	_, err := ReadConfig(dir)
	return err == nil
}

// ReadConfig reads what the model in a folder is made of. Neither weights nor encoder are opened.
func ReadConfig(dir string) (Config, error) {
	c, err := readConfig(dir)
	if err == nil {
		_, err = build(c)
	}
	if err != nil {
		return c, fmt.Errorf("decision: %s: %w", dir, err)
	}
	return c, nil
}

// mostConfig is how long config.json may be.
const mostConfig = 4 << 20

func readConfig(dir string) (c Config, err error) {
	f, err := os.Open(filepath.Join(dir, configFile))
	if err != nil {
		return c, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostConfig+1))
	if err != nil {
		return c, err
	}
	if len(data) > mostConfig {
		return c, fmt.Errorf("%s: more than %d bytes", configFile, mostConfig)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("%s: %w", configFile, err)
	}
	return c, nil
}

// Open opens a folder that a [Training] wrote, and the model that encodes.
func Open(ctx context.Context, dir string, o *OpenOptions) (*Model, error) {
	m, err := open(ctx, dir, o)
	if err != nil && !strings.HasPrefix(err.Error(), "chiasm: ") {
		err = fmt.Errorf("decision: %s: %w", dir, err)
	}
	return m, err
}

func open(ctx context.Context, dir string, o *OpenOptions) (*Model, error) {
	if o == nil {
		o = &OpenOptions{}
	}
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	m, err := build(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	set, err := weights.Open(filepath.Join(dir, weightsFile))
	if err != nil {
		return nil, err
	}
	var entries []tensor.Entry
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		entries = append(entries, e)
	}
	if err := nn.Bind(m.fused, entries, nil); err != nil { // values stay views of the file, which therefore stays open
		return nil, fmt.Errorf("%s: %w", weightsFile, err)
	}
	m.learnt = map[string]bool{}
	if seen, err := os.ReadFile(filepath.Join(dir, "training", "learnt.txt")); err == nil { // a model without it can be measured too
		for line := range strings.Lines(string(seen)) {
			m.learnt[strings.TrimSpace(line)] = true
		}
	}
	e := o.Encoder
	if e == nil {
		name := c.Encoder.Model
		if c.Encoder.Tuned != "" {
			name = filepath.Join(dir, encoderFolder)
		}
		if o.Name != "" {
			name = o.Name
		}
		var options chiasm.Options
		if o.Options != nil {
			options = *o.Options
		}
		if options.Precision == "" && name == chiasm.Shipped {
			options.Precision = "auto"
		}
		if e, err = chiasm.Open(ctx, name, &options); err != nil {
			return nil, err
		}
		m.owned = true
	}
	m.encoder = newEncoder(e, o.Cache, c.features())
	if o.Options != nil {
		m.workers = o.Options.Workers
	}
	if space := e.Space().String(); space != c.Encoder.Space {
		err := fmt.Errorf("it was taught on features of %s, not %s: want that model", c.Encoder.Space, space)
		return nil, errors.Join(err, m.Close())
	}
	for i, k := range m.Columns {
		if n := m.encoder.most(k); n > m.fused.Config.Modalities[i].Tokens {
			err := fmt.Errorf("it was taught on %d tokens of column %q, not %d: teach it again", m.fused.Config.Modalities[i].Tokens, k.Name, n)
			return nil, errors.Join(err, m.Close())
		}
	}
	return m, nil
}

// features is what the model was taught on.
func (c *Config) features() string {
	if len(c.Tokens) > 0 {
		return Tokens
	}
	return Vectors
}

// Close closes the encoder, if it is the model's own.
func (m *Model) Close() error {
	if m.owned {
		return m.encoder.model.Close()
	}
	return nil
}

// Bounds of what a config may ask for: it decides how much memory a model takes before its weights are read.
const (
	mostColumns = 16
	mostClasses = 1 << 16
	mostWidth   = 1 << 10
	mostLayers  = 16
	mostTokens  = 64
)

// build makes a model as a config says, without values.
func build(c Config) (*Model, error) {
	method, rule, _ := strings.Cut(c.Method, "/")
	kind, ok := kinds[c.Task]
	switch {
	case c.Format != format:
		return nil, fmt.Errorf("model_type is %.40q, want %q", c.Format, format)
	case !ok:
		return nil, fmt.Errorf("task %.40q: want single, multi, regression or match", c.Task)
	case !slices.Contains(fusion.Methods, fusion.Method(method)) || method == string(fusion.Late) && !(slices.Contains(fusion.Rules, fusion.Rule(rule)) && fusion.Rule(rule).Fits(kind)):
		return nil, fmt.Errorf("method %.40q is none for task %s", c.Method, c.Task)
	case len(c.Columns) == 0 || len(c.Columns) > mostColumns || len(c.Classes) > mostClasses || c.Encoder.Dimension < 1 || c.Encoder.Dimension > 1<<16:
		return nil, fmt.Errorf("%d columns, %d classes, features of %d values: want 1 to %d columns, at most %d classes, features of 1 to %d",
			len(c.Columns), len(c.Classes), c.Encoder.Dimension, mostColumns, mostClasses, 1<<16)
	case min(c.Width, c.Heads, c.Layers, c.Rank, c.Bottlenecks) < 1 || max(c.Width, c.Heads, c.Rank, c.Bottlenecks) > mostWidth || c.Layers > mostLayers:
		return nil, fmt.Errorf("width %d, %d heads, %d layers, rank %d, %d bottlenecks: want 1 to %d of each, and layers to %d", c.Width, c.Heads, c.Layers, c.Rank, c.Bottlenecks, mostWidth, mostLayers)
	}
	if n := len(c.Tokens); n > 0 && (n != len(c.Columns) || slices.Min(c.Tokens) < 1 || slices.Max(c.Tokens) > mostTokens) {
		return nil, fmt.Errorf("tokens %v of %d columns: want 1 to %d of each", c.Tokens, len(c.Columns), mostTokens)
	}
	names := map[string]bool{}
	var modalities []fusion.Modality
	for i, k := range c.Columns {
		if !slices.Contains([]string{Text, Image, Audio, Video, Number}, k.Kind) || len(k.Fields) == 0 || len(k.Fields) > 1<<12 || k.Kind != Number && len(k.Fields) != 1 || names[k.Name] {
			return nil, fmt.Errorf("column %.40q of kind %.40q and %d fields: want names of their own, one of text, image, audio, video, number, and one field (of numbers several)", k.Name, k.Kind, len(k.Fields))
		}
		names[k.Name] = true
		width := c.Encoder.Dimension
		if k.Kind == Number {
			width = len(k.Fields)
		}
		modalities = append(modalities, fusion.Modality{Name: k.Name, Width: width, Tokens: 1, Matched: c.Task == "match" && k.Name == c.Match})
		if len(c.Tokens) > 0 {
			modalities[i].Tokens = c.Tokens[i]
		}
		if (c.Similarity || c.Aligned) && k.Kind != Number {
			modalities[i].Space = c.Encoder.Space
		}
	}
	f, err := fusion.New(fusion.Config{
		Method: fusion.Method(method), Task: c.fused(), Modalities: modalities,
		Width: c.Width, Heads: c.Heads, Layers: c.Layers, Rank: c.Rank, Bottlenecks: c.Bottlenecks, Aligned: c.Aligned,
	})
	if err != nil {
		return nil, err
	}
	f.Rule = fusion.Rule(rule)
	return &Model{Config: c, fused: f}, nil
}

// write writes the config and the weights into a folder that is there.
func (m *Model) write(dir string) error {
	data, err := json.MarshalIndent(m.Config, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, configFile), append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("decision: %w", err)
	}
	return weights.Save(filepath.Join(dir, weightsFile), nn.Entries(m.fused), map[string]string{"format": format})
}

// Processor is how the encoder takes pictures: see chiasm.Model.Processor.
func (m *Model) Processor() *image.Processor { return m.encoder.model.Processor() }

// ReadAudio reads a sound as the encoder hears it: see chiasm.Model.ReadAudio.
func (m *Model) ReadAudio(ctx context.Context, from io.Reader) (chiasm.Sound, error) {
	return m.encoder.model.ReadAudio(ctx, from)
}

// Parameters is how many values the model keeps, the encoder's not counted.
func (m *Model) Parameters() int { return nn.Count(m.fused) }

// Missing says what becomes of a thing of which something is missing.
func (c Config) Missing() string {
	if strings.HasPrefix(c.Method, string(fusion.Late)) {
		return "Any modality may be missing: each decides by itself, and those that are there are joined. An answer can be had after the first."
	}
	return "Any modality may be missing: the model was taught with modalities hidden, and computes with those that are there."
}
