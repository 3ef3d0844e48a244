package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/nn"
)

// Who races on what, for how many epochs. Rounds are seeds; both sides take turns in each.
var (
	raced  = []fusion.Method{fusion.EarlyConcat, fusion.LowRank, fusion.Pairwise}
	epochs = map[string]int{"digits": 6, "stamps": 8, "fashion": 3}
)

// Settings are what is made alike on MultiBench's side, one after the other (see race.py).
var settings = map[fusion.Method][][]string{
	fusion.EarlyConcat: {{}, {"mended"}, {"mended", "rate"}, {"mended", "rate", "start"}, {"mended", "rate", "start", "gelu"}},
	fusion.LowRank:     {{}, {"mended"}, {"mended", "rate"}, {"mended", "rate", "start"}},
	fusion.Pairwise:    {{}, {"rate", "start", "itself"}, {"rate", "start", "shape"}},
}

const (
	rounds    = 3
	batchSize = 32
	ownRate   = 0.003 // at its highest
	peerRate  = 0.001 // constant, as MultiBench's loop has it
)

// A job is what MultiBench's side is asked for, an outcome what comes of it on either side.
type job struct {
	Set     string        `json:"set"`
	Method  fusion.Method `json:"method"`
	Seed    int           `json:"seed"`
	Epochs  int           `json:"epochs"`
	Batch   int           `json:"batch"`
	Threads int           `json:"threads"`
	Rate    float64       `json:"rate"`
	Equal   []string      `json:"equal"`
}

// work is what MultiBench's side does with some settings alike.
func (s *set) work(method fusion.Method, seed, threads int, equal []string) job {
	j := job{s.name, method, seed, epochs[s.name], batchSize, threads, peerRate, equal}
	if slices.Contains(equal, "rate") {
		j.Rate = ownRate
	}
	return j
}

type outcome struct {
	Wall   float64 `json:"wall"` // seconds
	CPU    float64 `json:"cpu"`
	Right  []int   `json:"right"` // 1 or 0 of each sample to test on
	Values int     `json:"values"`
}

// A peer is a program of the other side: it answers jobs.
type peer struct {
	cmd  *exec.Cmd
	log  *os.File
	to   io.WriteCloser
	from *bufio.Reader
}

// start starts a script of this folder with a Python and the folder of the sets; what it says goes into a log there.
func start(ctx context.Context, python, script, dir string, more ...string) (p *peer, err error) {
	p = &peer{cmd: exec.CommandContext(ctx, python, append([]string{filepath.Join("tools", "fusion", script), dir}, more...)...)}
	if p.to, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	from, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.from = bufio.NewReaderSize(from, 1<<20)
	if p.log, err = os.Create(filepath.Join(dir, strings.TrimSuffix(script, ".py")+".log")); err != nil {
		return nil, err
	}
	p.cmd.Stderr = p.log
	return p, p.cmd.Start()
}

func (p *peer) stop() {
	p.to.Close()
	p.cmd.Wait()
	p.log.Close()
}

func (p *peer) ask(j job) (o outcome, err error) {
	if err := json.NewEncoder(p.to).Encode(j); err != nil {
		return o, err
	}
	line, err := p.from.ReadBytes('\n')
	if err != nil {
		return o, fmt.Errorf("the other side ended: %w; see %s", err, p.log.Name())
	}
	return o, json.Unmarshal(line, &o)
}

// race runs the cases of sets, or of all, and prints a table.
func race(ctx context.Context, dir, python, multibench string, names []string) error {
	p, err := start(ctx, python, "race.py", dir, multibench)
	if err != nil {
		return err
	}
	defer p.stop()
	heading("MultiBench")
	threads := map[fusion.Method]int{}
	for _, name := range chosen(names) {
		s, err := load(dir, name)
		if err != nil {
			return err
		}
		for _, method := range raced {
			if threads[method] == 0 {
				if threads[method], err = p.threads(s, method); err != nil {
					return err
				}
			}
			if err := s.race(ctx, p, method, threads[method]); err != nil {
				return fmt.Errorf("%s: %s: %w", s.name, method, err)
			}
		}
	}
	return nil
}

// gluon races concat with AutoGluon's MLP over columns of numbers: here each modality is one vector.
func gluon(ctx context.Context, dir, python string, names []string) error {
	p, err := start(ctx, python, "gluon.py", dir)
	if err != nil {
		return err
	}
	defer p.stop()
	heading("AutoGluon")
	for _, name := range chosen(names) {
		s, err := load(dir, name)
		if err != nil {
			return err
		}
		for i, m := range s.data.Modalities {
			s.data.Modalities[i].Tokens, s.data.Modalities[i].Width = 1, m.Tokens*m.Width
		}
		var ours, theirs []outcome
		for seed := range rounds {
			o, err := s.once(ctx, fusion.EarlyConcat, seed)
			if err != nil {
				return err
			}
			t, err := p.ask(job{s.name, "numerical_mlp", seed, epochs[s.name], batchSize, 1, ownRate, []string{}})
			if err != nil {
				return err
			}
			ours, theirs = append(ours, o), append(theirs, t)
		}
		s.line(fusion.EarlyConcat, 1, nil, ours, theirs)
	}
	return nil
}

// heading begins a table.
func heading(other string) {
	fmt.Printf("| set | method | alike | chiasm, wall s (CPU s) | %[1]s, wall s (CPU s), threads | times as fast, wall (CPU) | accuracy, chiasm | accuracy, %[1]s | values |\n|---|---|---|---|---|---|---|---|---|\n", other)
}

// threads is how many suit MultiBench's side better, by the time of an epoch after one that does not count.
func (p *peer) threads(s *set, method fusion.Method) (int, error) {
	if runtime.NumCPU() == 1 {
		return 1, nil
	}
	var walls [3]float64
	for _, n := range []int{1, 1, 2, 2} {
		o, err := p.ask(job{s.name, method, 0, 1, batchSize, n, peerRate, []string{}})
		if err != nil {
			return 0, err
		}
		walls[n] = o.Wall
	}
	say("%s: MultiBench takes %.2f s for an epoch with one thread, %.2f s with two", method, walls[1], walls[2])
	if walls[2] < walls[1] {
		return 2, nil
	}
	return 1, nil
}

// race is the lines of a method in the table, one for each of its settings.
func (s *set) race(ctx context.Context, p *peer, method fusion.Method, threads int) error {
	var ours []outcome
	theirs := make([][]outcome, len(settings[method]))
	for seed := range rounds {
		o, err := s.once(ctx, method, seed)
		if err != nil {
			return err
		}
		ours = append(ours, o)
		for k, equal := range settings[method] {
			t, err := p.ask(s.work(method, seed, threads, equal))
			if err != nil {
				return err
			}
			theirs[k] = append(theirs[k], t)
		}
	}
	for k, equal := range settings[method] {
		s.line(method, threads, equal, ours, theirs[k])
	}
	return nil
}

// line prints a line of the table.
func (s *set) line(method fusion.Method, threads int, equal []string, ours, theirs []outcome) {
	wall := func(o outcome) float64 { return o.Wall }
	cpu := func(o outcome) float64 { return o.CPU }
	faster := func(of func(outcome) float64) float64 {
		var ratios []float64
		for i := range ours {
			ratios = append(ratios, of(theirs[i])/of(ours[i]))
		}
		return median(ratios)
	}
	fmt.Printf("| %s | `%s` | %s | %.2f (%.2f) | %.2f (%.2f), %d | **%.1f** (%.1f) | %s | %s | %d / %d |\n", s.name, method, strings.Join(equal, ", "),
		middle(ours, wall), middle(ours, cpu), middle(theirs, wall), middle(theirs, cpu), threads, faster(wall), faster(cpu),
		s.accuracy(ours), s.accuracy(theirs), ours[0].Values, theirs[0].Values)
}

// once is chiasm's turn: as many steps as there are batches in the epochs, with a look at other samples after each.
func (s *set) once(ctx context.Context, method fusion.Method, seed int) (o outcome, err error) {
	learnt, looked, asked := s.side(learn), s.side(valid), s.side(test)
	c := sizes
	c.Method, c.Task, c.Modalities = method, s.data.Task, s.data.Modalities
	m, err := fusion.New(c)
	if err != nil {
		return o, err
	}
	each := (len(learnt.Samples) + batchSize - 1) / batchSize
	t := fusion.Training{Steps: epochs[s.name] * each, BatchSize: batchSize, Rate: ownRate, EvaluateEvery: each, Seed: uint64(seed)}
	wall, cpu := time.Now(), processor()
	if _, err = t.Fit(ctx, m, learnt, looked); err != nil {
		return o, err
	}
	o.Wall, o.CPU, o.Values = time.Since(wall).Seconds(), (processor() - cpu).Seconds(), nn.Count(m)
	answers, err := m.Predict(ctx, asked.Samples, 0)
	for _, score := range fusion.Scores(asked, answers) {
		o.Right = append(o.Right, int(score))
	}
	return o, err
}

// accuracy is that of all rounds in words, with its interval by groups of samples.
func (s *set) accuracy(list []outcome) string {
	d := s.side(test)
	all, answers := d.With(nil), [][]float64(nil)
	for _, o := range list {
		all.Samples = append(all.Samples, d.Samples...)
		for i, right := range o.Right {
			answer := make([]float64, d.Task.Outputs)
			answer[(int(d.Samples[i].Class)+1-right)%len(answer)] = 1
			answers = append(answers, answer)
		}
	}
	f := fusion.Measure(all, answers, metric.Bootstrap{})
	return fmt.Sprintf("%.1f (%.1f to %.1f)", 100*f.Score, 100*f.Interval.Low, 100*f.Interval.High)
}

func middle(list []outcome, of func(outcome) float64) float64 {
	var values []float64
	for _, o := range list {
		values = append(values, of(o))
	}
	return median(values)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return metric.Percentile(values, 0.5)
}
