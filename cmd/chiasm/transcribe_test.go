package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	tinyWhisper = "../../model/whisper/testdata/tiny"
	voice       = "../../model/vad/testdata/voice.wav"
)

// anything are flags by which what a random model says is taken for good.
var anything = []string{"-m", tinyWhisper, "--logprob-threshold=-inf", "--compression-ratio-threshold=inf", "--no-speech-threshold=inf", "--beam-size", "1"}

func transcribeArgs(args ...string) []string {
	return slices.Concat([]string{"transcribe"}, anything, args)
}

func TestTranscribeText(t *testing.T) {
	one := runChiasm(t, "", transcribeArgs(voice)...).want(t, exitOK, "the language is")
	if len(strings.Split(one.out, "\n")) < 3 {
		t.Errorf("%d lines", len(strings.Split(one.out, "\n")))
	}
	data, err := os.ReadFile(voice)
	if err != nil {
		t.Fatal(err)
	}
	if piped := runChiasm(t, string(data), transcribeArgs("-q", "-")...).want(t, exitOK); piped.out != one.out {
		t.Error("standard input has another text")
	}
	two := runChiasm(t, "", transcribeArgs("-q", voice, "nothing.wav", voice)...).want(t, exitFailure, "nothing.wav: no such file", "1 of 3 sounds failed")
	if title := "==> " + voice + " <==\n"; two.out != title+one.out+title+one.out {
		t.Errorf("of two sounds: %q", two.out)
	}
	cut := filepath.Join(t.TempDir(), "cut.wav")
	if err := os.WriteFile(cut, data[:len(data)*3/4], 0o644); err != nil {
		t.Fatal(err)
	}
	short := runChiasm(t, "", transcribeArgs("-l", "de", cut)...).want(t, exitOK, cut+": the sound is cut off before its end")
	if short.out == "" || len(short.out) >= len(one.out) {
		t.Errorf("of three quarters: %q", short.out)
	}
}

func TestTranscribeJSON(t *testing.T) {
	r := runChiasm(t, "", transcribeArgs("--json", "--words", voice, "../../go.mod")...).want(t, exitFailure, "../../go.mod: not a sound", "1 of 2 sounds failed")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	var answer struct {
		Input, Text, Language string
		Probability           float64 `json:"language_probability"`
		Duration              float64
		Segments              []struct {
			Start, End float64
			Text       string
			Tokens     []int
			Words      []struct {
				Word       string
				Start, End float64
			}
		}
	}
	if err := json.Unmarshal([]byte(lines[0]), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Input != voice || answer.Text == "" || answer.Language == "" || answer.Probability <= 0 || answer.Duration != 2.99 || len(answer.Segments) < 2 {
		t.Errorf("got %+v", answer)
	}
	words := 0
	for _, s := range answer.Segments {
		words += len(s.Words)
	}
	if words == 0 {
		t.Error("no words")
	}
	var failure failure
	if err := json.Unmarshal([]byte(lines[1]), &failure); err != nil || len(lines) != 2 || failure.Input != "../../go.mod" || failure.Error == "" {
		t.Errorf("got %+v (%v)", failure, err)
	}
}

func TestTranscribeFiles(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "a", "b")
	data, err := os.ReadFile(voice)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x/one.wav", "y/one.wav", "y/two.WAV", "y/notes.txt", ".hidden/three.wav"} {
		if err := os.MkdirAll(filepath.Join(in, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(in, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := runChiasm(t, "", transcribeArgs("-q", "-o", out, "-f", "all", in)...)
	r.want(t, exitFailure, "y/one.wav: its transcript would take the place of that of "+filepath.Join(in, "x/one.wav"), "1 of 3 sounds failed")
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{"one.json", "one.srt", "one.tsv", "one.txt", "one.vtt", "two.json", "two.srt", "two.tsv", "two.txt", "two.vtt"}
	if r.out != "" || !slices.Equal(names, want) {
		t.Errorf("got %q and on standard output %q", names, r.out)
	}
	srt, err := os.ReadFile(filepath.Join(out, "one.srt"))
	if err != nil || !bytes.HasPrefix(srt, []byte("1\n00:00:00,")) {
		t.Errorf("srt begins %.40q (%v)", srt, err)
	}
	if direct := runChiasm(t, "", transcribeArgs("-q", "-f", "srt", voice)...).want(t, exitOK); direct.out != string(srt) {
		t.Error("standard output has other subtitles than the file")
	}
	text := runChiasm(t, "", transcribeArgs("-q", voice)...)
	if txt, err := os.ReadFile(filepath.Join(out, "two.txt")); err != nil || string(txt) != text.out {
		t.Errorf("the file has %q, standard output %q (%v)", txt, text.out, err)
	}
}

func TestTranscribeStopped(t *testing.T) {
	out := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := run(ctx, transcribeArgs("-o", out, voice), strings.NewReader(""), &stdout, &stderr); code != exitInterrupted {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
}

func TestTranscribeUsage(t *testing.T) {
	for flags, want := range map[string]string{
		"":                               "want chiasm transcribe [flags] SOUND..., got no arguments",
		"-f gif x.wav":                   "--format gif",
		"-f srt,vtt x.wav":               "several formats need --output-dir",
		"--json -f srt x.wav":            "--json",
		"--task sing x.wav":              "--task sing",
		"--beam-size 0 x.wav":            "--beam-size 0",
		"--temperature 2 x.wav":          "--temperature 2",
		"--words --without-timestamps x": "contradict",
		"- -":                            "standard input (-) can be read only once",
	} {
		runChiasm(t, "", transcribeArgs(strings.Fields(flags)...)...).want(t, exitUsage, want)
	}
	runChiasm(t, "", "transcribe", "x.wav").want(t, exitUsage, "no model is chosen, and mini, which is inside the program, does not transcribe")
	runChiasm(t, "", "transcribe", "-m", tiny, voice).want(t, exitFailure, "cannot transcribe, it takes text and image")
	runChiasm(t, "", transcribeArgs("-l", "xx", voice)...).want(t, exitFailure, `knows no language "xx"`, "1 of 1 sound failed")
}
