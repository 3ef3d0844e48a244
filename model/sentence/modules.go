package sentence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// A module is one line of modules.json.
type module struct {
	Path string `json:"path"`
	Type string `json:"type"` // sentence_transformers.models.Pooling: the last part says what it is
}

func (m *module) kind() string { return m.Type[strings.LastIndexByte(m.Type, '.')+1:] }

// CLIPFolder is where a folder in sentence-transformers' layout keeps a CLIP model in transformers' layout, if it is nothing else.
func CLIPFolder(dir string) (folder string, ok bool) {
	var modules []module
	if _, err := readJSON(dir, "modules.json", &modules); err != nil || len(modules) == 0 {
		return "", false
	}
	for i, m := range modules {
		switch kind := m.kind(); {
		case i == 0 && (kind == "CLIPModel" || kind == "CLIP") && (m.Path == "" || filepath.IsLocal(m.Path)):
		case i > 0 && kind == "Normalize": // every embedding is normalised
		default:
			return "", false
		}
	}
	return filepath.Join(dir, modules[0].Path), true
}

// readJSON decodes a file of a model's folder into v, and reports whether it exists.
func readJSON(dir, name string, v any) (bool, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		if err = json.Unmarshal(data, v); err == nil {
			return true, nil
		}
		err = fmt.Errorf("%s: %w", name, err)
	}
	return false, fmt.Errorf("sentence: %w", err)
}

// A Pool says how the vectors of a text's tokens become one.
type Pool string

// The ways to pool.
const (
	PoolFirst    Pool = "cls"
	PoolMean     Pool = "mean"
	PoolMax      Pool = "max"
	PoolMeanSqrt Pool = "mean_sqrt_len" // the sum over the square root of the number of tokens
	PoolLast     Pool = "lasttoken"
)

// parsePool reads the config.json of a pooling module. Several ways at once, whose vectors lie side by side, are possible.
func parsePool(dir string) ([]Pool, error) {
	var c struct {
		First    bool            `json:"pooling_mode_cls_token"`
		Mean     bool            `json:"pooling_mode_mean_tokens"`
		Max      bool            `json:"pooling_mode_max_tokens"`
		MeanSqrt bool            `json:"pooling_mode_mean_sqrt_len_tokens"`
		Weighted bool            `json:"pooling_mode_weightedmean_tokens"`
		Last     bool            `json:"pooling_mode_lasttoken"`
		Mode     json.RawMessage `json:"pooling_mode"` // newer files: a name, or a list of names
		Prompt   *bool           `json:"include_prompt"`
	}
	if ok, err := readJSON(dir, "config.json", &c); err != nil || !ok {
		return nil, errors.Join(err, missing(ok, dir))
	}
	if c.Prompt != nil && !*c.Prompt {
		return nil, errors.New("sentence: pooling that leaves out the prompt (include_prompt is false), want one that takes all tokens")
	}
	var pools []Pool
	for _, p := range []struct {
		on   bool
		pool Pool
	}{{c.First, PoolFirst}, {c.Max, PoolMax}, {c.Mean, PoolMean}, {c.MeanSqrt, PoolMeanSqrt}, {c.Last, PoolLast}} { // the reference's order
		if p.on {
			pools = append(pools, p.pool)
		}
	}
	if len(c.Mode) > 0 {
		var one Pool
		if json.Unmarshal(c.Mode, &one) == nil {
			pools = []Pool{one}
		} else if err := json.Unmarshal(c.Mode, &pools); err != nil {
			return nil, fmt.Errorf("sentence: pooling_mode: %w", err)
		}
	}
	for _, p := range pools {
		switch p {
		case PoolFirst, PoolMean, PoolMax, PoolMeanSqrt, PoolLast:
		default:
			return nil, fmt.Errorf("sentence: pooling %q, want cls, mean, max, mean_sqrt_len or lasttoken", p)
		}
	}
	if c.Weighted || len(pools) == 0 {
		return nil, fmt.Errorf("sentence: the pooling of %s is none of cls, mean, max, mean_sqrt_len and lasttoken", filepath.Base(dir))
	}
	return pools, nil
}

func missing(ok bool, dir string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("sentence: %s has no config.json", dir)
}

// A Dense is a linear layer after pooling. Its activation is tanh or none.
type Dense struct {
	Linear *nn.Linear `weight:"linear"`
	Tanh   bool
}

// openDense reads a dense module, whose weights stay mapped as long as the set that is returned with it.
func openDense(dir string) (*Dense, *weights.Set, error) {
	c := struct {
		In       int     `json:"in_features"`
		Out      int     `json:"out_features"`
		Bias     *bool   `json:"bias"`
		Act      *string `json:"activation_function"`
		Residual bool    `json:"use_residual"`
	}{Act: new(string)}
	if ok, err := readJSON(dir, "config.json", &c); err != nil || !ok {
		return nil, nil, errors.Join(err, missing(ok, dir))
	}
	if c.In < 1 || c.In > 1<<16 || c.Out < 1 || c.Out > 1<<16 {
		return nil, nil, fmt.Errorf("sentence: dense layer from %d to %d, want sizes of 1 to 65536", c.In, c.Out)
	}
	if c.Residual {
		return nil, nil, errors.New("sentence: dense layer with use_residual, want one without")
	}
	d := &Dense{Linear: nn.NewLinear(c.In, c.Out, c.Bias == nil || *c.Bias)}
	act := "Identity" // of a null
	if c.Act != nil {
		act = (*c.Act)[strings.LastIndexByte(*c.Act, '.')+1:]
	}
	switch act {
	case "Tanh", "":
		d.Tanh = true // the reference's default
	case "Identity":
	default:
		return nil, nil, fmt.Errorf("sentence: dense layer with activation %s, want Tanh or Identity", act)
	}
	file := weights.Find(dir, weights.TransformersFiles)
	if file == "" {
		return nil, nil, fmt.Errorf("sentence: %s has no weights, want one of %v", dir, weights.TransformersFiles)
	}
	set, err := weights.Open(file)
	if err != nil {
		return nil, nil, fmt.Errorf("sentence: %w", err)
	}
	var entries []tensor.Entry
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		entries = append(entries, e)
	}
	if err := nn.Bind(d, entries, set.Forget); err != nil {
		set.Close()
		return nil, nil, fmt.Errorf("sentence: %s: %w", file, err)
	}
	return d, set, nil
}
