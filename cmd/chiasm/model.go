package main

import (
	"cmp"
	"context"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/cpu"
)

// modelFlags say which model to use, and how.
type modelFlags struct {
	name, text, precision, truncate string
	threads                         int
	offline, fast                   bool
}

// modelEnv names the model to use when --model is not given; without it that is [chiasm.Shipped].
const modelEnv = "CHIASM_MODEL"

// modelFlags adds the flags of verbs that compare texts and pictures by a model.
func (a *app) modelFlags(cmd *cobra.Command) *modelFlags {
	f := a.anyModelFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.text, "text-model", "", "another model that reads the texts, of the same space: folder or hub id")
	flags.BoolVar(&f.fast, "fast-pictures", false, "decode JPEG files at a reduced size where the model needs no more: faster, and nearly the same")
	flags.StringVar(&f.truncate, "truncate", "end", "texts that are too long: end cuts them, error refuses them")
	complete(cmd, "truncate", "end", "error")
	must(cmd.RegisterFlagCompletionFunc("text-model", completeModels))
	return f
}

// libraryModelFlags adds those of verbs that work on a library, where the model inside the program runs as fast as it stays accurate unless
// told otherwise. Vectors of all precisions share a space. Any other model does so where many pictures are embedded, and else has the reference's vectors.
func (a *app) libraryModelFlags(cmd *cobra.Command, many bool) *modelFlags {
	f := a.modelFlags(cmd)
	if many {
		p := cmd.Flags().Lookup("precision")
		f.precision, p.DefValue = "auto", "auto"
		return f
	}
	return fastest(cmd, f)
}

// fastest makes auto the default precision of the model inside the program alone.
func fastest(cmd *cobra.Command, f *modelFlags) *modelFlags {
	p := cmd.Flags().Lookup("precision")
	f.precision, p.DefValue = "", ""
	p.Usage += " (default auto with " + chiasm.Shipped + ", else f32)"
	return f
}

// anyModelFlags adds the flags of verbs that run a model.
func (a *app) anyModelFlags(cmd *cobra.Command) *modelFlags {
	f := &modelFlags{truncate: "end"}
	flags := cmd.Flags()
	flags.StringVarP(&f.name, "model", "m", "", "folder, file or hub id org/name[@revision] (default $"+modelEnv+", else "+chiasm.Shipped+", which is inside the program)")
	flags.StringVar(&f.precision, "precision", "f32", "of the computation: f32 as the reference, bf16, w8, int8, or auto: the fastest that stays accurate")
	flags.IntVar(&f.threads, "threads", 0, "threads to compute with (default: all)")
	flags.BoolVar(&f.offline, "offline", false, "never use the network")
	complete(cmd, "precision", "f32", "bf16", "w8", "int8", "auto")
	must(cmd.RegisterFlagCompletionFunc("model", completeModels))
	return f
}

// options checks the flags.
func (f *modelFlags) options() (*chiasm.Options, error) {
	f.name = cmp.Or(f.name, os.Getenv(modelEnv), chiasm.Shipped)
	o := &chiasm.Options{Precision: f.precision, Workers: f.threads, Offline: f.offline, TextModel: f.text}
	if o.Precision == "" && f.name == chiasm.Shipped && f.text == "" {
		o.Precision = "auto"
	}
	switch cmp.Or(f.precision, "f32") {
	case "f32", "bf16", "w8", "int8", "auto":
	default:
		return nil, usagef("--precision %s: want f32, bf16, w8, int8 or auto", f.precision)
	}
	switch f.truncate {
	case "end":
	case "error":
		o.Truncate = chiasm.TruncateError
	default:
		return nil, usagef("--truncate %s: want end or error", f.truncate)
	}
	if f.threads < 0 {
		return nil, usagef("--threads %d: want 0, for all, or a positive number", f.threads)
	}
	if _, err := cpu.Forced(); err != nil {
		return nil, usagef("%s", err)
	}
	return o, nil
}

// open loads the model, showing progress if it has to be downloaded. A cancelled context ends the wait at once.
func (a *app) open(ctx context.Context, f *modelFlags) (*chiasm.Model, error) {
	o, err := f.options()
	if err != nil {
		return nil, err
	}
	events := a.downloads()
	defer events.done()
	o.Progress = events.event
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // what a model is made of stays
	}
	m, err := await(ctx, func() (*chiasm.Model, error) { return chiasm.Open(ctx, f.name, o) })
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(40) // from here on it is mostly decoded pictures, large and short-lived: memory matters more than collecting
	}
	a.model = m
	return m, err
}

// A cutter finds texts that the model cannot read whole and says so once.
type cutter struct {
	model  *chiasm.Model
	cut    int // how many texts so far
	sounds int // how many sounds were longer than what the model hears
	limit  int
}

// cuts reports whether a text is too long, and counts it.
func (c *cutter) cuts(text string) bool {
	t := c.model.Tokenize(text)
	if t.Truncated {
		c.cut++
	}
	return t.Truncated
}

// context is how many tokens the model reads.
func (c *cutter) context() int {
	if c.limit == 0 {
		c.limit = c.model.Info().Context
	}
	return c.limit
}

// report says on stderr how many texts were cut.
func (c *cutter) report(a *app, what string) {
	if c.cut > 0 {
		a.note("%s cut to %d tokens", plural(c.cut, what+" was", what+"s were"), c.context())
	}
}

// completeModels offers the model inside the program and those in the cache.
func completeModels(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, m := range runnable() {
		if strings.HasPrefix(m, toComplete) && (m != chiasm.Shipped || cmd.Name() != "rm") {
			names = append(names, m)
		}
	}
	return names, cobra.ShellCompDirectiveDefault // and folders
}
