package audio

import (
	"math"
	"sync"

	"github.com/chiasm/chiasm/internal/par"
)

// A front turns sound into frames of log-mel energies: window, power spectrum, filters, logarithm. It doesn't change and is
// safe for any number of goroutines.
type front struct {
	fft       *fft
	window    []float64 // as long as a frame
	hop       int       // samples between frames
	left      int       // samples of padding before the first
	bank      *melBank
	magnitude bool    // filters see the roots of the power
	floor     float64 // the least energy
	offset    float64 // added to the energy
	factor    float64 // of the natural logarithm
	mirror    bool    // padding reflects the sound instead of being silent
	runs      sync.Pool
}

// hann is the periodic window of that length.
func hann(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n))
	}
	return w
}

const chunkFrames = 32 // of a piece of work; a multiple of lanes

// A run is a front at work on one sound.
type run struct {
	*front
	dst       []float32
	perFrame  int // distance of frames in dst
	perBand   int // distance of bands
	frames    int
	sound     []float32
	total     int // samples: silence follows the sound, up to here
	scratches sync.Pool
}

type scratch struct {
	work  *work
	power []row
	edges []float32 // frames that reach into the padding
}

// run writes the energies of frames to dst.
func (f *front) run(dst []float32, perFrame, perBand, frames int, sound []float32, total int) {
	r, ok := f.runs.Get().(*run)
	if !ok {
		r = &run{}
	}
	r.front, r.dst, r.perFrame, r.perBand, r.frames, r.sound, r.total = f, dst, perFrame, perBand, frames, sound, total
	par.Do(r, (frames+chunkFrames-1)/chunkFrames, 0)
	r.dst, r.sound = nil, nil
	f.runs.Put(r)
}

// Run does one chunk of frames.
func (r *run) Run(chunk int) {
	s, ok := r.scratches.Get().(*scratch)
	if !ok {
		s = &scratch{r.fft.newWork(), make([]row, r.fft.n/2+1), make([]float32, lanes*len(r.window))}
	}
	end := min((chunk+1)*chunkFrames, r.frames)
	for t := chunk * chunkFrames; t < end; t += lanes {
		n := min(lanes, end-t)
		r.load(s, t, n)
		r.fft.power(s.power, s.work)
		if r.magnitude {
			for k := range s.power {
				for l, v := range s.power[k] {
					s.power[k][l] = math.Sqrt(v)
				}
			}
		}
		for band := range r.bank.weights {
			sums := r.bank.sum(band, s.power)
			for l, v := range sums {
				sums[l] = max(v, r.floor) + r.offset
			}
			ln(&sums)
			for l, v := range sums[:n] {
				r.dst[(t+l)*r.perFrame+band*r.perBand] = float32(r.factor * v)
			}
		}
	}
	r.scratches.Put(s)
}

// load puts n frames from t on, windowed, into the lanes; the last one also into lanes that are left over.
func (r *run) load(s *scratch, t, n int) {
	size := len(r.window)
	var frames [lanes][]float32
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
	window, cells := r.window, s.work.a
	a, b, c, d := frames[0][:size], frames[1][:size], frames[2][:size], frames[3][:size]
	for i := 0; i+1 < len(window) && i+1 < len(a) && i+1 < len(b) && i+1 < len(c) && i+1 < len(d); i += 2 {
		v, w := window[i], window[i+1]
		cells[i/2].r = row{float64(a[i]) * v, float64(b[i]) * v, float64(c[i]) * v, float64(d[i]) * v}
		cells[i/2].i = row{float64(a[i+1]) * w, float64(b[i+1]) * w, float64(c[i+1]) * w, float64(d[i+1]) * w}
	}
	clear(cells[size/2:])
}

// sample is the sound at i, which may lie in the padding.
func (r *run) sample(i int) float32 {
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
