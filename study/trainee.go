package study

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"github.com/chiasm/chiasm"
	pictures "github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/clap"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/model/dual"
	"github.com/chiasm/chiasm/model/siglip"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// A bundle is a model of a package of its own, with the files that it came from.
type bundle interface {
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

type seesImages interface {
	Pixels() *pictures.Processor
	EmbedImage(pixels *tensor.Tensor) *tensor.Tensor
}

type hearsAudio interface {
	AudioRate() int
	AudioLimit() int
	EmbedAudio(p *tensor.Pass, sounds [][]float32) (*tensor.Tensor, error)
}

// A trainee is a model whose weights are learnt. It is an embedder, for measurements on the way.
type trainee struct {
	bundle
	tokenizer *token.Tokenizer
	image     seesImages // nil if it has no such tower
	sound     hearsAudio // likewise
	logScale  *tensor.Tensor
	logBias   *tensor.Tensor                 // nil if there is none
	towers    map[string][]string            // patterns of the parameters of the tower of images or sounds
	spare     []string                       // patterns of parameters that no loss reaches
	entries   func() ([]tensor.Entry, error) // as transformers' checkpoints have them
	config    func() ([]byte, error)         // config.json, of a model whose files have none; nil to copy it
	after     func()                         // brings parameters that no loss reaches into line with those that learn; or nil
	lacks     map[int32]bool                 // tokens that stand for what the tokenizer lacks; nil until it is asked
	folder    string                         // of the files that it came from
	pass      *tensor.Pass
}

// openTrainee opens a model, of whatever layout, to be taught.
func openTrainee(path string, workers int) (*trainee, error) {
	kind, err := chiasm.Recognise(path)
	if err != nil {
		return nil, err
	}
	t := &trainee{folder: path, pass: tensor.NewPass(context.Background(), workers)}
	switch kind {
	case "CLIPModel", "clip", "open_clip", "OpenAI's CLIP":
		err = t.clip(path)
	case "SiglipModel", "siglip":
		err = t.siglip(path)
	case "ClapModel", "clap":
		err = t.clap(path)
	case dual.Kind:
		err = t.dual(path)
	default:
		err = fmt.Errorf("study: %s is a %s: want CLIP, SigLIP or CLAP, which can be taught", path, kind)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (t *trainee) clip(path string) error {
	m, err := clip.Open(path)
	if err != nil {
		return err
	}
	t.bundle, t.image, t.tokenizer, t.logScale, t.logBias = m, m, m.Tokenizer, m.LogitScale, m.LogitBias
	t.towers = map[string][]string{image: {"vision_model.*", "visual_projection.*"}}
	t.entries = func() ([]tensor.Entry, error) { return nn.Entries(m.Model), nil }
	if m.Config.Layout != clip.Transformers {
		t.config = func() ([]byte, error) { return configOfCLIP(&m.Config) }
		if _, err := t.config(); err != nil {
			m.Close()
			return err
		}
	}
	return nil
}

func (t *trainee) siglip(path string) error {
	m, err := siglip.Open(path)
	if err != nil {
		return err
	}
	t.bundle, t.image, t.tokenizer, t.logScale, t.logBias = m, m, m.Tokenizer, m.LogitScale, m.LogitBias
	t.towers = map[string][]string{image: {"vision_model.*"}}
	t.entries = func() ([]tensor.Entry, error) { return siglip.Publish(m.Model), nil }
	return nil
}

func (t *trainee) dual(path string) error {
	m, err := dual.Open(path)
	if err != nil {
		return err
	}
	t.bundle, t.image, t.tokenizer, t.logScale = m, m, m.Tokenizer, m.LogitScale
	t.towers = map[string][]string{image: {"image_model.*"}} // its projection learns: nothing has led it into the space yet
	t.spare = []string{"image_model.*bn*"}                   // the statistics of published weights stay, so that parts of a batch are as the whole
	t.entries = func() ([]tensor.Entry, error) { return nn.Entries(m.Model), nil }
	return nil
}

func (t *trainee) clap(path string) error {
	m, err := clap.Open(path)
	if err != nil {
		return err
	}
	t.bundle, t.sound, t.tokenizer, t.logScale = m, m, m.Tokenizer, m.SoundScale
	t.towers = map[string][]string{sound: {"audio_model.*", "audio_projection.*"}}
	t.spare = append([]string{"logit_scale_t"}, clap.Fixed...)
	t.entries = func() ([]tensor.Entry, error) { return clap.Publish(m) }
	t.after = func() {
		copy(m.TextScale.Own(), m.SoundScale.Floats())
		m.TextScale.Changed()
	}
	return nil
}

// publish writes the weights into a folder. What stood there is replaced when the new file is whole.
func (t *trainee) publish(folder string) error {
	entries, err := t.entries()
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	for i, e := range entries {
		if e.DType.Float() && e.DType != tensor.F32 {
			entries[i] = tensor.EntryOf(e.Name, e.Floats(), e.Shape...)
		}
	}
	if err := weights.Save(filepath.Join(folder, "model.safetensors"), entries, map[string]string{"format": "pt"}); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}

func (t *trainee) dimension() int { return t.Dimension() }
func (t *trainee) sees() bool     { return t.image != nil }

func (t *trainee) hears() (rate, limit int) {
	if t.sound == nil {
		return 0, 0
	}
	return t.sound.AudioRate(), t.sound.AudioLimit()
}

// ids is a text as the model reads it.
func (t *trainee) ids(text string) []int32 {
	ids, _ := t.Fit(t.Encode(text).IDs)
	return ids
}

func (t *trainee) cuts(text string) bool {
	_, cut := t.Fit(t.Encode(text).IDs)
	return cut
}

func (t *trainee) options() *pictures.Options { return nil }

func (t *trainee) scale() (scale, bias float64, sigmoid bool) {
	return float64(t.Scale()), float64(t.Bias()), t.Sigmoid()
}

func (t *trainee) embedTexts(ctx context.Context, texts []string) ([][]float32, error) {
	ids := make([][]int32, len(texts))
	for i, text := range texts {
		ids[i] = t.ids(text)
	}
	return t.embed(ctx, len(texts), func(p *tensor.Pass) (*tensor.Tensor, error) { return t.EmbedText(p, ids) })
}

func (t *trainee) embedImages(ctx context.Context, images []*pictures.RGB) ([][]float32, error) {
	if len(images) == 0 {
		return nil, nil
	}
	w, h := t.image.Pixels().Size()
	pixels := make([]float32, len(images)*3*w*h)
	for i, img := range images {
		t.image.Pixels().Apply(pixels[i*3*w*h:(i+1)*3*w*h], img)
	}
	return t.embed(ctx, len(images), func(p *tensor.Pass) (*tensor.Tensor, error) {
		return t.image.EmbedImage(p.Input(pixels, len(images), 3, h, w)), nil
	})
}

func (t *trainee) embedSounds(ctx context.Context, sounds [][]float32) ([][]float32, error) {
	return t.embed(ctx, len(sounds), func(p *tensor.Pass) (*tensor.Tensor, error) { return t.sound.EmbedAudio(p, sounds) })
}

// embed runs a tower without recording and copies its vectors, brought to length 1.
func (t *trainee) embed(ctx context.Context, n int, tower func(*tensor.Pass) (*tensor.Tensor, error)) ([][]float32, error) {
	if n == 0 {
		return nil, nil
	}
	t.pass.Reset(ctx)
	x, err := tower(t.pass)
	if err != nil {
		return nil, err
	}
	x = x.Normalize(shortest)
	if err := t.pass.Err(); err != nil {
		return nil, err
	}
	flat := append([]float32(nil), x.Floats()...)
	out := make([][]float32, n)
	for i := range out {
		out[i] = flat[i*len(flat)/n : (i+1)*len(flat)/n]
	}
	return out, nil
}

// shortest is what vectors that are shorter are divided by, instead of by their length.
const shortest = 1e-12

// setTemperature makes the scale 1/temperature.
func (t *trainee) setTemperature(temperature float64) {
	t.logScale.Own()[0] = float32(math.Log(1 / temperature))
	t.logScale.Changed()
}
