package whisper

import (
	"math"

	"github.com/chiasm/chiasm/internal/par"
)

const medianWidth = 7 // steps of the encoder

// starts aligns tokens with time by dynamic time warping: of attention [tokens, steps], row by row, it finds the path from the first to the last
// of both with the most attention, and returns for each token the step at which the path comes to it. Of paths alike it takes the one that
// openai/whisper takes.
func starts(attention []float32, tokens, steps int) []int {
	if tokens == 0 || steps == 0 {
		return make([]int, tokens)
	}
	const both, token, step = 0, 1, 2
	inf := float32(math.Inf(1))
	before, cost := make([]float32, tokens+1), make([]float32, tokens+1) // of one step of time
	trace := make([]uint8, tokens*steps)                                 // by which move the path came
	for i := range before {
		before[i] = inf
	}
	before[0] = 0
	for j := range steps {
		cost[0] = inf
		for i := range tokens {
			c, move := before[i+1], uint8(step)
			if d := before[i]; d < cost[i] && d < c {
				c, move = d, both
			} else if e := cost[i]; e < d && e < c {
				c, move = e, token
			}
			cost[i+1] = float32(float64(c) - float64(attention[i*steps+j]))
			trace[i*steps+j] = move
		}
		before, cost = cost, before
	}
	first := make([]int, tokens)
	for i, j := tokens-1, steps-1; i >= 0; {
		first[i] = j
		switch move := trace[i*steps+j]; {
		case i == 0:
			j--
		case j == 0 || move == token:
			i--
		case move == both:
			i, j = i-1, j-1
		default:
			j--
		}
		if j < 0 {
			break
		}
	}
	return first
}

// An aligner finds where in a window tokens are said. Its memory serves one window after the other.
type aligner struct {
	tokens, steps int
	from, to      int // of the tokens, those that are looked for
	attention     []float32
	frames        int // from one token's attention to the next one's
	mean, scale   []float64
	sum           []float32
}

// starts finds for each token from from to to the step at which it begins. weights [heads, tokens, frames] is what the heads listen to, of
// which the first steps count. What each token hears of a step is taken as the distance from what all tokens hear of it, in standard
// deviations, smoothed along time by a median.
func (a *aligner) starts(weights []float32, heads, frames, workers int) []int {
	a.frames = frames
	a.sum = append(a.sum[:0], make([]float32, (a.to-a.from)*a.steps)...)
	for h := range heads {
		a.attention = weights[h*a.tokens*frames:][:a.tokens*frames]
		a.measure()
		par.Do(a, a.to-a.from, workers)
	}
	return starts(a.sum, a.to-a.from, a.steps)
}

// measure lets the steps that count share the attention of each token, and finds mean and deviation of each step.
func (a *aligner) measure() {
	n := float64(a.tokens)
	a.mean, a.scale = append(a.mean[:0], make([]float64, a.steps)...), append(a.scale[:0], make([]float64, a.steps)...)
	for t := range a.tokens {
		row, sum := a.row(t), 0.0
		for _, v := range row {
			sum += float64(v)
		}
		sum = max(sum, math.SmallestNonzeroFloat32)
		for j, v := range row {
			row[j] = float32(float64(v) / sum)
			a.mean[j] += float64(row[j]) / n
		}
	}
	for t := range a.tokens {
		for j, v := range a.row(t) {
			d := float64(v) - a.mean[j]
			a.scale[j] += d * d
		}
	}
	for j, v := range a.scale {
		if v > 0 {
			a.scale[j] = 1 / math.Sqrt(v/n)
		}
	}
}

func (a *aligner) row(t int) []float32 { return a.attention[t*a.frames:][:a.steps] }

// Run adds what one token hears to the sum over the heads.
func (a *aligner) Run(t int) {
	row := a.row(a.from + t)
	for j, v := range row {
		row[j] = float32((float64(v) - a.mean[j]) * a.scale[j])
	}
	addMedians(a.sum[t*a.steps:][:a.steps], row)
}

// addMedians adds to each value of sum the median of the values around it in x, which is reflected at its ends.
func addMedians(sum, x []float32) {
	const half = medianWidth / 2
	if len(x) <= half {
		for i, v := range x {
			sum[i] += v
		}
		return
	}
	at := func(i int) float32 {
		if i < 0 {
			i = -i
		} else if i >= len(x) {
			i = 2*(len(x)-1) - i
		}
		return x[i]
	}
	for i := range x {
		var near [medianWidth]float32
		for k := range near {
			v, p := at(i+k-half), k
			for ; p > 0 && near[p-1] > v; p-- {
				near[p] = near[p-1]
			}
			near[p] = v
		}
		sum[i] += near[half]
	}
}
