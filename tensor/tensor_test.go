package tensor_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/tensor"
)

// param makes a parameter with values 0.1, 0.2, … unless values are given.
func param(values []float32, shape ...int) *tensor.Tensor {
	t := tensor.Param(shape...)
	if values == nil {
		for i := range t.Len() {
			values = append(values, float32(i+1)/10)
		}
	}
	data := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	t.Store(tensor.F32, data, nil)
	return t
}

func ExamplePass() {
	w := tensor.Param(1, 2) // a weight [N, K]
	w.Store(tensor.BF16, []byte{0x80, 0x3f, 0x00, 0x40}, nil)
	p := tensor.NewPass(context.Background(), 0)
	x := p.Input([]float32{3, 4}, 1, 2)
	fmt.Println(x.Linear(w, nil, tensor.None).Floats()) // 3·1 + 4·2
	// Output: [11]
}

func TestStoredFormats(t *testing.T) {
	want := []float32{1, -2, 0.5, 0}
	f64 := make([]byte, 32)
	for i, v := range want {
		binary.LittleEndian.PutUint64(f64[8*i:], math.Float64bits(float64(v)))
	}
	for d, data := range map[tensor.DType][]byte{
		tensor.F16:  {0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38, 0, 0},
		tensor.BF16: {0x80, 0x3f, 0x00, 0xc0, 0x00, 0x3f, 0, 0},
		tensor.F64:  f64,
	} {
		p := tensor.Param(4)
		p.Store(d, data, nil)
		if got := p.Floats(); !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", d, got, want)
		}
	}
	want = []float32{1, -2, 127, -128}
	for d, data := range map[tensor.DType][]byte{
		tensor.I8:  {1, 0xfe, 127, 0x80},
		tensor.I16: {1, 0, 0xfe, 0xff, 127, 0, 0x80, 0xff},
		tensor.I32: {1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 127, 0, 0, 0, 0x80, 0xff, 0xff, 0xff},
	} {
		p := tensor.Param(4)
		p.Store(d, data, nil)
		if got := p.Floats(); !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", d, got, want)
		}
	}
}

// Packed weights of every stored format give the same product as their float32 values.
func TestLinearOfStoredFormats(t *testing.T) {
	p := tensor.NewPass(context.Background(), 0)
	x := p.Input([]float32{1, 2, 3, 4}, 2, 2)
	half := tensor.Param(1, 2)
	half.Store(tensor.F16, []byte{0x00, 0x3c, 0x00, 0xc0}, nil) // 1, -2
	unaligned := append([]byte{0}, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0)
	odd := tensor.Param(1, 2)
	odd.Store(tensor.F32, unaligned[1:], nil)
	for _, w := range []*tensor.Tensor{half, odd} {
		if got := x.Linear(w, nil, tensor.None).Floats(); !slices.Equal(got, []float32{-3, -5}) {
			t.Errorf("%v: got %v, want [-3 -5]", w, got)
		}
	}
}

func TestKeepMovesDown(t *testing.T) {
	p := tensor.NewPass(context.Background(), 1)
	first := p.Empty(1, 100)
	for round := range 3 {
		m := p.Mark()
		p.Empty(1, 1<<17) // larger rounds take further blocks
		p.Empty(1, 1<<round<<16)
		y := p.Empty(1, 50)
		for i := range y.Floats() {
			y.Floats()[i] = float32(i + round)
		}
		y = p.Keep(m, y)
		if p.Keep(m, first) != first {
			t.Error("a tensor from before the mark moved")
		}
		p.Reset(context.Background())
		if y.Floats()[49] != float32(49+round) {
			t.Errorf("round %d: the kept values changed: %v", round, y.Floats()[49])
		}
		first = p.Empty(1, 100)
	}
}

func TestShapeErrors(t *testing.T) {
	p, q := tensor.NewPass(context.Background(), 1), tensor.NewPass(context.Background(), 1)
	x := p.Input(make([]float32, 6), 2, 3)
	for name, f := range map[string]func(){
		"weight too wide":    func() { x.Linear(param(nil, 4, 4), nil, tensor.None) },
		"bias too long":      func() { x.Linear(param(nil, 4, 3), param(nil, 5), tensor.None) },
		"residual too wide":  func() { x.LinearAdd(param(nil, 4, 3), nil, p.Empty(2, 5)) },
		"two passes":         func() { x.Dots(q.Input(make([]float32, 3), 1, 3), 1) },
		"parameter as input": func() { param(nil, 2, 3).Softmax() },
		"row out of range":   func() { x.Select([]int32{2}) },
		"id out of range":    func() { p.Ints([]int32{7}, 1).Lookup(param(nil, 7, 3)) },
		"negative id":        func() { p.Ints([]int32{-1}, 1).Lookup(param(nil, 7, 3)) },
		"wrong value count":  func() { p.Input(make([]float32, 5), 2, 3) },
		"heads do not fit":   func() { p.Input(make([]float32, 18), 2, 9).Attend(tensor.Spans{0, 2}, 2, false) },
		"spans do not fit":   func() { p.Input(make([]float32, 18), 2, 9).Attend(tensor.Spans{0, 3}, 3, false) },
		"bias too small": func() {
			p.Input(make([]float32, 18), 3, 6).AttendBiased(tensor.Spans{0, 3}, 2, false, p.Empty(1, 2, 2, 3))
		},
		"bias of other heads": func() {
			p.Input(make([]float32, 18), 3, 6).AttendBiased(tensor.Spans{0, 3}, 2, false, p.Empty(1, 1, 3, 3))
		},
		"bias of another pass": func() {
			p.Input(make([]float32, 18), 3, 6).AttendBiased(tensor.Spans{0, 3}, 2, false, q.Empty(1, 2, 3, 3))
		},
		"too many dims":    func() { p.Empty(1, 1, 1, 1, 1) },
		"no values":        func() { tensor.Param(2).Floats() },
		"stored too short": func() { tensor.Param(2).Store(tensor.F32, make([]byte, 7), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				e, ok := recover().(*tensor.ShapeError)
				if !ok || !strings.HasPrefix(e.Error(), "tensor: ") || !strings.Contains(e.Error(), "want ") {
					t.Errorf("got %v, want a *tensor.ShapeError", e)
				}
			}()
			f()
		})
	}
}

func TestCancelledPassComputesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := tensor.NewPass(ctx, 1)
	x := p.Input([]float32{1, 2}, 1, 2)
	cancel()
	y := x.Linear(param(nil, 3, 2), nil, tensor.None)
	if y.Dim(-1) != 3 || !errors.Is(p.Err(), context.Canceled) {
		t.Errorf("got %v and %v, want a tensor of the right shape and context.Canceled", y, p.Err())
	}
}

// Attention over one row as query is the last row of attention over all of them, causal or not.
func TestAttendToEqualsAttend(t *testing.T) {
	p := tensor.NewPass(context.Background(), 0)
	const rows, heads, d = 7, 2, 4
	const c = heads * d
	qkv := p.Empty(rows, 3*c)
	for i := range qkv.Floats() {
		qkv.Floats()[i] = float32((i*37)%19)/19 - 0.5
	}
	seq := tensor.Spans{0, 3, 7}
	whole := qkv.Attend(seq, heads, true)
	q, kv := p.Empty(2, c), p.Empty(rows, 2*c)
	for i, r := range []int{2, 6} {
		copy(q.Floats()[i*c:], qkv.Floats()[r*3*c:][:c])
	}
	for r := range rows {
		copy(kv.Floats()[r*2*c:], qkv.Floats()[r*3*c+c:][:2*c])
	}
	last := q.AttendTo(kv, p.Spans(2, 1), seq, heads)
	for i, r := range []int{2, 6} {
		if got, want := last.Floats()[i*c:][:c], whole.Floats()[r*c:][:c]; !near(got, want, 1e-6) {
			t.Errorf("row %d: got %v, want %v", r, got, want)
		}
	}
}

// A bias of zeros changes nothing, one that hides a key is as if the key were not there, and sequences take its matrices in turns.
func TestAttendBiased(t *testing.T) {
	p := tensor.NewPass(context.Background(), 0)
	const heads, c = 2, 8
	qkv := p.Empty(6, 3*c)
	for i := range qkv.Floats() {
		qkv.Floats()[i] = float32((i*37)%19)/19 - 0.5
	}
	seq := tensor.Spans{0, 3, 6}
	plain := qkv.Attend(seq, heads, false)
	bias := p.Empty(2, heads, 4, 4)
	clear(bias.Floats())
	if got := qkv.AttendBiased(seq, heads, false, bias); !near(got.Floats(), plain.Floats(), 0) {
		t.Errorf("a bias of zeros: got %v, want %v", got.Floats(), plain.Floats())
	}
	for i := range heads * 4 {
		bias.Floats()[heads*16+4*i+2] = float32(math.Inf(-1)) // the third key of the second sequence
	}
	short := qkv.Select([]int32{0, 1, 2, 3, 4}).Attend(tensor.Spans{0, 3, 5}, heads, false)
	got := qkv.AttendBiased(seq, heads, false, bias)
	if !near(got.Floats()[:5*c], short.Floats(), 1e-6) {
		t.Errorf("a hidden key: got %v, want %v", got.Floats()[:5*c], short.Floats())
	}
	fixed := param(bias.Floats(), 2, heads, 4, 4)
	if of := qkv.AttendBiased(seq, heads, false, fixed); !near(of.Floats(), got.Floats(), 0) {
		t.Errorf("a parameter: got %v, want %v", of.Floats(), got.Floats())
	}
}

func near(a, b []float32, eps float64) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) <= eps })
}

func TestPatchesAndPrepend(t *testing.T) {
	p := tensor.NewPass(context.Background(), 1)
	x := p.Empty(1, 1, 5, 4) // the fifth row is left over
	for i := range x.Floats() {
		x.Floats()[i] = float32(i)
	}
	patches := x.Patches(2)
	if want := []float32{0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15}; !slices.Equal(patches.Floats(), want) {
		t.Errorf("patches are %v, want %v", patches.Floats(), want)
	}
	y := patches.Prepend(param([]float32{-1, -2, -3, -4}, 4), 2)
	if y.Rows() != 6 || y.Floats()[0] != -1 || y.Floats()[4] != 0 || y.Floats()[12] != -1 || y.Floats()[16] != 8 {
		t.Errorf("prepended: %v", y.Floats())
	}
}

func TestMeanRowsAndDots(t *testing.T) {
	p := tensor.NewPass(context.Background(), 1)
	x := p.Input([]float32{9, 9, 1, 2, 3, 4, 9, 9, 5, 6}, 5, 2)
	if got := x.MeanRows(tensor.Spans{0, 3, 5}, 1).Floats(); !slices.Equal(got, []float32{2, 3, 5, 6}) {
		t.Errorf("mean: got %v", got)
	}
	a, b := p.Input([]float32{1, 2}, 1, 2), p.Input([]float32{3, 4, 5, 6}, 2, 2)
	if got := a.Dots(b, 2).Floats(); !slices.Equal(got, []float32{22, 34}) {
		t.Errorf("dots: got %v", got)
	}
}
