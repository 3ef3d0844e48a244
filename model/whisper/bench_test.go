package whisper

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkJudge is the work on the logits of one step, by the row of a published vocabulary.
func BenchmarkJudge(b *testing.B) {
	const vocab, rows = 51865, 5
	x := randomLogits(rand.New(rand.NewPCG(1, 2)), rows*vocab)
	r := rules{end: 50257, stamps: 50364, latest: 50414, never: []int32{1, 2, 7, 8, 9, 50258, 50358}, first: []int32{220, 50257}}
	for _, temperature := range []float32{0, 0.6} {
		b.Run(fmt.Sprint("temperature ", temperature), func(b *testing.B) {
			t := &task{}
			for range rows {
				t.live = append(t.live, hypothesis{ids: []int32{50364, 5, 6}})
			}
			s := search{plan: plan{rules: &r, temperature: temperature, beam: rows, samples: rows, workers: 1}, tasks: []*task{t}}
			for b.Loop() {
				s.judge(x, vocab)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*rows), "µs/row")
		})
	}
}
