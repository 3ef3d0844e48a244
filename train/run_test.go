package train_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// A pupil is two small towers that learn which rows of random data belong together, in an order that is a state of its own.
type pupil struct {
	Image *nn.Linear     `weight:"image"`
	Text  *nn.Linear     `weight:"text"`
	Scale *tensor.Tensor `weight:"logit_scale"`

	contrast  *train.Contrast
	gradients *tensor.Gradients
	pass      *tensor.Pass
	order     order
	poison    int // the call whose loss is not a number, 0 for none
}

// order hands out batches one after the other.
type order struct{ next uint64 }

func (o *order) AppendState(to []byte) []byte { return binary.LittleEndian.AppendUint64(to, o.next) }

func (o *order) SetState(place []byte) error {
	if len(place) != 8 {
		return fmt.Errorf("expected 8 bytes, got %d", len(place))
	}
	o.next = binary.LittleEndian.Uint64(place)
	return nil
}

func newPupil(workers int) (*pupil, *train.Run) {
	p := &pupil{Image: nn.NewLinear(6, 4, true), Text: nn.NewLinear(5, 4, true), Scale: tensor.Param()}
	nn.Init(p, 1)
	p.gradients = tensor.NewGradients(nn.Params(p))
	p.contrast = &train.Contrast{LogScale: p.Scale}
	p.pass = tensor.NewPass(context.Background(), workers).Record(p.gradients)
	return p, &train.Run{
		Gradients: p.gradients, Optimiser: (&train.AdamW{Decay: 0.1, Clip: 1, Workers: workers}).Minimize(p.gradients),
		Schedule: train.Schedule{Rate: 0.05, Warmup: 4, Steps: 30}, Average: train.NewAverage(p.gradients, 0.9),
		Step: p.step, After: p.contrast.Clamp, Data: &p.order, Seed: 7, Identity: "pupil",
	}
}

func (p *pupil) step(ctx context.Context, call int) (train.Outcome, error) {
	const n = 8
	o := train.Outcome{Items: n, Keys: []string{fmt.Sprint("batch ", p.order.next)}}
	r := train.Random(p.order.next, call)
	p.order.next++
	a, b := make([]float32, n*6), make([]float32, n*5)
	for i := range n {
		for j := range 6 {
			a[i*6+j] = float32(r.NormFloat64())
		}
		for j := range 5 {
			b[i*5+j] = a[i*6+j] - a[i*6+(j+1)%6] + float32(r.NormFloat64())/10
		}
	}
	if err := ctx.Err(); err != nil {
		return o, err
	}
	p.pass.Reset(ctx)
	x := p.Image.Forward(p.pass.Input(a, n, 6)).Normalize(1e-12)
	y := p.Text.Forward(p.pass.Input(b, n, 5)).Normalize(1e-12)
	var err error
	if o.Loss, err = p.contrast.Learn(train.Pairs(x, y), 1, p.gradients); err != nil {
		return o, err
	}
	p.pass.Backward()
	if p.poison > 0 && call == p.poison {
		p.gradients.Of(p.Text.Bias)[1] = float32(math.NaN())
	}
	return o, nil
}

// bits is all values of a model.
func bits(model any) []byte {
	var b bytes.Buffer
	for name, t := range nn.Params(model) {
		b.WriteString(name)
		binary.Write(&b, binary.LittleEndian, t.Floats())
	}
	return b.Bytes()
}

// A run that is cancelled at any step, even within one, and resumed by another process's worth of new objects, ends with the weights of one
// that was not; its evaluations, patience and best score too.
func TestCancelledRunResumes(t *testing.T) {
	whole, run := newPupil(1)
	var scores []float64
	watch := func(run *train.Run, scores *[]float64) {
		run.EvaluateEvery = 4
		run.Evaluate = func(_ context.Context, step int) (float64, error) {
			return -math.Abs(float64(step) - 11), nil
		}
		run.Best = func(_ int, score float64) error { *scores = append(*scores, score); return nil }
	}
	watch(run, &scores)
	want, err := run.Learn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if want.Steps != 30 || want.Best != 12 || want.Score != -1 || !slices.Equal(scores, []float64{-7, -3, -1}) {
		t.Fatalf("got %+v, best scores %v", want, scores)
	}
	for _, at := range []int{0, 1, 4, 7, 29} {
		for _, within := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "run.safetensors")
			_, first := newPupil(1)
			var before []float64
			watch(first, &before)
			first.Checkpoint = path
			ctx, cancel := context.WithCancel(context.Background())
			step := first.Step
			first.Step = func(ctx context.Context, call int) (train.Outcome, error) {
				if call == at {
					if within {
						defer cancel()
					} else {
						cancel()
					}
				}
				return step(ctx, call)
			}
			stopped, err := first.Learn(ctx)
			if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "train: stopped after ") || stopped.Steps != at {
				t.Fatalf("cancelled at step %d: got %+v, %v", at, stopped, err)
			}
			again, second := newPupil(2)
			second.Checkpoint = path
			watch(second, &before)
			if ok, err := second.Resume(); err != nil || !ok {
				t.Fatalf("cancelled at step %d: resumed %v, %v", at, ok, err)
			}
			got, err := second.Learn(context.Background())
			if err != nil || got != want {
				t.Errorf("cancelled at step %d: got %+v, %v, want %+v", at, got, err, want)
			}
			if !bytes.Equal(bits(again), bits(whole)) {
				t.Errorf("cancelled at step %d, within it %v: the weights are others", at, within)
			}
			if !slices.Equal(before, scores) {
				t.Errorf("best scores %v, want %v", before, scores)
			}
			second.Average.Swap()
			run.Average.Swap()
			if !bytes.Equal(bits(again), bits(whole)) {
				t.Errorf("cancelled at step %d: the average is another", at)
			}
			run.Average.Swap()
		}
	}
}

func TestEarlyStopping(t *testing.T) {
	_, run := newPupil(1)
	run.Checkpoint = filepath.Join(t.TempDir(), "c")
	run.EvaluateEvery, run.Patience = 2, 3
	run.Evaluate = func(_ context.Context, step int) (float64, error) { return float64(min(step, 8)), nil }
	evaluated := 0
	run.Progress = func(p train.Progress) {
		if p.Evaluated {
			evaluated++
		} else if p.Steps != 30 || p.Items != 8*p.Step || p.Rate != run.Schedule.At(p.Step-1) || !(p.Norm > 0) {
			t.Errorf("got %+v", p)
		}
	}
	got, err := run.Learn(context.Background())
	if err != nil || !got.Early || got.Best != 8 || got.Steps != 14 || evaluated != 7 {
		t.Errorf("got %+v, %v after %d evaluations", got, err, evaluated)
	}
	_, again := newPupil(1)
	again.Checkpoint, again.EvaluateEvery, again.Patience, again.Evaluate = run.Checkpoint, 2, 3, run.Evaluate
	if ok, err := again.Resume(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if got, err := again.Learn(context.Background()); err != nil || !got.Early || got.Steps != 14 {
		t.Errorf("resumed after it ended early: got %+v, %v", got, err)
	}
}

// Gradients of several calls are averaged: the same batch twice is that batch once.
func TestAccumulate(t *testing.T) {
	once, run := newPupil(1)
	run.Data = nil
	if _, err := run.Learn(context.Background()); err != nil {
		t.Fatal(err)
	}
	twice, second := newPupil(1)
	second.Data, second.Accumulate = nil, 2
	second.Step = func(ctx context.Context, call int) (train.Outcome, error) {
		if call%2 == 1 {
			twice.order.next--
		}
		return twice.step(ctx, call/2)
	}
	if _, err := second.Learn(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bits(once), bits(twice)) {
		t.Error("two halves of twice the gradient are not the gradient")
	}
}

// What is not finite stops the run before it does harm.
func TestDivergence(t *testing.T) {
	m, run := newPupil(1)
	run.Checkpoint, run.SaveEvery = filepath.Join(t.TempDir(), "c"), 5
	m.poison = 13
	_, err := run.Learn(context.Background())
	var diverged *train.DivergedError
	if !errors.As(err, &diverged) {
		t.Fatalf("got %v", err)
	}
	if diverged.Step != 13 || diverged.Parameter != "text.bias" || diverged.Saved != 10 || diverged.Checkpoint != run.Checkpoint || diverged.Keys[0] != "batch 13" {
		t.Errorf("got %+v", diverged)
	}
	for _, part := range []string{"train: step 13: the gradient of text.bias is not finite", `"batch 13"`, run.Checkpoint + " of step 10"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: want %q", err, part)
		}
	}
	if nn.Finite(m) != nil {
		t.Error("the weights are damaged")
	}

	for loss, part := range map[float64]string{math.NaN(): "the loss is NaN", 1e9: "the loss diverges: its running mean is"} {
		_, run := newPupil(1)
		step := run.Step
		run.Step = func(ctx context.Context, call int) (train.Outcome, error) {
			o, err := step(ctx, call)
			if call == 2 {
				o.Loss = loss
			}
			return o, err
		}
		if _, err := run.Learn(context.Background()); err == nil || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), "no checkpoint was made") {
			t.Errorf("loss %v: got %v", loss, err)
		}
	}
	_, run = newPupil(1)
	step := run.Step
	run.Limit, run.Step = -1, func(ctx context.Context, call int) (train.Outcome, error) {
		o, err := step(ctx, call)
		o.Loss = 1e9 * float64(call)
		return o, err
	}
	if _, err := run.Learn(context.Background()); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}

// A checkpoint of another run, or a damaged one, changes nothing.
func TestRefusesCheckpoints(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c")
	_, run := newPupil(1)
	run.Checkpoint, run.Schedule.Steps = path, 3
	if _, err := run.Learn(context.Background()); err != nil {
		t.Fatal(err)
	}
	for part, change := range map[string]func(*train.Run){
		"identity":                    func(r *train.Run) { r.Identity = "other" },
		"expected the seed":           func(r *train.Run) { r.Seed++ },
		"step from 0 to 2":            func(r *train.Run) { r.Schedule.Steps = 2 },
		"expected 25 tensors, got 20": func(r *train.Run) { r.Average = nil },
		"place of the data":           func(r *train.Run) { r.Data = nil },
		"no such":                     nil,
	} {
		m, r := newPupil(1)
		r.Checkpoint, r.Schedule.Steps = path, 3
		if change == nil {
			r.Checkpoint = filepath.Join(dir, "none")
			if ok, err := r.Resume(); ok || err != nil {
				t.Errorf("without a checkpoint: %v, %v", ok, err)
			}
			continue
		}
		change(r)
		before := bits(m)
		ok, err := r.Resume()
		if part == "expected 25 tensors, got 20" {
			part = "it is of a run that learns other things"
		}
		if ok || err == nil || !strings.HasPrefix(err.Error(), "train: checkpoint ") || !strings.Contains(err.Error(), part) {
			t.Errorf("want an error about %q, got %v, %v", part, ok, err)
		}
		if !bytes.Equal(before, bits(m)) {
			t.Errorf("%s: a refused checkpoint changed the weights", part)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 7, 100, len(data) - 1} {
		if err := os.WriteFile(path, data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		_, r := newPupil(1)
		r.Checkpoint, r.Schedule.Steps = path, 3
		if _, err := r.Resume(); err == nil {
			t.Errorf("a checkpoint of %d bytes was taken", n)
		}
	}
}

// Between the caller's own steps a run allocates nothing.
func TestRunAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools forget on purpose")
	}
	m, run := newPupil(1)
	run.Data, run.Schedule.Steps = &m.order, 60
	for _, l := range m.gradients.All() {
		m.gradients.Of(l.Param)
	}
	run.Step = func(context.Context, int) (train.Outcome, error) {
		for _, l := range m.gradients.All() {
			m.gradients.Of(l.Param)[0] = 0.1
		}
		return train.Outcome{Loss: 1, Items: 8}, nil
	}
	var before, after runtime.MemStats
	run.Progress = func(p train.Progress) {
		switch p.Step {
		case 10:
			runtime.ReadMemStats(&before)
		case 50:
			runtime.ReadMemStats(&after)
		}
	}
	if _, err := run.Learn(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := after.Mallocs - before.Mallocs; n > 8 { // the runtime's own, such as timers
		t.Errorf("40 steps allocate %d times", n)
	}
}

// broken is the key of a context in which a batch cannot be read.
type broken struct{}

// Running statistics, which a step changes on its own, are kept in checkpoints, and are as before the step if it was not made whole.
func TestStatistics(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	begin := func() (*tensor.Tensor, *train.Run) {
		_, run := newPupil(1)
		statistic := scalar(1)
		run.Also = func(yield func(string, *tensor.Tensor) bool) { yield("mean", statistic) }
		run.Checkpoint = path
		step := run.Step
		run.Step = func(ctx context.Context, call int) (train.Outcome, error) {
			statistic.Own()[0] = statistic.Own()[0]*0.9 + float32(call)
			statistic.Changed()
			if call == 7 && ctx.Value(broken{}) != nil {
				return train.Outcome{}, errors.New("a batch that cannot be read")
			}
			return step(ctx, call)
		}
		return statistic, run
	}
	want, run := begin()
	if _, err := run.Learn(context.Background()); err != nil {
		t.Fatal(err)
	}
	os.Remove(path)
	first, run := begin()
	run.SaveEvery = 5
	if _, err := run.Learn(context.WithValue(context.Background(), broken{}, true)); err == nil || err.Error() != "a batch that cannot be read" {
		t.Fatalf("got %v", err)
	}
	seventh := float32(1)
	for call := range 7 {
		seventh = seventh*0.9 + float32(call)
	}
	if got := first.Floats()[0]; got != seventh {
		t.Errorf("after 7 steps the statistic is %v, want %v", got, seventh)
	}
	got, run := begin()
	if ok, err := run.Resume(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := run.Learn(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got.Floats()[0] != want.Floats()[0] {
		t.Errorf("resumed from step 5 the statistic ends as %v, want %v", got.Floats()[0], want.Floats()[0])
	}
}
