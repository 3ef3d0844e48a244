package whisper

import (
	"math"

	"github.com/chiasm/chiasm/internal/kernel"
)

// A choice is a token that may come next, with the logarithm of its probability.
type choice struct {
	id      int32
	logProb float32
}

const blockSize = 512 // values that are looked at together

// expSum is Σ exp(s·x - top).
func expSum(x []float32, s, top float32) float64 {
	var e [blockSize]float32
	var sum float64
	for len(x) > 0 {
		n := min(len(x), blockSize)
		sum += float64(kernel.ExpSum(e[:n], x[:n], s, top))
		x = x[n:]
	}
	return sum
}

// best appends the k likeliest of the tokens from lo on whose logits x holds, the likeliest first, of two alike the one with the lower id.
// It returns fewer if the rest is forbidden.
func best(dst []choice, x []float32, lo, k int) []choice {
	from, top := len(dst), never
	for at := 0; at < len(x); at += blockSize {
		block := x[at:min(at+blockSize, len(x))]
		least := never // what a value must be above to be among the best
		if len(dst)-from == k {
			least = dst[len(dst)-1].logProb
		}
		highest := kernel.Max(block)
		if highest <= least {
			continue
		}
		top = max(top, highest)
		for i, v := range block {
			if v > least {
				if dst = insert(dst, from, k, choice{int32(lo + at + i), v}); len(dst)-from == k {
					least = dst[len(dst)-1].logProb
				}
			}
		}
	}
	if top == never {
		return dst
	}
	whole := top + float32(math.Log(expSum(x, 1, top)))
	for i := from; i < len(dst); i++ {
		dst[i].logProb -= whole
	}
	return dst
}

// insert puts c into its place among the choices from from on, and drops the last if they become more than k.
func insert(dst []choice, from, k int, c choice) []choice {
	if len(dst)-from < k {
		dst = append(dst, c)
	}
	i := len(dst) - 1
	for ; i > from && dst[i-1].logProb < c.logProb; i-- {
		dst[i] = dst[i-1]
	}
	dst[i] = c
	return dst
}

// draw takes a token from lo on by its probability at a temperature above 0, for u uniform in 0 to 1. The probability that it returns with
// it is that at temperature 1.
func draw(x []float32, lo int, temperature float32, u float64) (choice, bool) {
	top := kernel.Max(x)
	if top == never {
		return choice{}, false
	}
	s := 1 / temperature
	left := u * expSum(x, s, s*top)
	picked := -1
	var e [blockSize]float32
	for at := 0; at < len(x) && left >= 0; at += blockSize {
		block := x[at:min(at+blockSize, len(x))]
		if sum := float64(kernel.ExpSum(e[:len(block)], block, s, s*top)); sum <= left {
			left -= sum
			continue
		}
		for i := 0; i < len(block) && left >= 0; i++ {
			if e[i] > 0 {
				picked = at + i
				left -= float64(e[i])
			}
		}
	}
	if picked < 0 { // rounding left something over after the last
		for picked = 0; x[picked] < top; picked++ {
		}
	}
	whole := top + float32(math.Log(expSum(x, 1, top)))
	return choice{int32(lo + picked), x[picked] - whole}, true
}

// uniform is a number in 0 to 1 that depends on the key and the step alone (SplitMix64).
func uniform(key uint64, step int) float64 {
	return float64(mix(key+uint64(step)*0x9e3779b97f4a7c15)>>11) / (1 << 53)
}

func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
