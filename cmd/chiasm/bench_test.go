package main

import (
	"strings"
	"testing"
)

// The line for one shape holds exactly the promised fields.
func TestBenchPrintsOneLine(t *testing.T) {
	args := strings.Fields("bench --shape clip-vit-base-patch32 --precision int8 --threads 1 --time 0.01 --json")
	if testing.Short() {
		args = strings.Fields("bench --shape clip-text --tokens 3 --precision int8 --threads 1 --time 0.01 --json")
	}
	r := runChiasm(t, "", args...).want(t, 0)
	got := keys(t, r.out)
	if want := "shape batch precision threads path ms_median ms_min gflops peak_gflops fraction"; strings.ReplaceAll(got, " tokens", "") != want {
		t.Errorf("fields %s, want %s", got, want)
	}
	m := objects[measurement](t, r)
	if len(m) != 1 || m[0].Batch != 1 || m[0].Precision != "int8" || m[0].Threads != 1 || m[0].MSMedian < m[0].MSMin || m[0].MSMin <= 0 {
		t.Errorf("got %+v", m)
	}
}

// A product is raced by the name that the report gives it, in turns that standard input asks for.
func TestBenchTakesTurns(t *testing.T) {
	r := runChiasm(t, "\n\n", "bench", "--shape", "gemm 3x32x16", "--time", "0.01", "--json", "--repeat-on-stdin").want(t, 0)
	m := objects[measurement](t, r)
	if len(m) != 2 || m[0].Shape != "gemm 3x32x16" || m[0].Runs < 5 {
		t.Errorf("got %+v, want two turns", m)
	}
	runChiasm(t, "", "bench", "--shape", "gemm 3x0x16").want(t, 2, "1 to 16384")
}

func TestBenchOfAModel(t *testing.T) {
	trials := objects[trial](t, runChiasm(t, "", "bench", "--time", "0.01", "--json", "--model", tiny).want(t, 0))
	last := trials[len(trials)-1]
	if last.Accuracy.Precision != "f32" || !last.Passes || last.Accuracy.Images.Worst < 0.999999 || last.Accuracy.Rank != 1 {
		t.Errorf("f32 against itself: %+v", last)
	}
	for _, r := range trials {
		if r.Image <= 0 || r.Text <= 0 || r.Accuracy.Texts.Count != 32 {
			t.Errorf("%+v", r)
		}
	}
	heard := objects[trial](t, runChiasm(t, "", "bench", "--time", "0.01", "--json", "--precision", "f32", "--model", tinyEars).want(t, 0))
	if r := heard[0]; r.Sound <= 0 || r.Image != 0 || r.Accuracy.Sounds.Count != 8 || !r.Passes {
		t.Errorf("a model that hears: %+v", r)
	}
	r := runChiasm(t, "", "bench", "--time", "0.01", "--precision", "bf16", "--model", tiny).want(t, 0)
	if !strings.Contains(r.out, "bf16") || !strings.Contains(r.out, "passes") {
		t.Errorf("got %q", r.out)
	}
}
