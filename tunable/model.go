package tunable

import (
	"fmt"
	"path/filepath"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/clap"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/model/dual"
	"github.com/chiasm/chiasm/model/siglip"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// Bundle is a model of a package of its own, with the files that it came from. Vectors are not normalised.
type Bundle interface {
	Params() any
	Dimension() int
	Encode(text string) *token.Encoding
	Fit(ids []int32) (fitted []int32, truncated bool)
	EmbedText(p *tensor.Pass, texts [][]int32) (*tensor.Tensor, error)
	Scale() float32
	Bias() float32
	Sigmoid() bool
	Close() error
}

// Eye is a model's tower of pictures.
type Eye interface {
	Pixels() *image.Processor
	EmbedImage(pixels *tensor.Tensor) *tensor.Tensor // [B, 3, H, W]
}

// Ear is a model's tower of sounds.
type Ear interface {
	AudioRate() int  // Hz
	AudioLimit() int // samples of the longest sound
	EmbedAudio(p *tensor.Pass, sounds [][]float32) (*tensor.Tensor, error)
}

// A Model is one whose weights can be learnt.
type Model struct {
	Bundle
	Tokenizer *token.Tokenizer
	Image     Eye // nil if it has no such tower
	Sound     Ear // likewise
	LogScale  *tensor.Tensor
	LogBias   *tensor.Tensor // nil if there is none
	Tower     []string       // patterns of the parameters of the tower of images or sounds, with what leads from it into the space
	Backbone  []string       // of these what is left as it is where the tower is locked
	Spare     []string       // patterns of parameters that no loss reaches
	Folder    string         // of the files that it came from

	entries func() ([]tensor.Entry, error) // as transformers' checkpoints have them
	config  func() ([]byte, error)         // config.json, of a model whose files have none; nil to copy it
	after   func()                         // brings parameters that no loss reaches into line with those that learn; or nil
}

// Open opens a model of whatever layout, a folder or file. The error says which ones can be taught.
func Open(path string) (*Model, error) {
	kind, err := chiasm.Recognise(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Folder: path}
	switch kind {
	case "CLIPModel", "clip", "open_clip", "OpenAI's CLIP":
		err = m.clip(path)
	case "SiglipModel", "siglip":
		err = m.siglip(path)
	case "ClapModel", "clap":
		err = m.clap(path)
	case dual.Kind:
		err = m.dual(path)
	default:
		err = fmt.Errorf("tunable: %s is a %s: want CLIP, SigLIP or CLAP, which can be taught", path, kind)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Model) clip(path string) error {
	b, err := clip.Open(path)
	if err != nil {
		return err
	}
	m.Bundle, m.Image, m.Tokenizer, m.LogScale, m.LogBias = b, b, b.Tokenizer, b.LogitScale, b.LogitBias
	m.Tower = []string{"vision_model.*", "visual_projection.*"}
	m.Backbone = m.Tower
	m.entries = func() ([]tensor.Entry, error) { return nn.Entries(b.Model), nil }
	if b.Config.Layout != clip.Transformers {
		m.config = func() ([]byte, error) { return configOfCLIP(&b.Config) }
		if _, err := m.config(); err != nil {
			b.Close()
			return err
		}
	}
	return nil
}

func (m *Model) siglip(path string) error {
	b, err := siglip.Open(path)
	if err != nil {
		return err
	}
	m.Bundle, m.Image, m.Tokenizer, m.LogScale, m.LogBias = b, b, b.Tokenizer, b.LogitScale, b.LogitBias
	m.Tower = []string{"vision_model.*"}
	m.Backbone = m.Tower
	m.entries = func() ([]tensor.Entry, error) { return siglip.Publish(b.Model), nil }
	return nil
}

func (m *Model) dual(path string) error {
	b, err := dual.Open(path)
	if err != nil {
		return err
	}
	m.Bundle, m.Image, m.Tokenizer, m.LogScale = b, b, b.Tokenizer, b.LogitScale
	m.Tower = []string{"image_model.*", "image_projection.*"}
	m.Backbone = []string{"image_model.*"} // its projection learns: nothing has led it into the space yet
	m.Spare = []string{"image_model.*bn*"} // the statistics of published weights stay, so that parts of a batch are as the whole
	m.entries = func() ([]tensor.Entry, error) { return nn.Entries(b.Model), nil }
	return nil
}

func (m *Model) clap(path string) error {
	b, err := clap.Open(path)
	if err != nil {
		return err
	}
	m.Bundle, m.Sound, m.Tokenizer, m.LogScale = b, b, b.Tokenizer, b.SoundScale
	m.Tower = []string{"audio_model.*", "audio_projection.*"}
	m.Backbone = m.Tower
	m.Spare = append([]string{"logit_scale_t"}, clap.Fixed...)
	m.entries = func() ([]tensor.Entry, error) { return clap.Publish(b) }
	m.after = func() {
		copy(b.TextScale.Own(), b.SoundScale.Floats())
		b.TextScale.Changed()
	}
	return nil
}

// Publish writes the weights into a folder. What stood there is replaced when the new file is whole.
func (m *Model) Publish(folder string) error {
	if m.after != nil {
		m.after()
	}
	entries, err := m.entries()
	if err != nil {
		return fmt.Errorf("tunable: %w", err)
	}
	for i, e := range entries {
		if e.DType.Float() && e.DType != tensor.F32 {
			entries[i] = tensor.EntryOf(e.Name, e.Floats(), e.Shape...)
		}
	}
	if err := weights.Save(filepath.Join(folder, WeightsFile), entries, map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("tunable: %w", err)
	}
	return nil
}

// IDs is a text as the model reads it.
func (m *Model) IDs(text string) []int32 {
	ids, _ := m.Fit(m.Encode(text).IDs)
	return ids
}

// Attention is the patterns of the weights that low-rank adapters adapt where nobody says which (Hu et al. 2021).
var Attention = []string{"*q_proj.weight", "*v_proj.weight"}

// Shortest is what vectors that are shorter are divided by, instead of by their length.
const Shortest = 1e-12
