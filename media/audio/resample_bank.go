package audio

import (
	"math"
	"sync"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/wave"
)

// A kernelShape is the windowed sinc.
type kernelShape struct {
	width int     // it reaches so many input samples to each side
	band  float64 // the lower rate in terms of the input's
	edge  float64 // between what it passes and what it stops, in terms of the input rate's half
	even  bool    // it stops the input's rate itself, so that the taps at any place have the same sum
}

// newKernelShape makes the filter that passes and stops up to and from so many times the lower rate's half.
func newKernelShape(band, pass, stop float64) kernelShape {
	half := (stopBand - 7.95) / (2.285 * math.Pi * (stop - pass) * band) / 2
	return kernelShape{(int(math.Ceil(half)) + 3) &^ 3, band, (pass + stop) / 2 * band, stop*band <= 2}
}

// filter writes the taps for an output that lies at, from 0 to 1, behind the input sample at tap width-1. They sum to 1 at
// any place if the shape is even, and else on average.
func (f *kernelShape) filter(dst []float32, at float64, h []float64) {
	window := kaiser()
	sum := 0.0
	for t := range h {
		x := at + float64(f.width-1-t)
		place := math.Abs(x) / float64(f.width) * kaiserSteps
		k := int(place)
		h[t] = f.edge * sinc(f.edge*x) * (window[k] + (place-float64(k))*(window[k+1]-window[k]))
		sum += h[t]
	}
	if !f.even {
		sum = 1
	}
	for t, v := range h {
		dst[t] = float32(v / sum)
	}
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is one half of Kaiser's window, from its middle to its end, in steps between which lines are true to 1e-8.
var kaiser = sync.OnceValue(func() *[kaiserSteps + 2]float64 {
	beta := 0.1102 * (stopBand - 8.7)
	var w [kaiserSteps + 2]float64
	for i := range kaiserSteps + 1 {
		u := float64(i) / kaiserSteps
		w[i] = bessel(beta*math.Sqrt(1-u*u)) / bessel(beta)
	}
	return &w
})

const kaiserSteps = 1 << 13

// bessel is the modified Bessel function of the first kind and order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-17; k++ {
		term *= x / (2 * k) * (x / (2 * k))
		sum += term
	}
	return sum
}

// matrices does a period of outputs, after which filters and places repeat, as matrix products: a row of the product is one
// period, its columns are neighbouring outputs, and the weights are their filters, shifted to where each begins.
type matrices struct {
	period  int // outputs
	advance int // input samples
	need    int // input samples of one period, filters and all
	groups  []group
}

// A group is neighbouring outputs of a period.
type group struct {
	product kernel.Gemm
	column  int // its first output
	first   int // the first input sample that it needs
}

const groupColumns = 16

// newMatrices returns nil if that takes too many weights.
func newMatrices(f kernelShape, step, phases int) engine {
	taps := 2 * f.width
	widest := taps + groupColumns*step/phases + 1
	repeat := max((widest+step-1)/step, (groupColumns+phases-1)/phases)
	m := &matrices{period: phases * repeat, advance: step * repeat}
	if int64(m.period)*int64(widest) > largest {
		return nil
	}
	filters := make([]float32, phases*taps)
	h := make([]float64, taps)
	for p := range phases {
		f.filter(filters[p*taps:(p+1)*taps], float64(p)/float64(phases), h)
	}
	for column := 0; column < m.period; column += groupColumns {
		n := min(groupColumns, m.period-column)
		first := column * step / phases
		k := (column+n-1)*step/phases - first + taps
		rows := make([]float32, n*k)
		for j := range n {
			place := (column + j) * step
			p := place % phases
			copy(rows[j*k+place/phases-first:], filters[p*taps:(p+1)*taps])
		}
		w := kernel.NewPacked(n, k, kernel.F32)
		w.SetRows(0, rows)
		m.groups = append(m.groups, group{kernel.Gemm{W: []*kernel.Packed{w}, LDA: m.advance, LDC: m.period}, column, first})
		m.need = first + k
	}
	return m
}

func (m *matrices) ahead() int { return m.need + m.advance }
func (m *matrices) restart()   {}

func (m *matrices) fill(dst, x []float32) ([]float32, int) {
	if len(x) < m.need {
		return dst, 0
	}
	rows := min((len(x)-m.need)/m.advance+1, max(atOnce/m.period, 1))
	n := rows * m.period
	if cap(dst) < n {
		dst = make([]float32, max(atOnce, n))
	}
	dst = dst[:n]
	for i := range m.groups {
		g := &m.groups[i]
		g.product.A, g.product.C, g.product.M = x[g.first:], dst[g.column:], rows
		for chunk := range g.product.Plan(1) {
			g.product.Run(chunk)
		}
		g.product.A, g.product.C = nil, nil
	}
	return dst, rows * m.advance
}

// interpolated has filters so close to each other that a line between neighbours is as good as the filter itself: for
// ratios with many phases.
type interpolated struct {
	wave.Interpolation
	phase int // of the next output
}

func newInterpolated(f kernelShape, step, phases int) engine {
	fine, taps := max(int(math.Ceil(finest*f.band)), 1), 2*f.width
	e := &interpolated{wave.Interpolation{Step: step, Phases: phases, Taps: taps, Fine: fine, Bank: make([]float32, (fine+1)*taps)}, 0}
	h := make([]float64, taps)
	for p := range fine + 1 {
		f.filter(e.Bank[p*taps:(p+1)*taps], float64(p)/float64(fine), h)
	}
	return e
}

func (e *interpolated) ahead() int { return e.Step/e.Phases + 1 }
func (e *interpolated) restart()   { e.phase = 0 }

func (e *interpolated) fill(dst, x []float32) ([]float32, int) {
	room := len(x) - e.Taps + 1 // input samples at which an output may begin
	if room <= 0 {
		return dst, 0
	}
	n := min((room*e.Phases-1-e.phase)/e.Step+1, atOnce)
	if cap(dst) < n {
		dst = make([]float32, atOnce)
	}
	dst = dst[:n]
	e.Values(dst, x, e.phase)
	next := e.phase + n*e.Step
	e.phase = next % e.Phases
	return dst, next / e.Phases
}
