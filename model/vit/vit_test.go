package vit_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

var small = vit.Config{
	Width: 32, Layers: 2, Heads: 4, Hidden: 64, Height: 24, Wide: 16, Patch: 8, Act: tensor.GELU, Eps: 1e-5,
	ClassToken: true, PreNorm: true, Pool: vit.PoolToken,
}

func Example() {
	tower := vit.New(small)
	nn.Init(tower, 1)
	p := tensor.NewPass(context.Background(), 0)
	pictures := p.Empty(2, 3, 24, 16) // [B, 3, H, W]
	fmt.Println(tower.Forward(pictures).Shape(), small.Patches(), "patches")
	// Output: [2 32] 6 patches
}

// Each way to pool gives a picture the same bits alone and in a batch.
func TestBatchEqualsParts(t *testing.T) {
	for name, change := range map[string]func(*vit.Config){
		"token":          func(*vit.Config) {},
		"mean":           func(c *vit.Config) { c.Pool = vit.PoolMean },
		"norm of mean":   func(c *vit.Config) { c.Pool, c.NormPooled = vit.PoolMean, true },
		"no class token": func(c *vit.Config) { c.Pool, c.ClassToken, c.NoQKVBias = vit.PoolMean, false, true },
		"probe":          func(c *vit.Config) { c.Pool, c.ClassToken, c.PreNorm = vit.PoolProbe, false, false },
		"any size": func(c *vit.Config) {
			c.Pool, c.ClassToken, c.PreNorm, c.AnySize, c.Wide = vit.PoolProbe, false, false, true, 24
		},
		"bare positions": func(c *vit.Config) { c.BarePositions, c.PreNorm, c.PatchBias = true, false, true },
	} {
		t.Run(name, func(t *testing.T) {
			c := small
			change(&c)
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			tower := vit.New(c)
			nn.Init(tower, 1)
			const n = 3 * 24 * 16
			pixels := make([]float32, 3*n)
			for i := range pixels {
				pixels[i] = float32(i*7919%997)/500 - 1
			}
			p := tensor.NewPass(context.Background(), 0)
			whole := tower.Forward(p.Input(pixels, 3, 3, 24, 16)).Floats()
			for i := range 3 {
				alone := tower.Forward(p.Input(pixels[i*n:(i+1)*n], 1, 3, 24, 16)).Floats()
				if !slices.Equal(alone, whole[i*32:(i+1)*32]) {
					t.Errorf("picture %d alone gives other bits than in the batch", i)
				}
			}
		})
	}
}

// The positions of a tower for any size must be a square without a class token, which has none.
func TestAnySizeRefuses(t *testing.T) {
	for name, change := range map[string]func(*vit.Config){
		"class token": func(c *vit.Config) { c.Wide = c.Height },
		"no square":   func(c *vit.Config) { c.Pool, c.ClassToken = vit.PoolMean, false },
	} {
		c := small
		c.AnySize = true
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "any size") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
