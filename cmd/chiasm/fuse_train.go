package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
)

const fuseTrainLong = `Teaches a model to decide by several modalities. A fifth of the rows is kept to be
measured on, a fifth is looked at on the way.

--how says when modalities come together. auto, the default, tries all methods by
cross-validation on what is not measured on, and takes what chiasm fuse advise
would recommend; early, late and interactive try those of their kind. --method
takes one, and tries none: ` + "%s" + `.

--features tokens shows more of a thing than its one vector: a grid of places of a
picture, the words of a text, stretches of a sound, frames of a video. It is for what
parts of one modality say of parts of another. With vectors,tokens both are tried.

The encoder stays as it is, unless --encoder lora (low-rank adapters of its attention
learn) or all (everything in the towers that the columns need) has it learn with the
rest, by the loss of the decisions: for what its vectors do not show. That takes as
long as chiasm train does, since no vector can be kept, and wants a CLIP, SigLIP or
CLAP as --model. The method is still chosen with the encoder as it was; the tuned one
lies in the output, merged, where everything that takes the folder finds it.

The output is a folder: config.json, model.safetensors, a card with data, split
and figures, and a folder training with the learning curve, the confusion matrix
and curves under noise and missing modalities. It is there whole or not at all;
Ctrl-C leaves nothing but the features made so far, which the next run takes up.`

// fuseTrain is the verb that teaches a fused model.
func (a *app) fuseTrain() *cobra.Command {
	v := &fuseTrainVerb{app: a}
	cmd := &cobra.Command{
		Use: "train [flags] DATA", Short: "Teach a model to decide by several modalities", Long: fmt.Sprintf(fuseTrainLong, strings.Join(decision.Methods(""), ", ")),
		Example: `  chiasm fuse train things.csv --label kind -o kinds
  chiasm fuse train things.csv --label kind --method late/product --group speaker -o kinds
  chiasm fuse train flats.csv --task regression --label rent --image photo --text advert --number rooms,area -o rents
  chiasm fuse train pairs.csv --task match --image file --text caption -o belongs
  chiasm fuse train scans.csv --encoder lora --model openai/clip-vit-base-patch32 --method gmu -o scans`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), args[0]) },
	}
	flags := cmd.Flags()
	v.table.add(flags)
	v.limits.add(flags)
	v.model = a.anyModelFlags(cmd)
	flags.StringVarP(&v.how.Output, "output", "o", "", "folder to write (default: the name of the data with -fused)")
	flags.BoolVar(&v.how.Overwrite, "overwrite", false, "write the folder even if it holds a model")
	flags.StringVar(&v.how.How, "how", decision.Auto, "early, late, interactive or auto")
	flags.StringVar(&v.how.Method, "method", "", "the one method to take")
	v.how.budget(flags)
	e := &v.how.Encoder
	flags.StringVar(&e.Way, "encoder", decision.Frozen, "what becomes of the encoder: frozen, lora (adapters learn) or all (it learns)")
	flags.Float64Var(&e.Rate, "encoder-rate", 0, "of its learning, at its highest (default 0.0003 of lora, 0.00003 of all)")
	flags.IntVar(&e.Rank, "encoder-rank", 8, "of lora's adapters, which count twice")
	flags.IntVar(&e.Part, "part", 0, "rows that go through a learning encoder at once (default: the batch): less memory, the same result")
	flags.BoolVar(&e.Recompute, "recompute", false, "compute a learning encoder's activations again on the way back: less memory, more time")
	flags.BoolVar(&v.json, "json", false, "one JSON object at the end")
	complete(cmd, "encoder", decision.Frozen, decision.LoRA, decision.All)
	complete(cmd, "how", decision.Auto, "early", "late", "interactive")
	complete(cmd, "method", decision.Methods("")...)
	complete(cmd, "task", "single", "multi", "regression", "match")
	complete(cmd, "features", "vectors", "tokens", "vectors,tokens")
	return cmd
}

type fuseTrainVerb struct {
	app    *app
	table  tableFlags
	limits limitFlags
	model  *modelFlags
	how    budgetFlags
	json   bool
}

func (v *fuseTrainVerb) run(ctx context.Context, path string) error {
	if !strings.Contains("|auto|early|late|interactive|", "|"+v.how.How+"|") {
		return usagef("--how %s: want early, late, interactive or auto", v.how.How)
	}
	if err := v.how.check(); err != nil {
		return err
	}
	if err := v.limits.check(); err != nil {
		return err
	}
	if m := v.how.Method; m != "" && m != "late" && !slices.Contains(decision.Methods(""), m) {
		return usagef("--method %s: want late or one of %s", m, strings.Join(decision.Methods(""), ", "))
	}
	if err := v.tuning(); err != nil {
		return err
	}
	switch f := v.table.features; {
	case len(f) > 1 && v.how.Method != "":
		return usagef("--features %s with --method: they are chosen together, so name one of them", strings.Join(f, ","))
	case slices.Contains(f, decision.Tokens) && v.how.Encoder.Way != decision.Frozen:
		return usagef("--features %s with --encoder %s: an encoder learns by its vectors", strings.Join(f, ","), v.how.Encoder.Way)
	}
	if v.how.Output == "" {
		base := filepath.Base(filepath.Clean(path))
		v.how.Output = strings.TrimSuffix(base, filepath.Ext(base)) + "-fused"
	}
	watch := &watch{app: v.app}
	defer watch.close()
	study, err := v.app.study(&v.table, v.model, path, watch.stage)
	if err != nil {
		return err
	}
	if err := v.limits.named(study.Table); err != nil {
		return err
	}
	t := v.how.Training
	t.Study, t.Limits, t.Boot, t.Step = study, v.limits.Limits, v.table.boot, watch.step
	taught, err := t.Run(ctx)
	watch.close()
	if err != nil {
		return err
	}
	v.app.seen(taught.Seen, true)
	if v.json {
		return v.app.writeJSON(taught)
	}
	v.write(taught)
	return nil
}

// tuning looks at the flags of the encoder. Once it is tuned, it is opened as the flags of the model say.
func (v *fuseTrainVerb) tuning() error {
	e := &v.how.Encoder
	switch {
	case !slices.Contains([]string{decision.Frozen, decision.LoRA, decision.All}, e.Way):
		return usagef("--encoder %s: want frozen, lora or all", e.Way)
	case e.Rate < 0 || e.Part < 0 || e.Rank < 1:
		return usagef("--encoder-rate %v, --part %d, --encoder-rank %d: want no negative numbers, and a rank of 1 or more", e.Rate, e.Part, e.Rank)
	}
	e.Reopen = func(ctx context.Context, folder string) (*chiasm.Model, error) {
		o, err := v.model.encoder()
		if err != nil {
			return nil, err
		}
		o.Cache = "off"
		return chiasm.Open(ctx, folder, o)
	}
	return nil
}

// write says what came out.
func (v *fuseTrainVerb) write(t *decision.Taught) {
	out := v.app.stdout
	fmt.Fprintf(out, "%s: %s (%s) on %s, %d values, taught in %s on %d rows\n", clean(t.Folder), t.Method, t.How, t.Features, t.Parameters, plural(t.Steps, "step", "steps"), t.Split.Train)
	fmt.Fprintf(out, "why: %s\n", clean(t.Why))
	if t.Tuned > 0 {
		fmt.Fprintf(out, "encoder: tuned by %s, %d values\n", v.how.Encoder.Way, t.Tuned)
	}
	fmt.Fprintln(out)
	subsetTable(t.Report).write(out, v.app.width)
	fmt.Fprintf(out, "\n(on %d rows that nothing was learnt from, with intervals of %g %% confidence; more in %s)\n", t.Split.Test, 100*v.table.boot.Confidence(), clean(filepath.Join(t.Folder, "README.md")))
}

// subsetTable is figures for every set of modalities.
func subsetTable(r *decision.Report) *grid {
	t := &grid{columns: []column{{title: "shown", cut: shorten}, {title: "items", right: true}, {title: "accuracy", right: true}, {title: "macro-F1", right: true}, {title: "ECE", right: true}, {title: "RMSE", right: true}}}
	for _, s := range r.Subsets {
		figureRow(t, strings.Join(s.Modalities, " + "), s.Figures)
	}
	return t.dense()
}

func figureRow(t *grid, name string, f decision.Figures) {
	cells := []string{clean(name), fmt.Sprint(f.Items), "", "", "", ""}
	if f.Accuracy != nil {
		cells[2] = f.Main()
	}
	if f.MacroF1 != nil {
		cells[3] = share(*f.MacroF1, *f.F1Interval)
	}
	if f.ECE != nil {
		cells[4] = fmt.Sprintf("%.1f", 100**f.ECE)
	}
	if f.RMSE != nil {
		cells[5] = f.Main()
	}
	t.add(cells...)
}
