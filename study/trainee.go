package study

import (
	"context"
	"math"

	pictures "github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/tunable"
)

// A trainee is a model whose weights are learnt, as an embedder: for measurements on the way.
type trainee struct {
	*tunable.Model
	words known
	pass  *tensor.Pass
}

// openTrainee opens a model, of whatever layout, to be taught.
func openTrainee(path string, workers int) (*trainee, error) {
	m, err := tunable.Open(path)
	if err != nil {
		return nil, err
	}
	return &trainee{Model: m, pass: tensor.NewPass(context.Background(), workers)}, nil
}

func (t *trainee) dimension() int { return t.Dimension() }
func (t *trainee) sees() bool     { return t.Image != nil }

func (t *trainee) hears() (rate, limit int) {
	if t.Sound == nil {
		return 0, 0
	}
	return t.Sound.AudioRate(), t.Sound.AudioLimit()
}

func (t *trainee) cuts(text string) bool {
	_, cut := t.Fit(t.Encode(text).IDs)
	return cut
}

func (t *trainee) knows(text string) bool {
	return t.words.knows(text, func(s string) []int32 { return t.Tokenizer.Encode(s, false).IDs })
}

func (t *trainee) options() *pictures.Options {
	if t.Image == nil {
		return nil
	}
	read := t.Image.Pixels().Options()
	return &read
}

func (t *trainee) scale() (scale, bias float64, sigmoid bool) {
	return float64(t.Scale()), float64(t.Bias()), t.Sigmoid()
}

func (t *trainee) embedTexts(ctx context.Context, texts []string) ([][]float32, error) {
	ids := make([][]int32, len(texts))
	for i, text := range texts {
		ids[i] = t.IDs(text)
	}
	return t.embed(ctx, len(texts), func(p *tensor.Pass) (*tensor.Tensor, error) { return t.EmbedText(p, ids) })
}

func (t *trainee) embedImages(ctx context.Context, images []*pictures.RGB) ([][]float32, error) {
	if len(images) == 0 {
		return nil, nil
	}
	w, h := t.Image.Pixels().Size()
	pixels := make([]float32, len(images)*3*w*h)
	for i, img := range images {
		t.Image.Pixels().Apply(pixels[i*3*w*h:(i+1)*3*w*h], img)
	}
	return t.embed(ctx, len(images), func(p *tensor.Pass) (*tensor.Tensor, error) {
		return t.Image.EmbedImage(p.Input(pixels, len(images), 3, h, w)), nil
	})
}

func (t *trainee) embedSounds(ctx context.Context, sounds [][]float32) ([][]float32, error) {
	return t.embed(ctx, len(sounds), func(p *tensor.Pass) (*tensor.Tensor, error) { return t.Sound.EmbedAudio(p, sounds) })
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
	x = x.Normalize(tunable.Shortest)
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

// setTemperature makes the scale 1/temperature.
func (t *trainee) setTemperature(temperature float64) {
	t.LogScale.Own()[0] = float32(math.Log(1 / temperature))
	t.LogScale.Changed()
}
