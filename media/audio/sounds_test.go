package audio

import "math"

// noise is n samples of 16 bits from -1 to 1, as tools/golden/audio_sounds.py makes them.
func noise(n int, seed uint64) []float32 {
	out := make([]float32, n)
	for i := range out {
		x := (uint64(i) + seed*1000003) * 0x9E3779B97F4A7C15
		x ^= x >> 29
		x *= 0xBF58476D1CE4E5B9
		x ^= x >> 32
		out[i] = float32(int16(x)) / (1 << 15)
	}
	return out
}

// sound is n samples of 16 bits by formula, the same as in tools/golden/audio_sounds.py.
func sound(style string, n, rate int) []float32 {
	hiss := noise(n, 7)
	out := make([]float32, n)
	for i := range out {
		t := float64(i) / float64(rate)
		var v float64
		switch style {
		case "silence":
		case "noise":
			v = float64(hiss[i]) * 0.5
		case "tone":
			v = 0.5 * math.Sin(2*math.Pi*440*t)
		case "chirp": // up to 0.45 of the rate in five seconds, again and again
			u := math.Mod(t, 5)
			v = 0.4 * math.Sin(2*math.Pi*(50*u+(0.45*float64(rate)-50)/10*u*u))
		case "speech": // a buzz with moving formants, pauses and breath
			for k := 1; k < 10; k++ {
				f := (110 + 20*math.Sin(2*math.Pi*0.7*t)) * float64(k)
				formant := 500 + 300*math.Sin(2*math.Pi*1.3*t)
				v += math.Sin(2*math.Pi*110*float64(k)*t+20/0.7*float64(k)*(1-math.Cos(2*math.Pi*0.7*t))) *
					math.Exp(-math.Abs(f-formant)/400) * 0.1
			}
			v *= math.Max(0, math.Sin(2*math.Pi*0.9*t))
			v += float64(hiss[i]) * 0.002
		}
		out[i] = float32(math.RoundToEven(v*(1<<15)) / (1 << 15))
	}
	return out
}

// chord is n samples of eight tones up to 0.88 of the lower rate's half, fading in and out.
func chord(n, from, to int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.RoundToEven(chordAt(float64(i), n, from, to)*(1<<23)) / (1 << 23))
	}
	return out
}

func chordAt(i float64, n, from, to int) float64 {
	v := 0.0
	for k := 1; k <= 8; k++ {
		v += 0.1 * math.Sin(2*math.Pi*0.055*float64(k)*float64(min(from, to))*i/float64(from))
	}
	fade := math.Sin(math.Pi * i / float64(n))
	return v * fade * fade
}
