package train

import "math"

// lbfgs looks for the x at which a convex function is least, from x on, which it changes: limited-memory BFGS (Liu & Nocedal 1989) with
// halved steps. f returns the value at x and writes its derivatives. It ends after so many steps, or when no derivative is larger than
// tolerance, or when the function does not fall any more, which its own precision decides.
func lbfgs(x []float64, f func(x, slopes []float64) (float64, error), steps int, tolerance float64) error {
	const memory = 10
	type pair struct {
		s, y []float64 // steps of x and of the slopes
		by   float64   // 1/(s·y)
	}
	var past []pair
	n := len(x)
	slopes, next, at, direction := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	weights := make([]float64, memory)
	value, err := f(x, slopes)
	for range steps {
		if err != nil || largest(slopes) <= tolerance {
			return err
		}
		copy(direction, slopes)
		for i := len(past) - 1; i >= 0; i-- {
			weights[i] = past[i].by * dot(past[i].s, direction)
			along(direction, -weights[i], past[i].y)
		}
		scale := 1 / max(1, math.Sqrt(dot(slopes, slopes)))
		if k := len(past); k > 0 {
			scale = 1 / (past[k-1].by * dot(past[k-1].y, past[k-1].y))
		}
		for i := range direction {
			direction[i] *= scale
		}
		for i, p := range past {
			along(direction, weights[i]-p.by*dot(p.y, direction), p.s)
		}
		slope := -dot(slopes, direction)
		if !(slope < 0) {
			return nil
		}
		var found float64
		step := 1.0
		for ; ; step /= 2 {
			if step < 1e-10 {
				return nil // the slopes are noise
			}
			for i := range at {
				at[i] = x[i] - step*direction[i]
			}
			if found, err = f(at, next); err != nil {
				return err
			}
			if found <= value+1e-4*step*slope {
				break
			}
			// near the end falling is below the precision of the value, and slopes tell more (Hager & Zhang 2005)
			if found <= value+1e-6*math.Abs(value) && math.Abs(dot(next, direction)) <= -0.9*slope {
				break
			}
		}
		p := pair{make([]float64, n), make([]float64, n), 0}
		if len(past) == memory {
			p = past[0]
			past = append(past[:0], past[1:]...)
		}
		for i := range x {
			p.s[i], p.y[i] = at[i]-x[i], next[i]-slopes[i]
		}
		if curved := dot(p.s, p.y); curved > 1e-12*dot(p.y, p.y) {
			p.by = 1 / curved
			past = append(past, p)
		}
		copy(x, at)
		slopes, next, value = next, slopes, found
	}
	return err
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// along adds by·x to y.
func along(y []float64, by float64, x []float64) {
	for i, v := range x {
		y[i] += by * v
	}
}

// largest is the largest absolute value.
func largest(x []float64) (top float64) {
	for _, v := range x {
		top = max(top, math.Abs(v))
	}
	return top
}
