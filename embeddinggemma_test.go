package chiasm

import (
	"context"
	"math"
	"strings"
	"testing"
)

const tinyGemma = "model/embeddinggemma/testdata"

// The beginning of a vector is a vector of its own, and its space says so.
func TestDimension(t *testing.T) {
	ctx := context.Background()
	open := func(n int) *Model {
		m, err := Open(ctx, tinyGemma, &Options{Dimension: n})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	whole, part := open(0), open(128)
	a, err := whole.EmbedText(ctx, "two dogs")
	if err != nil {
		t.Fatal(err)
	}
	b, err := part.EmbedText(ctx, "two dogs")
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Values) != 128 || b.Space != part.Space() || !strings.HasSuffix(b.Space.String(), "/128") || part.Info().Dimension != 128 {
		t.Errorf("got %d values in %v", len(b.Values), b.Space)
	}
	for i, v := range a.Truncate(128).Values {
		if math.Abs(float64(v-b.Values[i])) > 1e-6 {
			t.Fatalf("value %d is %v, want %v", i, b.Values[i], v)
		}
	}
	for _, n := range []int{100, 145, -1} {
		if _, err := Open(ctx, tinyGemma, &Options{Dimension: n}); err == nil || !strings.Contains(err.Error(), "trained for [144 128]") {
			t.Errorf("%d dimensions: got %v", n, err)
		}
	}
}
