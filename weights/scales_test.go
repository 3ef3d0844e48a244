package weights

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/tensor"
)

func TestIntegersKeepTheirScales(t *testing.T) {
	values := []float32{1, -0.5, 0.26, 100, 0, -127, 0, 0, 0}
	whole := tensor.EntryOf("w", values, 3, 3)
	q := Quantise(whole)
	path := filepath.Join(t.TempDir(), "q.safetensors")
	if err := Save(path, []tensor.Entry{q, Narrow(tensor.EntryOf("n", values, 9)), tensor.EntryOf("lone_scale", values[:1], 1)}, nil); err != nil {
		t.Fatal(err)
	}
	set, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if want := []string{"lone_scale", "n", "w"}; !slices.Equal(set.Names(), want) {
		t.Errorf("the names are %v, want %v", set.Names(), want)
	}
	got, _ := set.Get("w")
	if got.DType != tensor.I8 || !slices.Equal(got.Data, q.Data) || !slices.Equal(got.Scale, q.Scale) {
		t.Errorf("got %+v, want %+v", got, q)
	}
	p := tensor.Param(3, 3)
	p.StoreScaled(got.DType, got.Data, got.Scale, nil)
	for i, v := range got.Floats() {
		row := values[i/3*3:][:3]
		most := max(slices.Max(row), -slices.Min(row))
		if math.Abs(float64(v-values[i])) > float64(most)/254+1e-6 || v != p.Floats()[i] {
			t.Errorf("value %d is %v, and %v as a parameter, want about %v", i, v, p.Floats()[i], values[i])
		}
	}
	n, _ := set.Get("n")
	if v := n.Floats(); n.DType != tensor.BF16 || v[0] != 1 || math.Abs(float64(v[2]-0.26)) > 0.001 {
		t.Errorf("got %v as %v, want about %v", v, n.DType, values)
	}
}

func TestBadScales(t *testing.T) {
	q := Quantise(tensor.EntryOf("w", []float32{1, 2}, 2, 1))
	for want, scale := range map[string]tensor.Entry{
		"expected a number or 2 of them, got F32[3]": tensor.EntryOf("w_scale", []float32{1, 1, 1}, 3),
		"expected a number or 2 of them, got I8[2]":  {Name: "w_scale", DType: tensor.I8, Shape: []int{2}, Data: q.Data},
		"expected numbers above 0, got -1":           tensor.EntryOf("w_scale", []float32{1, -1}, 2),
		"expected numbers above 0, got NaN":          tensor.EntryOf("w_scale", []float32{float32(math.NaN()), 1}, 2),
		"expected numbers above 0, got +Inf":         tensor.EntryOf("w_scale", []float32{float32(math.Inf(1)), 1}, 2),
	} {
		path := filepath.Join(t.TempDir(), "bad.safetensors")
		bare := q
		bare.Scale = nil
		if err := Save(path, []tensor.Entry{bare, scale}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
