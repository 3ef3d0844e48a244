package efficientnet

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// tinies are the shapes of tools/golden/efficientnet.py, with the height and width of their pictures.
var tinies = map[string]struct {
	Config
	h, w int
}{
	"same":      {Config{Width: 0.1, Depth: 0.5, Stem: 10, Head: 24, Size: 37, Same: true, Eps: 1e-3, Momentum: 0.01}, 37, 46},
	"symmetric": {Config{Width: 0.12, Depth: 0.2, Stem: 10, Head: 24, Size: 32, Eps: 1e-5, Momentum: 0.1}, 32, 41},
}

// each runs a test with every tiny tower and what the reference makes of it.
func each(t *testing.T, test func(t *testing.T, tower *Tower, reference *golden.Set, pixels func(p *tensor.Pass) *tensor.Tensor)) {
	for name, tiny := range tinies {
		t.Run(name, func(t *testing.T) {
			set, err := weights.Open("testdata/" + name + ".safetensors")
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			tower, err := bind(set, &tiny.Config)
			if err != nil {
				t.Fatal(err)
			}
			reference := golden.Open(t, "testdata/"+name+".golden.safetensors")
			test(t, tower, reference, func(p *tensor.Pass) *tensor.Tensor {
				return p.Input(reference.Floats("pixels"), 3, 3, tiny.h, tiny.w)
			})
		})
	}
}

// near holds values against a stage of the reference, relative to its largest one. What is 0 but for rounding is not looked at closely.
func near(t *testing.T, reference *golden.Set, name string, got []float32, tolerance float64) {
	t.Helper()
	largest := 0.0
	for _, v := range reference.Floats(name) {
		largest = max(largest, math.Abs(float64(v)))
	}
	reference.Near(name, got, tolerance*max(largest, 2e-3))
}

func TestStages(t *testing.T) {
	each(t, func(t *testing.T, tower *Tower, reference *golden.Set, pixels func(p *tensor.Pass) *tensor.Tensor) {
		for _, folded := range []bool{false, true} {
			if folded {
				tower.Fold()
				tower.Fold() // again changes nothing
			}
			p := tensor.NewPass(context.Background(), 2)
			x := tower.Embed(pixels(p))
			near(t, reference, "stem", x.Floats(), 1e-6)
			for i, stage := range tower.Stages {
				for _, b := range stage {
					x = b.Forward(x)
				}
				near(t, reference, fmt.Sprint("stage", i), x.Floats(), 1e-5)
			}
			features := tower.Features(pixels(p))
			near(t, reference, "features", features.Floats(), 1e-5)
			near(t, reference, "logits", tower.Logits(features).Floats(), 1e-5)
		}
	})
}

// loss is the mean cross-entropy of the classes that the reference was given, whose derivative it seeds.
func loss(logits *tensor.Tensor) float32 {
	target, c, sum := []int{1, 4, 0}, logits.Dim(1), 0.0
	g := make([]float32, logits.Len())
	for r, class := range target {
		row, total := logits.Floats()[r*c:][:c], 0.0
		for _, v := range row {
			total += math.Exp(float64(v))
		}
		for i, v := range row {
			g[r*c+i] = float32(math.Exp(float64(v))/total) / float32(len(target))
		}
		g[r*c+class] -= 1 / float32(len(target))
		sum += math.Log(total) - float64(row[class])
	}
	logits.Seed(g)
	return float32(sum / float64(len(target)))
}

// The gradients of every parameter are those of the reference, in training with the statistics of the batch and with those kept, for
// any number of workers to the bit.
func TestGradients(t *testing.T) {
	each(t, func(t *testing.T, tower *Tower, reference *golden.Set, pixels func(p *tensor.Pass) *tensor.Tensor) {
		for _, kind := range []string{"frozen", "train"} {
			for _, n := range norms(tower) {
				n.Frozen = kind == "frozen"
			}
			var first *tensor.Gradients
			for workers := 1; workers <= 2; workers++ {
				g := tensor.NewGradients(nn.Params(tower))
				p := tensor.NewPass(context.Background(), workers).Record(g)
				got := loss(tower.Logits(tower.Features(pixels(p))))
				near(t, reference, kind+".loss", []float32{got}, 1e-5)
				p.Backward()
				if names := g.Unreached(); len(names) > 0 {
					t.Fatalf("parameters %v were not reached", names)
				}
				for i, l := range g.All() {
					if strings.Contains(l.Name, "running") {
						t.Errorf("%s is learnt", l.Name)
					}
					if kind == "train" || strings.HasPrefix(l.Name, "blocks.5") || strings.Contains(l.Name, "stem") {
						near(t, reference, kind+"."+l.Name, l.Gradient, 2e-3) // the reference is kept in half precision
					}
					if first != nil {
						for j, v := range l.Gradient {
							if v != first.All()[i].Gradient[j] {
								t.Fatalf("%s: value %d is %v with two workers, %v with one", l.Name, j, v, first.All()[i].Gradient[j])
							}
						}
					}
				}
				if first = g; kind == "train" && workers == 1 {
					for name, n := range norms(tower) {
						if tracked[name] {
							near(t, reference, "train."+name+".running_mean", n.Mean.Floats(), 1e-5)
							near(t, reference, "train."+name+".running_var", n.Var.Floats(), 1e-5)
						}
					}
				}
			}
		}
	})
}

// tracked are the norms whose statistics after a step the reference has.
var tracked = map[string]bool{"bn1": true, "blocks.0.0.bn2": true, "blocks.3.0.bn2": true, "bn2": true}

// norms are the batch norms of a tower by their names.
func norms(t *Tower) map[string]*nn.BatchNorm {
	m := map[string]*nn.BatchNorm{"bn1": t.Norm1, "bn2": t.Norm2}
	for i, stage := range t.Stages {
		for j, b := range stage {
			for k, n := range []*nn.BatchNorm{b.Norm1, b.Norm2, b.Norm3} {
				if n != nil {
					m[fmt.Sprintf("blocks.%d.%d.bn%d", i, j, k+1)] = n
				}
			}
		}
	}
	return m
}
