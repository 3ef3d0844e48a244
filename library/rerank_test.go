package library

import (
	"context"
	"slices"
	"testing"
)

// lengths ranks paths by their length, and cannot read b.
type lengths struct{}

func (lengths) Rank(_ context.Context, _ string, paths []string) (scores []float64, _ error) {
	for _, p := range paths {
		if score := float64(len(p)) / 10; p != "b" {
			scores = append(scores, score)
		} else {
			scores = append(scores, -1)
		}
	}
	return scores, nil
}

// Hits come in the ranker's order, equals in the old one, and what it cannot read stays where it is.
func TestReorder(t *testing.T) {
	hits := []Hit{{Path: "aa"}, {Path: "b"}, {Path: "c"}, {Path: "dddd"}, {Path: "ee"}}
	if err := reorder(t.Context(), lengths{}, "x", hits); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range hits {
		got = append(got, h.Path)
	}
	if want := []string{"dddd", "b", "aa", "ee", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
