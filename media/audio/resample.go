package audio

import "fmt"

// A Resampler changes the sample rate of a sound that comes in pieces: a sinc windowed by Kaiser's window, evaluated by a
// bank of filters. Up to 0.9 of the lower rate's half it is flat within 0.01 dB; what lies beyond that half and its images
// is more than 100 dB down. Samples keep their times: the first comes out at the time of the first, and n samples in
// become ceil(n·to/from), as librosa counts. However the input is cut into pieces, the output is the same in all bits.
//
// Where the ratio has too many phases for a filter each, there are two steps: between the rates and twice the lower one,
// where nothing near the pass band has to be stopped, so that a short filter does; and by a half, where two filters do.
type Resampler struct {
	before *Resampler // the first of two steps
	step   int        // between two outputs lie step/phases input samples
	phases int
	taps   int // of a filter; a multiple of 8
	engine engine
	buf    []float32 // input that is needed yet, from the first tap of the next output on, after at others
	at     int
	out    []float32 // outputs of which given are given
	given  int
	in     int64 // samples taken
	pulled int64 // samples given
	ended  bool
}

// An engine turns input into outputs, some at a time.
type engine interface {
	// fill appends outputs to dst, which is empty, from x, whose first value meets the first tap of the next output. It
	// returns how many values have done their duty; none if x is too short.
	fill(dst, x []float32) (out []float32, passed int)
	// ahead is how many values an output may need beyond the filter's own.
	ahead() int
	// restart begins another sound.
	restart()
}

const (
	stopBand   = 108.0   // dB: some more than is promised, for sums in 32 bits
	transition = 0.1     // of the lower rate's half: from 0.9 to 1
	largest    = 1 << 18 // weights at most where every phase has its own filter
	finest     = 1024    // filters to a sample of the lower rate where neighbours are interpolated
	atOnce     = 1 << 14 // outputs made in one go, about
)

// NewResampler makes a Resampler between two rates in Hz. It panics if one isn't positive.
func NewResampler(from, to int) *Resampler {
	if from <= 0 || to <= 0 {
		panic(fmt.Sprintf("audio: expected positive rates, got %d and %d Hz", from, to))
	}
	g := gcd(from, to)
	r := &Resampler{step: from / g, phases: to / g}
	if from == to {
		r.engine = identity{}
		return r
	}
	f := newKernelShape(min(1, float64(to)/float64(from)), 1-transition, 1)
	if m := newMatrices(f, r.step, r.phases); m != nil {
		r.start(f, m)
		return r
	}
	if to < from {
		r.before = &Resampler{step: r.step, phases: 2 * r.phases}
		r.before.interpolate(float64(to) / float64(from))
		r.step, r.phases = 2, 1
		f = newKernelShape(0.5, 1-transition, 1)
		r.start(f, newMatrices(f, 2, 1))
		return r
	}
	r.before = NewResampler(1, 2)
	r.step *= 2
	r.interpolate(0.5)
	return r
}

// interpolate makes r a step to or from twice the lower rate, which is band of the input's: up to three halves of the lower
// rate nothing need be stopped.
func (r *Resampler) interpolate(band float64) {
	f := newKernelShape(band, 1, 3)
	r.start(f, newInterpolated(f, r.step, r.phases))
}

func (r *Resampler) start(f kernelShape, e engine) {
	r.engine, r.taps = e, 2*f.width
	r.buf = make([]float32, f.width-1, 8*r.taps)
}

// restart forgets the sound, for another one.
func (r *Resampler) restart() {
	if r.before != nil {
		r.before.restart()
	}
	r.engine.restart()
	r.buf = r.buf[:max(r.taps/2-1, 0)]
	clear(r.buf)
	r.at, r.out, r.given, r.in, r.pulled, r.ended = 0, r.out[:0], 0, 0, 0, false
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Push takes the next samples. It panics after [Resampler.End].
func (r *Resampler) Push(x []float32) {
	if r.ended {
		panic("audio: Resampler.Push after End")
	}
	if r.before == nil {
		r.take(x)
		return
	}
	r.before.Push(x)
	r.pass()
}

// pass takes what the first step has ready.
func (r *Resampler) pass() {
	var piece [1 << 10]float32
	for {
		n := r.before.Pull(piece[:])
		if n == 0 {
			return
		}
		r.take(piece[:n])
	}
}

func (r *Resampler) take(x []float32) {
	if r.at > len(r.buf)/2 {
		r.buf = r.buf[:copy(r.buf, r.buf[r.at:])]
		r.at = 0
	}
	r.in += int64(len(x))
	r.buf = append(r.buf, x...)
}

// End says that no more will come.
func (r *Resampler) End() {
	if !r.ended {
		if r.before != nil {
			r.before.End()
			r.pass()
		}
		r.ended = true
		r.buf = append(r.buf, make([]float32, r.taps+r.engine.ahead())...)
	}
}

// Pull fills dst with what is ready, and returns how many samples. Fewer than fit: push more, or after End it is all.
func (r *Resampler) Pull(dst []float32) int {
	if r.ended {
		dst = dst[:min(int64(len(dst)), r.length(r.in)-r.pulled)]
	}
	n := 0
	for n < len(dst) {
		if r.given == len(r.out) {
			var passed int
			r.out, passed = r.engine.fill(r.out[:0], r.buf[r.at:])
			r.at += passed
			r.given = 0
			if len(r.out) == 0 {
				break
			}
		}
		k := copy(dst[n:], r.out[r.given:])
		r.given += k
		n += k
	}
	r.pulled += int64(n)
	return n
}

// Length is the number of samples that n samples become.
func (r *Resampler) Length(n int64) int64 {
	if r.before != nil {
		n = r.before.Length(n)
	}
	return r.length(n)
}

// length is what this step makes of n samples.
func (r *Resampler) length(n int64) int64 {
	phases, step := int64(r.phases), int64(r.step)
	return n/step*phases + (n%step*phases+step-1)/step
}

// Resample changes the rate of a whole sound.
func Resample(x []float32, from, to int) []float32 {
	r := NewResampler(from, to)
	dst := make([]float32, r.Length(int64(len(x))))
	n := 0
	for len(x) > 0 {
		k := min(len(x), 1<<15)
		r.Push(x[:k])
		x = x[k:]
		n += r.Pull(dst[n:])
	}
	r.End()
	r.Pull(dst[n:])
	return dst
}

// identity leaves the samples as they are.
type identity struct{}

func (identity) fill(dst, x []float32) ([]float32, int) { return append(dst, x...), len(x) }
func (identity) ahead() int                             { return 0 }
func (identity) restart()                               {}
