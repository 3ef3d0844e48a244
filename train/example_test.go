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

	ctx := context.Background()
	gradients := tensor.NewGradients(nn.Params(&towers))
	contrast := &train.Contrast{LogScale: towers.Scale}
	optimiser := (&train.AdamW{Clip: 1}).Minimize(gradients)
	schedule := train.Schedule{Rate: 0.1, Warmup: 5, Steps: 60}
	pass := tensor.NewPass(ctx, 0).Record(gradients)
	for step := range schedule.Steps {
		pass.Reset(ctx)
		a := towers.Image.Forward(pass.Input(images, 3, 3)).Normalize(1e-12)
		b := towers.Text.Forward(pass.Input(texts, 3, 4)).Normalize(1e-12)
		loss, err := contrast.Learn(train.Pairs(a, b), 1, gradients)
		if err != nil {
			fmt.Println(err)
			return
		}
		pass.Backward()
		if _, err := optimiser.Step(schedule.At(step)); err != nil {
			fmt.Println(err)
			return
		}
		contrast.Clamp()
		if step%59 == 0 {
			fmt.Printf("step %d: loss %.1f\n", step, loss)
		}
	}
	// Output:
	// step 0: loss 0.8
	// step 59: loss 0.0
}
