package study

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
)

// A Recipe is everything that decides what a training makes: the same recipe on the same data gives the same weights. Its fields stand
// in a YAML file under the names in their tags, and [Recipe.Fields] gives each of them by its path, as learning.rate.
type Recipe struct {
	Name     string        `yaml:"name" help:"of the model, for its card"`
	Output   string        `yaml:"output" help:"folder that the model is written to"`
	Model    ModelRecipe   `yaml:"model"`
	Data     DataRecipe    `yaml:"data"`
	Augment  AugmentRecipe `yaml:"augment"`
	Loss     LossRecipe    `yaml:"loss"`
	Learning LearnRecipe   `yaml:"learning"`
	Measure  MeasureRecipe `yaml:"measure"`
	Card     CardRecipe    `yaml:"card"`
}

// A ModelRecipe is what is taught, and how much of it.
type ModelRecipe struct {
	From    string   `yaml:"from" help:"model to begin with: folder or hub id; empty for a new one of the shape, or for mini where the way is probe or cache"`
	Image   string   `yaml:"image" help:"instead of from: EfficientNet-Lite weights of timm (file, folder) to lead into one space with those of text"`
	Text    string   `yaml:"text" help:"with image: folder or hub id of a sentence model or another encoder of BERT's kind"`
	Way     string   `yaml:"way" help:"what learns: all, lit (the image or sound tower stays as it is), lora (low-rank adapters), probe (a linear layer on the vectors alone) or cache (an adapter made of the examples)"`
	Freeze  []string `yaml:"freeze" help:"patterns of parameters that stay as they are, as vision_model.*"`
	Learn   []string `yaml:"learn" help:"patterns of the parameters that learn (default: all)"`
	Rank    int      `yaml:"rank" help:"of lora's adapters"`
	Alpha   float64  `yaml:"alpha" help:"of lora: its adapters count alpha/rank times"`
	Targets []string `yaml:"targets" help:"patterns of the weights that lora adapts (default: of attention)"`

	Shape       string `yaml:"shape" help:"of a new model: clip or siglip"`
	Tokenizer   string `yaml:"tokenizer" help:"of a new model: folder or hub id whose tokenizer it takes (default: CLIP's own)"`
	Dimension   int    `yaml:"dimension" help:"of a new model's space"`
	ImageSize   int    `yaml:"image_size" help:"of a new model: pixels of a side"`
	Patch       int    `yaml:"patch" help:"of a new model: pixels of a side"`
	ImageWidth  int    `yaml:"image_width" help:"of a new image tower"`
	ImageLayers int    `yaml:"image_layers" help:"of a new image tower"`
	ImageHeads  int    `yaml:"image_heads" help:"of a new image tower"`
	TextWidth   int    `yaml:"text_width" help:"of a new text tower"`
	TextLayers  int    `yaml:"text_layers" help:"of a new text tower"`
	TextHeads   int    `yaml:"text_heads" help:"of a new text tower"`
	Context     int    `yaml:"context" help:"tokens of a new model's longest text"`
}

// A DataRecipe is what is learnt from.
type DataRecipe struct {
	Train      []string `yaml:"train" help:"data to learn from: tables, shards, folders"`
	Validation []string `yaml:"validation" help:"data to measure on, none of it learnt from"`
	Fraction   float64  `yaml:"fraction" help:"of the training data, by name, to measure on instead, where no validation is given"`
	By         string   `yaml:"by" help:"what stays together when a fraction is taken: key, group, class or text"`
	Duplicates string   `yaml:"duplicates" help:"media of the validation that are also in the training data: drop them from training, refuse, or keep them"`
	Format     string   `yaml:"format" help:"of the data (default: by the name)"`
	TrainSplit string   `yaml:"train_split" help:"the part of the data to learn from, as train"`
	CheckSplit string   `yaml:"validation_split" help:"the part of the data to measure on, as validation"`
	ImageKey   string   `yaml:"image_key" help:"column with pictures"`
	CaptionKey string   `yaml:"caption_key" help:"column with captions"`
	SoundKey   string   `yaml:"sound_key" help:"column with sounds"`
	LabelKey   string   `yaml:"label_key" help:"column with classes"`
	GroupKey   string   `yaml:"group_key" help:"column with what belongs in one split"`
	Separator  string   `yaml:"separator" help:"between the columns of a table of text"`
	Language   string   `yaml:"language" help:"of texts that name none"`
	Languages  []string `yaml:"languages" help:"only texts in these (default: all)"`
	Templates  []string `yaml:"templates" help:"prompts with {} for items that have a class and no text"`
	Readers    int      `yaml:"readers" help:"threads that read and decode (default: as many as cores)"`
}

// An AugmentRecipe is how examples are varied.
type AugmentRecipe struct {
	Crop       float64 `yaml:"crop" help:"least share of a picture's area that a random crop keeps; 1 for the whole picture"`
	Flip       bool    `yaml:"flip" help:"mirror every other picture"`
	Brightness float64 `yaml:"brightness" help:"of pictures, changed by up to this share"`
	Contrast   float64 `yaml:"contrast" help:"likewise"`
	Saturation float64 `yaml:"saturation" help:"likewise"`
	Hue        float64 `yaml:"hue" help:"likewise, in turns of the circle of colours"`
	Gray       float64 `yaml:"gray" help:"share of pictures that lose their colours"`
	Background bool    `yaml:"background" help:"lay transparent pictures on grounds of random colours"`
	Shift      float64 `yaml:"shift" help:"of sounds in time, by up to this share of their length"`
	Gain       float64 `yaml:"gain" help:"of sounds, in dB at most"`
	Noise      float64 `yaml:"noise" help:"under every other sound, softer by so many dB at least; 0 for none"`
	Speed      float64 `yaml:"speed" help:"of sounds, changed by up to this share"`
}

// A LossRecipe is what is learnt for.
type LossRecipe struct {
	Kind        string  `yaml:"kind" help:"infonce or sigmoid (default: the model's own)"`
	Temperature float64 `yaml:"temperature" help:"to begin with (default: the model's own; 0.07 of a new one)"`
	Hard        float64 `yaml:"hard" help:"how much more infonce looks at hard negatives; 0 for all alike"`
	Prefixes    []int   `yaml:"prefixes" help:"dimensions that vectors shall be good at when cut to (Matryoshka)"`
	Pairs       string  `yaml:"pairs" help:"of three kinds: text (each with texts) or all"`
}

// A LearnRecipe is the course of the training.
type LearnRecipe struct {
	Steps      int     `yaml:"steps" help:"in all; 0 to count by epochs"`
	Epochs     float64 `yaml:"epochs" help:"times that all items are shown, where steps is 0"`
	Batch      int     `yaml:"batch" help:"pairs that are compared with one another in a step"`
	Part       int     `yaml:"part" help:"pairs that are in memory at once (default: the batch): the result is that of the whole batch"`
	Rate       float64 `yaml:"rate" help:"learning rate at its highest"`
	Warmup     int     `yaml:"warmup" help:"steps in which the rate rises (default: a tenth)"`
	Schedule   string  `yaml:"schedule" help:"of the rate: cosine, linear or constant"`
	Decay      float64 `yaml:"decay" help:"of weights"`
	Clip       float64 `yaml:"clip" help:"length that gradients are shortened to; 0 for never"`
	Beta2      float64 `yaml:"beta2" help:"how slowly the second moments forget"`
	Average    float64 `yaml:"average" help:"share of itself that the average of the weights keeps at every step, as 0.999; 0 for none"`
	Precision  string  `yaml:"precision" help:"of products: f32, bf16 or auto (bf16 where the processor has it)"`
	Recompute  bool    `yaml:"recompute" help:"compute activations again on the way back rather than keep them: less memory, more time"`
	Seed       uint64  `yaml:"seed" help:"of everything that is drawn"`
	Threads    int     `yaml:"threads" help:"to compute with (default: all); the result does not depend on it"`
	Checkpoint int     `yaml:"checkpoint" help:"steps between checkpoints (default: those between measurements)"`
}

// A MeasureRecipe is how the model is measured on the way.
type MeasureRecipe struct {
	Every     int      `yaml:"every" help:"steps between measurements (default: a tenth)"`
	Patience  int      `yaml:"patience" help:"measurements without progress after which training ends; 0 for never"`
	Items     int      `yaml:"items" help:"of the validation that are measured on on the way (default: 1000; 0 for all)"`
	Templates []string `yaml:"templates" help:"prompts with {} around the names of classes"`
}

// A CardRecipe is what the model's card says besides figures.
type CardRecipe struct {
	About    string   `yaml:"about" help:"what the model is for, in a sentence or two"`
	Licence  string   `yaml:"licence" help:"of the model, as apache-2.0"`
	Sources  []string `yaml:"sources" help:"of the data, with their licences"`
	Cautions []string `yaml:"cautions" help:"what the model cannot do"`
	Language []string `yaml:"language" help:"of the texts, for the card's head"`
}

// NewRecipe is a recipe with the values that fields have where nobody says otherwise.
func NewRecipe() *Recipe {
	return &Recipe{
		Model: ModelRecipe{
			Way: wayAll, Rank: 8, Alpha: 16, Shape: shapeCLIP, Dimension: 256, ImageSize: 224, Patch: 16,
			ImageWidth: 192, ImageLayers: 12, ImageHeads: 3, TextWidth: 192, TextLayers: 6, TextHeads: 3, Context: 77,
		},
		Data:     DataRecipe{By: "key", Duplicates: "drop"},
		Augment:  AugmentRecipe{Crop: 1},
		Loss:     LossRecipe{Pairs: "text"},
		Learning: LearnRecipe{Epochs: 10, Batch: 64, Rate: 1e-4, Schedule: "cosine", Decay: 0.1, Clip: 1, Beta2: 0.98, Precision: "f32"},
		Measure:  MeasureRecipe{Items: 1000},
	}
}

// ParseRecipe reads a recipe from YAML. A field that is not known is an error, which names the known one that is nearest. name is for
// messages.
func ParseRecipe(name string, data []byte) (*Recipe, error) {
	r := NewRecipe()
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("study: %s: want a recipe in YAML: %w", name, err)
	}
	if len(tree) == 0 {
		return r, nil
	}
	if err := unknown(tree, reflect.TypeOf(*r), ""); err != nil {
		return nil, fmt.Errorf("study: %s: %w", name, err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(r); err != nil {
		return nil, fmt.Errorf("study: %s: %w", name, err)
	}
	return r, nil
}

// OpenRecipe is [ParseRecipe] for a file.
func OpenRecipe(path string) (*Recipe, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > 1<<20 {
		err = fmt.Errorf("%s has %d bytes: want a recipe of a MiB at most", path, info.Size())
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	return ParseRecipe(path, data)
}

// YAML is the recipe as a file, with every field.
func (r *Recipe) YAML() []byte {
	data, err := yaml.Marshal(r)
	if err != nil {
		panic(err) // strings and numbers can be written
	}
	return data
}

// A Field is a place in a recipe.
type Field struct {
	Path, Help string
	Value      any // a pointer to a string, an int, a uint64, a float64, a bool, or a list of strings or of ints
}

// Fields lists all fields of the recipe, in their order. What is written to their values is in the recipe.
func (r *Recipe) Fields() []Field { return fields(reflect.ValueOf(r).Elem(), "") }

func fields(v reflect.Value, prefix string) (list []Field) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		path := prefix + f.Tag.Get("yaml")
		if f.Type.Kind() == reflect.Struct {
			list = append(list, fields(v.Field(i), path+".")...)
			continue
		}
		list = append(list, Field{path, f.Tag.Get("help"), v.Field(i).Addr().Interface()})
	}
	return list
}

// unknown is an error about the first field of a tree that a type lacks.
func unknown(tree map[string]any, of reflect.Type, prefix string) error {
	known := map[string]reflect.Type{}
	var names []string
	for i := range of.NumField() {
		f := of.Field(i)
		known[f.Tag.Get("yaml")] = f.Type
		names = append(names, f.Tag.Get("yaml"))
	}
	for _, key := range sortedKeys(tree) {
		t, ok := known[key]
		if !ok {
			return unknownField(prefix+key, prefix, Nearest(key, names))
		}
		if sub, isMap := tree[key].(map[string]any); isMap && t.Kind() == reflect.Struct {
			if err := unknown(sub, t, prefix+key+"."); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknownField is an error that names a field and the one that may have been meant: of that name in another section, or else of nearly that
// name in its own, or else the nearest of all.
func unknownField(path, prefix, near string) error {
	last := path[strings.LastIndexByte(path, '.')+1:]
	var all []string
	for _, f := range NewRecipe().Fields() {
		if strings.HasSuffix(f.Path, "."+last) {
			return fmt.Errorf("there is no field %s; the nearest is %s", path, f.Path)
		}
		all = append(all, f.Path)
	}
	if near != "" {
		return fmt.Errorf("there is no field %s; did you mean %s?", path, prefix+near)
	}
	return fmt.Errorf("there is no field %s; the nearest is %s", path, closest(path, all))
}
