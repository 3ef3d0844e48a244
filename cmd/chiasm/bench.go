package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/chiasm/chiasm/internal/cpu"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/spf13/cobra"
)

// benchFlags is what to time, and how.
type benchFlags struct {
	shape, precision       string
	batch, tokens, threads int
	seconds                float64
	json, repeat           bool
}

const benchLong = `Times models of true sizes with random weights (speed does not depend on the values) and the matrix
kernel on their shapes, and compares them with the highest rate of multiply-adds that this processor reached
in the same run.

gflops counts the work that is done: the last layer of a tower computes only the token that is read.`

// benchShapes are the models that can be timed alone.
var benchShapes = []string{"clip-vit-base-patch32", "clip-vit-large-patch14", "clip-text"}

// bench is the verb that shows how fast this machine is.
func (a *app) bench() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use: "bench [flags]", Short: "Show how fast models run here, and how near to what the processor could do", Long: benchLong,
		Example: `  chiasm bench
  chiasm bench --shape clip-vit-base-patch32 --batch 16
  chiasm bench --shape clip-text --tokens 10 --threads 1 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runBench(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.shape, "shape", "", "time this model alone: "+strings.Join(benchShapes, ", "))
	flags.IntVar(&f.batch, "batch", 1, "pictures or texts at once")
	flags.IntVar(&f.tokens, "tokens", 77, "length of a text, special tokens included")
	flags.StringVar(&f.precision, "precision", "f32", "of the computation: f32")
	flags.IntVar(&f.threads, "threads", 0, "threads to compute with (default all)")
	flags.Float64Var(&f.seconds, "time", 2, "seconds to spend on each measurement")
	flags.BoolVar(&f.json, "json", false, "one JSON line for each measurement")
	flags.BoolVar(&f.repeat, "repeat-on-stdin", false, "with --shape: measure once for each line of standard input, to take turns with a peer")
	complete(cmd, "shape", benchShapes...)
	complete(cmd, "precision", "f32")
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
	GFLOPS    float64 `json:"gflops"`
	Peak      float64 `json:"peak_gflops"`
	Fraction  float64 `json:"fraction"`
}

func (a *app) runBench(ctx context.Context, f *benchFlags) error {
	switch {
	case f.precision != "f32":
		return usagef("--precision %q is not available, want f32", f.precision)
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
	}
	if f.threads == 0 {
		f.threads = par.Workers()
	}
	if f.shape == "" {
		return a.benchAll(ctx, f)
	}
	w, err := newWorkload(f.shape, f.batch, f.tokens, f.threads)
	if err != nil {
		return err
	}
	if !f.repeat {
		m, err := w.measure(ctx, f)
		if err != nil {
			return err
		}
		return a.report([]measurement{m}, f.json)
	}
	for lines := bufio.NewScanner(a.stdin); lines.Scan(); {
		m, err := w.measure(ctx, f)
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

// benchAll times everything.
func (a *app) benchAll(ctx context.Context, f *benchFlags) error {
	if !f.json {
		fmt.Fprintf(a.stdout, "path %v (this processor offers up to %v), %d threads\n", kernel.Tier(), cpu.Found(), f.threads)
		fmt.Fprintf(a.stdout, "peak of multiply-adds %.0f GFLOP/s, reading memory %.1f GB/s\n\n", peakFMA(f.threads), peakRead(f.threads))
	}
	var all []measurement
	for _, s := range [][3]int{{50, 2304, 768}, {50, 768, 3072}, {77, 2048, 512}, {256, 3072, 768}, {800, 768, 768}, {1024, 1024, 4096}} {
		m, err := gemmWorkload(s[0], s[1], s[2], f.threads).measure(ctx, f)
		if err != nil {
			return err
		}
		all = append(all, m)
	}
	for _, s := range []struct {
		shape         string
		batch, tokens int
	}{{"clip-vit-base-patch32", 1, 77}, {"clip-vit-base-patch32", 16, 77}, {"clip-text", 1, 77}, {"clip-text", 1, 10}, {"clip-vit-large-patch14", 1, 77}} {
		w, err := newWorkload(s.shape, s.batch, s.tokens, f.threads)
		if err != nil {
			return err
		}
		m, err := w.measure(ctx, f)
		if err != nil {
			return err
		}
		nn.Release(w.model)
		all = append(all, m)
	}
	return a.report(all, f.json)
}

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
	fmt.Fprintln(t, "shape\tbatch\ttokens\tms median\tms min\tGFLOP/s\tof peak")
	for _, m := range all {
		tokens := ""
		if m.Tokens > 0 {
			tokens = fmt.Sprint(m.Tokens)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%.2f\t%.2f\t%.0f\t%.0f %%\n", m.Shape, m.Batch, tokens, m.MSMedian, m.MSMin, m.GFLOPS, 100*m.Fraction)
	}
	return t.Flush()
}

// A workload is something to time.
type workload struct {
	measurement
	flop  float64
	model any // what it holds parameters in, nil for none
	pass  *tensor.Pass
	run   func(*tensor.Pass) error
}

// newWorkload makes a model of a published size with random weights.
func newWorkload(shape string, batch, tokens, threads int) (*workload, error) {
	w := &workload{measurement: measurement{Shape: shape, Batch: batch}, pass: tensor.NewPass(context.Background(), threads)}
	c := clip.Config{
		Head: clip.HeadLinear, D: 512,
		Text: clip.TextConfig{Width: 512, Layers: 12, Heads: 8, Hidden: 2048, Vocab: 49408, Context: 77, Act: tensor.QuickGELU, Eps: 1e-5, Causal: true, Pool: clip.PoolHighest},
		Vision: vit.Config{
			Width: 768, Layers: 12, Heads: 12, Hidden: 3072, Height: 224, Wide: 224, Patch: 32, Act: tensor.QuickGELU, Eps: 1e-5,
			ClassToken: true, PreNorm: true, Pool: vit.PoolToken,
		},
	}
	if shape == "clip-vit-large-patch14" {
		v := &c.Vision
		c.D, v.Width, v.Layers, v.Heads, v.Hidden, v.Patch = 768, 1024, 24, 16, 4096, 14
	}
	m, err := clip.New(c)
	if err != nil {
		return nil, err
	}
	w.model = m
	switch shape {
	case "clip-text":
		m.Vision, m.VisionProjection = nil, nil
		w.text(m, batch, tokens)
	case "clip-vit-base-patch32", "clip-vit-large-patch14":
		m.Text, m.TextProjection = nil, nil
		w.vision(m, batch)
	default:
		return nil, usagef("--shape %q is unknown, want one of %s", shape, strings.Join(benchShapes, ", "))
	}
	nn.Init(m, 1)
	w.model = m
	return w, nil
}

func (w *workload) vision(m *clip.Model, batch int) {
	v := m.Vision.Config
	pixels := make([]float32, batch*3*v.Height*v.Wide)
	for i := range pixels {
		pixels[i] = float32(i*2654435761%1000)/500 - 1
	}
	w.flop = float64(batch) * (tower(v.Tokens(), v.Width, v.Hidden, v.Layers) + 2*float64(v.Patches()*3*v.Patch*v.Patch*v.Width+v.Width*m.Config.D))
	w.run = func(p *tensor.Pass) error {
		m.EmbedImage(p.Input(pixels, batch, 3, v.Height, v.Wide))
		return nil
	}
}

func (w *workload) text(m *clip.Model, batch, tokens int) {
	c := m.Text.Config
	texts := make([][]int32, batch)
	for i := range texts {
		texts[i] = make([]int32, tokens)
		for j := range texts[i] {
			texts[i][j] = int32((i*tokens + j) * 7919 % (c.Vocab - 1))
		}
		texts[i][tokens-1] = int32(c.Vocab - 1)
	}
	w.Tokens = tokens
	w.flop = float64(batch) * (tower(tokens, c.Width, c.Hidden, c.Layers) + 2*float64(c.Width*m.Config.D))
	w.run = func(p *tensor.Pass) error {
		_, err := m.EmbedText(p, texts)
		return err
	}
}

// tower is the floating-point operations of t tokens of width c through all layers, of which the last serves one token.
func tower(t, c, hidden, layers int) float64 {
	token := 2 * float64(4*c*c+2*c*hidden)
	full := float64(t)*token + 4*float64(t*t*c)
	last := float64(t)*2*float64(2*c*c) + token - 2*float64(2*c*c) + 4*float64(t*c)
	return float64(layers-1)*full + last
}

// gemmWorkload is one product of m rows with a weight [n, k].
func gemmWorkload(m, n, k, threads int) *workload {
	l := nn.NewLinear(k, n, true)
	nn.Init(l, 1)
	x := make([]float32, m*k)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	return &workload{
		measurement: measurement{Shape: fmt.Sprintf("gemm %dx%dx%d", m, n, k), Batch: 1}, flop: 2 * float64(m*n*k), model: l,
		pass: tensor.NewPass(context.Background(), threads),
		run: func(p *tensor.Pass) error {
			l.Forward(p.Input(x, m, k))
			return nil
		},
	}
}

// measure runs w for about f.seconds, with the processor's peak before, between and after, and gives medians.
func (w *workload) measure(ctx context.Context, f *benchFlags) (measurement, error) {
	once := func() (time.Duration, error) {
		w.pass.Reset(ctx)
		start := time.Now()
		err := w.run(w.pass)
		if err == nil {
			err = ctx.Err()
		}
		return time.Since(start), err
	}
	for range 2 {
		if _, err := once(); err != nil {
			return measurement{}, err
		}
	}
	var times, peaks []float64
	begin := time.Now()
	for next := begin; time.Since(begin).Seconds() < f.seconds || len(times) < 3; {
		if !time.Now().Before(next) {
			peaks = append(peaks, peakFMA(f.threads))
			next = time.Now().Add(time.Duration(f.seconds / 6 * float64(time.Second)))
		}
		t, err := once()
		if err != nil {
			return measurement{}, err
		}
		times = append(times, t.Seconds()*1e3)
	}
	peaks = append(peaks, peakFMA(f.threads))
	m := w.measurement
	m.Precision, m.Threads, m.Path = f.precision, f.threads, kernel.Tier().String()
	m.MSMedian, m.MSMin, m.Peak = median(times), slices.Min(times), median(peaks)
	m.GFLOPS = w.flop / m.MSMedian / 1e6
	m.Fraction = m.GFLOPS / m.Peak
	return m, nil
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// peakFMA is the multiply-adds that threads cores do together, in GFLOP/s.
func peakFMA(threads int) float64 {
	return onCores(threads, func(int) float64 { return kernel.PeakFMA() / 1e9 })
}

// peakRead is the bandwidth of the memory for threads cores together, in GB/s.
func peakRead(threads int) float64 {
	x := make([]float32, 64<<20)
	clear(x) // takes the memory from the system
	n := len(x) / threads
	return onCores(threads, func(i int) float64 { return kernel.ReadBandwidth(x[i*n:(i+1)*n]) / 1e9 })
}

// onCores sums what f gives on as many threads at once.
func onCores(threads int, f func(i int) float64) (sum float64) {
	rates := make([]float64, threads)
	var wg sync.WaitGroup
	for i := range rates {
		wg.Go(func() { rates[i] = f(i) })
	}
	wg.Wait()
	for _, r := range rates {
		sum += r
	}
	return sum
}
