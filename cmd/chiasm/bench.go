package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/cpu"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/spf13/cobra"
)

// benchFlags is what to time, and how.
type benchFlags struct {
	shape, model           string
	precision              string
	batch, tokens, threads int
	seconds                float64
	json, repeat, fused    bool
}

const benchLong = `Times models of true sizes with random weights (speed does not depend on the values) and the matrix
kernel on their shapes, at every precision that this processor has its own instructions for, and compares
them with the highest rate of multiply-adds that this processor reached in the same run.

With --model it times that model instead, and says beside the speed of each precision how near its vectors
come to those at f32 on 16 photographs and 32 texts, and whether --precision auto would choose it.

With --fused, and at the end of a run without flags, it makes decisions as chiasm fuse does, by late fusion
of a picture and a second of sound with the model inside the program, and says how long each stage takes.

gflops counts the work that is done: the last layer of a tower computes only the token that is read.`

// bench is the verb that shows how fast this machine is.
func (a *app) bench() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use: "bench [flags]", Short: "Show how fast models run here, how near to what the processor could do, and how exact", Long: benchLong,
		Example: `  chiasm bench
  chiasm bench --json > my-machine.jsonl
  chiasm bench --model openai/clip-vit-base-patch32
  chiasm bench --fused
  chiasm bench --shape clip-vit-base-patch32 --batch 16 --precision int8
  chiasm bench --shape clip-text --tokens 10 --threads 1 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBench(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.shape, "shape", "", "time this model alone: "+strings.Join(benchShapes, ", "))
	flags.StringVarP(&f.model, "model", "m", "", "time this model, "+chiasm.Shipped+", a folder or hub id, and measure its accuracy")
	flags.BoolVar(&f.fused, "fused", false, "time decisions by a picture and a sound, and where their time goes")
	flags.IntVar(&f.batch, "batch", 1, "pictures or texts at once")
	flags.IntVar(&f.tokens, "tokens", 77, "length of a text, special tokens included")
	flags.StringVar(&f.precision, "precision", "", "of the computation: f32, bf16, w8 or int8 (default f32 with --shape, else all that are native)")
	flags.IntVar(&f.threads, "threads", 0, "threads to compute with (default all)")
	flags.Float64Var(&f.seconds, "time", 2, "seconds to spend on each measurement")
	flags.BoolVar(&f.json, "json", false, "one JSON line for each measurement")
	flags.BoolVar(&f.repeat, "repeat-on-stdin", false, "with --shape: measure once for each line of standard input, to take turns with a peer")
	complete(cmd, "shape", benchShapes...)
	complete(cmd, "precision", "f32", "bf16", "w8", "int8")
	must(cmd.RegisterFlagCompletionFunc("model", completeModels))
	return cmd
}

// A measurement is one line of the report.
type measurement struct {
	Shape     string  `json:"shape"`
	Batch     int     `json:"batch"`
	Tokens    int     `json:"tokens,omitempty"`
	Precision string  `json:"precision"`
	Threads   int     `json:"threads"`
	Path      string  `json:"path"`
	MSMedian  float64 `json:"ms_median"`
	MSMin     float64 `json:"ms_min"`
	MSMean    float64 `json:"ms_mean,omitempty"` // this and Runs of a turn that standard input asked for
	Runs      int     `json:"runs,omitempty"`
	GFLOPS    float64 `json:"gflops"`
	Peak      float64 `json:"peak_gflops"`
	Fraction  float64 `json:"fraction"`
}

// formats is the precisions to time: the one that is asked for, or else what the caller takes for the default.
func (f *benchFlags) formats(otherwise ...tensor.Format) ([]tensor.Format, error) {
	if f.precision == "" {
		return otherwise, nil
	}
	format, err := tensor.ParseFormat(f.precision)
	if err != nil {
		return nil, usagef("--precision %s: want f32, bf16, w8 or int8", f.precision)
	}
	return []tensor.Format{format}, nil
}

func (f *benchFlags) check() error {
	switch {
	case f.batch < 1 || f.batch > 4096:
		return usagef("--batch is %d, want 1 to 4096", f.batch)
	case f.tokens < 1 || f.tokens > 77:
		return usagef("--tokens is %d, want 1 to 77", f.tokens)
	case f.seconds <= 0 || f.seconds > 3600:
		return usagef("--time is %v, want up to 3600 seconds", f.seconds)
	case f.threads < 0 || f.threads > par.Workers():
		return usagef("--threads is %d, want 0 to %d", f.threads, par.Workers())
	case f.repeat && f.shape == "":
		return usagef("--repeat-on-stdin needs --shape")
	case f.shape != "" && f.model != "" || f.fused && f.shape+f.model != "":
		return usagef("--shape, --model and --fused: want one of them")
	}
	if _, err := cpu.Forced(); err != nil {
		return usagef("%s", err)
	}
	return nil
}

func (a *app) runBench(ctx context.Context, f *benchFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.threads == 0 {
		f.threads = par.Workers()
	}
	if f.shape != "" {
		return a.benchShape(ctx, f)
	}
	formats, err := f.formats(tensor.NativeFormats()...)
	if err != nil {
		return err
	}
	if f.fused {
		return a.benchFused(ctx, f, formats)
	}
	if f.model != "" {
		return a.benchModel(ctx, f, formats)
	}
	return a.benchAll(ctx, f, formats)
}

// benchShape times one model, once or in turns with somebody else.
func (a *app) benchShape(ctx context.Context, f *benchFlags) error {
	formats, err := f.formats(tensor.FormatF32)
	if err != nil {
		return err
	}
	w, err := newWorkload(f.shape, f.batch, f.tokens, f.threads, formats[0])
	if err != nil {
		return err
	}
	if !f.repeat {
		m, err := w.measure(ctx, f.seconds)
		if err != nil {
			return err
		}
		m.MSMean, m.Runs = 0, 0
		return a.report([]measurement{m}, f.json)
	}
	for lines := bufio.NewScanner(a.stdin); lines.Scan(); {
		m, err := w.measure(ctx, f.seconds)
		if err != nil {
			return err
		}
		if err := a.report([]measurement{m}, true); err != nil {
			return err
		}
		if err := a.stdout.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// A machine is the first line of the whole report.
type machine struct {
	build
	Offers []string           `json:"paths"` // all that the processor and this program have in common
	Native []string           `json:"native_precisions"`
	Peaks  map[string]float64 `json:"peak_gflops"` // of a register loop in each precision, all threads together
	Read   float64            `json:"read_gb_per_s"`
}

func thisMachine(threads int, formats []tensor.Format) machine {
	m := machine{build: thisBuild(), Peaks: map[string]float64{}, Read: peakRead(threads)}
	for _, t := range cpu.Offered() {
		m.Offers = append(m.Offers, t.String())
	}
	for _, f := range tensor.NativeFormats() {
		m.Native = append(m.Native, f.String())
	}
	for _, f := range formats {
		m.Peaks[f.String()] = peak(f, threads)
	}
	return m
}

// benchAll times everything.
func (a *app) benchAll(ctx context.Context, f *benchFlags, formats []tensor.Format) error {
	here := thisMachine(f.threads, formats)
	if f.json {
		if err := json.NewEncoder(a.stdout).Encode(here); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.stdout, "path %s of %s, %d threads, reading memory %.1f GB/s\n", here.Path, strings.Join(here.Offers, ", "), f.threads, here.Read)
		for _, format := range formats {
			fmt.Fprintf(a.stdout, "%-5v by %v: peak of the register loop %.0f GFLOP/s\n", format, kernel.Path(format), here.Peaks[format.String()])
		}
		fmt.Fprintln(a.stdout)
	}
	var all []measurement
	bar := a.progress("measuring", int64(len(formats)*(len(benchGemms)+len(benchModels))), inItems)
	defer a.done(bar)
	for _, format := range formats {
		for _, s := range benchGemms {
			m, err := gemmWorkload(s[0], s[1], s[2], f.threads, format).measure(ctx, f.seconds)
			if err != nil {
				return err
			}
			all = append(all, m)
			bar.add(1)
		}
		for _, s := range benchModels {
			w, err := newWorkload(s.shape, s.batch, s.tokens, f.threads, format)
			if err != nil {
				return err
			}
			m, err := w.measure(ctx, f.seconds)
			nn.Release(w.model)
			if err != nil {
				return err
			}
			all = append(all, m)
			bar.add(1)
		}
	}
	a.done(bar)
	if err := a.report(all, f.json); err != nil || !chiasm.Ships() {
		return err
	}
	if !f.json {
		fmt.Fprintln(a.stdout)
	}
	return a.benchFused(ctx, f, formats)
}

// What benchAll times: products of the sizes M, N, K that towers have, and towers.
var (
	benchGemms  = [][3]int{{10, 2048, 512}, {50, 2304, 768}, {50, 768, 3072}, {77, 2048, 512}, {256, 3072, 768}, {800, 768, 768}, {1024, 1024, 4096}}
	benchModels = []struct {
		shape         string
		batch, tokens int
	}{
		{"clip-vit-base-patch32", 1, 77}, {"clip-vit-base-patch32", 16, 77}, {"clip-text", 1, 77}, {"clip-text", 1, 10},
		{"siglip-base-patch16", 1, 77}, {"clip-vit-large-patch14", 1, 77}, {"minilm-l6", 1, 20}, {"minilm-l6", 32, 20},
		{"whisper-base-encoder", 1, 77},
	}
)

func (a *app) report(all []measurement, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(a.stdout)
		for _, m := range all {
			if err := e.Encode(m); err != nil {
				return err
			}
		}
		return nil
	}
	return table(a.stdout, all)
}

func table(w io.Writer, all []measurement) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "shape\tbatch\ttokens\tprecision\tms median\tms min\tGFLOP/s\tof peak")
	for _, m := range all {
		tokens := ""
		if m.Tokens > 0 {
			tokens = fmt.Sprint(m.Tokens)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%.2f\t%.2f\t%.0f\t%.0f %%\n", m.Shape, m.Batch, tokens, m.Precision, m.MSMedian, m.MSMin, m.GFLOPS, 100*m.Fraction)
	}
	return t.Flush()
}
