package main

import (
	"context"
	"fmt"

	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
)

// advise prints what the advisor says of sets, or of all: of the samples of all sides, which it splits anew by their groups.
func advise(ctx context.Context, dir string, names []string) error {
	for _, name := range chosen(names) {
		s, err := load(dir, name)
		if err != nil {
			return err
		}
		a := fusion.Advisor{Model: sizes, Training: fusion.Training{Steps: 400, BatchSize: batchSize}, Boot: metric.Bootstrap{},
			Progress: func(done, all int, method fusion.Method) { say("%s: training %d of %d: %s", name, done+1, all, method) }}
		advice, err := a.Advise(ctx, s.data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r, i := advice.Recommendation, advice.Information
		fmt.Printf("### %s\n\n%s: `%s`. %s.\n\nGuessing: %.1f %%. Bits about the answer: %.2f in all; %.2f redundant, %.2f synergistic, unique", name, r.How, r.Method, r.Why,
			100*advice.Guess, i.All, i.Redundant, i.Synergistic)
		for m, bits := range i.Unique {
			fmt.Printf(" %.2f %s", bits, s.data.Modalities[m].Name)
		}
		fmt.Print(".\n\n| candidate | accuracy | 95 % | p50 |\n|---|---|---|---|\n")
		for _, c := range advice.Candidates {
			fmt.Printf("| `%s` | %.1f | %.1f to %.1f | %v |\n", c.Method, 100*c.Figures.Score, 100*c.Figures.Interval.Low, 100*c.Figures.Interval.High, c.P50)
		}
		fmt.Println()
	}
	return nil
}
