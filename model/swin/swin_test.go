package swin_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/swin"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// small has a second stage of 6 x 10 tokens, which are not whole windows.
var small = swin.Config{
	Width: 8, Depths: []int{2, 2}, Heads: []int{2, 4}, Rows: 12, Cols: 20, Window: 4, Ratio: 2, Act: tensor.GELU, Eps: 1e-5,
}

func Example() {
	tower := swin.New(small)
	nn.Init(tower, 1)
	p := tensor.NewPass(context.Background(), 0)
	fmt.Println(tower.Places(0)[:6]) // the first window: four tokens of the first row, then of the second, 20 further on
	x := p.Empty(2*12*20, 8)         // the tokens of two grids, window by window
	clear(x.Floats())
	fmt.Println(tower.Forward(x, 2).Shape())
	// Output:
	// [0 1 2 3 20 21]
	// [2 16]
}

// tokens is b grids in the order of a stage's rows, with values that depend on the token alone.
func tokens(p *tensor.Pass, places []int32, c, b int) *tensor.Tensor {
	x := p.Empty(b*len(places), c)
	for i := range b {
		for row, place := range places {
			for j := range c {
				x.Floats()[(i*len(places)+row)*c+j] = float32((int(place)*31+j*17+i*101)%97)/48 - 1
			}
		}
	}
	return x
}

// Every stage holds each token once, and rows beside only where its grid is not of whole windows.
func TestPlaces(t *testing.T) {
	tower := swin.New(small)
	for i, want := range []struct{ tokens, rows int }{{240, 240}, {60, 96}, {60, 96}} {
		places := slices.Sorted(slices.Values(tower.Places(i)))
		if len(places) != want.rows {
			t.Errorf("stage %d has %d rows, want %d", i, len(places), want.rows)
		}
		for place := range want.tokens {
			if got := places[len(places)-want.tokens+place]; int(got) != place {
				t.Fatalf("stage %d: token %d of the sorted is %d", i, place, got)
			}
		}
		if n := want.rows - want.tokens; n > 0 && places[n-1] != -1 {
			t.Errorf("stage %d has other tokens beside", i)
		}
	}
}

// A token sees those of its window: in the second block those of the windows that lie half a window further, cut off at the edges of the
// grid.
func TestWindows(t *testing.T) {
	c := small
	c.Depths, c.Heads = []int{2}, []int{2}
	tower := swin.New(c)
	nn.Init(tower, 1)
	first, second := tower.Stages[0].Blocks[0], tower.Stages[0].Blocks[1]
	places, last := tower.Places(0), tower.Places(1)
	outputs := func(changed int) (one, two []float32) {
		p := tensor.NewPass(context.Background(), 1)
		run := func(b *swin.Block, order []int32) []float32 {
			x := tokens(p, places, 8, 1)
			for row, place := range places {
				if int(place) == changed {
					x.Floats()[row*8] += 3
				}
			}
			y, out := b.Forward(x, 1), make([]float32, 240*8)
			for row, place := range order {
				copy(out[int(place)*8:], y.Floats()[row*8:][:8])
			}
			return out
		}
		return run(first, places), run(second, last)
	}
	one, two := outputs(-1)
	for _, changed := range []int{0, 3*20 + 5, 11*20 + 19, 6*20 + 1} {
		of, ot := outputs(changed)
		for token := range 240 {
			r, col, cr, cc := token/20, token%20, changed/20, changed%20
			inFirst := r/4 == cr/4 && col/4 == cc/4
			inSecond := (r+2)/4 == (cr+2)/4 && (col+2)/4 == (cc+2)/4
			if got := !slices.Equal(one[token*8:][:8], of[token*8:][:8]); got != inFirst {
				t.Fatalf("block 0: token %d sees token %d: %v, want %v", token, changed, got, inFirst)
			}
			if got := !slices.Equal(two[token*8:][:8], ot[token*8:][:8]); got != inSecond {
				t.Fatalf("block 1: token %d sees token %d: %v, want %v", token, changed, got, inSecond)
			}
		}
	}
}

// Grids have the very bits in a batch that they have alone, with any number of workers.
func TestBatchEqualsParts(t *testing.T) {
	tower := swin.New(small)
	nn.Init(tower, 1)
	places := tower.Places(0)
	var whole []float32
	for workers := 1; workers <= 3; workers++ {
		p := tensor.NewPass(context.Background(), workers)
		got := tower.Forward(tokens(p, places, 8, 3), 3).Floats()
		if whole == nil {
			whole = got
		} else if !slices.Equal(got, whole) {
			t.Errorf("%d workers give other bits than one", workers)
		}
	}
	for i := range 3 {
		p := tensor.NewPass(context.Background(), 2)
		x := p.Input(tokens(p, places, 8, 3).Floats()[i*240*8:][:240*8], 240, 8)
		if got := tower.Forward(x, 1).Floats(); !slices.Equal(got, whole[i*16:][:16]) {
			t.Errorf("grid %d alone gives other bits than in the batch", i)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	for want, change := range map[string]func(*swin.Config){
		"width is 0":            func(c *swin.Config) { c.Width = 0 },
		"number of stages is 0": func(c *swin.Config) { c.Depths = nil },
		"heads of 1 stages":     func(c *swin.Config) { c.Heads = c.Heads[:1] },
		"stage 1 has 0 blocks":  func(c *swin.Config) { c.Depths = []int{2, 0} },
		"multiple of 3 heads":   func(c *swin.Config) { c.Heads = []int{2, 3} },
		"cannot be halved":      func(c *swin.Config) { c.Rows = 11 },
		"smaller than its":      func(c *swin.Config) { c.Window = 8 },
		"pairs of tokens":       func(c *swin.Config) { c.Rows, c.Cols, c.Window, c.Heads = 2048, 2048, 32, []int{8, 16} },
		"hidden width is NaN":   func(c *swin.Config) { c.Ratio = (c.Ratio - 2) / (c.Ratio - 2) },
	} {
		c := small
		change(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "swin: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
	if err := small.Validate(); err != nil {
		t.Error(err)
	}
}
