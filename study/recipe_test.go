package study_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/study"
)

func TestParseRecipe(t *testing.T) {
	r, err := study.ParseRecipe("r.yaml", []byte("name: birds\nmodel:\n  from: openai/clip-vit-base-patch32\n  freeze: [vision_model.*]\ndata:\n  train: [a.csv]\nlearning:\n  rate: 3e-5\n  batch: 8\n  seed: 18446744073709551615\nloss: {prefixes: [64, 32]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := study.NewRecipe()
	want.Name, want.Model.From, want.Model.Freeze, want.Data.Train = "birds", "openai/clip-vit-base-patch32", []string{"vision_model.*"}, []string{"a.csv"}
	want.Learning.Rate, want.Learning.Batch, want.Learning.Seed, want.Loss.Prefixes = 3e-5, 8, 1<<64-1, []int{64, 32}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v, want %+v", r, want)
	}
	again, err := study.ParseRecipe("again", r.YAML())
	if err != nil || string(again.YAML()) != string(r.YAML()) {
		t.Errorf("written and read again it is %s, want %s: %v", again.YAML(), r.YAML(), err)
	}
	if r, err := study.ParseRecipe("empty", nil); err != nil || !reflect.DeepEqual(r, study.NewRecipe()) {
		t.Errorf("an empty recipe is %+v, %v", r, err)
	}
}

// An unknown field is named, with the known one that is nearest: in its section, or in the one where it belongs.
func TestUnknownField(t *testing.T) {
	for text, want := range map[string]string{
		"lerning: {rate: 1}":        "there is no field lerning; did you mean learning?",
		"learning: {rat: 1}":        "there is no field learning.rat; did you mean learning.rate?",
		"rate: 1":                   "there is no field rate; the nearest is learning.rate",
		"model: {batch: 1}":         "there is no field model.batch; the nearest is learning.batch",
		"learning: {xyzzyplugh: 1}": "there is no field learning.xyzzyplugh; the nearest is ",
		"learning: {batch: many}":   "r.yaml",
		"learning: 7":               "r.yaml",
		"- a list":                  "want a recipe in YAML",
		"model: {from: a, from: b}": "r.yaml",
		"learning: {batch: [1, 2]}": "r.yaml",
		"data: {train: {a: b}}":     "r.yaml",
		"\x00":                      "r.yaml",
		"a: &x [*x]":                "r.yaml",
		"model: {freeze: vision_*}": "",
	} {
		_, err := study.ParseRecipe("r.yaml", []byte(text))
		if want == "" && err == nil {
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "study: r.yaml: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
}

// Every field has help and a kind of value that a flag can have.
func TestFields(t *testing.T) {
	r := study.NewRecipe()
	list := r.Fields()
	for _, f := range list {
		if f.Help == "" || f.Path == "" || strings.HasSuffix(f.Path, ".") {
			t.Errorf("%+v", f)
		}
		if p, ok := f.Value.(*float64); ok && f.Path == "learning.rate" {
			*p = 7
		}
	}
	if r.Learning.Rate != 7 || len(list) < 70 {
		t.Errorf("%d fields; a rate of %v", len(list), r.Learning.Rate)
	}
}

func TestCheckRecipe(t *testing.T) {
	good := func() *study.Recipe {
		r := study.NewRecipe()
		r.Output, r.Model.From = "out", "model"
		return r
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(r *study.Recipe){
		"of one there are none":           func(r *study.Recipe) { r.Learning.Batch = 1 },
		"want output":                     func(r *study.Recipe) { r.Output = "" },
		"model.way is \"lots\"":           func(r *study.Recipe) { r.Model.Way = "lots" },
		"learning.rate is NaN":            func(r *study.Recipe) { r.Learning.Rate = nan },
		"learning.rate is -1":             func(r *study.Recipe) { r.Learning.Rate = -1 },
		"for which there must be a model": func(r *study.Recipe) { r.Model.From, r.Model.Way = "", "lora" },
		"exclude each other":              func(r *study.Recipe) { r.Data.Validation, r.Data.Fraction = []string{"a"}, 0.1 },
		"learning.epochs are 0":           func(r *study.Recipe) { r.Learning.Epochs = 0 },
		"has no {}":                       func(r *study.Recipe) { r.Data.Templates = []string{"a photo"} },
		"measure.patience needs":          func(r *study.Recipe) { r.Measure.Patience = 3 },
		"augment.crop is 0":               func(r *study.Recipe) { r.Augment.Crop = 0 },
		"learning.schedule is \"zigzag\"": func(r *study.Recipe) { r.Learning.Schedule = "zigzag" },
		"loss.prefixes is [4 8 4]":        func(r *study.Recipe) { r.Loss.Prefixes = []int{4, 8, 4} },
		"loss.prefixes is [-4]":           func(r *study.Recipe) { r.Loss.Prefixes = []int{-4} },
		"learning.warmup is 9 of 5":       func(r *study.Recipe) { r.Learning.Warmup, r.Learning.Steps = 9, 5 },
	} {
		r := good()
		change(r)
		if err := r.Check(); err == nil || !strings.HasPrefix(err.Error(), "study: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func FuzzParseRecipe(f *testing.F) {
	f.Add([]byte("model: {from: a}\nlearning: {rate: 1}"))
	f.Add(study.NewRecipe().YAML())
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := study.ParseRecipe("r", data); err == nil {
			r.Check()
		}
	})
}

// A training without a recipe is an error.
func TestNoRecipe(t *testing.T) {
	if _, err := new(study.Training).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "wants a recipe") {
		t.Error(err)
	}
}
