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

// A manner is how a sound is said, and where.
type manner struct {
	tempo, wobble, beat float64 // wobble frames of a tempo that isn't even
	before, after       int     // frames of silence around it
	from                [bands]int
	share               [bands]float64 // a band is heard from those: another vocal tract
	colour              [bands]float64 // what a microphone adds to levels
	noise               bool
	hiss                [bands]float64 // its energies
	grain               int            // where its ups and downs begin
	decay, room         float64        // of echoes, a frame; how loud they are, 0 for none
}

// draw chooses a manner for a sound of n frames.
func draw(r *rand.Rand, n int) *manner {
	m := &manner{
		tempo: math.Exp(0.15 * clipped(r)), wobble: 0.05 * float64(n) * r.Float64(), beat: 2 * math.Pi * r.Float64(),
		grain: r.IntN(len(grains)),
	}
	low, high, knee := math.Exp(0.1*clipped(r)), math.Exp(0.08*clipped(r)), 12+r.IntN(28)
	tilt, bend, phase := 0.4*clipped(r), 0.2*clipped(r), 2*math.Pi*r.Float64()
	level, lean := -1.5-4*r.Float64(), 2*r.Float64()-1.5
	if m.noise = r.IntN(5) < 3; m.noise && level > -4 { // softer silence is trimmed away
		m.before, m.after = r.IntN(25), r.IntN(25)
	}
	if r.IntN(3) == 0 {
		m.decay = math.Pow(10, -0.1/(0.02+0.25*r.Float64()))
		m.room = 0.05 + 0.3*r.Float64()
	}
	for b := range bands {
		p := float64(min(b, knee))*low + float64(max(b-knee, 0))*high
		p = min(max(p, 0), bands-1)
		m.from[b] = min(int(p), bands-2)
		m.share[b] = p - float64(m.from[b])
		place := float64(b)/bands - 0.5
		m.colour[b] = tilt*2*place + bend*math.Sin(2*math.Pi*place+phase)
		m.hiss[b] = power(level + lean*place)
	}
	return m
}

// vary appends another sound of a spectrum [frames, bands] to dst.
func vary(dst []float32, x []byte, r *rand.Rand) []float32 {
	n := len(x) / bands
	m := draw(r, n)
	body := max(1, int(float64(n)*m.tempo+0.5))
	frames := m.before + body + m.after
	at := len(dst)
	dst = append(dst, make([]float32, frames*bands)...)
	y := dst[at:]
	var tail [bands]float64
	top := float32(math.Inf(-1))
	for t := range frames {
		row := y[t*bands:][:bands]
		m.say(row, x, t-m.before, n, body)
		m.place(row, &tail, t)
		for _, v := range row {
			top = max(top, v)
		}
	}
	for i, v := range y {
		y[i] = max(v-top, quiet)
	}
	if r.IntN(2) == 0 {
		lose(y, frames, r)
	}
	return dst
}

// say writes frame t of body, which are said of n.
func (m *manner) say(row []float32, x []byte, t, n, body int) {
	if t < 0 || t >= body {
		for b := range row {
			row[b] = quiet
		}
		return
	}
	p := (float64(t)+0.5)/m.tempo - 0.5 + m.wobble*math.Sin(2*math.Pi*float64(t)/float64(body)+m.beat)
	p = min(max(p, 0), float64(n-1))
	k := min(int(p), max(n-2, 0))
	u := p - float64(k)
	now, then := x[k*bands:][:bands], x[min(k+1, n-1)*bands:][:bands]
	for b := range row {
		f, s := m.from[b], m.share[b]
		v := (1-u)*((1-s)*float64(now[f])+s*float64(now[f+1])) + u*((1-s)*float64(then[f])+s*float64(then[f+1]))
		row[b] = float32(v*(-quiet/255.0) + quiet + m.colour[b])
	}
}

// place adds the room's echoes and noise to a frame.
func (m *manner) place(row []float32, tail *[bands]float64, t int) {
	if m.room == 0 && !m.noise {
		return
	}
	for b, v := range row {
		e := power(float64(v))
		if m.room > 0 {
			direct := e
			e += m.room * tail[b]
			tail[b] = m.decay*tail[b] + (1-m.decay)*direct
		}
		if m.noise {
			e += m.hiss[b] * grains[(t*bands+b+m.grain)%len(grains)]
		}
		row[b] = float32(math.Log10(e))
	}
}

// lose blanks a few bands or frames (SpecAugment, Park et al. 2019).
func lose(y []float32, frames int, r *rand.Rand) {
	if r.IntN(2) == 0 {
		w := r.IntN(8)
		b := r.IntN(bands - w)
		for t := range frames {
			blank(y[t*bands+b:][:w])
		}
		return
	}
	w := min(r.IntN(6), frames)
	t := r.IntN(frames - w + 1)
	blank(y[t*bands : (t+w)*bands])
}

func blank(x []float32) {
	for i := range x {
		x[i] = quiet / 2
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
