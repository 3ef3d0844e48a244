package metric_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/metric"
)

var nan = float32(math.NaN())

// Equal scores, and what is no number, count against the model.
func TestTies(t *testing.T) {
	for _, c := range []struct {
		row      []float32
		relevant []int32
		want     int
	}{
		{[]float32{1, 1, 1, 1}, []int32{0}, 4},
		{[]float32{1, 1, 1, 1}, []int32{0, 2}, 3}, // two of the four are wrong
		{[]float32{3, 2, 2, 1}, []int32{2}, 3},
		{[]float32{3, 2, 2, 1}, []int32{2, 0}, 1},
		{[]float32{3, 2, 2, 1}, nil, 0},
		{[]float32{nan, 2, 1}, []int32{1}, 2},
		{[]float32{nan, 2, 1}, []int32{0}, 3},
		{[]float32{nan, nan, 1}, []int32{0, 2}, 2},
		{[]float32{nan, nan}, []int32{1}, 2},
	} {
		if got := metric.Ranks(metric.Matrix(c.row, 1, len(c.row)), [][]int32{c.relevant})[0]; got != c.want {
			t.Errorf("%v, relevant %v: rank %d, want %d", c.row, c.relevant, got, c.want)
		}
	}
	if r := metric.Summarize([]int{0, 2, 0, 4}); r.Queries != 2 || r.Median != 3 || r.R1 != 0 || r.R5 != 1 {
		t.Errorf("queries without anything to find count: %+v", r)
	}
	if r := metric.Summarize(nil); r != (metric.Ranking{}) {
		t.Errorf("no queries give %+v", r)
	}
}

// A matrix that is larger than a block is taken in pieces, and gives what its queries give one by one.
func TestBlocks(t *testing.T) {
	const queries, items = 5, 1 << 20 // four rows to a block
	r := rand.New(rand.NewPCG(1, 2))
	largest := 0
	value := func(q, i int) float32 { return float32((q+1)*i%items) / items }
	s := metric.Scores{Queries: queries, Items: items, Rows: func(first, last int, to []float32) {
		largest = max(largest, len(to))
		for q := first; q < last; q++ {
			for i := range items {
				to[(q-first)*items+i] = value(q, i)
			}
		}
	}}
	own := make([]int32, queries)
	for q := range own {
		own[q] = r.Int32N(items)
	}
	for q, got := range metric.Ranks(s, metric.One(own)) {
		want := 0
		for i := range items {
			if value(q, i) >= value(q, int(own[q])) {
				want++
			}
		}
		if got != want {
			t.Errorf("query %d: rank %d, want %d", q, got, want)
		}
	}
	if largest != 4*items {
		t.Errorf("a block of %d values", largest)
	}
}

// The interval of a share is near that of a binomial distribution, wider for fewer queries, and the same for the same seed.
func TestBootstrap(t *testing.T) {
	for _, n := range []int{50, 5000} {
		ranks := make([]int, n)
		for i := range ranks {
			ranks[i] = 1 + i%4 // a quarter is found first
		}
		got := metric.Bootstrap{Seed: 1}.Ranking(ranks)
		half := 1.96 * math.Sqrt(0.25*0.75/float64(n))
		if share := metric.Summarize(ranks).R1; math.Abs(got.R1.Low-share+half) > 0.3*half || math.Abs(got.R1.High-share-half) > 0.3*half {
			t.Errorf("%d queries: %v, want %v ± %v", n, got.R1, share, half)
		}
		if got.R5 != (metric.Interval{Low: 1, High: 1}) {
			t.Errorf("what is certain lies in %v", got.R5)
		}
		if again := (metric.Bootstrap{Seed: 1}).Ranking(ranks); again != got {
			t.Errorf("the same seed gives %v, then %v", got, again)
		}
		if other := (metric.Bootstrap{Seed: 2}).Ranking(ranks); other == got {
			t.Error("another seed gives the same")
		}
		hits := make([]float64, n)
		for i, r := range ranks {
			if r == 1 {
				hits[i] = 1
			}
		}
		if mean := (metric.Bootstrap{Seed: 1}).Mean(hits); mean != got.R1 {
			t.Errorf("as a mean %v, want %v", mean, got.R1)
		}
	}
	if got := (metric.Bootstrap{}).Ranking([]int{0}); got != (metric.Intervals{}) {
		t.Errorf("without queries %v", got)
	}
	wide, narrow := metric.Bootstrap{Level: 0.99}.Mean([]float64{0, 1, 1, 0, 1, 0, 0}), metric.Bootstrap{Level: 0.5}.Mean([]float64{0, 1, 1, 0, 1, 0, 0})
	if !(wide.Low < narrow.Low && narrow.High < wide.High) {
		t.Errorf("99 %%: %v, 50 %%: %v", wide, narrow)
	}
}

// What the data does not say is NaN, not a number.
func TestUnknown(t *testing.T) {
	none := []bool{false, false}
	p, _ := metric.PrecisionAt([]float64{0.1, 0.2}, none, 0.5)
	_, r := metric.PrecisionAt([]float64{0.1, 0.2}, none, 0)
	for i, v := range []float64{
		metric.ROCAUC([]float64{1, 2}, none), metric.AveragePrecision([]float64{1, 2}, none), p, r,
		metric.MeanPerClass(nil, nil), metric.CalibrationError(nil, nil, 3), metric.MeanAveragePrecision(metric.Matrix([]float32{1}, 1, 1), [][]int32{nil}),
		metric.Percentile(nil, 0.5),
	} {
		if !math.IsNaN(v) {
			t.Errorf("figure %d is %v, want NaN", i, v)
		}
	}
}

func TestPanics(t *testing.T) {
	for i, f := range []func(){
		func() { metric.Matrix(make([]float32, 5), 2, 3) },
		func() { metric.Dots(make([]float32, 5), nil, 2, 1) },
		func() { metric.Ranks(metric.Matrix(nil, 0, 3), make([][]int32, 1)) },
		func() { metric.ROCAUC([]float64{1}, nil) },
		func() { metric.Platt([]float64{1}, []bool{true}, make([]float64, 2)) },
		func() { metric.MeanPerClass([]bool{true}, nil) },
		func() { metric.CalibrationError([]float64{1}, []bool{true}, 0) },
		func() { metric.MeanAveragePrecision(metric.Matrix(nil, 0, 3), make([][]int32, 1)) },
	} {
		func() {
			defer func() {
				err, _ := recover().(error)
				var size *metric.SizeError
				if !errors.As(err, &size) {
					t.Errorf("case %d: %v, want a *SizeError", i, err)
				}
			}()
			f()
		}()
	}
	if got := metric.Ranks(metric.Dots(nil, nil, 4, 1), nil); !slices.Equal(got, []int{}) {
		t.Errorf("nothing has ranks %v", got)
	}
}

func BenchmarkRanks(b *testing.B) {
	const n, d = 4096, 256
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n*d)
	own := make([]int32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := range own {
		own[i] = int32(i)
	}
	for b.Loop() {
		metric.Ranks(metric.Dots(x, x, d, 0), metric.One(own))
	}
}

// Where three of four are right and, one lower, one of four is, both are told as likely as they are, by weights as by repetition.
func TestPlatt(t *testing.T) {
	scores := []float64{1, 1, 1, 1, 0, 0, 0, 0}
	right := []bool{true, true, true, false, true, false, false, false}
	scale, bias := metric.Platt(scores, right, nil)
	weighted, off := metric.Platt([]float64{1, 1, 0, 0}, []bool{true, false, true, false}, []float64{3, 1, 1, 3})
	want := math.Log(3)
	for _, v := range []float64{scale/2 - want, bias + want, weighted/2 - want, off + want} {
		if math.Abs(v) > 1e-6 {
			t.Errorf("scale %v and bias %v, weighted %v and %v, want %v and %v", scale, bias, weighted, off, 2*want, -want)
		}
	}
}
