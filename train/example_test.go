package train_test

import (
	"context"
	"fmt"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// Two small towers learn which of their inputs belong together.
func Example() {
	var towers struct {
		Image *nn.Linear     `weight:"image"`
		Text  *nn.Linear     `weight:"text"`
		Scale *tensor.Tensor `weight:"logit_scale"`
	}
	towers.Image, towers.Text, towers.Scale = nn.NewLinear(3, 2, true), nn.NewLinear(4, 2, true), tensor.Param()
	nn.Init(&towers, 1)
	images := []float32{1, 0, 0, 0, 1, 0, 0, 0, 1} // three of them
	texts := []float32{1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1}

	gradients := tensor.NewGradients(nn.Params(&towers))
	contrast := &train.Contrast{LogScale: towers.Scale}
	pass := tensor.NewPass(context.Background(), 0).Record(gradients)
	run := &train.Run{
		Gradients: gradients,
		Optimiser: (&train.AdamW{Clip: 1}).Minimize(gradients),
		Schedule:  train.Schedule{Rate: 0.1, Warmup: 5, Steps: 60},
		After:     contrast.Clamp,
		Step: func(ctx context.Context, call int) (train.Outcome, error) {
			pass.Reset(ctx)
			a := towers.Image.Forward(pass.Input(images, 3, 3)).Normalize(1e-12)
			b := towers.Text.Forward(pass.Input(texts, 3, 4)).Normalize(1e-12)
			loss, err := contrast.Learn(train.Pairs(a, b), 1, gradients)
			pass.Backward()
			return train.Outcome{Loss: loss, Items: 3}, err
		},
		Progress: func(p train.Progress) {
			if p.Step == 1 || p.Step == p.Steps {
				fmt.Printf("step %d: loss %.1f\n", p.Step, p.Loss)
			}
		},
	}
	if _, err := run.Learn(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// step 1: loss 0.8
	// step 60: loss 0.0
}
