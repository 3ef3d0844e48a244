package train_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/chiasm/chiasm/train"
)

// The derivatives of every loss, in float64, against differences; with several positives, none, and what counts for nothing.
func TestLosses(t *testing.T) {
	const rows, cols, h = 4, 6, 1e-4
	r := rand.New(rand.NewPCG(3, 4))
	own, shared, logits := make([]float64, rows*cols), make([]float64, rows*cols), make([]float64, rows*cols)
	for i := range logits {
		logits[i] = 4 * r.NormFloat64()
		if i/cols == i%cols {
			own[i] = 1
		}
		switch r.IntN(4) {
		case 0:
			shared[i] = r.Float64()
		case 1:
			shared[i] = -1
		}
		if i/cols == 2 || i%cols == 4 { // what nothing belongs to
			shared[i] = min(shared[i], 0)
		}
	}
	slopes, ignored := make([]float64, rows*cols), make([]float64, rows*cols)
	for name, loss := range map[string]train.Loss{"infonce": train.InfoNCE, "sigmoid": train.Sigmoid, "hard": train.Hard(0.7)} {
		for _, targets := range [][]float64{own, shared} {
			at := func() float64 {
				clear(ignored)
				return loss(ignored, logits, targets, rows, cols)
			}
			clear(slopes)
			value := loss(slopes, logits, targets, rows, cols)
			for i := range logits {
				was := logits[i]
				logits[i] = was + h
				up := at()
				logits[i] = was - h
				down := at()
				logits[i] = was
				if want := (up - down) / (2 * h); math.Abs(slopes[i]-want) > 1e-7 {
					t.Errorf("%s: by logit %d: got %v, differences give %v", name, i, slopes[i], want)
				}
				if targets[i] < 0 && slopes[i] != 0 {
					t.Errorf("%s: a logit that counts for nothing has the derivative %v", name, slopes[i])
				}
			}
			if !(value > 0) {
				t.Errorf("%s is %v", name, value)
			}
			for i := range logits { // far apart, nothing overflows
				logits[i] *= 1e3
			}
			if value := at(); math.IsNaN(value) || math.IsInf(value, 0) {
				t.Errorf("%s of large logits is %v", name, value)
			}
			for i := range logits {
				logits[i] /= 1e3
			}
		}
	}
	a, b := train.InfoNCE(slopes, logits, own, rows, cols), train.Hard(1e-9)(ignored, logits, own, rows, cols)
	if math.Abs(a-b) > 1e-7 {
		t.Errorf("with the least weights Hard is %v, InfoNCE %v", b, a)
	}
}
