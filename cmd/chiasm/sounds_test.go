package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chiasm/chiasm"
)

const (
	tinyEars = "../../model/clap/testdata/unfused"
	ringing  = "../../media/audio/testdata/files/44100.mp3"
	humming  = "../../media/audio/testdata/files/pcm_16.wav"
)

// recording is a WAV file of so many seconds of a rising tone at 8 kHz.
func recording(seconds float64, rate uint32, channels uint16) []byte {
	samples := int(seconds * 8000)
	data := make([]byte, 0, 2*samples)
	for i := range samples {
		t := float64(i) / 8000
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(9000*math.Sin(2*math.Pi*(200+30*t)*t))))
	}
	b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00"), byte(channels), byte(channels>>8))
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, 2*rate)
	b = append(b, 2, 0, 16, 0)
	b = append(b, "data"...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(data))), data...)
}

func TestSimilarityOfSounds(t *testing.T) {
	r := runChiasm(t, "", "similarity", "-m", tinyEars, "--json", "-t", "a dog", "-t", "rain", ringing, humming).want(t, 0)
	if got := keys(t, r.out); got != "model sounds texts logits_per_audio probs per" {
		t.Errorf("fields %s", got)
	}
	a := objects[similarityAnswer](t, r)[0]
	if !slices.Equal(a.Sounds, []string{ringing, humming}) || a.Per != "audio" || len(a.PerAudio) != 2 || len(a.PerAudio[0]) != 2 {
		t.Errorf("got %+v", a)
	}
	m, err := chiasm.Open(t.Context(), tinyEars, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var sounds []chiasm.Sound
	for _, path := range []string{ringing, humming} {
		s, err := m.OpenAudio(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		sounds = append(sounds, s)
	}
	scores, err := m.SimilarityAudio(t.Context(), []string{"a dog", "rain"}, sounds)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "logits", a.PerAudio, scores.Logits)
	near(t, "probabilities", a.Probs, scores.PerAudio())
	b := objects[similarityAnswer](t, runChiasm(t, "", "similarity", "-m", tinyEars, "--json", "--per", "text", "-t", "a dog", "-t", "rain", ringing, humming).want(t, 0))[0]
	near(t, "probabilities of sounds", b.Probs, scores.PerText())

	table := runChiasm(t, "", "similarity", "-m", tinyEars, "-t", "a dog", "-t", "rain", ringing, humming).want(t, 0).out
	if !strings.HasPrefix(table, "sound ") || !strings.Contains(table, "(probability over the texts, and logit)") {
		t.Error(table)
	}
}

func TestSoundsOnStandardInput(t *testing.T) {
	data, err := os.ReadFile(ringing)
	if err != nil {
		t.Fatal(err)
	}
	line := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tinyEars, ringing).want(t, 0))[0]
	for _, args := range [][]string{{"embed", "--kind", "audio"}, {"similarity", "-t", "a", "--json"}, {"similarity", "-t", "a", "--json", "--stdin", "audio"}} {
		r := runChiasm(t, string(data), append(args, "-m", tinyEars, "-")...).want(t, 0)
		if args[0] == "embed" {
			near(t, "vector", [][]float32{objects[vectorLine](t, r)[0].Embedding}, [][]float32{line.Embedding})
		} else if a := objects[similarityAnswer](t, r)[0]; !slices.Equal(a.Sounds, []string{"-"}) || len(a.PerAudio) != 1 {
			t.Errorf("%v: %+v", args, a)
		}
	}
}

func TestClassifySounds(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("a.wav", recording(1, 8000, 1))
	write("b.txt", []byte("not for the model"))
	write("c.png", []byte("\x89PNG\r\n\x1a\n"))
	write("d", recording(11, 8000, 1)) // known by how it begins
	r := runChiasm(t, "", "classify", "-m", tinyEars, "--labels", "dog,rain,siren", "--template", "This is a sound of {}.", "--top", "2", "--json", dir, tinyWide).
		want(t, 1, tinyWide+": "+tinyEars+" cannot embed pictures", "of 1 sound only the first 10s were heard", "1 of 3 inputs failed")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	for i, want := range []string{"sound labels", "sound labels truncated", "image error"} {
		if got := keys(t, lines[i]); got != want {
			t.Errorf("line %d has %s, want %s", i, got, want)
		}
	}
	runChiasm(t, "", "classify", "-m", tinyEars, "--labels", "a", filepath.Dir(tinyWide)).want(t, 1, "no sounds in this folder", "1 of 1 input failed")
}

// A window's vector is that of the stretch by itself.
func TestEmbedWindows(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "long.wav")
	whole := recording(25, 8000, 1)
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	lines := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tinyEars, "--window", "10s", "--hop", "7.5s", path).want(t, 0))
	if len(lines) != 3 {
		t.Fatalf("%d vectors", len(lines))
	}
	for i, want := range [][2]float64{{0, 10}, {7.5, 17.5}, {15, 25}} {
		if l := lines[i]; l.Input != path || l.Kind != "audio" || *l.Start != want[0] || *l.End != want[1] {
			t.Errorf("stretch %d: %v to %v", i, *l.Start, *l.End)
		}
	}
	first := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tinyEars, path).want(t, 0, "of 1 sound only the first 10s were heard (--window"))[0]
	if !first.Truncated || first.Start != nil {
		t.Errorf("the whole: %+v", first)
	}
	near(t, "first stretch", [][]float32{lines[0].Embedding}, [][]float32{first.Embedding})

	out := filepath.Join(dir, "v.npy")
	runChiasm(t, "", "embed", "-m", tinyEars, "--window", "10s", path, "-o", out).want(t, 0)
	beside, err := os.ReadFile(out + ".json")
	if err != nil || !strings.Contains(string(beside), "long.wav#t=0,10") || !strings.Contains(string(beside), "long.wav#t=20,25") {
		t.Errorf("%s, %v", beside, err)
	}

	cut := filepath.Join(dir, "cut.wav")
	if err := os.WriteFile(cut, whole[:44+2*8000*12], 0o600); err != nil {
		t.Fatal(err)
	}
	r := runChiasm(t, "", "embed", "-m", tinyEars, "--window", "5s", cut).want(t, 0, "cut.wav: the sound is cut off before its end")
	if n := len(objects[vectorLine](t, r)); n != 3 {
		t.Errorf("%d stretches of a file that is cut off", n)
	}
}

func TestBadSounds(t *testing.T) {
	dir := t.TempDir()
	ok := recording(1, 8000, 1)
	for name, data := range map[string][]byte{
		"channels.wav": recording(1, 8000, 65535), "cut.wav": ok[:10000], "empty.wav": {}, "fast.wav": recording(1, 4_000_000_000, 1), "header.wav": ok[:30],
		"none.wav": recording(0, 8000, 1), "page.wav": []byte("<!doctype html>"), "still.wav": recording(1, 0, 1), "vorbis.ogg": []byte("OggS\x00\x02and so on"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", "") // no ffmpeg
	bad := []string{
		"channels.wav: wav: expected 1 to 256 channels, got 65535", "cut.wav: the sound is cut off before its end", "empty.wav: empty file",
		"fast.wav: wav: expected a sample rate", "header.wav: wav: the file ends within its header", "none.wav: the sound has no samples",
		"page.wav: not a sound in a known format", "still.wav: wav: expected a sample rate from 100 to 1000000 Hz, got 0", "vorbis.ogg: ogg: the program ffmpeg is needed",
	}
	for _, args := range [][]string{{"embed"}, {"embed", "--window", "1s"}, {"similarity", "-t", "a"}, {"classify", "--labels", "a,b"}} {
		// The damaged one, which is read as far as it goes, is a note and no failure.
		r := runChiasm(t, "", append(args, "-m", tinyEars, dir)...)
		lines := strings.Split(strings.TrimSpace(r.err), "\n")
		for _, want := range append(bad, "8 of 9 inputs failed") {
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, want) }) {
				t.Errorf("%v: no %q in\n%s", args, want, r.err)
			}
		}
		if r.code != 1 || len(lines) != 10 {
			t.Errorf("%v: exit code %d, stderr\n%s", args, r.code, r.err)
		}
	}
	runChiasm(t, "", "embed", "-m", tiny, filepath.Join(dir, "cut.wav")).want(t, 1, "cannot embed sounds, it takes text and image", "1 of 1 input failed")
	runChiasm(t, "", "embed", "-m", tiny, "--window", "1s", filepath.Join(dir, "cut.wav")).want(t, 2, "--window: the model hears no sounds")
	runChiasm(t, "", "embed", "-m", tinyEars, "--window", "11s", ringing).want(t, 2, "--window 11s: the model hears 10s at once")
	runChiasm(t, "", "embed", "-m", tinyEars, "--window", "1ms", ringing).want(t, 2, "want 10ms at least")
	runChiasm(t, "", "embed", "-m", tinyEars, "--window", "1s", "--hop", "2s", ringing).want(t, 2, "--hop 2s: want no more than --window")
	runChiasm(t, "", "similarity", "-m", tinyEars, "-t", "a", "--stdin", "text", "-").want(t, 2, "--stdin text: want image or audio")
}

// Stretches come decoded: they too wait for room.
func TestStretchesWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		given := 0
		items := func(yield func(*item) bool) {
			for i := range 100 {
				given++
				if !yield(&item{name: fmt.Sprint(i), kind: kindAudio, sound: chiasm.Sound{Samples: make([]float32, 1<<20)}}) {
					return
				}
			}
		}
		taken := 0
		for group := range batches(t.Context(), items, upTo(2)) {
			time.Sleep(time.Second)
			synctest.Wait()
			taken += len(group)
			if ahead := given - taken; ahead<<22 > readAhead+2<<22 {
				t.Errorf("%d wait", ahead)
			}
		}
		if taken != 100 {
			t.Errorf("took %d", taken)
		}
	})
}

func TestShowSounds(t *testing.T) {
	if r := runChiasm(t, "", "show", tinyEars).want(t, 0); !strings.Contains(r.out, "modalities    text, audio\n") || !strings.Contains(r.out, "sounds        48000 Hz, 10 s of each at most\n") {
		t.Error(r.out)
	}
	if r := runChiasm(t, "", "show", "--json", tinyEars).want(t, 0); !bytes.Contains([]byte(r.out), []byte(`"audio_rate":48000,"audio_seconds":10`)) {
		t.Error(r.out)
	}
}

// A space of texts, pictures and sounds: pictures come first, whatever the order of the arguments.
func TestPicturesAndSoundsTogether(t *testing.T) {
	const all = "../../model/embeddinggemma/testdata"
	r := runChiasm(t, "", "similarity", "-m", all, "--json", "-t", "a dog", "-t", "rain", ringing, tinyWide, humming).want(t, 0)
	if got := keys(t, r.out); got != "model images sounds texts logits_per_image logits_per_audio probs per" {
		t.Errorf("fields %s", got)
	}
	a := objects[similarityAnswer](t, r)[0]
	if !slices.Equal(a.Images, []string{tinyWide}) || !slices.Equal(a.Sounds, []string{ringing, humming}) || a.Per != "image" || len(a.Probs) != 3 {
		t.Errorf("got %+v", a)
	}
	lines := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", all, "-t", "a dog", ringing, tinyWide, humming).want(t, 0))
	var kinds []string
	for _, l := range lines {
		kinds = append(kinds, l.Kind)
	}
	if !slices.Equal(kinds, []string{"text", "audio", "image", "audio"}) {
		t.Errorf("kinds %v", kinds)
	}
	if c := cosine(lines[0].Embedding, lines[1].Embedding); math.Abs(float64(c-a.PerAudio[0][0])) > 1e-5 { // plain cosines: it was not trained on pairs
		t.Errorf("cosine %v, logit %v", c, a.PerAudio[0][0])
	}
	if table := runChiasm(t, "", "similarity", "-m", all, "--per", "text", "-t", "a dog", ringing, tinyWide).want(t, 0).out; !strings.HasPrefix(table, "file ") || !strings.Contains(table, "(probability over the files") {
		t.Error(table)
	}
}
