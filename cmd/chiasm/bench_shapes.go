package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/bert"
	"github.com/chiasm/chiasm/model/clap"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/model/sentence"
	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/model/whisper"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A workload is something to time.
type workload struct {
	measurement
	format tensor.Format
	flop   float64
	model  any // what it holds parameters in
	pass   *tensor.Pass
	run    func(*tensor.Pass) error
}

// benchShapes are the models that can be timed alone.
var benchShapes = []string{"clip-vit-base-patch32", "clip-vit-large-patch14", "siglip-base-patch16", "clip-text", "minilm-l6", "clap-htsat", "whisper-base-encoder", "efficientnet-lite0"}

// newWorkload makes a model of a published size with random weights, in a format; or one product, as the report names it, to race it with peers.
func newWorkload(shape string, batch, tokens, threads int, format tensor.Format) (*workload, error) {
	var rows, n, k int
	if got, _ := fmt.Sscanf(shape, "gemm %dx%dx%d", &rows, &n, &k); got == 3 {
		if min(rows, n, k) < 1 || max(rows, n, k) > 1<<14 {
			return nil, usagef("--shape %q: want sizes from 1 to %d", shape, 1<<14)
		}
		return gemmWorkload(rows, n, k, threads, format), nil
	}
	w := &workload{
		measurement: measurement{Shape: shape, Batch: batch, Threads: threads}, format: format,
		pass: tensor.NewPass(context.Background(), threads),
	}
	v := vit.Config{
		Width: 768, Layers: 12, Heads: 12, Hidden: 3072, Height: 224, Wide: 224, Patch: 32, Act: tensor.QuickGELU, Eps: 1e-5,
		ClassToken: true, PreNorm: true, Pool: vit.PoolToken,
	}
	switch shape {
	case "clip-text":
		w.text(batch, tokens)
	case "minilm-l6":
		w.sentence(batch, tokens)
	case "whisper-base-encoder":
		w.whisper(batch)
	case "clap-htsat":
		w.sound(batch)
	case "efficientnet-lite0":
		w.convolutions(shape, batch)
	case "clip-vit-base-patch32":
		w.vision(v, 512, batch)
	case "clip-vit-large-patch14":
		v.Width, v.Layers, v.Heads, v.Hidden, v.Patch = 1024, 24, 16, 4096, 14
		w.vision(v, 768, batch)
	case "siglip-base-patch16":
		v.Patch, v.Act, v.Eps, v.ClassToken, v.PreNorm, v.PatchBias, v.Pool = 16, tensor.GELUTanh, 1e-6, false, false, true, vit.PoolProbe
		w.vision(v, 0, batch)
	default:
		return nil, usagef("--shape %q is unknown, want one of %s", shape, strings.Join(benchShapes, ", "))
	}
	nn.Init(w.model, 1)
	if m, ok := w.model.(interface{ Fold() }); ok {
		m.Fold()
	}
	nn.SetFormat(w.model, format)
	return w, nil
}

// vision is an image tower and its projection to d dimensions, none for 0.
func (w *workload) vision(v vit.Config, d, batch int) {
	m := &struct {
		Tower      *vit.Tower `weight:"tower"`
		Projection *nn.Linear `weight:"projection"`
	}{Tower: vit.New(v)}
	if d > 0 {
		m.Projection = nn.NewLinear(v.Width, d, false)
	}
	pixels := make([]float32, batch*3*v.Height*v.Wide)
	for i := range pixels {
		pixels[i] = float32(i*2654435761%1000)/500 - 1
	}
	t, width := v.Tokens(), float64(v.Width)
	flop := 2 * (float64(v.Patches()*3*v.Patch*v.Patch) + float64(d)) * width
	if v.Pool == vit.PoolProbe {
		flop += every(t, v.Width, v.Hidden, v.Layers) + 2*float64(2*t)*width*width + 4*float64(t)*width + 2*width*(2*width+2*float64(v.Hidden))
	} else {
		flop += tower(t, v.Width, v.Hidden, v.Layers)
	}
	w.model, w.flop = m, float64(batch)*flop
	w.run = func(p *tensor.Pass) error {
		x := m.Tower.Forward(p.Input(pixels, batch, 3, v.Height, v.Wide))
		if m.Projection != nil {
			m.Projection.Forward(x)
		}
		return nil
	}
}

// convolutions is a convolutional tower that is known by that name.
func (w *workload) convolutions(name string, batch int) {
	c, err := efficientnet.Named(name)
	must(err)
	c.Classes = 0
	m := efficientnet.New(c)
	pixels := make([]float32, batch*3*c.Size*c.Size)
	for i := range pixels {
		pixels[i] = float32(i*2654435761%1000)/500 - 1
	}
	w.model, w.flop = m, float64(batch)*c.Operations()
	w.run = func(p *tensor.Pass) error {
		m.Features(p.Input(pixels, batch, 3, c.Size, c.Size))
		return nil
	}
}

// text is CLIP's text tower and its projection.
func (w *workload) text(batch, tokens int) {
	m, err := clip.New(clip.Config{
		Head: clip.HeadLinear, D: 512,
		Text:   text.Config{Width: 512, Layers: 12, Heads: 8, Hidden: 2048, Vocab: 49408, Context: 77, Act: tensor.QuickGELU, Eps: 1e-5, Causal: true, Pool: text.PoolHighest},
		Vision: vit.Config{Width: 1, Layers: 1, Heads: 1, Hidden: 1, Height: 1, Wide: 1, Patch: 1, ClassToken: true, Pool: vit.PoolToken}, // dropped
	})
	must(err)
	m.Vision, m.VisionProjection = nil, nil
	c := m.Text.Config
	texts := make([][]int32, batch)
	for i := range texts {
		texts[i] = make([]int32, tokens)
		for j := range texts[i] {
			texts[i][j] = int32((i*tokens + j) * 7919 % (c.Vocab - 1))
		}
		texts[i][tokens-1] = int32(c.Vocab - 1)
	}
	w.Tokens, w.model = tokens, m
	w.flop = float64(batch) * (tower(tokens, c.Width, c.Hidden, c.Layers) + 2*float64(c.Width*m.Config.D))
	w.run = func(p *tensor.Pass) error {
		_, err := m.EmbedText(p, texts)
		return err
	}
}

// sentence is the sentence encoder all-MiniLM-L6, the mean of its tokens taken.
func (w *workload) sentence(batch, tokens int) {
	c := bert.Config{Width: 384, Layers: 6, Heads: 12, Hidden: 1536, Vocab: 30522, Positions: 512, Types: 2, Act: tensor.GELU, Eps: 1e-12}
	m := &sentence.Model{Encoder: bert.New(c), Pools: []sentence.Pool{sentence.PoolMean}}
	texts := make([][]int32, batch)
	for i := range texts {
		texts[i] = make([]int32, tokens)
		for j := range texts[i] {
			texts[i][j] = int32((i*tokens + j) * 7919 % c.Vocab)
		}
	}
	w.Tokens, w.model = tokens, m
	w.flop = float64(batch) * every(tokens, c.Width, c.Hidden, c.Layers)
	w.run = func(p *tensor.Pass) error {
		x, err := m.EmbedText(p, texts)
		if err == nil {
			x.Normalize(1e-12)
		}
		return err
	}
}

// whisper is the encoder of Whisper base, which hears 30 seconds of sound.
func (w *workload) whisper(batch int) {
	c := whisper.Config{
		Width: 512, Encoder: whisper.Layers{Layers: 6, Heads: 8, Hidden: 2048}, Decoder: whisper.Layers{Heads: 8, Hidden: 1}, // without layers
		Bands: 80, Frames: 1500, Context: 1, Vocab: 1, Act: tensor.GELU,
	}
	m := whisper.New(c)
	mel := make([]float32, batch*c.Bands*2*c.Frames)
	for i := range mel {
		mel[i] = float32(i*2654435761%1000)/500 - 1
	}
	conv := 2 * 3 * float64(2*c.Frames*c.Bands*c.Width+c.Frames*c.Width*c.Width)
	w.model, w.flop = m, float64(batch)*(conv+every(c.Frames, c.Width, c.Encoder.Hidden, c.Encoder.Layers))
	w.run = func(p *tensor.Pass) error {
		m.Encode(p.Input(mel, batch, c.Bands, 2*c.Frames))
		return nil
	}
}

// sound is CLAP's sound tower, from features on, and what leads from it into the space.
func (w *workload) sound(batch int) {
	c, err := clap.ParseConfig([]byte("{}")) // the defaults are the shape of the published models
	must(err)
	m := clap.New(*c)
	m.Text, m.TextPool, m.TextHead = nil, nil, nil
	features := make([]float32, batch*audio.CLAPFrames*audio.CLAPBands)
	for i := range features {
		features[i] = float32(i*2654435761%1000)/500 - 1
	}
	w.model, w.flop = m, float64(batch)*(c.Swin.Operations()+2*float64(c.Swin.Rows*c.Swin.Cols*c.Patch*c.Patch*c.Swin.Width+c.D*(c.Swin.Last()+c.D)))
	w.run = func(p *tensor.Pass) error {
		m.SoundHead.Forward(m.Sound.Forward(p.Input(features, batch, 1, audio.CLAPFrames, audio.CLAPBands)))
		return nil
	}
}

// every is the floating-point operations of t tokens of width c through layers that compute all of them.
func every(t, c, hidden, layers int) float64 {
	return float64(layers) * (float64(t)*2*float64(4*c*c+2*c*hidden) + 4*float64(t*t*c))
}

// tower is the same for a tower whose last layer serves one token.
func tower(t, c, hidden, layers int) float64 {
	last := float64(t)*2*float64(2*c*c) + 2*float64(2*c*c+2*c*hidden) + 4*float64(t*c)
	return every(t, c, hidden, layers-1) + last
}

// gemmWorkload is one product of m rows with a weight [n, k].
func gemmWorkload(m, n, k, threads int, format tensor.Format) *workload {
	l := nn.NewLinear(k, n, true)
	nn.Init(l, 1)
	l.Weight.SetFormat(format)
	x := make([]float32, m*k)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	return &workload{
		measurement: measurement{Shape: fmt.Sprintf("gemm %dx%dx%d", m, n, k), Batch: 1, Threads: threads}, format: format,
		flop: 2 * float64(m*n*k), model: l, pass: tensor.NewPass(context.Background(), threads),
		run: func(p *tensor.Pass) error {
			l.Forward(p.Input(x, m, k))
			return nil
		},
	}
}
