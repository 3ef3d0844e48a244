package chiasm_test

import (
	"context"
	"testing"

	"github.com/chiasm/chiasm"
)

// openAt opens the tiny model at a precision.
func openAt(t *testing.T, precision string) *chiasm.Model {
	t.Helper()
	m, err := chiasm.Open(context.Background(), tiny, &chiasm.Options{Precision: precision})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Every precision stays near f32 on the tiny model, differs from it at all, and measuring changes nothing.
func TestPrecisionsStayNearF32(t *testing.T) {
	ctx := context.Background()
	exact, err := openAt(t, "").EmbedText(ctx, "a cat")
	if err != nil {
		t.Fatal(err)
	}
	for precision, least := range map[string]float64{"f32": 1 - 1e-6, "bf16": 0.9995, "w8": 0.999, "int8": 0.995} {
		m := openAt(t, precision)
		if m.Precision() != precision {
			t.Errorf("opened at %s, computes in %s", precision, m.Precision())
		}
		before, err := m.EmbedText(ctx, "a cat")
		if err != nil {
			t.Fatal(err)
		}
		a, err := m.Measure(ctx, precision)
		if err != nil {
			t.Fatal(err)
		}
		if a.Texts.Worst < least || a.Images.Worst < least || a.Texts.Count != 32 || a.Images.Count != 16 || !a.Passes() || a.Rank < 0.95 {
			t.Errorf("%v", a)
		}
		after, err := m.EmbedText(ctx, "a cat")
		if err != nil {
			t.Fatal(err)
		}
		for i := range before.Values {
			if before.Values[i] != after.Values[i] {
				t.Fatalf("%s: measuring changed value %d from %v to %v", precision, i, before.Values[i], after.Values[i])
			}
		}
		if same := before.Cosine(exact) == exact.Cosine(exact) && before.Values[0] == exact.Values[0]; same != (precision == "f32") {
			t.Errorf("%s gives the bits of f32: %v", precision, same)
		}
	}
}

func TestAutoPassesTheGate(t *testing.T) {
	if p := openAt(t, "auto").Precision(); p != "f32" {
		t.Errorf("a tiny model that keeps nothing was measured, and is at %s", p)
	}
	m := open(t, tiny, &chiasm.Options{Precision: "auto", Cache: t.TempDir()})
	a, err := m.Measure(context.Background(), m.Precision())
	if err != nil || !a.Passes() {
		t.Errorf("auto chose %v (%v)", a, err)
	}
}

func TestGateRefuses(t *testing.T) {
	a := chiasm.Accuracy{Precision: "int8", Texts: chiasm.Agreement{Count: 32, Mean: 0.999}, Images: chiasm.Agreement{Count: 16, Mean: 0.9949}}
	if a.Passes() {
		t.Errorf("%v passes", a)
	}
	a.Images.Mean = 0.9951
	if !a.Passes() {
		t.Errorf("%v does not pass", a)
	}
	if a.Precision = "bf16"; a.Passes() {
		t.Errorf("%v passes", a)
	}
}
