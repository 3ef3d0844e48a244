package main

import (
	"math"
	"math/rand/v2"

	"github.com/chiasm/chiasm/model/mini"
)

const (
	bands = mini.SoundBands
	quiet = -6 // the softest that a spectrum holds
)

// vary makes another sound of a spectrum [frames, bands]: another tempo, another vocal tract, another microphone, room and noise. It appends
// the frames to dst.
func vary(dst []float32, x []byte, r *rand.Rand) []float32 {
	n := len(x) / bands
	tempo := math.Exp(0.15 * clipped(r))
	frames := max(1, int(float64(n)*tempo+0.5))
	tract := math.Exp(0.1 * clipped(r))
	tilt, bend, phase := 0.4*clipped(r), 0.2*clipped(r), 2*math.Pi*r.Float64()
	noise, noiseTilt := -6.0, 0.0
	if r.IntN(2) == 0 {
		noise, noiseTilt = -2-3.5*r.Float64(), 2*r.Float64()-1.5
	}
	decay := 0.0
	if r.IntN(3) == 0 {
		decay = math.Pow(10, -0.1/(0.02+0.25*r.Float64())) // of a frame: 60 dB in 0.1 to 1.6 s
	}
	room := 0.05 + 0.3*r.Float64()
	at := len(dst)
	dst = append(dst, make([]float32, frames*bands)...)
	y := dst[at:]
	var tail [bands]float64
	var from [bands]int
	var share, colour, hiss [bands]float64
	seed := r.IntN(len(grains))
	for b := range bands { // where a band is heard from
		p := min(max(float64(b)*tract, 0), bands-1)
		from[b] = min(int(p), bands-2)
		share[b] = p - float64(from[b])
		place := float64(b)/bands - 0.5
		colour[b] = tilt*2*place + bend*math.Sin(2*math.Pi*place+phase)
		hiss[b] = power(noise + noiseTilt*place)
	}
	top := math.Inf(-1)
	for t := range frames {
		p := min(max((float64(t)+0.5)/tempo-0.5, 0), float64(n-1))
		k := min(int(p), max(n-2, 0))
		next := min(k+1, n-1)
		u := p - float64(k)
		for b := range bands {
			f, s := from[b], share[b]
			low := (1-s)*float64(x[k*bands+f]) + s*float64(x[k*bands+f+1])
			high := (1-s)*float64(x[next*bands+f]) + s*float64(x[next*bands+f+1])
			v := ((1-u)*low+u*high)*(6.0/255) - 6
			v += colour[b]
			if decay > 0 || noise > -6 {
				e := power(v)
				if decay > 0 {
					keep := e
					e += room * tail[b]
					tail[b] = decay*tail[b] + (1-decay)*keep
				}
				if noise > -6 {
					e += hiss[b] * grains[(t*bands+b+seed)%len(grains)]
				}
				v = math.Log10(e)
			}
			y[t*bands+b] = float32(v)
			top = max(top, v)
		}
	}
	for i, v := range y {
		y[i] = max(v-float32(top), quiet)
	}
	if r.IntN(2) == 0 { // a few frames or bands go missing
		if r.IntN(2) == 0 {
			w := r.IntN(8)
			b := r.IntN(bands - w)
			for t := range frames {
				fill(y[t*bands+b:][:w])
			}
		} else {
			w := min(r.IntN(6), frames)
			t := r.IntN(frames - w + 1)
			fill(y[t*bands : (t+w)*bands])
		}
	}
	return dst
}

func fill(x []float32) {
	for i := range x {
		x[i] = -3
	}
}

// clipped is normal, but never beyond 2.
func clipped(r *rand.Rand) float64 { return min(max(r.NormFloat64(), -2), 2) }

// plainly is a spectrum as it was stored.
func plainly(dst []float32, x []byte) []float32 {
	for _, v := range x {
		dst = append(dst, float32(v)*(6.0/255)-6)
	}
	return dst
}

// grains is the energies of noise, whose mean is 1.
var grains = func() (g [1 << 13]float64) {
	r := rand.New(rand.NewPCG(11, 12))
	for i := range g {
		g[i] = r.ExpFloat64()
	}
	return g
}()

// powers is 10 to the power of -16 to 4, in steps of 1/64.
var powers = func() (p [20 * 64]float64) {
	for i := range p {
		p[i] = math.Pow(10, (float64(i)+0.5)/64-16)
	}
	return p
}()

func power(v float64) float64 { return powers[int((min(max(v, -15.9), 3.9)+16)*64)] }
