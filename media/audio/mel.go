package audio

import (
	"math"
	"sync"

	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/internal/wave"
)

// A front turns sound into frames of log-mel energies: window, power spectrum, filters, logarithm. It doesn't change and is
// safe for any number of goroutines. What lies 80 dB below the loudest, as Whisper hears it, needs 32 bits; the decibels of
// CLAP and the small offset of Gemma need 64.
type front[T wave.Float] struct {
	fft       *wave.FFT[T]
	window    []T // as long as a frame
	hop       int // samples between frames
	left      int // samples of padding before the first
	bank      *wave.Bank[T]
	magnitude bool // filters see the roots of the power
	log       wave.Log
	mirror    bool // padding reflects the sound instead of being silent
	runs      sync.Pool
}

// hann is the periodic window of that length.
func hann[T wave.Float](n int) []T {
	w := make([]T, n)
	for i := range w {
		w[i] = T(0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n)))
	}
	return w
}

const chunkFrames = 32 // of a piece of work; a multiple of wave.Lanes

// A run is a front at work on one sound.
type run[T wave.Float] struct {
	*front[T]
	dst       []float32
	perFrame  int // distance of frames in dst
	perBand   int // distance of bands
	frames    int
	sound     []float32
	total     int // samples: silence follows the sound, up to here
	scratches sync.Pool
}

// A scratch is the memory of one goroutine at work on a few frames at a time.
type scratch[T wave.Float] struct {
	work  *wave.Work[T]
	power []wave.Row[T]
	sums  []wave.Row[T]
	logs  []float32 // [bands, lanes]
	edges []float32 // frames that reach into the padding
}

func (f *front[T]) newScratch() *scratch[T] {
	bands := f.bank.Filters()
	return &scratch[T]{f.fft.NewWork(), f.bank.NewPower(f.fft.Size()/2 + 1), make([]wave.Row[T], bands),
		make([]float32, wave.Lanes*bands), make([]float32, wave.Lanes*len(f.window))}
}

// run writes the energies of frames to dst.
func (f *front[T]) run(dst []float32, perFrame, perBand, frames int, sound []float32, total int) {
	r, ok := f.runs.Get().(*run[T])
	if !ok {
		r = &run[T]{}
	}
	r.front, r.dst, r.perFrame, r.perBand, r.frames, r.sound, r.total = f, dst, perFrame, perBand, frames, sound, total
	par.Do(r, (frames+chunkFrames-1)/chunkFrames, 0)
	r.dst, r.sound = nil, nil
	f.runs.Put(r)
}

// Run does one chunk of frames.
func (r *run[T]) Run(chunk int) {
	s, ok := r.scratches.Get().(*scratch[T])
	if !ok {
		s = r.newScratch()
	}
	end := min((chunk+1)*chunkFrames, r.frames)
	for t := chunk * chunkFrames; t < end; t += wave.Lanes {
		n := min(wave.Lanes, end-t)
		r.load(s, t, n)
		r.fft.Power(s.power, s.work)
		if r.magnitude {
			wave.Roots(s.power)
		}
		r.bank.Sums(s.sums, s.power)
		wave.Logs(s.logs, s.sums, r.log)
		r.place(s.logs, t, n)
	}
	r.scratches.Put(s)
}

// place writes n frames from t on to where they belong.
func (r *run[T]) place(logs []float32, t, n int) {
	dst := r.dst[t*r.perFrame:]
	for band := range r.bank.Filters() {
		lanes := (*[wave.Lanes]float32)(logs[band*wave.Lanes:])
		to := dst[band*r.perBand:]
		if r.perFrame == 1 && n == wave.Lanes {
			*(*[wave.Lanes]float32)(to) = *lanes
			continue
		}
		for l, v := range lanes[:n] {
			to[l*r.perFrame] = v
		}
	}
}

// load puts n frames from t on, windowed, into the lanes; the last one also into lanes that are left over.
func (r *run[T]) load(s *scratch[T], t, n int) {
	size := len(r.window)
	var frames [wave.Lanes][]float32
	for l := range frames {
		if l >= n {
			frames[l] = frames[n-1]
			continue
		}
		start := (t+l)*r.hop - r.left
		if start >= 0 && start+size <= len(r.sound) {
			frames[l] = r.sound[start : start+size]
			continue
		}
		frames[l] = s.edges[l*size : (l+1)*size]
		for i := range frames[l] {
			frames[l][i] = r.sample(start + i)
		}
	}
	r.fft.Load(s.work, &frames, r.window)
}

// sample is the sound at i, which may lie in the padding.
func (r *run[T]) sample(i int) float32 {
	if r.mirror && (i < 0 || i >= r.total) && r.total > 1 {
		period := 2 * (r.total - 1)
		i = (i%period + period) % period
		i = min(i, period-i)
	}
	if i < 0 || i >= len(r.sound) {
		return 0
	}
	return r.sound[i]
}
