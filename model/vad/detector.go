package vad

import "time"

// Options say what counts as a span of speech. The zero value, or nil, is the default of each.
type Options struct {
	Threshold  float32       // of the probability, at which speech begins; 0 for 0.5
	Release    float32       // below which it may end; 0 for 0.15 less than Threshold, and at least 0.01
	MinSpeech  time.Duration // shorter spans are dropped
	MaxSpeech  time.Duration // longer spans are cut in their longest pause; 0 for no limit
	MinSilence time.Duration // pauses that are shorter do not end a span; 0 for 2 s
	Pad        time.Duration // added to a span on both sides; 0 for 400 ms, negative for nothing
}

// A Span is a stretch of a sound, in samples at 16 kHz from its beginning, End not included.
type Span struct{ Start, End int64 }

// A Detector finds the spans of speech in one sound, by the rules of Silero's get_speech_timestamps, as the sound comes. It is for one
// goroutine.
type Detector struct {
	stream        *Stream
	left          []float32 // samples that fill no chunk yet
	probabilities []float32
	spans         []Span // found in this call
	cutter
}

// NewDetector starts at the beginning of a sound. opts may be nil.
func NewDetector(opts *Options) *Detector {
	return &Detector{stream: NewStream(), cutter: newCutter(opts)}
}

// Push takes the next samples of the sound, at 16 kHz, and returns the spans that have become certain, in order. They are valid until the
// next call.
func (d *Detector) Push(samples []float32) []Span {
	d.spans = d.spans[:0]
	if len(d.left) > 0 {
		n := min(Chunk-len(d.left), len(samples))
		d.left = append(d.left, samples[:n]...)
		samples = samples[n:]
		if len(d.left) < Chunk {
			return nil
		}
		d.hear(d.left)
		d.left = d.left[:0]
	}
	whole := len(samples) / Chunk * Chunk
	d.hear(samples[:whole])
	d.left = append(d.left, samples[whole:]...)
	return d.spans
}

// End returns the spans that are left at the end of the sound.
func (d *Detector) End() []Span {
	d.spans = d.spans[:0]
	total := d.at + int64(len(d.left))
	if len(d.left) > 0 {
		d.hear(append(d.left, make([]float32, Chunk-len(d.left))...))
		d.left = nil
	}
	d.end(total, d.found)
	return d.spans
}

// Needed is the first sample that spans yet to come may begin with: what lies before it can be forgotten.
func (d *Detector) Needed() int64 { return d.needed() }

func (d *Detector) hear(samples []float32) {
	n := len(samples) / Chunk
	d.probabilities = append(d.probabilities[:0], make([]float32, n)...)
	d.stream.Probabilities(d.probabilities, samples)
	for _, p := range d.probabilities {
		d.next(p, d.found)
	}
}

func (d *Detector) found(s Span) { d.spans = append(d.spans, s) }
