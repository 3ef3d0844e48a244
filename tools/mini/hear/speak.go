package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/tools/internal/fetch"
)

// A speaker runs the programs that speak, unpacked from their packages below root.
type speaker struct {
	root string // of the programs
	temp string
	data string // what `go run ./tools/mini/data` lays out
}

// run gives what a program prints.
func (s *speaker) run(name string, args ...string) (string, error) {
	lib := filepath.Join(s.root, "usr/lib/x86_64-linux-gnu")
	if name == "espeak-ng" {
		args = append([]string{"--path=" + lib}, args...)
	}
	c := exec.Command(filepath.Join(s.root, "usr/bin", name), args...)
	c.Env = append(os.Environ(), "LD_LIBRARY_PATH="+lib)
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, fetch.LastLine([]byte(said.String())))
	}
	return string(out), nil
}

// mostSamples is more than any of the programs is asked for.
const mostSamples = 1 << 28

// write puts texts into a file, each a sentence.
func (s *speaker) write(texts []string) (string, error) {
	path := filepath.Join(s.temp, "texts.txt")
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(t + ".\n\n")
	}
	return path, os.WriteFile(path, []byte(b.String()), 0o644)
}

// phonemes is how espeak-ng pronounces each text.
func (s *speaker) phonemes(language string, texts []string) ([]string, error) {
	path, err := s.write(texts)
	if err != nil {
		return nil, err
	}
	out, err := s.run("espeak-ng", "-q", "-x", "-v", language, "-f", path)
	if err != nil {
		return nil, err
	}
	var list []string
	for line := range strings.Lines(out) {
		list = append(list, strings.TrimSpace(line))
	}
	if len(list) != len(texts) {
		return nil, fmt.Errorf("espeak-ng pronounced %d of %d words", len(list), len(texts))
	}
	return list, nil
}

var replaced = regexp.MustCompile(`(?m)^Replace: (\S+)\s+(\S+)`)

// pinyin spells those Chinese words that espeak-ng's dictionary has, whose own voice for characters takes the syllables for English.
func (s *speaker) pinyin(texts []string) (known, spelled []string, err error) {
	for _, t := range texts {
		out, err := s.run("espeak-ng", "-q", "-X", "-v", "cmn", t)
		if err != nil {
			return nil, nil, err
		}
		var heard string
		var syllables []string
		for _, m := range replaced.FindAllStringSubmatch(out, -1) {
			heard, syllables = heard+m[1], append(syllables, m[2])
		}
		if heard == t {
			known, spelled = append(known, t), append(spelled, strings.Join(syllables, " "))
		}
	}
	return known, spelled, nil
}

// variants is the names of espeak-ng's ways to change a voice.
func (s *speaker) variants() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.root, "usr/lib/x86_64-linux-gnu/espeak-ng-data/voices/!v"))
	var names []string
	for _, e := range entries {
		if !strings.Contains(e.Name(), " ") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// espeak says texts in one voice and gives the sound of each, at mini.SoundRate.
func (s *speaker) espeak(texts []string, voice string, r *rand.Rand) ([][]float32, error) {
	path, err := s.write(texts)
	if err != nil {
		return nil, err
	}
	wav := filepath.Join(s.temp, "speech.wav")
	speed, pitch := 110+r.IntN(110), 20+r.IntN(75)
	if _, err := s.run("espeak-ng", "-v", voice, "-s", strconv.Itoa(speed), "-p", strconv.Itoa(pitch), "-g", "0", "-w", wav, "-f", path); err != nil {
		return nil, err
	}
	x, err := audio.Load(context.Background(), wav, mini.SoundRate, mostSamples)
	if err != nil {
		return nil, err
	}
	return pieces(x, 1e-3, mini.SoundRate/5, len(texts)), nil
}

// flite says texts in one voice and gives the sound of each, at mini.SoundRate.
func (s *speaker) flite(texts []string, voice string, r *rand.Rand) ([][]float32, error) {
	path, err := s.write(texts)
	if err != nil {
		return nil, err
	}
	wav := filepath.Join(s.temp, "speech.wav")
	stretch := 0.8 + 0.5*r.Float64()
	args := []string{"-voice", voice, "--setf", fmt.Sprintf("duration_stretch=%.2f", stretch), "-f", path, "-o", wav}
	hush := float32(8e-3)
	if voice == "kal16" { // the only one whose pitch is for us to choose
		hush = 16e-3
		args = append(args, "--setf", fmt.Sprintf("f0_shift=%.2f", 0.9*math.Pow(2.5, r.Float64())))
	}
	if _, err := s.run("flite", args...); err != nil {
		return nil, err
	}
	x, err := audio.Load(context.Background(), wav, mini.SoundRate, mostSamples)
	if err != nil {
		return nil, err
	}
	return pieces(x, hush, int(0.18*stretch*mini.SoundRate), len(texts)), nil
}

// pieces cuts a sound at its pauses, which are longer than any silence inside a word: samples that are no louder than hush. There are no
// pieces if that gives another number than is wanted.
func pieces(x []float32, hush float32, pause, want int) [][]float32 {
	const margin = mini.SoundRate / 50
	var list [][]float32
	start, end := -1, 0 // of what is not silence
	add := func() {
		if start >= 0 {
			list = append(list, x[max(start-margin, 0):min(end+margin, len(x))])
		}
	}
	for i, v := range x {
		if v <= hush && v >= -hush {
			continue
		}
		if start < 0 || i-end >= pause {
			add()
			start = i
		}
		end = i + 1
	}
	add()
	if len(list) != want {
		return nil
	}
	return list
}
