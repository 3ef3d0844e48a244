package train

import "time"

// A Progress is what a run reports.
type Progress struct {
	Step, Steps int           // of the optimiser: done, and in all
	Loss        float64       // of the last step
	Mean        float64       // of the loss, running: a tenth of each new one
	Rate        float64       // of the last step
	Norm        float64       // the length of the gradients, before clipping
	Items       int           // seen since [Run.Learn] was called
	PerSecond   float64       // items, evaluations and checkpoints not counted
	Left        time.Duration // for the steps that are left, at that speed
	Evaluated   bool          // whether it reports an evaluation rather than a step
	Score       float64       // of the evaluation
	Best        int           // the step with the best score, 0 for none
}

// report completes a progress and hands it to the caller.
func (r *Run) report(p Progress) {
	if r.Progress == nil {
		return
	}
	p.Step, p.Steps, p.Mean, p.Best = r.state.Step, r.Schedule.Steps, r.state.Mean, r.state.Best
	p.Items, p.PerSecond = r.clock.items, r.clock.speed()
	if r.clock.steps > 0 {
		p.Left = r.clock.spent / time.Duration(r.clock.steps) * time.Duration(p.Steps-p.Step)
	}
	r.Progress(p)
}

// A clock measures the steps of one call of [Run.Learn].
type clock struct {
	from         time.Time
	spent        time.Duration
	items, steps int
}

func (c *clock) start() { c.from = time.Now() }

func (c *clock) stop(items int) {
	c.spent += time.Since(c.from)
	c.items += items
	c.steps++
}

// speed is items a second.
func (c *clock) speed() float64 {
	if c.spent <= 0 {
		return 0
	}
	return float64(c.items) / c.spent.Seconds()
}
