package decision_test

import (
	"context"
	"encoding/binary"
	"os"
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

// BenchmarkDecision is late fusion of the files of a photograph and a second of sound by the model inside the program, and where the time goes.
func BenchmarkDecision(b *testing.B) {
	m := beeps(b, "late/product")
	ctx := context.Background()
	files := map[string][]byte{}
	var err error
	if files["picture"], err = os.ReadFile("../examples/collection/pictures/astronaut.jpg"); err != nil {
		b.Fatal(err)
	}
	if files["sound"], err = os.ReadFile("../recipes/beeps/07.wav"); err != nil {
		b.Fatal(err)
	}
	second := files["sound"][44:] // samples of 8 bits, 8000 a second
	for len(second) < 8000 {
		second = append(second, second...)
	}
	binary.LittleEndian.PutUint32(files["sound"][40:], 8000)
	files["sound"] = append(files["sound"][:44:44], second[:8000]...)
	d := m.Begin()
	var took [2][2]time.Duration // of a column: to decode, and to encode and decide
	decide := func() {
		d.Forget()
		for i, column := range [2]string{"picture", "sound"} {
			begin := time.Now()
			part, err := d.Read(ctx, column, files[column])
			if err != nil {
				b.Fatal(err)
			}
			decoded := time.Now()
			if _, err := d.Add(ctx, column, part); err != nil {
				b.Fatal(err)
			}
			took[i][0] += decoded.Sub(begin)
			took[i][1] += time.Since(decoded)
		}
	}
	for range 10 { // until the memory is there
		decide()
	}
	clear(took[0][:])
	clear(took[1][:])
	b.ReportAllocs()
	for b.Loop() {
		decide()
	}
	for name, t := range map[string]time.Duration{"look-ms": took[0][0], "see-ms": took[0][1], "listen-ms": took[1][0], "hear-ms": took[1][1]} {
		b.ReportMetric(float64(t.Microseconds())/1000/float64(b.N), name)
	}
}
