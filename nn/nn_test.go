package nn_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

func ExampleParams() {
	block := nn.NewBlock(8, 2, 32, tensor.GELU, 1e-5, false)
	for name, t := range nn.Params(block) {
		if strings.HasPrefix(name, "mlp.") {
			fmt.Println(name, t.Shape())
		}
	}
	fmt.Println(nn.Count(block))
	// Output:
	// mlp.fc1.weight [32 8]
	// mlp.fc1.bias [32]
	// mlp.fc2.weight [8 32]
	// mlp.fc2.bias [8]
	// 872
}

func newBlock(c int, causal bool) *nn.Block {
	b := nn.NewBlock(c, 4, 3*c+5, tensor.QuickGELU, 1e-5, causal)
	nn.Init(b, 7)
	return b
}

func input(p *tensor.Pass, rows, c int) *tensor.Tensor {
	x := p.Empty(rows, c)
	seed := uint64(3)
	for i := range x.Floats() {
		seed = seed*6364136223846793005 + 1
		x.Floats()[i] = float32(seed>>40)/(1<<24) - 0.5
	}
	return x
}

// A batch gives every sequence the very bits that it gets alone, with any number of workers.
func TestBatchEqualsParts(t *testing.T) {
	const c = 44
	for _, causal := range []bool{false, true} {
		b := newBlock(c, causal)
		seq := tensor.Spans{0, 5, 6, 60, 77}
		var whole []float32
		for workers := 1; workers <= 4; workers++ {
			p := tensor.NewPass(context.Background(), workers)
			got := b.Forward(input(p, seq.Rows(), c), seq).Floats()
			if whole == nil {
				whole = slices.Clone(got)
			} else if !slices.Equal(got, whole) {
				t.Errorf("causal %v: %d workers give other bits than one", causal, workers)
			}
		}
		for s := range seq.Len() {
			p := tensor.NewPass(context.Background(), 2)
			all := input(p, seq.Rows(), c).Floats()[int(seq[s])*c : int(seq[s+1])*c]
			n := int(seq[s+1] - seq[s])
			x := p.Empty(n, c)
			copy(x.Floats(), all)
			got := b.Forward(x, tensor.Spans{0, int32(n)}).Floats()
			if !slices.Equal(got, whole[int(seq[s])*c:int(seq[s+1])*c]) {
				t.Errorf("causal %v: sequence %d alone gives other bits than in the batch", causal, s)
			}
		}
	}
}

// Pool is one row of Forward.
func TestPoolEqualsForward(t *testing.T) {
	const c = 32
	for i, causal := range []bool{false, true, false} {
		b := newBlock(c, causal)
		b.PostNorm = i == 2
		seq := tensor.Spans{0, 9, 10, 40}
		rows := []int32{8, 9, 39} // the last of each sequence
		p := tensor.NewPass(context.Background(), 0)
		got := slices.Clone(b.Pool(input(p, 40, c), rows, p.Spans(3, 1), seq).Floats())
		all := b.Forward(input(p, 40, c), seq).Floats()
		for i, r := range rows {
			for j := range c {
				if a, b := got[i*c+j], all[int(r)*c+j]; math.Abs(float64(a-b)) > 2e-6 {
					t.Fatalf("causal %v, row %d: got %v, want %v", causal, r, a, b)
				}
			}
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	const c = 64
	b := newBlock(c, true)
	p := tensor.NewPass(context.Background(), 0)
	seq := tensor.Spans{0, 50, 70}
	ctx := context.Background()
	run := func() {
		p.Reset(ctx)
		bias := p.Empty(1, 4, 50, 50)
		clear(bias.Floats())
		b.Pool(b.ForwardBiased(input(p, 70, c), bias, seq), p.Steps(2, 50), p.Spans(2, 1), seq)
	}
	run()
	run()
	if n := testing.AllocsPerRun(20, run); n > 0 {
		t.Errorf("a pass that is used again allocates %v times", n)
	}
}

func entries(model any) []tensor.Entry { return slices.Clone(nn.Entries(model)) }

func TestBindIsExact(t *testing.T) {
	from, to := newBlock(8, false), nn.NewBlock(8, 4, 29, tensor.QuickGELU, 1e-5, false)
	if err := nn.Bind(to, entries(from), nil); err != nil {
		t.Fatal(err)
	}
	for i, e := range nn.Entries(to) {
		if want := nn.Entries(from)[i]; e.Name != want.Name || !slices.Equal(e.Data, want.Data) {
			t.Errorf("%s came back changed", e.Name)
		}
	}
	bad := entries(from)
	bad[0].Shape = []int{9}
	bad[1].Name = "stranger"
	err := nn.Bind(nn.NewBlock(8, 4, 29, tensor.QuickGELU, 1e-5, false), bad, nil)
	want := "nn: the weights do not fit the model: layer_norm1.weight is [9], want [8]; missing layer_norm1.bias; left over stranger"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestFiniteNamesTheWeight(t *testing.T) {
	b := newBlock(8, false)
	if err := nn.Finite(b); err != nil {
		t.Fatal(err)
	}
	data := b.MLP.Up.Weight.Bytes()
	copy(data[4*17:], []byte{0, 0, 0xc0, 0x7f})
	if err := nn.Finite(b); err == nil || !strings.Contains(err.Error(), "mlp.fc1.weight holds NaN at index 17") {
		t.Errorf("got %v", err)
	}
}
