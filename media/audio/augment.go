package audio

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/chiasm/chiasm/internal/kernel"
)

// An Augment changes sounds at random, as training wants them: all that it draws comes from the source of chance that it is given, in one
// order, so the same source gives the same sound. The zero value changes nothing. What it does, in this order:
type Augment struct {
	Speed float64    // faster or slower by a factor from 1-x to 1+x, with the pitch, as a tape; below 1
	Shift float64    // later or earlier by up to this fraction of its length, silence coming after
	Gain  float64    // louder or softer by up to so many decibels
	SNR   [2]float64 // noise, softer than the sound by so many decibels, at least and at most
	Noisy float64    // chance of that
}

// Apply returns the changed sound; its length changes with the speed alone. sound stays as it is.
func (a *Augment) Apply(r *rand.Rand, sound []float32) []float32 {
	even := func(most float64) float64 { return most * (2*r.Float64() - 1) }
	speed, shift, gain := 1+even(a.Speed), even(a.Shift), even(a.Gain)
	noisy, snr := r.Float64() < a.Noisy, a.SNR[0]+(a.SNR[1]-a.SNR[0])*r.Float64()
	out := Speed(sound, speed)
	Shift(out, int(math.Round(shift*float64(len(out)))))
	Amplify(out, gain)
	if noisy {
		AddNoise(r, out, snr)
	}
	return out
}

// speeds are told apart in steps of a hundredth: a Resampler's filters are made for a ratio, and there should be few.
const speeds = 100

// Speed returns a sound that takes 1/factor of the time, with the pitch changed as by a tape: the factor is rounded to hundredths. It
// panics unless 0.1 <= factor <= 10.
func Speed(sound []float32, factor float64) []float32 {
	n := int(math.Round(factor * speeds))
	if n < speeds/10 || n > 10*speeds {
		panic(fmt.Sprintf("audio: expected a speed from 0.1 to 10, got %g", factor))
	}
	r := NewResampler(n, speeds)
	r.Push(sound)
	r.End()
	out := make([]float32, (len(sound)*speeds+n-1)/n)
	for got := 0; got < len(out); {
		k := r.Pull(out[got:])
		if k == 0 {
			break // what is left is silence
		}
		got += k
	}
	return out
}

// Shift moves a sound in place to later by so many samples, or to earlier by a negative number. Silence comes where it was.
func Shift(sound []float32, by int) {
	by = min(max(by, -len(sound)), len(sound))
	if by >= 0 {
		copy(sound[by:], sound)
		clear(sound[:by])
		return
	}
	copy(sound, sound[-by:])
	clear(sound[len(sound)+by:])
}

// Amplify makes a sound louder in place by so many decibels.
func Amplify(sound []float32, decibels float64) {
	factor := float32(math.Pow(10, decibels/20))
	for i := range sound {
		sound[i] *= factor
	}
}

// AddNoise adds white noise in place, softer than the sound by so many decibels, power against power over the whole. Silence stays.
func AddNoise(r *rand.Rand, sound []float32, snr float64) {
	noise := make([]float32, len(sound))
	for i := range noise {
		noise[i] = float32(r.NormFloat64())
	}
	Mix(sound, noise, snr)
}

// Mix adds another sound in place, over and over if it is shorter, so loud that it is softer than the first by so many decibels, power
// against power over the whole. It adds nothing to silence, and nothing of silence.
func Mix(sound, other []float32, snr float64) {
	if len(other) == 0 {
		return
	}
	sum := 0.0
	for i := range sound {
		sum += square(other[i%len(other)])
	}
	power := 0.0
	for _, v := range sound {
		power += square(v)
	}
	if sum == 0 {
		return
	}
	factor := float32(math.Sqrt(power / sum / math.Pow(10, snr/10)))
	for i := range sound {
		sound[i] += float32(factor * other[i%len(other)])
	}
}

func square(v float32) float64 { return float64(float64(v) * float64(v)) }

// A Mask hides parts of features as SpecAugment does (Park et al. 2019): stretches of time and bands of frequency, each of a width drawn
// evenly from 0 to the widest. What is hidden gets the mean of the features.
type Mask struct {
	Times, Longest int // stretches of time, and the most frames of one
	Bands, Widest  int // bands of frequency, and the most mel bands of one
}

// Apply hides parts of features in place, [bands, frames]. It panics unless there are bands*frames.
func (m Mask) Apply(r *rand.Rand, features []float32, bands, frames int) {
	if len(features) != bands*frames {
		panic(fmt.Sprintf("audio: expected %d x %d features, got %d", bands, frames, len(features)))
	}
	if len(features) == 0 {
		return
	}
	mean := kernel.Sum(features) / float32(len(features))
	for range m.Times {
		from, n := stretch(r, m.Longest, frames)
		for b := range bands {
			fill(features[b*frames+from:][:n], mean)
		}
	}
	for range m.Bands {
		from, n := stretch(r, m.Widest, bands)
		fill(features[from*frames:][:n*frames], mean)
	}
}

// stretch draws a width from 0 to most and a place for it.
func stretch(r *rand.Rand, most, whole int) (from, n int) {
	n = r.IntN(min(max(most, 0), whole) + 1)
	return r.IntN(whole - n + 1), n
}

func fill(dst []float32, v float32) {
	for i := range dst {
		dst[i] = v
	}
}
