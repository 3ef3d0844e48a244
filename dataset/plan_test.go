package dataset

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// numbered is a set of n items in memory.
func numbered(name string, n int) *Set {
	items := make([]*Item, n)
	for i := range items {
		items[i] = &Item{Key: fmt.Sprint(name, i), Texts: []Text{{"en", fmt.Sprint("the ", i)}}}
	}
	return Of(name, items...)
}

// shows counts how often an epoch shows the items of each set.
func shows(p *Plan, epoch int) map[int32]map[int32]int {
	out := map[int32]map[int32]int{}
	for _, batch := range p.Epoch(epoch) {
		for _, ref := range batch {
			if out[ref.Set] == nil {
				out[ref.Set] = map[int32]int{}
			}
			out[ref.Set][ref.Index]++
		}
	}
	return out
}

func TestEpochsShowEveryItem(t *testing.T) {
	p := &Plan{Sets: []*Set{numbered("a", 10), numbered("b", 20)}, Batch: 7, Seed: 5, KeepShort: true}
	if got := shows(p, 3); len(got[0]) != 10 || len(got[1]) != 20 {
		t.Errorf("got %v", got)
	}
	if !reflect.DeepEqual(p.Epoch(3), p.Epoch(3)) {
		t.Error("an epoch differs from itself")
	}
	if reflect.DeepEqual(p.Epoch(3), p.Epoch(4)) {
		t.Error("two epochs are alike")
	}
	other := *p
	other.Seed = 6
	if reflect.DeepEqual(p.Epoch(3), other.Epoch(3)) {
		t.Error("two seeds are alike")
	}
	if got := p.Epoch(0); len(got) != p.Steps() || len(got) != 5 || len(got[4]) != 2 {
		t.Errorf("got %d batches, %d steps", len(got), p.Steps())
	}
	p.KeepShort = false
	if got := p.Epoch(0); len(got) != p.Steps() || len(got) != 4 {
		t.Errorf("got %d batches, %d steps", len(got), p.Steps())
	}
	p.InOrder = true
	if got := p.Epoch(9); got[0][6] != (Ref{0, 6, 0}) || got[1][3] != (Ref{1, 0, 0}) {
		t.Errorf("got %v", got)
	}
}

func TestWeights(t *testing.T) {
	p := &Plan{Sets: []*Set{numbered("a", 10), numbered("b", 20), numbered("c", 3)}, Weights: []float64{2.5, 0.25, 0}, Batch: 30, Seed: 1}
	got := shows(p, 0)
	twice, thrice := 0, 0
	for _, n := range got[0] {
		switch n {
		case 2:
			twice++
		case 3:
			thrice++
		}
	}
	if twice != 5 || thrice != 5 || len(got[1]) != 5 || got[2] != nil {
		t.Errorf("got %v", got)
	}
	if reflect.DeepEqual(got[1], shows(p, 1)[1]) {
		t.Error("two epochs show the same quarter")
	}
	seen := map[Ref]bool{}
	for _, ref := range p.Epoch(0)[0] {
		if seen[ref] {
			t.Errorf("%v comes twice: its showings can't be told apart", ref)
		}
		seen[ref] = true
	}
}

func TestDistinct(t *testing.T) {
	like := func(r Ref) string {
		if r.Index%10 == 9 {
			return "" // like nothing
		}
		return fmt.Sprint(r.Index % 10 / 2)
	}
	p := &Plan{Sets: []*Set{numbered("a", 200)}, Batch: 5, Seed: 2, KeepShort: true, Distinct: like}
	shown := 0
	for _, batch := range p.Epoch(0) {
		taken := map[string]bool{}
		for _, ref := range batch {
			if k := like(ref); k != "" && taken[k] {
				t.Fatalf("two of %s in %v", k, batch)
			} else {
				taken[k] = true
			}
		}
		shown += len(batch)
	}
	if shown != 200 {
		t.Errorf("got %d items of 200", shown)
	}
	p.KeepShort = false
	for _, batch := range p.Epoch(0) {
		if len(batch) != 5 {
			t.Errorf("got a batch of %d", len(batch))
		}
	}
	p.Distinct = func(Ref) string { return "the same" }
	if got := p.Epoch(0); len(got) != 0 {
		t.Errorf("got %d whole batches of items that are all alike", len(got))
	}
}

func TestPlansThatCannotBe(t *testing.T) {
	one := []*Set{numbered("a", 1)}
	for want, p := range map[string]*Plan{
		"expected a set":             {Batch: 1},
		"a batch of 1 or more":       {Sets: one},
		"a weight for each of 1":     {Sets: one, Batch: 1, Weights: []float64{1, 2}},
		"a weight from 0":            {Sets: one, Batch: 1, Weights: []float64{-1}},
		"expected an epoch of 1 to ": {Sets: one, Batch: 1, Weights: []float64{0}},
	} {
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func BenchmarkEpoch(b *testing.B) {
	p := &Plan{Sets: []*Set{Of("a", make([]*Item, 1_000_000)...)}, Batch: 256}
	b.ReportAllocs()
	for b.Loop() {
		p.Epoch(1)
	}
}
