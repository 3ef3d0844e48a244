package efficientnet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// A Bundle is a tower with the file it came from.
type Bundle struct {
	*Tower
	Weights *weights.Set
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Tower)
	return b.Weights.Close()
}

// Open reads a tower from a file of weights, by timm's names or by those of efficientnet_lite_pytorch, or from a folder in timm's layout. The
// norms are not folded. Of a file with timm's names whose own name has no architecture it assumes TensorFlow's padding.
func Open(path string) (*Bundle, error) {
	config, err := describe(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		file := weights.Find(path, weights.TransformersFiles)
		if file == "" {
			return nil, fmt.Errorf("efficientnet: %s has no weights, want one of %v", path, weights.TransformersFiles)
		}
		path = file
	}
	set, err := weights.Open(path)
	if err != nil {
		return nil, fmt.Errorf("efficientnet: %w", err)
	}
	t, err := bind(set, config)
	if err != nil {
		set.Close()
		return nil, fmt.Errorf("efficientnet: %s: %w", path, err)
	}
	return &Bundle{t, set}, nil
}

var architecture = regexp.MustCompile(`(tf_)?efficientnet_lite[0-4]`)

// describe is what a folder's config.json, or else the name of a file, says of the tower; nil for nothing.
func describe(path string) (*Config, error) {
	name := architecture.FindString(filepath.Base(path))
	if data, err := os.ReadFile(filepath.Join(path, "config.json")); err == nil {
		var file struct {
			Architecture string `json:"architecture"`
		}
		if err := json.Unmarshal(data, &file); err != nil {
			return nil, fmt.Errorf("efficientnet: %s: config.json: %w", path, err)
		}
		name, _, _ = strings.Cut(file.Architecture, ".")
	} else if name == "" {
		return nil, nil
	}
	c, err := Named(name)
	return &c, err
}

// bind makes the tower that a set of weights is of. c is what is known of it, or nil.
func bind(set *weights.Set, c *Config) (*Tower, error) {
	if c == nil {
		found, err := recognise(set)
		if err != nil {
			return nil, err
		}
		c = &found
	}
	c.Classes = 0
	for _, name := range []string{"classifier.weight", "_fc.weight"} {
		if e, ok := set.Get(name); ok && len(e.Shape) == 2 {
			c.Classes = e.Shape[0]
		}
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	t := New(*c)
	return t, nn.Bind(t, Entries(set, c), set.Forget)
}

// recognise finds out which of the variants a set of weights is of, by its blocks and the channels of the last one.
func recognise(set *weights.Set) (Config, error) {
	blocks := 0
	for _, name := range set.Names() {
		if strings.HasSuffix(name, "conv_dw.weight") || strings.HasSuffix(name, "_depthwise_conv.weight") {
			blocks++
		}
	}
	e, timm := set.Get("conv_head.weight")
	prefix := "tf_efficientnet_lite"
	if !timm {
		e, _ = set.Get("_conv_head.weight")
		prefix = "efficientnet-lite"
	}
	for i := range variants {
		c, err := Named(prefix + strconv.Itoa(i))
		if err != nil {
			return c, err
		}
		stages, n := c.stages(), 0
		for _, s := range stages {
			n += s.blocks
		}
		if len(e.Shape) == 4 && n == blocks && e.Shape[1] == stages[len(stages)-1].channels {
			return c, nil
		}
	}
	return Config{}, fmt.Errorf("%d blocks and a last convolution %v, want those of one of EfficientNet-Lite0 to 4", blocks, e.Shape)
}

// original are the names of efficientnet_lite_pytorch outside of blocks, in a block that widens, and in one that does not, with timm's.
var original = [3]map[string]string{
	{"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"},
	{"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2", "_project_conv": "conv_pwl", "_bn2": "bn3"},
	{"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"},
}

// Entries is a set of weights by timm's names, whichever of the two it has. How many batches the norms have seen is left out: nothing asks
// for it.
func Entries(set *weights.Set, c *Config) (entries []tensor.Entry) {
	for _, name := range set.Names() {
		if strings.HasSuffix(name, ".num_batches_tracked") {
			continue
		}
		e, _ := set.Get(name)
		e.Name = c.rename(name)
		entries = append(entries, e)
	}
	return entries
}

// rename is timm's name for one of the original weights; other names stay as they are.
func (c *Config) rename(name string) string {
	layer, kind, _ := strings.Cut(name, ".")
	table, place := original[0], ""
	if layer == "_blocks" {
		number, rest, _ := strings.Cut(kind, ".")
		layer, kind, _ = strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if err != nil {
			return name
		}
		stages, i := c.stages(), 0
		for i < len(stages)-1 && n >= stages[i].blocks {
			n -= stages[i].blocks
			i++
		}
		table, place = original[1], fmt.Sprintf("blocks.%d.%d.", i, n)
		if stages[i].expand == 1 {
			table = original[2]
		}
	}
	if to, ok := table[layer]; ok {
		return place + to + "." + kind
	}
	return name
}
