package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/weights"
)

// towers are the image towers that learn, by their names in training.py.
var towers = map[string]func() (model any, forward func(pixels *tensor.Tensor) *tensor.Tensor){
	"vit-ti16": func() (any, func(*tensor.Tensor) *tensor.Tensor) {
		t := vit.New(vit.Config{
			Width: 192, Layers: 12, Heads: 3, Hidden: 768, Height: 224, Wide: 224, Patch: 16, Act: tensor.GELU, Eps: 1e-6,
			ClassToken: true, PatchBias: true, Pool: vit.PoolToken,
		})
		return t, t.Forward
	},
	"efficientnet-lite0": func() (any, func(*tensor.Tensor) *tensor.Tensor) {
		c, err := efficientnet.Named("efficientnet-lite0")
		if err != nil {
			panic(err)
		}
		c.Classes = 0
		t := efficientnet.New(c)
		return t, t.Features
	},
}

// A learner repeats the step that training.py describes.
type learner struct {
	forward       func(*tensor.Tensor) *tensor.Tensor
	pixels, texts []float32
	batch, count  int
	pass          *tensor.Pass
	gradients     *tensor.Gradients
	contrast      train.Contrast
	optimiser     *train.AdamW
}

// learning is the contender: args are the tower, the file that training.py made, the batch, the precision of products, with "+recompute" to
// forget activations, and how many losses to answer with.
func learning(_ string, args []string) (c contender, err error) {
	if len(args) != 5 || towers[args[0]] == nil {
		return c, fmt.Errorf("want a tower, a file, a batch, a precision and a number of steps, got %q", args)
	}
	batch, err := strconv.Atoi(args[2])
	if err != nil {
		return c, err
	}
	precision, recompute := strings.CutSuffix(args[3], "+recompute")
	format := tensor.FormatF32
	if precision != "auto" {
		format, err = tensor.ParseFormat(precision)
	} else if tensor.Native(tensor.FormatBF16) {
		format = tensor.FormatBF16
	}
	if err != nil {
		return c, err
	}
	steps, err := strconv.Atoi(args[4])
	if err != nil {
		return c, err
	}
	l, err := newLearner(args[0], args[1], batch, format)
	if err != nil {
		return c, err
	}
	l.pass.Recompute(recompute)
	var losses []float64
	for range steps {
		losses = append(losses, l.step())
	}
	return contender{func() { l.step() }, func() []float64 { return losses }, ""}, nil
}

func newLearner(tower, file string, batch int, format tensor.Format) (*learner, error) {
	set, err := weights.Open(file)
	if err != nil {
		return nil, err
	}
	model, forward := towers[tower]()
	l := &learner{forward: forward, batch: batch}
	var entries []tensor.Entry
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		switch name, ok := strings.CutPrefix(e.Name, "model."); {
		case ok:
			e.Name = name
			entries = append(entries, e)
		case e.Name == "pixels":
			l.pixels = e.Floats()
		case e.Name == "texts":
			l.texts = e.Floats()
		}
	}
	if err := nn.Bind(model, entries, nil); err != nil {
		return nil, err
	}
	nn.SetFormat(model, format)
	l.contrast.LogScale = tensor.Param()
	l.contrast.LogScale.Store(tensor.F32, tensor.EntryOf("", []float32{2.6592}).Data, nil)
	l.gradients = tensor.NewGradients(func(yield func(string, *tensor.Tensor) bool) {
		for name, t := range nn.Params(model) {
			if !yield(name, t) {
				return
			}
		}
		yield("logit_scale", l.contrast.LogScale)
	})
	workers := runtime.GOMAXPROCS(0)
	l.optimiser = (&train.AdamW{Decay: 0.05, Workers: workers}).Minimize(l.gradients)
	l.pass = tensor.NewPass(context.Background(), workers).Record(l.gradients)
	return l, nil
}

// step learns from the next batch and returns its loss.
func (l *learner) step() float64 {
	const side, channels = 224, 3
	size := channels * side * side
	n, d := len(l.pixels)/size, len(l.texts)*size/len(l.pixels)
	at := l.count * l.batch % n
	l.count++
	l.pass.Reset(context.Background())
	x := l.pass.Input(l.pixels[at*size:(at+l.batch)*size], l.batch, channels, side, side)
	texts := l.pass.Input(l.texts[at*d:(at+l.batch)*d], l.batch, d)
	loss, err := l.contrast.Learn(train.Batch{{X: l.forward(x).Normalize(1e-12)}, {X: texts}}, 1, l.gradients)
	if err == nil {
		l.pass.Backward()
		_, err = l.optimiser.Step(5e-4)
	}
	if err != nil {
		panic(err)
	}
	l.contrast.Clamp()
	return loss
}
