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
	"slices"
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

// pinyin fills in how Chinese words are spelled that espeak-ng's dictionary has: its own voice for characters takes the syllables for
// English.
func (s *speaker) pinyin(words []word) error {
	for lot := range slices.Chunk(words, together) {
		var texts []string
		for _, w := range lot {
			texts = append(texts, w.text)
		}
		spelled, err := s.spell(texts)
		if err != nil {
			return err
		}
		for i := range lot {
			lot[i].spoken = spelled[i]
		}
	}
	return nil
}

// spell gives the syllables of each word, "" for one that the dictionary lacks.
func (s *speaker) spell(texts []string) ([]string, error) {
	path, err := s.write(texts)
	if err != nil {
		return nil, err
	}
	out, err := s.run("espeak-ng", "-q", "-X", "-v", "cmn", "-f", path)
	if err != nil {
		return nil, err
	}
	found := replaced.FindAllStringSubmatch(out, -1)
	spelled := make([]string, len(texts))
	for i, t := range texts {
		rest, n := t, 0
		for n < len(found) && rest != "" && strings.HasPrefix(rest, found[n][1]) {
			rest = rest[len(found[n][1]):]
			spelled[i] += " " + found[n][2]
			n++
		}
		if found = found[n:]; rest == "" {
			spelled[i] = spelled[i][1:]
			continue
		}
		if len(texts) == 1 {
			return []string{""}, nil
		}
		for j, t := range texts { // which of them is to blame shows only alone
			one, err := s.spell([]string{t})
			if err != nil {
				return nil, err
			}
			spelled[j] = one[0]
		}
		break
	}
	return spelled, nil
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

// flite says texts in one voice and gives the sound of each, at mini.SoundRate. The voices are men's; high makes them speak as high as women
// and children do.
func (s *speaker) flite(texts []string, voice string, r *rand.Rand, high bool) ([][]float32, error) {
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
	if high {
		to := filepath.Join(s.temp, "high.wav")
		if err := raise(to, wav, 1.3*math.Pow(1.7, r.Float64())); err != nil {
			return nil, err
		}
		wav = to
	}
	x, err := audio.Load(context.Background(), wav, mini.SoundRate, mostSamples)
	if err != nil {
		return nil, err
	}
	return pieces(x, hush, int(0.18*stretch*mini.SoundRate), len(texts)), nil
}

// raise multiplies the pitch of a voice and leaves the resonances of the mouth where they are. It takes ffmpeg with Rubber Band.
func raise(to, from string, pitch float64) error {
	filter := fmt.Sprintf("rubberband=pitch=%.2f:formant=preserved", pitch)
	out, err := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-threads", "1", "-i", from, "-af", filter, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg, with its filter rubberband: %w: %s", err, fetch.LastLine(out))
	}
	return nil
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
