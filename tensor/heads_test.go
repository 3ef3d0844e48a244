package tensor_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/tensor"
)

// noise is a computed tensor of values that follow a rule.
func noise(p *tensor.Pass, seed int, shape ...int) *tensor.Tensor {
	x := p.Empty(shape...)
	for i := range x.Floats() {
		x.Floats()[i] = float32((i+1)*(seed+2)*7919%997)/500 - 1
	}
	return x
}

func TestRMSNormOfParts(t *testing.T) {
	p := tensor.NewPass(context.Background(), 2)
	x := noise(p, 1, 3, 6)
	gain := param([]float32{1, 2, -1}, 3)
	y := x.RMSNorm(gain, 3, 1e-6).Floats()
	for i := 0; i < len(y); i += 3 {
		part := x.Floats()[i : i+3]
		mean := 0.0
		for _, v := range part {
			mean += float64(v) * float64(v) / 3
		}
		for j, g := range gain.Floats() {
			if want := float64(part[j]) / math.Sqrt(mean+1e-6) * float64(g); math.Abs(float64(y[i+j])-want) > 1e-5 {
				t.Errorf("value %d is %v, want %v", i+j, y[i+j], want)
			}
		}
	}
	sum := noise(p, 2, 3, 6)
	want := slices.Clone(sum.Floats())
	for i, v := range x.RMSNorm(nil, 6, 1e-6).Floats() {
		want[i] += v
	}
	if got := sum.RMSNormAdd(x, nil, 1e-6); got != sum || !slices.Equal(got.Floats(), want) {
		t.Errorf("added: got %v, want %v", got.Floats(), want)
	}
}

func TestRotateByAxes(t *testing.T) {
	p := tensor.NewPass(context.Background(), 3)
	const rows, width = 40, 8
	cos, sin := make([]float32, 64*4), make([]float32, 64*4)
	for _, axes := range []int{1, 2} {
		half := width / axes / 2
		for i := range 64 * half {
			s, c := math.Sincos(float64(i/half) * float64(1+i%half))
			cos[i], sin[i] = float32(c), float32(s)
		}
		x := noise(p, 3, rows, 3*width)
		was, places := slices.Clone(x.Floats()), make([]int32, rows*axes)
		for i := range places {
			places[i] = int32(i * 5 % 64)
		}
		x.Rotate(cos, sin, width, places)
		for i := range was {
			row, inHead := i/(3*width), i%width
			axis, j := inHead/(2*half), inHead%(2*half)
			a := float64(places[row*axes+axis]) * float64(1+j%half)
			want := float64(was[i])*math.Cos(a) + float64(was[i-half*(2*(j/half)-1)])*math.Sin(a)*float64(2*(j/half)-1)
			if got := x.Floats()[i]; math.Abs(float64(got)-want) > 1e-5 {
				t.Fatalf("%d axes: value %d is %v, want %v", axes, i, got, want)
			}
		}
	}
}

func TestOfValues(t *testing.T) {
	p := tensor.NewPass(context.Background(), 2)
	x := noise(p, 4, 2, 8)
	clamped, scaled, lead := x.Clamp(-0.5, 0.25).Floats(), x.Scaled(3).Floats(), x.Leading(3)
	product := x.Scaled(1).Mul(noise(p, 5, 2, 8)).Floats()
	glu := x.GLU()
	if !slices.Equal(lead.Shape(), []int{2, 3}) || !slices.Equal(glu.Shape(), []int{2, 4}) {
		t.Errorf("shapes are %v and %v", lead.Shape(), glu.Shape())
	}
	for i, v := range x.Floats() {
		r, c := i/8, i%8
		if clamped[i] != max(-0.5, min(0.25, v)) || scaled[i] != 3*v || product[i] != v*noise(p, 5, 2, 8).Floats()[i] {
			t.Errorf("value %d: clamped %v, scaled %v, multiplied %v", i, clamped[i], scaled[i], product[i])
		}
		if c < 3 && lead.Floats()[r*3+c] != v {
			t.Errorf("value %d does not lead", i)
		}
		if c < 4 {
			want := float64(v) / (1 + math.Exp(-float64(x.Floats()[i+4])))
			if got := glu.Floats()[r*4+c]; math.Abs(float64(got)-want) > 1e-6 {
				t.Errorf("gated value %d is %v, want %v", i, got, want)
			}
		}
	}
}

// Unfold with a product is the convolution that it stands for, whole or in parts.
func TestUnfoldIsAConvolution(t *testing.T) {
	p := tensor.NewPass(context.Background(), 2)
	for _, size := range [][2]int{{1, 1}, {4, 6}, {5, 3}, {7, 8}} {
		const c, n = 3, 2
		x, w := noise(p, 6, size[0], size[1], c), param(nil, n, c, 3, 3)
		t2, f2 := (size[0]+1)/2, (size[1]+1)/2
		got := x.Unfold(0, t2).Linear(w, nil, tensor.None).Floats()
		for i := range got {
			out, f, row := i%n, i/n%f2, i/n/f2
			want := 0.0
			for ch := range c {
				for dt := range 3 {
					for df := range 3 {
						if r, q := 2*row+dt-1, 2*f+df-1; r >= 0 && q >= 0 && r < size[0] && q < size[1] {
							want += float64(x.Floats()[(r*size[1]+q)*c+ch]) * float64(w.Floats()[((out*c+ch)*3+dt)*3+df])
						}
					}
				}
			}
			if math.Abs(float64(got[i])-want) > 1e-4 {
				t.Fatalf("%v: value %d is %v, want %v", size, i, got[i], want)
			}
		}
		last := x.Unfold(t2-1, 1).Floats()
		if all := x.Unfold(0, t2).Floats(); !slices.Equal(last, all[len(all)-len(last):]) {
			t.Errorf("%v: the last row alone is another", size)
		}
	}
}

func TestConvDepthSeesItsOwnSequence(t *testing.T) {
	p := tensor.NewPass(context.Background(), 2)
	x, w, seq := noise(p, 7, 9, 2), param(nil, 2, 1, 3), tensor.Spans{0, 4, 4, 9}
	got := x.ConvDepth(w, seq).Floats()
	for i := range got {
		row, c := i/2, i%2
		first := 0
		if row >= 4 {
			first = 4
		}
		want := 0.0
		for k := range 3 {
			if r := row - 2 + k; r >= first {
				want += float64(x.Floats()[r*2+c]) * float64(w.Floats()[c*3+k])
			}
		}
		if math.Abs(float64(got[i])-want) > 1e-5 {
			t.Errorf("value %d is %v, want %v", i, got[i], want)
		}
	}
}

// Heads that share keys give what as many heads with copies of these keys give, at any number of workers.
func TestHeadsThatShareKeys(t *testing.T) {
	const rows, d = 50, 6
	seq := tensor.Spans{0, 13, 50}
	var first []float32
	for workers := 1; workers <= 3; workers++ {
		p := tensor.NewPass(context.Background(), workers)
		q, k, v := noise(p, 8, rows, 4*d), noise(p, 9, rows, 2*d), noise(p, 10, rows, 2*d)
		copies := func(x *tensor.Tensor) *tensor.Tensor {
			y := p.Empty(rows, 4*d)
			for i := range y.Floats() {
				row, head := i/(4*d), i%(4*d)/d
				y.Floats()[i] = x.Floats()[row*2*d+head/2*d+i%d]
			}
			return y
		}
		h := tensor.Heads{Queries: 4, Keys: 2, D: d, Scale: 1, Window: 7}
		got := q.AttendHeads(k, v, seq, h).Floats()
		h.Keys = 4
		if !slices.Equal(got, q.AttendHeads(copies(k), copies(v), seq, h).Floats()) {
			t.Error("shared keys give other values than copies of them")
		}
		if first == nil {
			first = slices.Clone(got)
		} else if !slices.Equal(first, got) {
			t.Errorf("%d workers give other bits than one", workers)
		}
	}
}

func TestShapeErrorsOfHeads(t *testing.T) {
	p := tensor.NewPass(context.Background(), 1)
	x := noise(p, 11, 4, 6)
	for name, f := range map[string]func(){
		"norm of parts that do not fit": func() { x.RMSNorm(nil, 4, 1e-6) },
		"gain too short":                func() { x.RMSNorm(param(nil, 2), 3, 1e-6) },
		"place without angles":          func() { x.Rotate(make([]float32, 3), make([]float32, 3), 6, []int32{0, 1, 0, 0}) },
		"places for fewer rows":         func() { x.Rotate(make([]float32, 9), make([]float32, 9), 6, []int32{0, 1}) },
		"odd heads":                     func() { x.Rotate(make([]float32, 9), make([]float32, 9), 3, []int32{0, 0, 0, 0}) },
		"keys that do not divide":       func() { x.AttendHeads(x, x, tensor.Spans{0, 4}, tensor.Heads{Queries: 3, Keys: 2, D: 2}) },
		"more values than there are":    func() { x.Leading(7) },
		"two shapes":                    func() { x.Mul(noise(p, 1, 6, 4)) },
		"rows beyond the output":        func() { noise(p, 1, 4, 4, 1).Unfold(1, 2) },
		"taps of another width":         func() { x.ConvDepth(param(nil, 5, 1, 3), tensor.Spans{0, 4}) },
		"scale that heads do not fit": func() {
			x.AttendLocal(x, x, x, make([]float32, 4), tensor.Spans{0, 4}, tensor.Local{Heads: 2, Cap: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if _, ok := recover().(*tensor.ShapeError); !ok {
					t.Error(fmt.Sprint("no *tensor.ShapeError: ", name))
				}
			}()
			f()
		})
	}
}
