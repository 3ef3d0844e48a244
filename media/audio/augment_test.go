package audio

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func hum(hz, rate, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(0.5 * math.Sin(2*math.Pi*float64(hz*i)/float64(rate)))
	}
	return out
}

func energy(s []float32) (sum float64) {
	for _, v := range s {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(s))
}

func TestSpeedMovesPitch(t *testing.T) {
	in := hum(400, 16000, 16000)
	for factor, hz := range map[float64]int{0.8: 320, 1: 400, 1.25: 500} {
		out := Speed(in, factor)
		if want := int(math.Ceil(16000 / factor)); len(out) != want {
			t.Errorf("speed %g: got %d samples, want %d", factor, len(out), want)
		}
		want := hum(hz, 16000, len(out))
		for i := 500; i < len(out)-500; i++ {
			if d := math.Abs(float64(out[i] - want[i])); d > 1e-3 {
				t.Fatalf("speed %g: sample %d differs by %g", factor, i, d)
			}
		}
	}
	if out := Speed(nil, 1.1); len(out) != 0 {
		t.Errorf("got %d samples of none", len(out))
	}
}

func TestShiftGainNoise(t *testing.T) {
	for by, want := range map[int][]float32{0: {1, 2, 3, 4}, 1: {0, 1, 2, 3}, -3: {4, 0, 0, 0}, 9: {0, 0, 0, 0}, -9: {0, 0, 0, 0}} {
		s := []float32{1, 2, 3, 4}
		if Shift(s, by); !slices.Equal(s, want) {
			t.Errorf("shift %d: got %v", by, s)
		}
	}
	s := hum(400, 16000, 16000)
	before := energy(s)
	Amplify(s, -6)
	if db := 10 * math.Log10(energy(s)/before); math.Abs(db+6) > 1e-3 {
		t.Errorf("got %g dB", db)
	}
	for _, snr := range []float64{0, 10, 30} {
		clean := hum(400, 16000, 16000)
		noisy := slices.Clone(clean)
		AddNoise(rand.New(rand.NewPCG(1, 2)), noisy, snr)
		for i := range noisy {
			noisy[i] -= clean[i]
		}
		if db := 10 * math.Log10(energy(clean)/energy(noisy)); math.Abs(db-snr) > 1e-2 {
			t.Errorf("got %g dB, want %g", db, snr)
		}
	}
	silent := make([]float32, 9)
	Mix(silent, []float32{1, -1}, 10)
	Mix(s, make([]float32, 3), 10)
	Mix(s, nil, 10)
	if energy(silent) != 0 || math.Abs(10*math.Log10(energy(s)/before)+6) > 1e-3 {
		t.Error("silence has a part in a mixture")
	}
}

func TestMaskHidesWholeStretches(t *testing.T) {
	const bands, frames = 20, 50
	features := make([]float32, bands*frames)
	for i := range features {
		features[i] = float32(i)
	}
	Mask{Times: 2, Longest: 10, Bands: 2, Widest: 5}.Apply(rand.New(rand.NewPCG(1, 2)), features, bands, frames)
	mean := float32(bands*frames-1) / 2
	columns, rows := 0, 0
	for f := range frames {
		hidden := 0
		for b := range bands {
			if features[b*frames+f] == mean {
				hidden++
			}
		}
		if hidden == bands {
			columns++
		}
	}
	for b := range bands {
		if !slices.ContainsFunc(features[b*frames:][:frames], func(v float32) bool { return v != mean }) {
			rows++
		}
	}
	if columns == 0 || columns > 20 || rows == 0 || rows > 10 {
		t.Errorf("got %d frames and %d bands hidden", columns, rows)
	}
	for i, v := range features {
		if v != mean && v != float32(i) {
			t.Fatalf("feature %d became %g", i, v)
		}
	}
	Mask{Times: 1, Longest: 99, Bands: 1, Widest: 99}.Apply(rand.New(rand.NewPCG(1, 2)), features, bands, frames)
}

func TestAugmentFollowsItsSource(t *testing.T) {
	a := &Augment{Speed: 0.1, Shift: 0.2, Gain: 6, SNR: [2]float64{10, 30}, Noisy: 0.5}
	in := hum(300, 8000, 4000)
	kept := slices.Clone(in)
	var last []float32
	for seed := range uint64(10) {
		one, two := a.Apply(rand.New(rand.NewPCG(seed, 1)), in), a.Apply(rand.New(rand.NewPCG(seed, 1)), in)
		if !slices.Equal(one, two) || slices.Equal(one, last) || len(one) < 3600 || len(one) > 4500 {
			t.Errorf("seed %d: %d samples", seed, len(one))
		}
		last = one
	}
	if !slices.Equal(in, kept) {
		t.Error("the source changed")
	}
	if none := (&Augment{}).Apply(rand.New(rand.NewPCG(1, 1)), in); !slices.Equal(none, in) {
		t.Error("the zero value changes something")
	}
}
