package vad

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/media/audio"
)

const data = "testdata/golden.safetensors"

// noise is a sequence from 0 to 1, as in tools/golden/vad.py.
func noise(n int) []float32 {
	out, seed := make([]float32, n), uint32(1)
	for i := range out {
		seed = seed*1664525 + 1013904223
		out[i] = float32(seed>>8) / (1 << 24)
	}
	return out
}

// sound is that of tools/golden/vad.py: a voice, between pauses and noise.
func sound(t testing.TB) []float32 {
	t.Helper()
	voice, err := audio.Load(t.Context(), "testdata/voice.wav", Rate, 60*Rate)
	if err != nil {
		t.Fatal(err)
	}
	scaled := func(factor float32) []float32 {
		out := slices.Clone(voice)
		for i := range out {
			out[i] *= factor
		}
		return out
	}
	hiss := noise(14400)
	for i := range hiss {
		hiss[i] = (hiss[i] - 0.5) * 0.02
	}
	return slices.Concat(make([]float32, Rate), voice, hiss, scaled(0.3), make([]float32, 5*Rate/2), scaled(-1))
}

func TestProbabilities(t *testing.T) {
	x, want := sound(t), golden.Open(t, data).Floats("voice")
	x = append(x, make([]float32, Chunk*len(want)-len(x))...)
	got := make([]float32, len(want))
	NewStream().Probabilities(got, x)
	golden.Open(t, data).Near("voice", got, 1e-4)
	pieces, s := make([]float32, len(want)), NewStream()
	for i := 0; i < len(pieces); {
		n := min(1+i%7, len(pieces)-i)
		s.Probabilities(pieces[i:i+n], x[i*Chunk:(i+n)*Chunk])
		i += n
	}
	if !slices.Equal(pieces, got) {
		t.Error("the sound in pieces gives other bits")
	}
}

// A spanCase is what Silero's function makes of probabilities.
type spanCase struct {
	Probabilities string
	Samples       int64
	Options       struct {
		Threshold    float32
		NegThreshold float32 `json:"neg_threshold"`
		MinSpeech    float64 `json:"min_speech_duration_ms"`
		MaxSpeech    float64 `json:"max_speech_duration_s"`
		MinSilence   float64 `json:"min_silence_duration_ms"`
		Pad          float64 `json:"speech_pad_ms"`
	}
	Spans [][2]int64
}

func (c *spanCase) options() *Options {
	ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
	o := &c.Options
	return &Options{Threshold: o.Threshold, Release: o.NegThreshold, MinSpeech: ms(o.MinSpeech), MaxSpeech: ms(1000 * o.MaxSpeech), MinSilence: ms(o.MinSilence), Pad: ms(o.Pad)}
}

func spanCases(t *testing.T) (cases []spanCase) {
	t.Helper()
	list, err := os.ReadFile("testdata/spans.json")
	if err == nil {
		err = json.Unmarshal(list, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestSpans(t *testing.T) {
	for i, c := range spanCases(t) {
		cut := newCutter(c.options())
		var got [][2]int64
		found := func(s Span) {
			if s.End > cut.at {
				t.Errorf("case %d: a span ends at %d, when %d samples are known", i, s.End, cut.at)
			}
			got = append(got, [2]int64{s.Start, s.End})
		}
		needed := int64(0)
		for _, p := range golden.Open(t, data).Floats(c.Probabilities) {
			before := len(got)
			cut.next(p, found)
			for _, s := range got[before:] {
				if s[0] < needed {
					t.Errorf("case %d: a span begins at %d, but only what lies from %d on was needed", i, s[0], needed)
				}
			}
			needed = max(needed, cut.needed())
		}
		cut.end(c.Samples, found)
		if !slices.Equal(got, c.Spans) {
			t.Errorf("case %d (%s, %+v):\ngot  %v\nwant %v", i, c.Probabilities, c.Options, got, c.Spans)
		}
	}
}

func TestDetector(t *testing.T) {
	x := sound(t)
	for _, c := range spanCases(t) {
		if c.Probabilities != "voice" {
			continue
		}
		pieces := []int{1, 511, 512, 4096, len(x)}
		if testing.Short() {
			pieces = pieces[1:2]
		}
		for _, piece := range pieces {
			d := NewDetector(c.options())
			var got [][2]int64
			for part := range slices.Chunk(x, piece) {
				for _, s := range d.Push(part) {
					got = append(got, [2]int64{s.Start, s.End})
				}
			}
			for _, s := range d.End() {
				got = append(got, [2]int64{s.Start, s.End})
			}
			if !slices.Equal(got, c.Spans) {
				t.Errorf("%+v in pieces of %d: got %v, want %v", c.Options, piece, got, c.Spans)
			}
		}
	}
}

// A reader gives samples over and over, and then an error.
type reader struct {
	x     []float32
	times int
	at    int
	err   error
}

func (r *reader) Read(dst []float32) (int, error) {
	if r.times == 0 {
		return 0, r.err
	}
	n := copy(dst, r.x[r.at:])
	if r.at += n; r.at == len(r.x) {
		r.at, r.times = 0, r.times-1
	}
	return n, nil
}

func TestWindows(t *testing.T) {
	x := sound(t)
	broken := errors.New("broken")
	opts := &Options{MaxSpeech: 10 * time.Second, MinSilence: 160 * time.Millisecond}
	var spans []Span
	d := NewDetector(opts)
	for range 3 {
		spans = append(spans, d.Push(x)...)
	}
	spans = append(spans, d.End()...)
	var got []Span
	var last error
	windows := 0
	for w, err := range Windows(&reader{x, 3, 0, broken}, opts, 10*Rate) {
		if err != nil {
			last = err
			continue
		}
		windows++
		at := 0
		for _, s := range w.Spans {
			for i := s.Start; i < s.End; i++ {
				if w.Samples[at] != x[i%int64(len(x))] {
					t.Fatalf("%v: another sample at %d", s, i)
				}
				at++
			}
		}
		if at != len(w.Samples) || at > 10*Rate || len(w.Spans) == 0 || w.Heard < w.Spans[len(w.Spans)-1].End {
			t.Errorf("a window of %d samples, %d of them of its spans %v, %d heard", len(w.Samples), at, w.Spans, w.Heard)
		}
		got = append(got, w.Spans...)
	}
	if !slices.Equal(got, spans) || !errors.Is(last, broken) {
		t.Errorf("got %v and error %v, want %v", got, last, spans)
	}
	if windows != 5 {
		t.Errorf("%d windows, want 5", windows)
	}
	for range Windows(&reader{make([]float32, Rate), 5, 0, io.EOF}, nil, 30*Rate) {
		t.Error("speech in silence")
	}
}

func TestTime(t *testing.T) {
	w := &Window{Spans: []Span{{Rate, 3 * Rate}, {10 * Rate, 11 * Rate}}}
	for _, c := range []struct {
		at   float64
		ends bool
		want float64
	}{{0, false, 1}, {1.5, false, 2.5}, {2, false, 10}, {2, true, 3}, {2.25, false, 10.25}, {3, true, 11}, {3.5, false, 11.5}} {
		if got := w.Time(c.at, c.ends); got != c.want {
			t.Errorf("%v, ends %v: got %v, want %v", c.at, c.ends, got, c.want)
		}
	}
}

// What a sound needs does not grow with its length.
func TestFlat(t *testing.T) {
	x := sound(t)
	p := packer{detector: NewDetector(&Options{MaxSpeech: 30 * time.Second}), limit: 30 * Rate, window: &Window{}}
	most, times := 0, 30
	if testing.Short() {
		times = 3
	}
	for range times {
		for part := range slices.Chunk(x, Rate) {
			p.push(part)
			most = max(most, len(p.sound))
		}
	}
	if most > 62*Rate {
		t.Errorf("%d s of sound were kept", most/Rate)
	}
}

func BenchmarkMinute(b *testing.B) {
	x := sound(b)
	for len(x) < 60*Rate {
		x = append(x, x...)
	}
	x = x[:60*Rate]
	for b.Loop() {
		d := NewDetector(nil)
		d.Push(x)
		d.End()
	}
}
