package vad

import (
	"errors"
	"io"
	"iter"
	"slices"
)

// A Window is speech of a sound without the pauses in between.
type Window struct {
	Spans   []Span    // where it comes from
	Samples []float32 // of all spans, one behind the other
	Heard   int64     // samples of the sound that have been looked at
}

// Time is where in the sound, in seconds, something lies that lies so many seconds after the window's beginning. Between two spans it is
// the beginning of the later one, or if it ends there, the end of the earlier.
func (w *Window) Time(seconds float64, ends bool) float64 {
	at := seconds * Rate
	for i, s := range w.Spans {
		length := float64(s.End - s.Start)
		if at < length || ends && at <= length || i == len(w.Spans)-1 {
			return (float64(s.Start) + at) / Rate
		}
		at -= length
	}
	return seconds
}

// Shift is how many seconds later than in the window something lies in the sound that lies so many seconds after the window's beginning.
func (w *Window) Shift(seconds float64) float64 { return w.Time(seconds, false) - seconds }

// A Source gives the samples of a sound, one channel at 16 kHz, as audio.Mono does.
type Source interface {
	Read(dst []float32) (n int, err error) // io.EOF at the end
}

// Windows finds the speech of a sound and packs its spans, as many as fit, into windows of at most limit samples. Spans that are longer
// must not come: set MaxSpeech. What there is before an error of the source is given first, and then the error.
func Windows(sound Source, opts *Options, limit int) iter.Seq2[*Window, error] {
	return func(yield func(*Window, error) bool) {
		p := packer{detector: NewDetector(opts), limit: limit, window: &Window{}}
		buf := make([]float32, Rate)
		for {
			n, err := sound.Read(buf)
			for _, w := range p.push(buf[:n]) {
				if !yield(w, nil) {
					return
				}
			}
			if err == nil {
				continue
			}
			for _, w := range p.end() {
				if !yield(w, nil) {
					return
				}
			}
			if !errors.Is(err, io.EOF) {
				yield(nil, err)
			}
			return
		}
	}
}

// A packer fills windows.
type packer struct {
	detector *Detector
	limit    int
	window   *Window
	sound    []float32 // what may still be needed
	first    int64     // where that begins
	full     []*Window
}

// push takes samples and gives the windows that are full.
func (p *packer) push(samples []float32) []*Window {
	p.full = p.full[:0]
	p.sound = append(p.sound, samples...)
	for _, s := range p.detector.Push(samples) {
		p.add(s)
	}
	if drop := p.detector.Needed() - p.first; drop > 0 {
		p.sound = slices.Delete(p.sound, 0, int(drop))
		p.first += drop
	}
	return p.full
}

// end gives the windows that are left.
func (p *packer) end() []*Window {
	p.full = p.full[:0]
	for _, s := range p.detector.End() {
		p.add(s)
	}
	p.flush()
	return p.full
}

func (p *packer) add(s Span) {
	if len(p.window.Samples)+int(s.End-s.Start) > p.limit {
		p.flush()
	}
	p.window.Spans = append(p.window.Spans, s)
	p.window.Samples = append(p.window.Samples, p.sound[s.Start-p.first:s.End-p.first]...)
}

func (p *packer) flush() {
	if len(p.window.Spans) > 0 {
		p.window.Heard = p.first + int64(len(p.sound))
		p.full = append(p.full, p.window)
		p.window = &Window{}
	}
}
