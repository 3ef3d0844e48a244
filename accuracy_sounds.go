package chiasm

import "math"

// accuracyRate is that of the accuracy gate's sounds, in Hz.
const accuracyRate = 48000

// accuracySounds are the gate's sounds, made here rather than kept: each four seconds of what differs most to the ear.
func accuracySounds() []Sound {
	tone := func(hertz, t float64) float64 { return math.Sin(2 * math.Pi * hertz * t) }
	decay := func(every, rate, t float64) float64 { return math.Exp(-rate * math.Mod(t, every)) }
	low, lower := 0.0, 0.0 // the states of two filters over the hiss
	voices := []func(t, hiss float64) float64{
		func(t, hiss float64) float64 { return 0.3 * hiss }, // rain
		func(t, hiss float64) float64 { // wind
			low += (hiss - low) * 0.02
			return low * (1.5 + tone(0.4, t))
		},
		func(t, _ float64) float64 { return 0.4 * math.Sin(2*math.Pi*900*t-120*math.Cos(2*math.Pi*0.5*t)) }, // siren
		func(t, hiss float64) float64 { return hiss * decay(0.5, 80, t) },                                   // clock
		func(t, _ float64) (v float64) { // engine
			for k := 1.0; k < 12; k++ {
				v += tone(31*k, t) / (2 * k)
			}
			return v * (0.7 + 0.3*tone(15.5, t))
		},
		func(t, _ float64) float64 { // birds
			u := math.Mod(t, 0.3)
			return 0.5 * math.Sin(2*math.Pi*(2800*u+4000*u*u)) * math.Max(0, 1-6*u)
		},
		func(t, _ float64) (v float64) { // a chord, struck every second
			for _, hertz := range []float64{220, 277.2, 329.6, 440} {
				v += 0.15 * (tone(hertz, t) + 0.4*tone(2*hertz, t)) * decay(1, 3, t)
			}
			return v
		},
		func(t, hiss float64) (v float64) { // something like a voice
			lower += (hiss - lower) * 0.3
			formant := 600 + 300*tone(1.7, t)
			for k := 1.0; k < 20; k++ {
				v += 0.1 * math.Sin(2*math.Pi*120*k*t-4*k*math.Cos(2*math.Pi*0.8*t)) * math.Exp(-math.Abs(120*k-formant)/300)
			}
			return v*math.Max(0, tone(1.3, t)) + 0.01*lower
		},
	}
	sounds := make([]Sound, len(voices))
	for i, voice := range voices {
		seed := uint64(i + 1)
		samples := make([]float32, 4*accuracyRate)
		for j := range samples {
			seed = seed*6364136223846793005 + 1442695040888963407 // Knuth's MMIX
			samples[j] = float32(voice(float64(j)/accuracyRate, float64(int64(seed))/(1<<63)))
		}
		sounds[i] = Sound{Samples: samples, Rate: accuracyRate}
	}
	return sounds
}
