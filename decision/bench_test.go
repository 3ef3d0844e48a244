package decision_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
)

// shipped opens the model inside the program.
func shipped(ctx context.Context) (*chiasm.Model, error) {
	return chiasm.Open(ctx, chiasm.Shipped, nil)
}

// beeps is a model of pictures and sounds that joins late, in a folder.
func beeps(tb testing.TB, method string) *decision.Model {
	tb.Helper()
	if !chiasm.Ships() {
		tb.Skip("no model is inside this build")
	}
	table, err := decision.OpenTable("../recipes/beeps/things.csv", nil)
	if err != nil {
		tb.Fatal(err)
	}
	dir := filepath.Join(tb.TempDir(), "model")
	training := decision.Training{
		Study:  decision.Study{Table: table, Open: shipped},
		Method: method, Output: dir, Learning: fusion.Training{Steps: 30}, Boot: metric.Bootstrap{Draws: 10},
	}
	if _, err := training.Run(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	m, err := decision.Open(tb.Context(), dir, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.Close() })
	return m
}

// second is a sound of one second at the rate that the shipped model hears.
func second() chiasm.Part {
	s := chiasm.Sound{Samples: make([]float32, 16000), Rate: 16000}
	for i := range s.Samples {
		s.Samples[i] = float32(0.3 * math.Sin(float64(i)*0.1))
	}
	return chiasm.Part{Sound: &s}
}

// BenchmarkDecision is late fusion of a photograph and a second of sound by the model inside the program, and where the time goes.
func BenchmarkDecision(b *testing.B) {
	m := beeps(b, "late/product")
	ctx := context.Background()
	const photo = "../examples/collection/pictures/astronaut.jpg"
	sound := second()
	d := m.Begin()
	var read, see, hear time.Duration
	for b.Loop() {
		begin := time.Now()
		picture, err := m.Read(ctx, "picture", photo)
		if err != nil {
			b.Fatal(err)
		}
		opened := time.Now()
		if _, err := d.Add(ctx, "picture", picture); err != nil {
			b.Fatal(err)
		}
		seen := time.Now()
		if _, err := d.Add(ctx, "sound", sound); err != nil {
			b.Fatal(err)
		}
		read, see, hear = read+opened.Sub(begin), see+seen.Sub(opened), hear+time.Since(seen)
	}
	for name, t := range map[string]time.Duration{"read-ms": read, "see-ms": see, "hear-ms": hear} {
		b.ReportMetric(float64(t.Microseconds())/1000/float64(b.N), name)
	}
}
