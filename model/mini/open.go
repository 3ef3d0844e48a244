package mini

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unsafe"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// The names of a model's files.
const (
	ConfigFile    = "config.json"
	WeightsFile   = "model.safetensors"
	TokenizerFile = "tokenizer.json"
	CardFile      = "README.md"
)

//go:embed shipped
var shipped embed.FS

// Shipped is the files of the model that is part of the program, by the names above.
func Shipped() fs.FS {
	files, err := fs.Sub(shipped, "shipped")
	if err != nil {
		panic(err)
	}
	return files
}

// A Bundle is a model with its tokenizer.
type Bundle struct {
	*Model
	Tokenizer *token.Tokenizer
}

// Open reads a model from a folder, or the shipped one if dir is "".
func Open(dir string) (*Bundle, error) {
	files := Shipped()
	if dir != "" {
		files = os.DirFS(dir)
	}
	b, err := read(files)
	if err != nil && dir != "" {
		return nil, fmt.Errorf("%w, in %s", err, dir)
	}
	return b, err
}

func read(files fs.FS) (*Bundle, error) {
	data := map[string][]byte{}
	for _, name := range []string{ConfigFile, TokenizerFile, WeightsFile} {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("mini: %w", err)
		}
		data[name] = b
	}
	c, err := ParseConfig(data[ConfigFile])
	if err != nil {
		return nil, err
	}
	t, err := token.Parse(data[TokenizerFile])
	if err != nil {
		return nil, fmt.Errorf("mini: %w", err)
	}
	m, err := New(c)
	if err != nil {
		return nil, err
	}
	set, err := weights.Parse(data[WeightsFile])
	if err != nil {
		return nil, fmt.Errorf("mini: %w", err)
	}
	entries, err := scaled(set)
	if err != nil {
		return nil, fmt.Errorf("mini: %s: %w", WeightsFile, err)
	}
	if err := nn.Bind(m, entries, nil); err != nil {
		return nil, fmt.Errorf("mini: %s: %w", WeightsFile, err)
	}
	return &Bundle{m, t}, nil
}

// scaleSuffix ends the name of what the rows of an int8 tensor are multiplied by.
const scaleSuffix = "_scale"

// scaled is the entries of a set, those in int8 with their scales.
func scaled(set *weights.Set) (entries []tensor.Entry, err error) {
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		if of, ok := strings.CutSuffix(name, scaleSuffix); ok {
			if whole, has := set.Get(of); has && whole.DType == tensor.I8 {
				continue
			}
		}
		if e.DType == tensor.I8 {
			s, ok := set.Get(name + scaleSuffix)
			if !ok || s.DType != tensor.F32 || len(s.Shape) != 1 || len(e.Shape) == 0 || s.Shape[0] != e.Shape[0] {
				return nil, fmt.Errorf("%s is int8 %v, want with it %s, float32, a number for each row", name, e.Shape, name+scaleSuffix)
			}
			e.Scale = s.Floats()
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Entries is a model's parameters in the form in which they are stored: matrices in int8, each row with a scale, the rest as it is.
func Entries(model any) (entries []tensor.Entry) {
	const small = 4096 // values that are not worth rounding
	for name, t := range nn.Params(model) {
		if t.Rank() < 2 || t.Len() < small {
			entries = append(entries, tensor.EntryOf(name, t.Floats(), t.Shape()...))
			continue
		}
		values, rows := t.Floats(), t.Dim(0)
		codes, scale, width := make([]int8, len(values)), make([]float32, rows), len(values)/rows
		for i := range rows {
			scale[i] = round(codes[i*width:][:width], values[i*width:][:width])
		}
		data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(codes))), len(codes))
		entries = append(entries, tensor.Entry{Name: name, DType: tensor.I8, Shape: t.Shape(), Data: data}, tensor.EntryOf(name+scaleSuffix, scale, rows))
	}
	return entries
}

// round writes the codes of a row and returns its scale.
func round(codes []int8, row []float32) float32 {
	top := float32(0)
	for _, v := range row {
		top = max(top, v, -v)
	}
	if top == 0 {
		return 0
	}
	for i, v := range row {
		x := v / top * 127
		if x >= 0 {
			codes[i] = int8(x + 0.5)
		} else {
			codes[i] = int8(x - 0.5)
		}
	}
	return top / 127
}

// Close gives back the memory of the weights. No pass may be using them.
func (b *Bundle) Close() error {
	nn.Release(b.Model)
	return nil
}

// Layout is whose form the files have.
func (b *Bundle) Layout() string { return "chiasm" }

// Params is the model whose parameters nn.Params walks over.
func (b *Bundle) Params() any { return b.Model }

// Files are the paths of the weights: none, they are in memory.
func (b *Bundle) Files() []string { return nil }

// Dimension is the length of a vector.
func (b *Bundle) Dimension() int { return b.Config.Dimension }

// Encode turns a text into ids, not cut.
func (b *Bundle) Encode(text string) *token.Encoding { return b.Tokenizer.Encode(text, true) }

// Fit cuts ids to what the model reads, in place.
func (b *Bundle) Fit(ids []int32) (fitted []int32, truncated bool) {
	if len(ids) > b.Config.Context {
		return ids[:b.Config.Context], true
	}
	return ids, false
}

// Context is the number of pieces that the model reads of a text.
func (b *Bundle) Context() int { return b.Config.Context }

// EmbedText maps texts, given as ids, to vectors [B, D]. They are not normalised.
func (b *Bundle) EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error) {
	for i, ids := range texts {
		for _, id := range ids {
			if id < 0 || int(id) >= b.Config.Vocabulary {
				return nil, fmt.Errorf("mini: text %d: id %d, want 0 to %d", i, id, b.Config.Vocabulary-1)
			}
		}
	}
	return b.Text.Forward(p, texts), nil
}

// Pixels is how pictures are prepared: the whole picture is brought to a square.
func (b *Bundle) Pixels() *image.Processor { return Processor(b.Image.Config.Size) }

// Processor makes pictures into the tower's input: the whole picture, squeezed into a square.
func Processor(side int) *image.Processor {
	return &image.Processor{
		Fit: image.FitExact, W: side, H: side, Filter: image.Bicubic, Torchvision: true, White: true,
		Mean: [3]float32{127, 127, 127}, Std: [3]float32{128, 128, 128},
	}
}

// EmbedImage maps pictures [B, 3, H, W] to vectors [B, D]. They are not normalised.
func (b *Bundle) EmbedImage(pixels *tensor.Tensor) *tensor.Tensor {
	return b.Sight.Forward(b.Image.Features(pixels), b.Image)
}

// ImageTokens is the tokens of a picture: the places that the last convolution sees.
func (b *Bundle) ImageTokens(w, h int) int {
	const stride = 32
	return ((w + stride - 1) / stride) * ((h + stride - 1) / stride)
}

// Scale is by what a cosine is multiplied to give a logit.
func (b *Bundle) Scale() float32 { return b.Config.Scale }

// Bias is what is added to it.
func (b *Bundle) Bias() float32 { return b.Config.Bias }

// Sigmoid reports that a logit's sigmoid is the probability of its pair.
func (b *Bundle) Sigmoid() bool { return true }
