package whisper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"testing"
)

// What tools/golden/whisper_decode.py kept of the reference.
type decodeGolden struct {
	Settled []struct {
		Offset, Spoken float64
		Segments       [][3]float64 // start, end, tokens
		Found          [][4]any     // text, tokens, start, end
		Want           [][3]any     // start, end, words
	}
	Ratios   [][2]any
	Journeys []struct {
		Content   int // frames
		Threshold float32
		Visits    []struct {
			Seek  int
			IDs   []int32
			Words [][][4]any // of each segment: text, start and end in the window, probability
		}
		Segments [][2]float64
	}
	Tiny    tinyGolden
	English tinyGolden
}

type tinyGolden struct {
	Decodes []struct {
		Options  goldenOptions
		Window   int
		IDs      []int32
		Text     string
		Avg      float64
		NoSpeech float64 `json:"no_speech"`
	}
	Languages  []map[string]float64
	Alignments []struct {
		Language       string
		Window, Frames int
		IDs            []int32
		Words          [][5]any
	}
	Sequences []goldenSequence
}

// goldenSequence is the transcript of a sound.
type goldenSequence struct {
	Seed     uint32
	Samples  int
	Options  goldenOptions
	Language string
	Segments []struct {
		Start, End, Avg float64
		NoSpeech        float64 `json:"no_speech"`
		Text            string
		IDs             []int32
		Words           [][4]any
	}
}

// goldenOptions are the reference's, by its names.
type goldenOptions struct {
	Language          *string
	WithoutTimestamps bool     `json:"without_timestamps"`
	Beam              int      `json:"beam_size"`
	Patience          float32  `json:"patience"`
	SuppressBlank     *bool    `json:"suppress_blank"`
	SuppressTokens    []int32  `json:"suppress_tokens"`
	Prompt            []int32  `json:"prompt"`
	Prefix            []int32  `json:"prefix"`
	Latest            *float32 `json:"max_initial_timestamp"`
	SampleLen         int      `json:"sample_len"`
	Words             bool     `json:"word_timestamps"`
	Condition         *bool    `json:"condition_on_previous_text"`
	InitialPrompt     string   `json:"initial_prompt"`
	NoSpeech          *float32 `json:"no_speech_threshold"`
	SkipSilence       float32  `json:"hallucination_silence_threshold"`
}

func (g *goldenOptions) options() *Options {
	o := Defaults()
	o.Beam, o.Temperatures, o.LatestStart, o.Language = max(g.Beam, 1), []float32{0}, 1, "en"
	if g.Language != nil {
		o.Language = *g.Language
	}
	if g.Patience > 0 {
		o.Patience = g.Patience
	}
	o.Blank = g.SuppressBlank != nil && !*g.SuppressBlank
	o.Symbols, o.Suppress = g.SuppressTokens != nil, g.SuppressTokens
	o.Condition = g.Condition == nil || *g.Condition
	if g.Latest != nil {
		o.LatestStart = *g.Latest
	}
	if g.NoSpeech != nil {
		o.NoSpeech = *g.NoSpeech
	}
	o.NoTimestamps, o.MaxTokens, o.Words, o.InitialPrompt = g.WithoutTimestamps, g.SampleLen, g.Words, g.InitialPrompt
	o.SkipSilence = g.SkipSilence
	return &o
}

func readDecodeGolden(t *testing.T) (g decodeGolden) {
	t.Helper()
	data, err := os.ReadFile("testdata/decode.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// eachTiny runs test on both models with what is golden of them.
func eachTiny(t *testing.T, test func(t *testing.T, g golden, want *tinyGolden)) {
	all := readDecodeGolden(t)
	for name, want := range map[string]*tinyGolden{"tiny": &all.Tiny, "english": &all.English} {
		t.Run(name, func(t *testing.T) { test(t, open(t, name), want) })
	}
}

func (g golden) transcriber(o *Options) *Transcriber {
	g.Helper()
	t, err := g.NewTranscriber(o)
	if err != nil {
		g.Fatal(err)
	}
	return t
}

// listen lets the decoder hear the windows of the golden data.
func (g golden) listen(t *Transcriber) {
	t.pass.Reset(context.Background())
	t.decoder.Hear(g.Encode(g.mel(t.pass)))
}

func close64(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

func TestDecode(t *testing.T) {
	eachTiny(t, func(t *testing.T, g golden, want *tinyGolden) {
		if len(want.Decodes) < 24 {
			t.Fatalf("%d golden texts", len(want.Decodes))
		}
		for i, w := range want.Decodes {
			o := w.Options
			x := g.transcriber(o.options())
			g.listen(x)
			tasks := make([]*task, 2)
			for n := range tasks {
				tasks[n] = x.newTask(n, &Window{}, *o.Language, o.Prompt, o.Prefix)
			}
			texts, err := x.decode(context.Background(), tasks)
			if err != nil {
				t.Fatal(err)
			}
			got := texts[w.Window]
			if !slices.Equal(got.ids, w.IDs) {
				t.Errorf("%d %+v, window %d:\ngot  %v\nwant %v", i, o, w.Window, got.ids, w.IDs)
				continue
			}
			if got.said != w.Text || !close64(got.logProb, w.Avg, 2e-4) || !close64(got.noSpeech, w.NoSpeech, 1e-5) {
				t.Errorf("%d: got %q %v %v, want %q %v %v", i, got.said, got.logProb, got.noSpeech, w.Text, w.Avg, w.NoSpeech)
			}
		}
	})
}

func TestLanguages(t *testing.T) {
	eachTiny(t, func(t *testing.T, g golden, want *tinyGolden) {
		x := g.transcriber(nil)
		if !g.Config.Tokens.Multilingual() {
			if l, err := x.Detect(context.Background(), nil); err != nil || len(l) != 1 || l[0] != (Language{"en", 1}) || x.Language().Code != "en" {
				t.Errorf("got %v, %v", l, err)
			}
			return
		}
		g.listen(x)
		heard, err := x.languages(context.Background(), len(want.Languages))
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want.Languages {
			for k, l := range heard[i] {
				if !close64(float64(l.Probability), w[l.Code], 1e-5) || k > 0 && l.Probability > heard[i][k-1].Probability {
					t.Errorf("window %d: got %v, want %v", i, heard[i], w)
				}
			}
		}
	})
}

func TestAlign(t *testing.T) {
	eachTiny(t, func(t *testing.T, g golden, want *tinyGolden) {
		x := g.transcriber(nil)
		g.listen(x)
		for i, w := range want.Alignments {
			language := w.Language
			if x.Language().Code == "en" { // of a model that knows no other
				language = "en"
			}
			got, err := x.align(context.Background(), w.IDs, w.Window, language, w.Frames)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(w.Words) {
				t.Errorf("%d: got %v, want %v", i, got, w.Words)
				continue
			}
			for k, word := range w.Words {
				if y := got[k]; y.text != word[0] || float64(y.tokens) != word[1] || !close64(y.start, word[2].(float64), 1e-9) ||
					!close64(y.end, word[3].(float64), 1e-9) || !close64(y.probability, word[4].(float64), 1e-5) {
					t.Errorf("%d: word %d: got %v, want %v", i, k, y, word)
				}
			}
		}
	})
}

// noise is that of tools/golden/whisper_decode.py.
func noise(n int, state uint32) []float32 {
	x := make([]float32, n)
	for i := range x {
		state = state*1664525 + 1013904223
		x[i] = float32((float64(state>>16) - 32768) / 32768 * (0.02 + 0.1*float64((i/3000)%5)))
	}
	return x
}

// inPieces is a source of samples that gives them in pieces of changing size.
func inPieces(x []float32) func([]float32) (int, error) {
	n := 1
	return func(dst []float32) (int, error) {
		n = (n*7 + 3) % 2000
		k := copy(dst[:min(len(dst), n)], x)
		if x = x[k:]; len(x) == 0 {
			return k, io.EOF
		}
		return k, nil
	}
}

func TestSequential(t *testing.T) {
	eachTiny(t, func(t *testing.T, g golden, want *tinyGolden) {
		for _, w := range want.Sequences {
			o := w.Options.options()
			if w.Options.Language == nil {
				o.Language = ""
			}
			t.Run(fmt.Sprint("noise ", w.Seed), func(t *testing.T) { w.check(t, g.Bundle, o, noise(w.Samples, w.Seed)) })
		}
	})
}

// check compares the transcript of a sound, made window after window, with that of the reference.
func (w *goldenSequence) check(t *testing.T, b *Bundle, o *Options, sound []float32) {
	t.Helper()
	x, err := b.NewTranscriber(o)
	if err != nil {
		t.Fatal(err)
	}
	var got []Segment
	for s, err := range x.Sequential(context.Background(), inPieces(sound)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	if x.Language().Code != w.Language {
		t.Errorf("language %v, want %q", x.Language(), w.Language)
	}
	if len(got) != len(w.Segments) {
		t.Errorf("%d segments, want %d", len(got), len(w.Segments))
	}
	for k, s := range got[:min(len(got), len(w.Segments))] {
		v := w.Segments[k]
		same := slices.Equal(s.IDs, v.IDs) && s.Text == v.Text && close64(s.Start, v.Start, 1e-6) && close64(s.End, v.End, 1e-6) &&
			close64(s.AvgLogProb, v.Avg, 2e-3) && close64(s.NoSpeechProb, v.NoSpeech, 1e-3) && len(s.Words) == len(v.Words)
		for n := 0; same && n < len(s.Words); n++ {
			y, u := s.Words[n], v.Words[n]
			same = y.Text == u[0] && close64(y.Start, u[1].(float64), 1e-6) && close64(y.End, u[2].(float64), 1e-6) && close64(y.Probability, u[3].(float64), 2e-3)
		}
		if !same {
			t.Fatalf("segment %d:\ngot  %+v\nwant %+v", k, s, v)
		}
	}
}

func TestSettle(t *testing.T) {
	for i, w := range readDecodeGolden(t).Settled {
		var words []timing
		for _, f := range w.Found {
			words = append(words, timing{f[0].(string), int(f[1].(float64)), f[2].(float64), f[3].(float64), 0.5})
		}
		var segments []Segment
		var counts []int
		for _, s := range w.Segments {
			segments, counts = append(segments, Segment{Start: s[0], End: s[1]}), append(counts, int(s[2]))
		}
		share(words, segments, counts, w.Offset, w.Spoken)
		for k, s := range segments {
			want := w.Want[k][2].([]any)
			same := close64(s.Start, w.Want[k][0].(float64), 1e-9) && close64(s.End, w.Want[k][1].(float64), 1e-9) && len(s.Words) == len(want)
			for n := 0; same && n < len(want); n++ {
				u := want[n].([]any)
				same = s.Words[n].Text == u[0] && close64(s.Words[n].Start, u[1].(float64), 1e-9) && close64(s.Words[n].End, u[2].(float64), 1e-9)
			}
			if !same {
				t.Errorf("%d: segment %d: got %+v, want %v", i, k, s, w.Want[k])
			}
		}
	}
}

// TestJourney goes through sounds as the reference does when what it hears in each window is given.
func TestJourney(t *testing.T) {
	skipped := 0
	for i, w := range readDecodeGolden(t).Journeys {
		o := Defaults()
		o.Words, o.SkipSilence = true, w.Threshold
		b := &Bundle{Model: &Model{Config: Config{Frames: 1500, Context: 448, Tokens: Tokens{End: 20, Timestamp: 26}}}}
		s := &sequence{Transcriber: &Transcriber{bundle: b, opts: o}, sound: make([]float32, w.Content*frameSamples), read: io.EOF}
		var got [][2]float64
		for k, v := range w.Visits {
			if s.seek != v.Seek {
				t.Fatalf("%d: window %d begins at %d, want %d", i, k, s.seek, v.Seek)
			}
			h := heard{frames: min(3000, len(s.sound)/frameSamples), offset: float64(s.seek) / frameRate}
			var parts []span
			parts, h.rest, h.ended = spans(v.IDs, 26, h.frames, false)
			for n, part := range parts {
				x := Segment{Start: h.offset + part.start, End: h.offset + part.end, Text: "x", IDs: part.ids}
				for _, word := range v.Words[n] {
					x.Words = append(x.Words, Word{hundredths(h.offset + word[1].(float64)), hundredths(h.offset + word[2].(float64)), word[0].(string), word[3].(float64)})
				}
				if len(x.Words) > 0 {
					x.Start, x.End = x.Words[0].Start, x.Words[len(x.Words)-1].End
				}
				h.segments = append(h.segments, x)
			}
			kept := s.keep(&h, 0)
			skipped += len(parts) - len(kept)
			for _, x := range kept {
				got = append(got, [2]float64{x.Start, x.End})
			}
			s.advance(h.rest)
		}
		if len(s.sound) >= frameSamples {
			t.Errorf("%d: %d samples are left", i, len(s.sound))
		}
		if len(got) != len(w.Segments) {
			t.Errorf("%d: %d segments, want %d", i, len(got), len(w.Segments))
			continue
		}
		for k, x := range got {
			if !close64(x[0], w.Segments[k][0], 1e-6) || !close64(x[1], w.Segments[k][1], 1e-6) {
				t.Errorf("%d: segment %d: got %v, want %v", i, k, x, w.Segments[k])
			}
		}
	}
	if skipped < 20 {
		t.Errorf("only %d segments were skipped", skipped)
	}
}

func TestCompressionRatio(t *testing.T) {
	var z zipper
	for _, r := range readDecodeGolden(t).Ratios {
		text, want := r[0].(string), r[1].(float64)
		got := z.ratio(text)
		if n := float64(len(text)); n == 0 && got != 0 || n > 0 && math.Abs(n/got-n/want) > 4 { // bytes
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

// Sources end in many ways.
func TestSources(t *testing.T) {
	g := open(t, "tiny")
	o := Defaults()
	o.Language, o.Beam = "en", 1
	x := g.transcriber(&o)
	sound, broken := noise(20000, 2), errors.New("broken")
	hear := func(source func([]float32) (int, error), limit int) (n int, last error) {
		for _, err := range x.Sequential(context.Background(), source) {
			if last = err; err == nil {
				n++
			}
			if n == limit {
				break
			}
		}
		return n, last
	}
	whole, err := hear(inPieces(sound), -1)
	if err != nil || whole < 2 {
		t.Fatalf("%d segments, %v", whole, err)
	}
	left := sound
	late := func(dst []float32) (int, error) { // the end comes by itself
		k := copy(dst, left)
		if left = left[k:]; k == 0 {
			return 0, io.EOF
		}
		return k, nil
	}
	if n, err := hear(late, -1); err != nil || n != whole {
		t.Errorf("%d segments, %v, want %d", n, err, whole)
	}
	if n, err := hear(inPieces(sound), 1); err != nil || n != 1 {
		t.Errorf("stopped after %d segments, %v", n, err)
	}
	if n, err := hear(func([]float32) (int, error) { return 0, broken }, -1); n != 0 || !errors.Is(err, broken) {
		t.Errorf("%d segments, %v", n, err)
	}
	if n, err := hear(func([]float32) (int, error) { return 0, nil }, -1); n != 0 || !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("%d segments, %v", n, err)
	}
	if n, err := hear(func([]float32) (int, error) { return 0, io.EOF }, -1); n != 0 || err != nil {
		t.Errorf("%d segments, %v", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err := range x.Sequential(ctx, inPieces(sound)) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
}

func TestTranscriberOptions(t *testing.T) {
	tiny, english := open(t, "tiny"), open(t, "english")
	for _, c := range []struct {
		g    golden
		o    Options
		want string
	}{
		{tiny, Options{Language: "xx"}, `whisper: the model knows no language "xx", want one of de en zh`},
		{english, Options{Language: "de"}, `whisper: the model knows English alone, want language en and no translation, got "de"`},
		{english, Options{Translate: true}, `whisper: the model knows English alone, want language en and no translation, got ""`},
		{tiny, Options{}, ""}, {english, Options{Language: "en"}, ""}, {tiny, Options{MaxTokens: 1 << 40, LatestStart: 1e30}, ""},
	} {
		x, err := c.g.NewTranscriber(&c.o)
		if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && got != c.want {
			t.Errorf("%+v: got %v, want %s", c.o, err, c.want)
			continue
		}
		if err == nil {
			if _, err := x.Windows(context.Background(), windowsOf(1)); err != nil && c.g.Bundle == tiny.Bundle {
				t.Error(err)
			}
		}
	}
}

// Languages have codes and names.
func TestLanguageByName(t *testing.T) {
	g := open(t, "tiny")
	for given, want := range map[string]string{"de": "de", "DE": "de", "German": "de", "mandarin": "zh", "": ""} {
		x, err := g.NewTranscriber(&Options{Language: given})
		if err != nil {
			t.Fatal(err)
		}
		if got := x.Language().Code; got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
}
