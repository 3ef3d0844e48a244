package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chiasm/chiasm/study"
	"github.com/chiasm/chiasm/train"
)

const trainLong = `Teaches a model by a recipe: which model to begin with, what to learn from, how,
and where to write the result. Every field of the recipe is a flag too, by its
path, as --learning.rate 1e-4; flags win over the file, and with flags alone no
file is needed.

The output is a folder in the layout of the hub: weights, configuration,
tokenizer, processor and a card with data, licences, split and figures. chiasm
opens it like any model, and transformers the CLIP, SigLIP and CLAP models in
it. Its folder training holds the recipe, the checkpoint, the curves as CSV and
PNG, and a page that reports all of it.

Ctrl-C leaves a checkpoint. --resume goes on from it, also after a crash, and
comes to the same weights as a training that nothing interrupted. A loss that is
no number or runs away stops the training, and names the step, the batch and the
last good checkpoint.

--model.way probe or cache learns classes from examples on the vectors of any
model, the one inside chiasm if none is named; "chiasm classify --head" uses it.

Before the first step the data are looked through: pairs with one side, items
that cannot be read, languages that the tokenizer does not know, and media of
the validation that are also in the training data are found then.`

const trainExample = `  chiasm train recipes/clip-finetune.yaml
  chiasm train recipes/clip-finetune.yaml --resume
  chiasm train recipe.yaml --learning.rate 3e-5 --output runs/slower
  chiasm train --model.from openai/clip-vit-base-patch32 --model.way lora \
      --data.train pairs.csv --data.fraction 0.1 --output my-model
  chiasm train --model.way probe --data.train photos-by-class/ --output runs/leaves`

// train is the verb that teaches a model.
func (a *app) train() *cobra.Command {
	v := &trainVerb{app: a, defaults: study.NewRecipe()}
	cmd := &cobra.Command{
		Use: "train [flags] [RECIPE.yaml]", Short: "Teach a model by a recipe", Long: trainLong, Example: trainExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), cmd.Flags(), args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&v.resume, "resume", false, "go on from the checkpoint in the output folder")
	flags.BoolVar(&v.overwrite, "overwrite", false, "begin anew although the output folder holds a model or a checkpoint")
	flags.BoolVar(&v.offline, "offline", false, "never use the network")
	flags.BoolVar(&v.show, "show-recipe", false, "write the recipe with all its fields, and do nothing")
	flags.BoolVar(&v.json, "json", false, "one JSON object at the end")
	flags.SortFlags = false
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	}) // either will do
	for _, f := range v.defaults.Fields() {
		fieldFlag(flags, f)
	}
	complete(cmd, "model.way", "all", "lit", "lora", "probe", "cache")
	complete(cmd, "learning.precision", "f32", "bf16", "auto")
	return cmd
}

type trainVerb struct {
	app                                    *app
	defaults                               *study.Recipe // what flags write to
	resume, overwrite, offline, show, json bool
}

// fieldFlag makes a flag of a field of a recipe.
func fieldFlag(flags *pflag.FlagSet, f study.Field) {
	switch p := f.Value.(type) {
	case *string:
		flags.StringVar(p, f.Path, *p, f.Help)
	case *int:
		flags.IntVar(p, f.Path, *p, f.Help)
	case *uint64:
		flags.Uint64Var(p, f.Path, *p, f.Help)
	case *float64:
		flags.Float64Var(p, f.Path, *p, f.Help)
	case *bool:
		flags.BoolVar(p, f.Path, *p, f.Help)
	case *[]string:
		flags.StringArrayVar(p, f.Path, *p, f.Help+"; repeats")
	case *[]int:
		flags.IntSliceVar(p, f.Path, *p, f.Help)
	default:
		panic(fmt.Sprintf("a field of type %T has no flag", p))
	}
}

// recipe is the file's, with what flags say in its place.
func (v *trainVerb) recipe(flags *pflag.FlagSet, args []string) (*study.Recipe, error) {
	if len(args) > 1 {
		return nil, usagef("got %d recipes, want one", len(args))
	}
	if len(args) == 0 {
		if !v.show && !slices.ContainsFunc(v.defaults.Fields(), func(f study.Field) bool { return flags.Changed(f.Path) }) {
			return nil, usagef("want a recipe, as recipes/clip-finetune.yaml, or its fields as flags: --model.from, --data.train and --output at least")
		}
		return v.defaults, nil
	}
	r, err := study.OpenRecipe(args[0])
	if err != nil {
		return nil, err
	}
	said := v.defaults.Fields()
	for i, f := range r.Fields() {
		if flags.Changed(f.Path) {
			assign(f.Value, said[i].Value)
		}
	}
	return r, nil
}

// assign copies one field of a recipe.
func assign(to, from any) {
	switch p := to.(type) {
	case *string:
		*p = *from.(*string)
	case *int:
		*p = *from.(*int)
	case *uint64:
		*p = *from.(*uint64)
	case *float64:
		*p = *from.(*float64)
	case *bool:
		*p = *from.(*bool)
	case *[]string:
		*p = *from.(*[]string)
	case *[]int:
		*p = *from.(*[]int)
	}
}

func (v *trainVerb) run(ctx context.Context, flags *pflag.FlagSet, args []string) error {
	r, err := v.recipe(flags, args)
	if err != nil {
		return err
	}
	if v.show {
		_, err := v.app.stdout.Write(r.YAML())
		return err
	}
	watch := &watch{app: v.app}
	defer watch.close()
	t := &study.Training{
		Recipe: r, Resume: v.resume, Overwrite: v.overwrite, Offline: v.offline,
		Progress: watch.step, Stage: watch.stage, Note: func(message string) { v.app.note("%s", strings.TrimPrefix(message, "study: ")) },
	}
	taught, err := t.Run(ctx)
	watch.close()
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			v.app.note("a checkpoint is in %s: --resume goes on from it", r.Output)
		}
		return err
	}
	if taught.BrokenSeen > 0 {
		v.app.note("items that could not be read while learning, and were left out of their batches, counted each time: %d; the first: %s", taught.BrokenSeen, taught.Broken[0])
	}
	if v.json {
		return v.app.writeJSON(taught)
	}
	v.write(taught)
	return nil
}

// write says what came out.
func (v *trainVerb) write(t *study.Taught) {
	out := v.app.stdout
	fmt.Fprintf(out, "%s: %s\n", clean(t.Folder), t.Words())
	for _, f := range t.After {
		fmt.Fprintf(out, "\n%s\n", clean(f.Data))
		if len(f.Retrieval) > 0 {
			retrievalTable(f).write(out, v.app.width)
		}
		if len(f.Classification) > 0 {
			classTable(f).write(out, v.app.width)
		}
	}
	fmt.Fprintf(out, "\nreport: %s\n", clean(t.Report))
}

// A watch shows a training: a bar for every stage, and for the steps loss, rate, speed and the time that is left. Where there is no
// terminal it writes a line after each measurement.
type watch struct {
	app  *app
	bar  *progress
	what string
}

func (w *watch) close() {
	w.app.done(w.bar)
	w.bar, w.what = nil, ""
}

// begin takes another bar where the work is another.
func (w *watch) begin(what string, total int64, unit string) {
	if w.what != what {
		w.close()
		w.bar, w.what = w.app.progress(what, total, unit), what
	}
}

func (w *watch) stage(what string, done, total int) {
	w.begin(what, int64(total), inItems)
	w.bar.set(what, int64(done), int64(total))
}

const learning = "learning"

func (w *watch) step(p train.Progress) {
	if p.Evaluated {
		w.app.note("step %d of %d: loss %.4f, score %.4f (best at step %d)", p.Step, p.Steps, p.Mean, p.Score, p.Best)
		return
	}
	w.begin(learning, int64(p.Steps), inSteps)
	w.bar.tell(fmt.Sprintf("loss %.4f  rate %.2g  %.4g items/s  %s left", p.Mean, p.Rate, p.PerSecond, p.Left.Round(time.Second)), int64(p.Step))
}
