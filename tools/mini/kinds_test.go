package main

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
)

// The classes of a kind come nearer to its name, the others stay where they are, and all keep their length.
func TestMixKinds(t *testing.T) {
	kinds, err := readKinds(kindTable)
	if err != nil {
		t.Fatal(err)
	}
	where := map[said]int{} // the axis of each kind's names
	cats := []int{}
	for i, k := range kinds {
		for _, n := range k.names {
			where[n] = i
		}
		if k.names[0].text == "cat" {
			cats = k.classes
		}
	}
	if !slices.Equal(cats, []int{281, 282, 283, 284, 285}) {
		t.Errorf("cats are %v", cats)
	}
	classes := make([]float32, 1000*dimension)
	for c := range 1000 {
		classes[c*dimension+200] = 1
	}
	err = mixKinds(t.Context(), classes, func(_ context.Context, names []said) ([]float32, error) {
		v := make([]float32, len(names)*dimension)
		for i, n := range names {
			v[i*dimension+where[n]] = 1
		}
		return v, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := kindWeight / math.Hypot(1, kindWeight)
	if got := float64(classes[281*dimension+where[said{"cat", "en"}]]); math.Abs(got-want) > 1e-6 {
		t.Errorf("a tabby is %v of a cat, want %v", got, want)
	}
	if classes[6*dimension+200] != 1 { // a stingray, which has no kind
		t.Error("a class without a kind has moved")
	}
	for _, table := range []string{"cat\t猫\tchat\tKatze\tgato\n", "cat\t猫\tchat\tKatze\tgato\tx\n", "cat\t猫\tchat\tKatze\tgato\t5-3\n"} {
		if _, err := readKinds(table); err == nil || !strings.Contains(err.Error(), "kinds.tsv") {
			t.Errorf("%q: %v", table, err)
		}
	}
}
