package train

import "math"

// A Schedule is the course of the learning rate: it rises in a line for some steps, then falls along half a cosine to 0 at the last one
// (Loshchilov & Hutter 2017, as open_clip does).
type Schedule struct {
	Rate   float64 // at its highest
	Warmup int     // steps of rising
	Steps  int     // in all
}

// At is the rate of a step, counted from 0.
func (s Schedule) At(step int) float64 {
	if step < s.Warmup {
		return s.Rate * float64(step+1) / float64(s.Warmup)
	}
	done := float64(step-s.Warmup) / float64(max(s.Steps-s.Warmup, 1))
	return s.Rate / 2 * (1 + math.Cos(math.Pi*min(done, 1)))
}
