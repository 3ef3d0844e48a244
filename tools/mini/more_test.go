package main

import (
	"context"
	"math"
	"testing"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// What a text means, for a picture to learn, has no doubt and the length 1.
func TestMeant(t *testing.T) {
	doubtful := func(_ context.Context, texts []said) ([]float32, error) {
		v := make([]float32, len(texts)*dimension)
		for i := range texts {
			v[i*dimension+i], v[i*dimension+meaning] = 0.6, 0.8
		}
		return v, nil
	}
	v, err := meant(doubtful)(t.Context(), []said{{"cat", "en"}, {"dog", "en"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if row := v[i*dimension:][:dimension]; row[meaning] != 0 || math.Abs(float64(row[i])-1) > 1e-6 {
			t.Errorf("text %d means %v with doubt %v, want 1 and 0", i, row[i], row[meaning])
		}
	}
}

// A part is replaced in the folder of a model, and nothing else.
func TestReplace(t *testing.T) {
	folder := t.TempDir()
	c := mini.Config{ModelType: mini.Kind, Dimension: 4, Classes: 3, HeadHidden: 2}
	sight := mini.NewSight(&c, 5)
	nn.Init(sight, 1)
	var entries []tensor.Entry
	for name, p := range nn.Params(sight) {
		entries = append(entries, tensor.EntryOf("sight."+name, p.Floats(), p.Shape()...))
	}
	path := folder + "/" + mini.WeightsFile
	if err := weights.Save(path, entries, nil); err != nil {
		t.Fatal(err)
	}
	set, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	before := valuesOf(sight)
	nn.Init(sight.Head, 2)
	if err := replace(&mini.Bundle{Weights: set}, "sight.head.", sight.Head, folder); err != nil {
		t.Fatal(err)
	}
	after, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	now := valuesOf(sight)
	for name, old := range before {
		e, ok := after.Get("sight." + name)
		if !ok {
			t.Fatalf("%s is gone", name)
		}
		want := now[name]
		if got := string(e.Data); got != string(tensor.EntryOf("", want).Data) {
			t.Errorf("%s is %x, want %v (%v before)", name, got, want, old)
		}
	}
	if err := replace(&mini.Bundle{Weights: set}, "text.", sight.Head, folder); err == nil {
		t.Error("a part that the model lacks was replaced")
	}
}
