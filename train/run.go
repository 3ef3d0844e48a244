package train

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chiasm/chiasm/tensor"
)

// A Run is a course of learning: steps, evaluations, checkpoints. What it is given decides every bit of the result, whatever the number of
// workers and however often it is interrupted and resumed. Its fields must not change once it has begun; one goroutine uses it.
type Run struct {
	Gradients *tensor.Gradients // of what is learnt; what has none is frozen
	Optimiser *AdamW            // over those gradients
	Schedule  Schedule          // how many steps, and their rates
	Average   *Average          // of the weights, which evaluations then see; or nil
	Adapters  *Adapters         // which are learnt in place of the weights that they adapt; or nil

	// Step goes forward and back once. It is told how often it was called before, over all resumed parts of the run.
	Step       func(ctx context.Context, call int) (Outcome, error)
	Accumulate int    // calls of Step for each step of the optimiser, which takes the mean of their gradients; 0 for 1
	After      func() // called after each step of the optimiser, such as [Contrast.Clamp]; or nil

	Data     Ordered                           // whose place a checkpoint holds; nil if Step knows by its number what is next
	Also     iter.Seq2[string, *tensor.Tensor] // parameters that steps change by themselves, such as running statistics; or nil
	Seed     uint64                            // of the caller's [Random] choices; it must be the same when resumed
	Identity string                            // of the recipe and the data; it must be the same when resumed

	Checkpoint string // a file, replaced by each newer one; "" for none
	SaveEvery  int    // steps from one checkpoint to the next; 0 for one at the end or when cancelled

	Evaluate      func(ctx context.Context, step int) (score float64, err error) // more is better; or nil
	EvaluateEvery int                                                            // steps; 0 for once, at the end
	Patience      int                                                            // evaluations without a better score that end the run; 0 for any number
	Best          func(step int, score float64) error                            // called with the best weights so far in place, to save the model; or nil

	Progress func(Progress) // called after each step and each evaluation; or nil
	Limit    float64        // the running mean of the loss above which it diverges; 0 for 3 times the first loss and 1, below 0 for none

	state   state
	saved   int    // the step of the last checkpoint that was written or read, -1 for none
	unsaved bool   // whether an evaluation has changed the state since
	data    []byte // the place of Data after the last whole step
	also    []kept // the values of Also after it
	clock   clock
	begun   bool
}

// Ordered is where a run's data stand. A place is what comes next, after the last batch that was handed out.
type Ordered interface {
	AppendState(to []byte) []byte // appends the present place; called after each step
	SetState(place []byte) error  // goes to a place, which may come from a damaged file
}

// An Outcome is what one forward and back gave.
type Outcome struct {
	Loss  float64
	Items int      // how many pictures, texts, pairs it saw, for the speed
	Keys  []string // which, for the message if the loss is not finite; may be nil
}

// A Result is how a run ended.
type Result struct {
	Steps int     // that the optimiser made, earlier parts of the run included
	Loss  float64 // its running mean
	Score float64 // the best
	Best  int     // the step that had it, 0 for none
	Early bool    // whether patience ended it
}

// A DivergedError ends a run whose loss or gradients stopped being of use. The weights are those before the step.
type DivergedError struct {
	Step       int      // of the optimiser, from 0
	Loss, Mean float64  // of the step, and the running mean
	Limit      float64  // of the mean
	Parameter  string   // whose gradient is not finite, "" if it was the loss
	Keys       []string // of the batch
	Checkpoint string   // the last good one, "" if there is none
	Saved      int      // its step
}

// Error names the step, the batch and the last good checkpoint.
func (e *DivergedError) Error() string {
	what := fmt.Sprintf("the loss is %v", e.Loss)
	switch {
	case e.Parameter != "":
		what = "the gradient of " + e.Parameter + " is not finite"
	case !math.IsNaN(e.Loss) && !math.IsInf(e.Loss, 0):
		what = fmt.Sprintf("the loss diverges: its running mean is %.4g, expected at most %.4g", e.Mean, e.Limit)
	}
	message := fmt.Sprintf("train: step %d: %s", e.Step, what)
	if n := len(e.Keys); n > 0 {
		message += fmt.Sprintf("; the batch is %q", e.Keys[:min(n, 8)])
		if n > 8 {
			message += fmt.Sprintf(" and %d more", n-8)
		}
	}
	if e.Checkpoint == "" {
		return message + "; no checkpoint was made"
	}
	return message + fmt.Sprintf("; the last good checkpoint is %s of step %d", e.Checkpoint, e.Saved)
}

// Random is the random source of a step, the same whenever that step is made.
func Random(seed uint64, step int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(step)*0x9e3779b97f4a7c15+1))
}

// Learn makes the steps that are left. When ctx is cancelled it leaves a checkpoint as of the last whole step and returns the reason. A
// loss that is not finite or diverges is a [*DivergedError].
func (r *Run) Learn(ctx context.Context) (Result, error) {
	r.begin()
	for {
		if err := r.evaluate(ctx); err != nil {
			return r.interrupted(ctx, err)
		}
		early := r.Patience > 0 && r.state.Waited >= r.Patience
		done := early || r.state.Step >= r.Schedule.Steps
		if r.Checkpoint != "" && r.stale() && (done || r.SaveEvery > 0 && r.state.Step > 0 && r.state.Step%r.SaveEvery == 0) {
			if err := r.Save(); err != nil {
				return r.result(early), err
			}
		}
		if done {
			return r.result(early), nil
		}
		if err := r.step(ctx); err != nil {
			return r.interrupted(ctx, err)
		}
	}
}

// begin takes stock before the first step or after resuming.
func (r *Run) begin() {
	if r.begun {
		return
	}
	r.begun, r.saved = true, -1
	r.note()
	if r.Adapters != nil {
		r.Adapters.Apply()
	}
}

// stale reports whether the checkpoint is older than the state.
func (r *Run) stale() bool { return r.unsaved || r.saved != r.state.Step }

// note remembers, after a whole step, what the next one may change before it is whole.
func (r *Run) note() {
	if r.Data != nil {
		r.data = r.Data.AppendState(r.data[:0])
	}
	if r.Also == nil {
		return
	}
	if r.also == nil {
		for name, p := range r.Also {
			r.also = append(r.also, kept{name, p, slices.Clone(p.Own())})
		}
	}
	for _, k := range r.also {
		copy(k.values, k.param.Own())
	}
}

// kept is the values that a parameter had after the last whole step.
type kept struct {
	name   string
	param  *tensor.Tensor
	values []float32
}

// undo forgets a step that was not made whole.
func (r *Run) undo() {
	r.Gradients.Clear()
	for _, k := range r.also {
		copy(k.param.Own(), k.values)
		k.param.Changed()
	}
}

// interrupted ends a run before its time. If it was cancelled, a checkpoint is left.
func (r *Run) interrupted(ctx context.Context, err error) (Result, error) {
	if ctx.Err() != nil {
		err = fmt.Errorf("train: stopped after %d steps: %w", r.state.Step, ctx.Err())
		if r.Checkpoint != "" && r.stale() {
			err = errors.Join(err, r.Save())
		}
	}
	return r.result(false), err
}

func (r *Run) result(early bool) Result {
	return Result{r.state.Step, r.state.Mean, r.state.Score, r.state.Best, early}
}

// step makes one step of the optimiser, or none and an error.
func (r *Run) step(ctx context.Context) error {
	r.clock.start()
	calls := max(r.Accumulate, 1)
	var sum Outcome
	for i := range calls {
		o, err := r.Step(ctx, r.state.Step*calls+i)
		if err == nil {
			err = ctx.Err() // a pass that is cancelled computes nothing, and need not say so
		}
		if err != nil {
			r.undo()
			return err
		}
		sum.Loss += o.Loss / float64(calls)
		sum.Items += o.Items
		if calls == 1 {
			sum.Keys = o.Keys
		} else {
			sum.Keys = append(sum.Keys, o.Keys...)
		}
	}
	next := r.state
	next.lost(sum.Loss)
	if limit := r.limit(next.First); math.IsNaN(sum.Loss) || math.IsInf(sum.Loss, 0) || next.Mean > limit {
		return r.diverged(&DivergedError{Loss: sum.Loss, Mean: next.Mean, Limit: limit, Keys: sum.Keys})
	}
	if r.Adapters != nil {
		r.Adapters.Back(r.Gradients)
	}
	if calls > 1 {
		scale(r.Gradients, 1/float32(calls))
	}
	rate := r.Schedule.At(r.state.Step)
	norm, err := r.Optimiser.Step(rate)
	if err != nil {
		if bad := (*GradientError)(nil); errors.As(err, &bad) {
			return r.diverged(&DivergedError{Loss: sum.Loss, Mean: next.Mean, Parameter: bad.Parameter, Keys: sum.Keys})
		}
		r.undo()
		return err
	}
	r.state = next
	r.state.Step++
	r.settle()
	if r.Average != nil {
		r.Average.Update()
	}
	r.note()
	r.clock.stop(sum.Items)
	r.report(Progress{Loss: sum.Loss, Rate: rate, Norm: norm})
	return nil
}

// settle is what follows a change of what is learnt.
func (r *Run) settle() {
	if r.After != nil {
		r.After()
	}
	if r.Adapters != nil {
		r.Adapters.Apply()
	}
}

// limit is the mean of the loss that a run may have at most.
func (r *Run) limit(first float64) float64 {
	switch {
	case r.Limit < 0:
		return math.Inf(1)
	case r.Limit > 0:
		return r.Limit
	}
	return 3*math.Abs(first) + 1
}

func (r *Run) diverged(e *DivergedError) error {
	r.undo()
	e.Step = r.state.Step
	if r.saved >= 0 {
		e.Checkpoint, e.Saved = r.Checkpoint, r.saved
	}
	return e
}

// scale multiplies every gradient.
func scale(g *tensor.Gradients, by float32) {
	for _, l := range g.All() {
		for i := range l.Gradient {
			l.Gradient[i] *= by
		}
	}
}

// evaluate asks for the score of the present weights, if it is time to and that was not done yet.
func (r *Run) evaluate(ctx context.Context) error {
	step := r.state.Step
	due := step == r.Schedule.Steps || r.EvaluateEvery > 0 && step%r.EvaluateEvery == 0
	if r.Evaluate == nil || step == 0 || !due || r.state.Evaluated == step {
		return ctx.Err()
	}
	r.swap()
	defer r.swap()
	score, err := r.Evaluate(ctx, step)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	if r.state.Best == 0 || score > r.state.Score {
		if r.Best != nil {
			if err := r.Best(step, score); err != nil {
				return err
			}
		}
		r.state.Best, r.state.Score, r.state.Waited = step, score, 0
	} else {
		r.state.Waited++
	}
	r.state.Evaluated, r.unsaved = step, true
	r.report(Progress{Score: score, Evaluated: true})
	return nil
}

// swap exchanges the average for the present weights.
func (r *Run) swap() {
	if r.Average != nil {
		r.Average.Swap()
		if r.Adapters != nil {
			r.Adapters.Apply()
		}
	}
}
