package main

import (
	"math"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
)

// A decision's stages add up to it, and the fusing itself takes no memory.
func TestBenchOfADecision(t *testing.T) {
	if !chiasm.Ships() {
		t.Skip("no model is inside this build")
	}
	if testing.Short() {
		t.Skip("it decides fifty times")
	}
	trials := objects[fusedTrial](t, runChiasm(t, "", "bench", "--fused", "--precision", "f32", "--time", "0.01", "--json").want(t, 0))
	if len(trials) != 1 || len(trials[0].Stages) != 7 || trials[0].Runs < 20 || trials[0].Precision != "f32" {
		t.Fatalf("got %+v", trials)
	}
	sum := 0.0
	for _, s := range trials[0].Stages {
		if sum += s.Share; !(s.P50 >= 0 && s.P99 >= s.P50) {
			t.Errorf("%+v", s)
		}
		if s.Allocs > 0 {
			t.Errorf("%s: %v allocations", s.Name, s.Allocs)
		}
	}
	if math.Abs(sum-1) > 1e-6 || trials[0].Total.P50 <= 0 {
		t.Errorf("shares of %v, in all %+v", sum, trials[0].Total)
	}
	r := runChiasm(t, "", "bench", "--fused", "--precision", "f32", "--time", "0.01").want(t, 0)
	if !strings.Contains(r.out, "sound: embed") || !strings.Contains(r.out, "decision") {
		t.Errorf("got %q", r.out)
	}
	runChiasm(t, "", "bench", "--fused", "--model", "x").want(t, 2, "want one of them")
}
