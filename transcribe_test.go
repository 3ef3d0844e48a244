package chiasm_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/media/audio"
)

const (
	tinyWhisper = "model/whisper/testdata/tiny" // hears 0.74 seconds at once
	voice       = "model/vad/testdata/voice.wav"
)

// anything takes every text for good: what a random model writes is doubtful.
func anything() chiasm.TranscribeOptions {
	o := chiasm.TranscribeDefaults()
	o.LogProb, o.CompressionRatio, o.NoSpeech = float32(math.Inf(-1)), float32(math.Inf(1)), float32(math.Inf(1))
	o.Beam, o.MaxTokens = 2, 6
	return o
}

func segments(t *testing.T, m *chiasm.Model, sound *audio.Reader, o chiasm.TranscribeOptions) (out []chiasm.Segment) {
	t.Helper()
	for s, err := range m.Transcribe(t.Context(), sound, &o) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func hear(t *testing.T, path string) *audio.Reader {
	t.Helper()
	r, err := audio.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestTranscribe(t *testing.T) {
	m := open(t, tinyWhisper, nil)
	for _, sequential := range []bool{false, true} {
		o := anything()
		o.Sequential = sequential
		var told []chiasm.Progress
		o.Progress = func(p chiasm.Progress) { told = append(told, p) }
		got := segments(t, m, hear(t, voice), o)
		if len(got) < 3 {
			t.Fatalf("sequential %v: %d segments", sequential, len(got))
		}
		for i, s := range got {
			if s.Start < 0 || s.End < s.Start || s.End > 3.73 || i > 0 && s.Start < got[i-1].Start {
				t.Errorf("sequential %v: segment %d from %v to %v, after %+v", sequential, i, s.Start, s.End, got[max(i-1, 0)])
			}
		}
		last := told[len(told)-1]
		if len(told) < 2 || last.Language == "" || !(last.Probability > 0 && last.Probability <= 1) || math.Abs(last.Done-2.99) > 0.01 {
			t.Errorf("sequential %v: told %+v", sequential, told)
		}
		o.Batch, o.Workers = 1, 1
		if other := segments(t, m, hear(t, voice), o); !slices.EqualFunc(got, other, alike) {
			t.Errorf("sequential %v: alone and by one thread windows have other segments", sequential)
		}
	}
}

func alike(a, b chiasm.Segment) bool {
	return a.Start == b.Start && a.End == b.End && a.Text == b.Text && slices.Equal(a.IDs, b.IDs) && a.AvgLogProb == b.AvgLogProb && a.NoSpeechProb == b.NoSpeechProb
}

func TestTranscribeStops(t *testing.T) {
	m := open(t, tinyWhisper, nil)
	o := anything()
	for range m.Transcribe(t.Context(), hear(t, voice), &o) {
		break // nothing may go on or hang
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for s, err := range m.Transcribe(ctx, hear(t, voice), &o) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: got %v, %v", s, err)
		}
	}
	if n := runtime.NumGoroutine(); n > 40 {
		t.Errorf("%d goroutines are left", n)
	}
}

func TestTranscribeWhatIsCutOff(t *testing.T) {
	m := open(t, tinyWhisper, nil)
	data, err := os.ReadFile(voice)
	if err != nil {
		t.Fatal(err)
	}
	for _, sequential := range []bool{false, true} {
		sound, err := audio.New(t.Context(), bytes.NewReader(data[:len(data)/2]))
		if err != nil {
			t.Fatal(err)
		}
		o := anything()
		o.Sequential = sequential
		found, last := 0, error(nil)
		for _, err := range m.Transcribe(t.Context(), sound, &o) {
			if last = err; err == nil {
				found++
			}
		}
		if found == 0 || !errors.Is(last, audio.ErrTruncated) {
			t.Errorf("sequential %v: %d segments, then %v", sequential, found, last)
		}
	}
	if _, err := m.TranscribeFile(t.Context(), "nothing.wav", nil); err == nil || !strings.HasPrefix(err.Error(), "chiasm: ") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestModelsThatCannotTranscribe(t *testing.T) {
	clip := open(t, "model/clip/testdata/transformers", nil)
	if _, err := clip.TranscribeFile(t.Context(), voice, nil); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "it takes text and image") {
		t.Errorf("got %v", err)
	}
	speech := open(t, tinyWhisper, nil)
	if _, err := speech.EmbedText(t.Context(), "x"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "it takes speech") {
		t.Errorf("got %v", err)
	}
	o := chiasm.TranscribeDefaults()
	o.Language = "xx"
	if _, err := speech.TranscribeFile(t.Context(), voice, &o); err == nil || !strings.Contains(err.Error(), `knows no language "xx"`) {
		t.Errorf("got %v", err)
	}
}

// endless is a WAV file as long as is said, of a clip over and over.
func endless(t *testing.T, clip string, seconds int) io.Reader {
	t.Helper()
	data, err := os.ReadFile(clip)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("data"))
	head, samples := slices.Clone(data[:at+8]), data[at+8:]
	n := seconds * 32000 / len(samples) * len(samples)
	binary.LittleEndian.PutUint32(head[4:], uint32(len(head)-8+n))
	binary.LittleEndian.PutUint32(head[at+4:], uint32(n))
	return io.MultiReader(bytes.NewReader(head), io.LimitReader(&loop{samples, 0}, int64(n)))
}

type loop struct {
	data []byte
	at   int
}

func (l *loop) Read(b []byte) (int, error) {
	n := copy(b, l.data[l.at:])
	l.at = (l.at + n) % len(l.data)
	return n, nil
}

// A long sound takes no more memory than a short one: what lives on the heap is looked at while they are heard.
func TestTranscribeInFlatMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	m := open(t, tinyWhisper, nil)
	o := anything()
	o.Beam, o.MaxTokens, o.NoTimestamps = 1, 1, true
	most := func(seconds int) (heap uint64) {
		sound, err := audio.New(t.Context(), endless(t, voice, seconds))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range m.Transcribe(t.Context(), sound, &o) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n%20 == 0 {
				var stats runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&stats)
				heap = max(heap, stats.HeapAlloc)
			}
		}
		if n < seconds {
			t.Errorf("%d segments in %d seconds", n, seconds)
		}
		return heap
	}
	short := most(30)
	if long := most(150); long > short+4<<20 {
		t.Errorf("30 s of sound took %d bytes, 150 s %d", short, long)
	}
}

// The gate of "auto" compares vectors: a model without any stays at f32.
func TestAutoOfSpeech(t *testing.T) {
	m := open(t, tinyWhisper, &chiasm.Options{Precision: "auto"})
	if m.Precision() != "f32" {
		t.Errorf("auto is %s", m.Precision())
	}
	if _, err := m.Measure(t.Context(), "int8"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("measured: %v", err)
	}
	for _, precision := range []string{"bf16", "w8", "int8"} {
		o := anything()
		if got := segments(t, open(t, tinyWhisper, &chiasm.Options{Precision: precision}), hear(t, voice), o); len(got) == 0 {
			t.Errorf("%s: no segments", precision)
		}
	}
}

func TestFilesOfWhisper(t *testing.T) {
	for _, c := range []struct{ all, want string }{
		{"README.md config.json model.bin tokenizer.json vocabulary.txt preprocessor_config.json .gitattributes", "README.md config.json model.bin tokenizer.json vocabulary.txt preprocessor_config.json"},
		{"config.json generation_config.json normalizer.json model.safetensors model.fp32-00001-of-00002.safetensors pytorch_model.bin flax_model.msgpack vocab.json merges.txt",
			"config.json generation_config.json normalizer.json model.safetensors vocab.json merges.txt"},
	} {
		var files []hub.File
		for _, name := range strings.Fields(c.all) {
			files = append(files, hub.File{Name: name})
		}
		var got []string
		for _, f := range chiasm.Files(files) {
			got = append(got, f.Name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
	for _, folder := range []string{"tiny", "english", "tiny-int8"} {
		if kind, err := chiasm.Recognise("model/whisper/testdata/" + folder); err != nil || !strings.Contains(kind, "hisper") {
			t.Errorf("%s is taken for %q (%v)", folder, kind, err)
		}
	}
	if m := open(t, "model/whisper/testdata/tiny-int8", nil); m.Info().Layout != "ctranslate2" || m.Info().Dimension != 0 || m.Info().Space != "" {
		t.Errorf("got %+v", m.Info())
	}
}
