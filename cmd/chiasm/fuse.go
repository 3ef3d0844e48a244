package main

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
)

const fuseLong = `Makes one decision of several modalities: of a picture and its sound what kind of
thing it is, of a photo and a text whether they belong together, of a frame, a
sound track and some numbers how much it will be.

Modalities can come together early (features side by side, one model), late
(each decides, the decisions are joined) or interactively (they see each other on
the way). train teaches a model on your data, advise measures all ways on them
and says which one to use, eval and predict use what was taught.

DATA is a table (.csv, .tsv, .jsonl) with a row for every thing: its columns hold
paths of pictures, sounds and videos, which begin at the table's folder, texts, or
numbers. Cells may be empty: then the thing lacks that modality. Or it is a folder
for every class, in which files of one name are one thing (a.png, a.wav, a.txt).
Columns are found by what they hold, or named by --image, --audio, --video,
--text and --number. Rows that --group (or a column "group") puts together are
never on two sides of a split, nor are rows that share a file. A column "split"
with train, valid and test divides the rows as you like.

The features are vectors, or tokens (--features), of a model that stays as it is
(train --encoder can change that), by default the one inside the program; they are
kept on disk by their content, so that a second run is quick.`

const fuseExample = `  chiasm fuse advise things.csv --label kind
  chiasm fuse train things.csv --label kind --how late -o kinds
  chiasm fuse eval kinds more.csv
  chiasm fuse predict kinds photo.jpg bark.wav
  chiasm fuse train pairs.csv --task match -o belongs`

// fuse is the verb that decides by several modalities.
func (a *app) fuse() *cobra.Command {
	cmd := &cobra.Command{
		Use: "fuse VERB", Short: "Decide by several modalities: early, late or interactive fusion", Long: fuseLong, Example: fuseExample,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no verb %q: want train, eval, predict or advise", args[0])
			}
			return cmd.Help()
		},
	}
	for _, sub := range []*cobra.Command{a.fuseTrain(), a.fuseEval(), a.fusePredict(), a.fuseAdvise()} {
		sub.Args, sub.RunE = a.checked(sub.Args), a.starting(sub.RunE)
		sub.DisableFlagsInUseLine = true
		cmd.AddCommand(sub)
	}
	return cmd
}

// tableFlags say how a table is read, and what to learn from it.
type tableFlags struct {
	decision.Options
	task, cache string
	features    []string
	seed        uint64
	boot        metric.Bootstrap
}

// tableFlags adds the flags of verbs that learn from a table.
func (t *tableFlags) add(flags *pflag.FlagSet) {
	t.labels(flags)
	for _, c := range []struct {
		to         *[]string
		name, what string
	}{{&t.Image, "image", "paths of pictures"}, {&t.Audio, "audio", "paths of sounds, or of videos of which the sound counts"}, {&t.Video, "video", "paths of videos"}, {&t.Text, "text", "texts"}} {
		flags.StringSliceVar(c.to, c.name, nil, "column with "+c.what+"; repeats (default: found by what columns hold)")
	}
	flags.StringArrayVar(&t.Number, "number", nil, "column with numbers, or several that are one modality, with commas between; repeats")
	flags.StringVar(&t.Group, "group", "", "column with what stays together when rows are divided (default: group, if there is one)")
	flags.StringSliceVar(&t.features, "features", []string{decision.Vectors}, "what the encoder shows of a thing: vectors (one each), tokens (its parts too: patches, words, stretches of a sound, frames), or both to compare")
	flags.StringVar(&t.task, "task", "", "single (one class), multi (any number: a|b), regression (a number) or match (default: by the labels)")
}

// labels adds the flags of all verbs that read a table.
func (t *tableFlags) labels(flags *pflag.FlagSet) {
	flags.StringVar(&t.Label, "label", "", "column with what is to be decided (default: label); of --task match the column that belongs to the rest")
	flags.StringVar((*string)(&t.Format), "format", "", "of the data: csv, jsonl, folder or classes (default: by the name)")
	flags.StringVar(&t.Separator, "separator", "", "between the columns of a table of text (default: what its first line has most of)")
	t.rest(flags)
}

// rest adds what is the same for all.
func (t *tableFlags) rest(flags *pflag.FlagSet) {
	t.keep(flags)
	flags.Uint64Var(&t.seed, "seed", 0, "of all that is drawn")
	flags.IntVar(&t.boot.Draws, "draws", 1000, "of the bootstrap")
	flags.Float64Var(&t.boot.Level, "confidence", 0.95, "of the intervals")
}

// keep adds the flag of where features are kept.
func (t *tableFlags) keep(flags *pflag.FlagSet) {
	flags.StringVar(&t.cache, "cache", "", "folder that features are kept in, or off (default: in the user's folder for caches)")
}

// taughtWith adds the flags of verbs whose model knows its encoder.
func (a *app) taughtWith(cmd *cobra.Command) *modelFlags {
	f := fastest(cmd, a.anyModelFlags(cmd))
	cmd.Flags().Lookup("model").Usage = "where the encoder is, folder, file or hub id, if not where it was taught with (default: as the fused model names it)"
	return f
}

// folder is where features are kept.
func (t *tableFlags) folder() (string, error) {
	switch t.cache {
	case "off":
		return "", nil
	case "":
		return decision.CacheFolder()
	}
	return t.cache, nil
}

// check is what can be said of the flags alone.
func (t *tableFlags) check() error {
	switch {
	case t.boot.Draws < 1:
		return usagef("--draws %d: want a positive number", t.boot.Draws)
	case !(t.boot.Level > 0 && t.boot.Level < 1):
		return usagef("--confidence %v: want more than 0 and less than 1", t.boot.Level)
	}
	for i, f := range t.features {
		if f != decision.Vectors && f != decision.Tokens || slices.Contains(t.features[:i], f) {
			return usagef("--features %s: want vectors, tokens, or vectors,tokens", strings.Join(t.features, ","))
		}
	}
	if t.task != "" && t.task != "single" && t.task != "multi" && t.task != "regression" && t.task != "match" {
		return usagef("--task %s: want single, multi, regression or match", t.task)
	}
	return nil
}

// study opens a table to learn from.
func (a *app) study(t *tableFlags, model *modelFlags, path string, progress func(what string, done, of int)) (decision.Study, error) {
	none := decision.Study{}
	if _, err := model.options(); err != nil {
		return none, err
	}
	if err := t.check(); err != nil {
		return none, err
	}
	cache, err := t.folder()
	if err != nil {
		return none, err
	}
	t.Unlabelled = t.task == "match"
	table, err := decision.OpenTable(path, &t.Options)
	if err != nil {
		return none, err
	}
	a.note("%s: %s", plural(len(table.Rows), "row", "rows"), told(table))
	return decision.Study{
		Table: table, Label: t.Label, Task: t.task, Features: t.features, Cache: cache, Seed: t.seed, Workers: model.threads, Progress: progress,
		Open: func(ctx context.Context) (*chiasm.Model, error) { return a.open(ctx, model) },
	}, nil
}

// told says which columns are used, and which are not.
func told(t *decision.Table) string {
	var list []string
	for _, c := range t.Columns {
		list = append(list, c.String())
	}
	out := strings.Join(list, ", ")
	if len(t.Ignored) > 0 {
		out += "; left out: " + strings.Join(t.Ignored, ", ")
	}
	return out
}

// seen says what was found in a table.
func (a *app) seen(s *decision.Seen, leaks bool) {
	for _, p := range s.Problems {
		a.note("%s", p)
	}
	if s.Unknown > 0 {
		a.note("%s without a label, or with nothing to tell it by, left out", plural(s.Unknown, "row", "rows"))
	}
	if leaks && (s.Leaks > 0 || s.Bound > 0) {
		a.note("%s", s.Leak())
	}
}

// fused opens a saved model.
func (a *app) fused(ctx context.Context, dir string, model *modelFlags, cache string) (*decision.Model, error) {
	o, err := model.encoder()
	if err != nil {
		return nil, err
	}
	events := a.downloads()
	defer events.done()
	o.Progress = events.event
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	return await(ctx, func() (*decision.Model, error) {
		return decision.Open(ctx, dir, &decision.OpenOptions{Name: model.name, Options: o, Cache: cache})
	})
}

// encoder is the options of the encoder that a saved model was taught with, whatever the flags name: without a precision where they have none.
func (f *modelFlags) encoder() (*chiasm.Options, error) {
	own := *f // options fills in the name
	o, err := own.options()
	if err == nil {
		o.TextModel, o.Precision = "", f.precision
	}
	return o, err
}

// isTable reports whether a name is that of a table.
func isTable(path string) bool {
	name := strings.ToLower(path)
	for _, ending := range []string{".csv", ".tsv", ".jsonl", ".ndjson"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// limitsOf are the flags of a recommendation.
type limitFlags struct{ fusion.Limits }

func (l *limitFlags) add(flags *pflag.FlagSet) {
	flags.DurationVar(&l.Latency, "latency", 0, "that 99 of 100 decisions keep to, with the encoders, as 50ms")
	flags.StringSliceVar(&l.Without, "must-work-without", nil, "a modality that may be missing; repeats")
}

func (l *limitFlags) check() error {
	if l.Latency < 0 {
		return usagef("--latency %v: want a positive time, as 50ms", l.Latency)
	}
	return nil
}

// named puts the names of columns in place of kinds, as sound of the only column of sounds.
func (l *limitFlags) named(t *decision.Table) error {
	for i, name := range l.Without {
		var is, like []string
		for _, c := range t.Columns {
			if c.Name == name {
				is = append(is, c.Name)
			}
			if c.Kind == cmp.Or(map[string]string{"sound": decision.Audio, "picture": decision.Image}[name], name) {
				like = append(like, c.Name)
			}
		}
		switch {
		case len(is) == 1:
		case len(like) == 1:
			l.Without[i] = like[0]
		default:
			return usagef("--must-work-without %s: there is no such column: the modalities are %s", name, told(&decision.Table{Columns: t.Columns}))
		}
	}
	return nil
}
