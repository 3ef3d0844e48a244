package wave

import (
	"fmt"
	"math"
)

// A Bank holds filters over the bins of a spectrum; of each only the bins that it weighs, and zeros up to a multiple of four.
type Bank[T Float] struct {
	starts  []int32 // first bin of each filter
	fours   []int32 // bins that it weighs, in fours
	weights []T
	reach   int // rows of power that sums read
}

// NewBank makes the filters that weigh bins from starts on.
func NewBank[T Float](starts []int, weights [][]float64) *Bank[T] {
	b := &Bank[T]{}
	for i, w := range weights {
		fours := (len(w) + 3) / 4
		b.starts, b.fours = append(b.starts, int32(starts[i])), append(b.fours, int32(fours))
		for _, v := range w {
			b.weights = append(b.weights, T(v))
		}
		b.weights = append(b.weights, make([]T, 4*fours-len(w))...)
		b.reach = max(b.reach, starts[i]+4*fours)
	}
	return b
}

// Filters is how many there are.
func (b *Bank[T]) Filters() int { return len(b.starts) }

// NewPower makes rows for the power of bins: some more than there are, which stay zero, since filters read in fours.
func (b *Bank[T]) NewPower(bins int) []Row[T] { return make([]Row[T], max(bins, b.reach)) }

// Sums writes what each filter gives of the power, which [Bank.NewPower] made.
func (b *Bank[T]) Sums(dst, power []Row[T]) {
	if len(dst) != len(b.starts) || len(power) < b.reach {
		panic(fmt.Sprintf("wave: expected space for %d sums of %d rows, got %d of %d", len(b.starts), b.reach, len(dst), len(power)))
	}
	if len(dst) > 0 {
		b.sums(dst, power)
	}
}

// GenericSums defines Sums.
func (b *Bank[T]) GenericSums(dst, power []Row[T]) {
	weights := b.weights
	for i := range dst {
		n := 4 * int(b.fours[i])
		w := weights[:n]
		weights = weights[n:]
		x := power[b.starts[i]:][:len(w)]
		var s Row[T]
		for k, v := range w {
			for l, p := range x[k] {
				s[l] += v * p
			}
		}
		dst[i] = s
	}
}

// Roots takes the square roots of x.
func Roots[T Float](x []Row[T]) {
	if len(x) > 0 {
		roots(x)
	}
}

// GenericRoots defines Roots.
func GenericRoots[T Float](x []Row[T]) {
	for k := range x {
		for l, v := range x[k] {
			x[k][l] = T(math.Sqrt(float64(v)))
		}
	}
}

// A Log is how energies become features: factor·ln(max(x, Floor) + Offset). What the logarithm sees must be a positive
// normal number.
type Log struct{ Floor, Offset, Factor float64 }

// Logs writes the features of x to dst, the lanes of each row side by side. In 64 bits the logarithms are within 1e-12 and
// 2e-15 of their values, then rounded; in 32 bits within 1e-6 and 2e-7.
func Logs[T Float](dst []float32, x []Row[T], g Log) {
	if len(dst) != Lanes*len(x) {
		panic(fmt.Sprintf("wave: expected space for %d logarithms, got %d", Lanes*len(x), len(dst)))
	}
	if len(x) > 0 {
		logarithms(dst, x, g)
	}
}

// GenericLogs defines Logs.
func GenericLogs[T Float](dst []float32, x []Row[T], g Log) {
	for k := range x {
		for l, v := range x[k] {
			dst[k*Lanes+l] = float32(g.Factor * ln(max(float64(v), g.Floor)+g.Offset))
		}
	}
}

// logs holds, for the middle of each of 128 parts of 1 to 2, its inverse and the logarithm of that middle.
var logs = func() (t [128]struct{ inverse, log float64 }) {
	for i := range t {
		middle := 1 + (float64(i)+0.5)/128
		t[i].inverse = 1 / middle
		t[i].log = math.Log(middle)
	}
	return t
}()

// ln is the natural logarithm of a positive normal number, within 4e-16 and 2e-15 of its value. Unlike math.Log it needs no
// division and takes no branch.
func ln(v float64) float64 {
	b := math.Float64bits(v)
	t := &logs[b>>45&127]
	z := math.Float64frombits(b&(1<<52-1)|1023<<52)*t.inverse - 1 // at most 1/257
	z2 := z * z
	return float64(int(b>>52)-1023)*math.Ln2 + t.log + (z - z2*(0.5-z*(1.0/3-z*(0.25-z*(0.2-z*(1.0/6))))))
}

// Raise writes (max(v, floor) + add)·factor to x in place.
func Raise(x []float32, floor, add, factor float32) {
	if len(x) > 0 {
		raise(x, floor, add, factor)
	}
}

// GenericRaise defines Raise.
func GenericRaise(x []float32, floor, add, factor float32) {
	for i, v := range x {
		x[i] = (max(v, floor) + add) * factor
	}
}
