package wave

import "fmt"

// An Interpolation gives values of a sound between its samples, step/phases samples apart: each is the inner product of the
// samples from there on with a filter that lies between two neighbours of a bank.
type Interpolation struct {
	Step, Phases int
	Taps         int       // of a filter; a multiple of 8
	Fine         int       // filters to an input sample
	Bank         []float32 // [Fine+1, Taps]
}

// Values fills dst. The first value lies phase/Phases behind the first sample of x, where 0 <= phase < Phases.
func (p *Interpolation) Values(dst, x []float32, phase int) {
	if len(dst) == 0 {
		return
	}
	last := (phase + (len(dst)-1)*p.Step) / p.Phases
	if p.Taps%8 != 0 || len(p.Bank) != (p.Fine+1)*p.Taps || last+p.Taps > len(x) || phase < 0 || phase >= p.Phases {
		panic(fmt.Sprintf("wave: expected %d samples for %d values, got %d", last+p.Taps, len(dst), len(x)))
	}
	p.values(dst, x, phase)
}

// GenericValues defines Values.
func (p *Interpolation) GenericValues(dst, x []float32, phase int) {
	scale := float64(p.Fine) / float64(p.Phases)
	whole, rest := p.Step/p.Phases, p.Step%p.Phases
	for i := range dst {
		place := float64(phase) * scale
		row := int(place)
		part := float32(place - float64(row))
		low := p.Bank[row*p.Taps:][:p.Taps]
		high := p.Bank[(row+1)*p.Taps:][:len(low)]
		samples := x[:len(low)]
		sum := float32(0)
		for t, v := range low {
			sum += samples[t] * (v + part*(high[t]-v))
		}
		dst[i] = sum
		x = x[min(whole, len(x)):] // beyond the last value it may reach too far
		if phase += rest; phase >= p.Phases {
			phase -= p.Phases
			x = x[min(1, len(x)):]
		}
	}
}
