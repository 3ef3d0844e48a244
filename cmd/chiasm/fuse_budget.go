package main

import (
	"github.com/spf13/pflag"

	"github.com/chiasm/chiasm/decision"
)

// budgetFlags say how much is learnt, and how.
type budgetFlags struct{ decision.Training }

func (b *budgetFlags) budget(flags *pflag.FlagSet) {
	l, m := &b.Learning, &b.Model
	flags.IntVar(&l.Steps, "steps", 300, "of learning, of each candidate")
	flags.IntVar(&l.BatchSize, "batch-size", 32, "rows of a step")
	flags.Float64Var(&l.Rate, "rate", 0.003, "of learning, at its highest")
	flags.Float64Var(&l.Decay, "decay", 0.01, "of weights")
	flags.Float64Var(&l.Drop, "modality-dropout", 0, "how often a modality is hidden while learning, so that the model can do without (default 0.2, of --task match 0)")
	flags.BoolVar(&l.Balance, "balance", false, "classes count alike, however many rows they have")
	flags.IntVar(&l.Patience, "patience", 0, "looks without progress after which learning ends (default: never)")
	flags.Float64Var(&l.Modulate, "modulate", 0, "slow down modalities that lead (OGM's alpha); for methods late, or any with --auxiliary")
	flags.BoolVar(&m.Auxiliary, "auxiliary", false, "each modality learns to answer alone too, beside the fused answer")
	flags.IntVar(&m.Width, "width", 32, "values of a modality within the model")
	flags.IntVar(&m.Layers, "layers", 2, "of attention")
	flags.IntVar(&m.Heads, "heads", 4, "of attention")
	flags.IntVar(&b.Folds, "folds", 3, "of cross-validation")
}

func (b *budgetFlags) check() error {
	l, m := &b.Learning, &b.Model
	switch {
	case l.Steps < 1 || l.BatchSize < 1:
		return usagef("--steps %d, --batch-size %d: want positive numbers", l.Steps, l.BatchSize)
	case !(l.Rate > 0 && l.Decay >= 0):
		return usagef("--rate %v, --decay %v: want a positive rate and no negative decay", l.Rate, l.Decay)
	case !(l.Drop >= 0 && l.Drop < 1):
		return usagef("--modality-dropout %v: want 0 to below 1", l.Drop)
	case m.Width < 1 || m.Width > 1024 || m.Heads < 1 || m.Width%m.Heads != 0 || m.Layers < 1 || m.Layers > 16:
		return usagef("--width %d, --heads %d, --layers %d: want a width to 1024 that the heads divide, and 1 to 16 layers", m.Width, m.Heads, m.Layers)
	case b.Folds < 2:
		return usagef("--folds %d: want 2 or more", b.Folds)
	case l.Patience < 0 || l.Modulate < 0:
		return usagef("--patience, --modulate: want no negative numbers")
	}
	return nil
}
