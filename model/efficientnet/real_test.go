package efficientnet

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// realPictures are those of tools/golden/efficientnet_real.py.
var realPictures = []string{"00-astronaut", "05-chelsea", "07-coffee", "14-rocket"}

// realTower opens the original weights of a variant and prepares the pictures for it.
func realTower(t *testing.T, number int) (tower *Tower, pixels []float32) {
	files, err := filepath.Glob(filepath.Join(golden.Real(t, fmt.Sprint("efficientnet-lite", number)), "*.pth"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files of weights, %v", len(files), err)
	}
	b, err := Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	processor, size := b.Config.Processor(), b.Config.Size
	pixels = make([]float32, len(realPictures)*3*size*size)
	for i, name := range realPictures {
		picture, err := image.Open("../../accuracy/"+name+".jpg", nil)
		if err != nil {
			t.Fatal(err)
		}
		processor.Apply(pixels[i*3*size*size:][:3*size*size], picture)
	}
	return b.Tower, pixels
}

// The original weights give the original package's features and classes, pictures prepared here included.
func TestReal(t *testing.T) {
	reference := golden.Open(t, "testdata/real.safetensors")
	for _, number := range []int{0, 2} {
		tower, pixels := realTower(t, number)
		size := tower.Config.Size
		for _, folded := range []bool{false, true} {
			if folded {
				tower.Fold()
			}
			p := tensor.NewPass(context.Background(), 0)
			features := tower.Features(p.Input(pixels, len(realPictures), 3, size, size))
			near(t, reference, fmt.Sprintf("lite%d.features", number), features.Floats(), 1e-3)
			logits := tower.Logits(features)
			for i := range realPictures {
				row := logits.Floats()[i*1000:][:1000]
				order := make([]int32, len(row))
				for j := range order {
					order[j] = int32(j)
				}
				sort.Slice(order, func(a, b int) bool { return row[order[a]] > row[order[b]] })
				if want := reference.IDs(fmt.Sprintf("lite%d.top5", number))[5*i:][:5]; !slices.Equal(order[:5], want) {
					t.Errorf("lite%d, %s: the best classes are %v, want %v", number, realPictures[i], order[:5], want)
				}
			}
		}
	}
}

// Features of narrower formats point where those of float32 do.
func TestRealFormats(t *testing.T) {
	tower, pixels := realTower(t, 0)
	tower.Fold()
	size := tower.Config.Size
	features := func(f tensor.Format) []float32 {
		nn.SetFormat(tower, f)
		p := tensor.NewPass(context.Background(), 0)
		return tower.Features(p.Input(pixels, len(realPictures), 3, size, size)).Floats()
	}
	exact := slices.Clone(features(tensor.FormatF32))
	d := len(exact) / len(realPictures)
	for f, least := range map[tensor.Format]float64{tensor.FormatBF16: 0.999, tensor.FormatW8: 0.99, tensor.FormatI8: 0.98} {
		got := features(f)
		for i, name := range realPictures {
			var ab, aa, bb float64
			for j := range d {
				a, b := float64(exact[i*d+j]), float64(got[i*d+j])
				ab, aa, bb = ab+a*b, aa+a*a, bb+b*b
			}
			cosine := ab / math.Sqrt(aa*bb)
			t.Logf("%v, %s: cosine %.5f", f, name, cosine)
			if !(cosine >= least) {
				t.Errorf("%v, %s: cosine %v, want %v at least", f, name, cosine, least)
			}
		}
	}
}
