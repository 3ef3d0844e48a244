package train

import "math"

// A Schedule is the course of the learning rate: it rises in a line for some steps, then takes a shape, as open_clip's schedules do.
type Schedule struct {
	Shape    Shape
	Rate     float64 // at its highest
	Floor    float64 // at the end
	Warmup   int     // steps of rising
	Steps    int     // in all
	Cooldown int     // steps of falling at the end of a constant rate
}

// A Shape is how a rate goes after it has risen.
type Shape uint8

// The shapes of schedules.
const (
	Cosine   Shape = iota // falls along half a cosine (Loshchilov & Hutter 2017)
	Linear                // falls in a line
	Constant              // stays, then cools down in a line
)

// At is the rate of a step, counted from 0.
func (s Schedule) At(step int) float64 {
	if step < s.Warmup {
		return s.Rate * float64(step+1) / float64(s.Warmup)
	}
	from := s.Warmup
	if s.Shape == Constant {
		from = max(from, s.Steps-s.Cooldown)
	}
	done := min(1, float64(max(step-from, 0))/float64(max(s.Steps-from, 1)))
	left := 1 - done
	if s.Shape == Cosine {
		left = (1 + math.Cos(math.Pi*done)) / 2
	}
	return s.Floor + (s.Rate-s.Floor)*left
}
