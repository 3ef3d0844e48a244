package train_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/chiasm/chiasm/train"
)

// The derivatives of every loss, in float64, against differences.
func TestLosses(t *testing.T) {
	const n, h = 4, 1e-4
	r := rand.New(rand.NewPCG(3, 4))
	weights, own, logits := make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)
	for i := range logits {
		weights[i], logits[i] = r.Float64(), 4*r.NormFloat64()
		if i/n == 2 { // a row that belongs to nothing
			weights[i] = 0
		}
		if i%(n+1) == 0 {
			own[i] = 3
		}
	}
	slopes, ignored := make([]float64, n*n), make([]float64, n*n)
	for name, loss := range map[string]train.Loss{
		"infonce": train.InfoNCE, "sigmoid": train.Sigmoid, "shared": train.Shared(weights), "shared, own alone": train.Shared(own),
	} {
		value := loss(slopes, logits, n)
		for i := range logits {
			at := func(d float64) float64 {
				was := logits[i]
				defer func() { logits[i] = was }()
				logits[i] += d
				return loss(ignored, logits, n)
			}
			if want := (at(h) - at(-h)) / (2 * h); math.Abs(slopes[i]-want) > 1e-7 {
				t.Errorf("%s: by logit %d: got %v, differences give %v", name, i, slopes[i], want)
			}
		}
		if !(value > 0) {
			t.Errorf("%s is %v", name, value)
		}
		for i := range logits { // far apart, nothing overflows
			logits[i] *= 1e3
		}
		if value := loss(ignored, logits, n); math.IsNaN(value) || math.IsInf(value, 0) {
			t.Errorf("%s of large logits is %v", name, value)
		}
		for i := range logits {
			logits[i] /= 1e3
		}
	}
	a, b := train.InfoNCE(slopes, logits, n), train.Shared(own)(ignored, logits, n)
	if math.Abs(a-b) > 1e-12 {
		t.Errorf("what belongs to itself alone: %v, InfoNCE is %v", b, a)
	}
}
