package audio

import "math"

// logs holds, for the middle of each of 128 parts of 1 to 2, its inverse and the logarithm of that middle.
var logs = func() (t [128]struct{ inverse, log float64 }) {
	for i := range t {
		middle := 1 + (float64(i)+0.5)/128
		t[i].inverse = 1 / middle
		t[i].log = math.Log(middle)
	}
	return t
}()

// ln writes the natural logarithms of positive normal numbers, within 4e-16 and 2e-15 of their values. Unlike math.Log it
// needs no division and takes no branch.
func ln(x *row) {
	for l, v := range x {
		b := math.Float64bits(v)
		t := &logs[b>>45&127]
		z := math.Float64frombits(b&(1<<52-1)|1023<<52)*t.inverse - 1 // at most 1/257
		z2 := z * z
		x[l] = float64(int(b>>52)-1023)*math.Ln2 + t.log + (z - z2*(0.5-z*(1.0/3-z*(0.25-z*(0.2-z*(1.0/6))))))
	}
}
