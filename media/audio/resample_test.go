package audio

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"
)

var ratePairs = [][2]int{
	{44100, 16000}, {48000, 16000}, {22050, 48000}, {16000, 48000}, {8000, 16000}, {11025, 16000}, {96000, 44100},
	{44100, 48000}, {44101, 16000}, {16000, 44101}, {44101, 44100}, {25013, 16000}, {16000, 17011}, {192000, 16000}, {8000, 48000}, {32000, 16000}, {17, 13},
}

// tone is n samples of a sine of amplitude 1.
func tone(n int, frequency float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.Sin(2*math.Pi*frequency*float64(i) + 0.3))
	}
	return out
}

// fit is the amplitude of the sine of that frequency in x, in cycles a sample, and what is left without it (as an amplitude).
func fit(x []float32, frequency float64) (amplitude, rest float64) {
	var ss, cc, sc, xs, xc float64
	for i, v := range x {
		s, c := math.Sincos(2 * math.Pi * frequency * float64(i))
		ss, cc, sc = ss+s*s, cc+c*c, sc+s*c
		xs, xc = xs+float64(v)*s, xc+float64(v)*c
	}
	det := ss*cc - sc*sc
	a, b := (xs*cc-xc*sc)/det, (xc*ss-xs*sc)/det
	sum := 0.0
	for i, v := range x {
		s, c := math.Sincos(2 * math.Pi * frequency * float64(i))
		d := float64(v) - a*s - b*c
		sum += d * d
	}
	return math.Hypot(a, b), math.Sqrt(2 * sum / float64(len(x)))
}

func decibels(a float64) float64 { return 20 * math.Log10(a) }

// Tones of up to 0.9 of the lower rate's half must come out as loud as they went in, and nothing beside them: that is the
// images of the interpolation. Tones beyond the half must not come out at all: those are the aliases.
func TestResamplerPassesAndStops(t *testing.T) {
	for _, rates := range ratePairs {
		t.Run(fmt.Sprintf("%d-%d", rates[0], rates[1]), func(t *testing.T) {
			from, to := float64(rates[0]), float64(rates[1])
			low := min(from, to) / 2
			n := int(max(6000, 6000*from/to))
			ripple, images, aliases := 0.0, math.Inf(-1), math.Inf(-1)
			inner := func(frequency float64) []float32 {
				y := Resample(tone(n, frequency/from), rates[0], rates[1])
				edge := int(150*max(to/from, 1)) + 1
				return y[edge : len(y)-edge]
			}
			for k := range 19 {
				f := low * (0.01 + 0.89*float64(k)/18)
				amplitude, rest := fit(inner(f), f/to)
				ripple = max(ripple, math.Abs(decibels(amplitude)))
				images = max(images, decibels(rest))
			}
			for k := 0; from/2*0.999 > low && k < 19; k++ {
				f := low + (from/2*0.999-low)*float64(k)/18
				y := inner(f)
				sum := 0.0
				for _, v := range y {
					sum += float64(v) * float64(v)
				}
				aliases = max(aliases, decibels(math.Sqrt(2*sum/float64(len(y)))))
			}
			t.Logf("ripple %.5f dB, images %.1f dB, aliases %.1f dB", ripple, images, aliases)
			if !(ripple < 0.01) || !(images < -100) || !(aliases < -100) {
				t.Error("expected less than 0.01, -100 and -100 dB")
			}
		})
	}
}

// However the input is cut, the output must be the same.
func TestResamplerInPieces(t *testing.T) {
	x := noise(20000, 3)
	for _, rates := range append(ratePairs, [2]int{16000, 16000}) {
		want := Resample(x, rates[0], rates[1])
		if n := (len(x)*rates[1] + rates[0] - 1) / rates[0]; len(want) != n {
			t.Fatalf("%v: %d samples, want %d", rates, len(want), n)
		}
		r := NewResampler(rates[0], rates[1])
		var got []float32
		out := make([]float32, 777)
		rest := x
		for size := 1; len(rest) > 0; size = size*3%1009 + 1 {
			k := min(size, len(rest))
			r.Push(rest[:k])
			rest = rest[k:]
			for n := -1; n != 0; {
				n = r.Pull(out[:1+size%len(out)])
				got = append(got, out[:n]...)
			}
		}
		r.End()
		for n := -1; n != 0; {
			n = r.Pull(out)
			got = append(got, out[:n]...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: pieces differ from the whole", rates)
		}
		if cap(r.buf) > 1<<18 {
			t.Errorf("%v: keeps %d samples", rates, cap(r.buf))
		}
	}
}

// Any two rates must do, in bounded memory.
func TestResamplerOfOddRates(t *testing.T) {
	x := noise(3000, 5)
	for _, rates := range [][2]int{{LowestRate, 48000}, {HighestRate, 16000}, {999983, 16000}, {16000, 999983}, {44101, 44100}, {100, 101}, {47999, 48000}} {
		r := NewResampler(rates[0], rates[1])
		for _, step := range []*Resampler{r, r.before} {
			if step == nil {
				continue
			}
			if e, ok := step.engine.(*interpolated); ok && len(e.Bank) > 1<<20 {
				t.Errorf("%v: a bank of %d values", rates, len(e.Bank))
			}
		}
		for i, v := range Resample(x, rates[0], rates[1]) {
			if v-v != 0 || math.Abs(float64(v)) > 4 {
				t.Fatalf("%v: sample %d is %v", rates, i, v)
			}
		}
	}
	for _, length := range []int{0, 1, 2, 5} {
		if got := Resample(x[:length], 44100, 16000); len(got) != (length*16000+44099)/44100 {
			t.Errorf("%d samples became %d", length, len(got))
		}
	}
}

// Within the pass band the samples must be those of the formula at the other rate, and so soxr's, which librosa and
// transformers use: soxr lets the upper tones sag by its 0.01 dB where the ratio isn't whole.
func TestResamplerEqualsSoxr(t *testing.T) {
	data, err := os.ReadFile("testdata/resample.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Cases []struct {
			From, To, Samples int
			Values            string
		}
	}
	if err := json.Unmarshal(data, &golden); err != nil || len(golden.Cases) < 8 {
		t.Fatal(err, len(golden.Cases))
	}
	for _, c := range golden.Cases {
		values, err := base64.StdEncoding.DecodeString(c.Values)
		if err != nil {
			t.Fatal(err)
		}
		got := Resample(chord(c.Samples, c.From, c.To), c.From, c.To)
		if len(got)*4 != len(values) {
			t.Fatalf("%d to %d: %d samples, want %d", c.From, c.To, len(got), len(values)/4)
		}
		worst, wrong := 0.0, 0.0
		for i, v := range got {
			worst = max(worst, math.Abs(float64(v-math.Float32frombits(binary.LittleEndian.Uint32(values[4*i:])))))
			wrong = max(wrong, math.Abs(float64(v)-chordAt(float64(i)*float64(c.From)/float64(c.To), c.Samples, c.From, c.To)))
		}
		t.Logf("%d to %d: off by %.2g from soxr, %.2g from the formula", c.From, c.To, worst, wrong)
		if !(worst < 1.5e-4) || !(wrong < 3e-6) {
			t.Errorf("%d to %d: off by %.2g from soxr, %.2g from the formula", c.From, c.To, worst, wrong)
		}
	}
}

// A stream in steady state must not allocate.
func TestResamplerAllocatesNothing(t *testing.T) {
	for _, rates := range [][2]int{{44100, 16000}, {44101, 16000}, {16000, 44101}} {
		r := NewResampler(rates[0], rates[1])
		x, out := noise(4096, 1), make([]float32, 4096)
		step := func() {
			r.Push(x)
			for r.Pull(out) > 0 {
			}
		}
		for range 10 {
			step()
		}
		if n := testing.AllocsPerRun(50, step); n > 0 {
			t.Errorf("%v: %v allocations", rates, n)
		}
	}
}

// BenchmarkResample is 30 seconds of one channel.
func BenchmarkResample(b *testing.B) {
	for _, rates := range ratePairs[:10] {
		b.Run(fmt.Sprintf("%d-%d", rates[0], rates[1]), func(b *testing.B) {
			x := noise(30*rates[0], 1)
			for b.Loop() {
				Resample(x, rates[0], rates[1])
			}
		})
	}
}

func BenchmarkNewResampler(b *testing.B) {
	for _, rates := range ratePairs[:10] {
		b.Run(fmt.Sprintf("%d-%d", rates[0], rates[1]), func(b *testing.B) {
			for b.Loop() {
				NewResampler(rates[0], rates[1])
			}
		})
	}
}
