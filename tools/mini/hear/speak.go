package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/mini"
)

// A speaker runs the programs that speak, unpacked from their packages below root.
type speaker struct {
	root string
	temp string
}

func (s *speaker) command(name string, args ...string) *exec.Cmd {
	lib := filepath.Join(s.root, "usr/lib/x86_64-linux-gnu")
	if name == "espeak-ng" {
		args = append([]string{"--path=" + lib}, args...)
	}
	c := exec.Command(filepath.Join(s.root, "usr/bin", name), args...)
	c.Env = append(os.Environ(), "LD_LIBRARY_PATH="+lib)
	return c
}

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
	out, err := s.command("espeak-ng", "-q", "-x", "-v", language, "-f", path).Output()
	if err != nil {
		return nil, err
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		list = append(list, strings.TrimSpace(line))
	}
	if len(list) != len(texts) {
		return nil, fmt.Errorf("espeak-ng pronounced %d of %d words", len(list), len(texts))
	}
	return list, nil
}

// A cut is one text's part of a sound.
type cut struct{ start, end int }

// espeak says texts in one voice and gives the sound of each, at mini.SoundRate.
func (s *speaker) espeak(texts []string, voice string, r *rand.Rand) ([][]float32, error) {
	path, err := s.write(texts)
	if err != nil {
		return nil, err
	}
	wav := filepath.Join(s.temp, "speech.wav")
	speed, pitch := 110+r.IntN(110), 20+r.IntN(65)
	if out, err := s.command("espeak-ng", "-v", voice, "-s", strconv.Itoa(speed), "-p", strconv.Itoa(pitch), "-g", "0", "-w", wav, "-f", path).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	x, err := audio.Load(context.Background(), wav, mini.SoundRate, 1<<28)
	if err != nil {
		return nil, err
	}
	const hush, pause = 1e-3, mini.SoundRate / 5 // louder than silence; longer than any stop inside a word
	var cuts []cut
	for i, quiet := 0, pause; i < len(x); i++ {
		if x[i] > hush || x[i] < -hush {
			if quiet >= pause {
				cuts = append(cuts, cut{i, i})
			}
			quiet = 0
			cuts[len(cuts)-1].end = i + 1
		} else {
			quiet++
		}
	}
	return pieces(x, cuts, len(texts), voice)
}

// flite says texts in one voice; the program itself tells where each begins and ends.
func (s *speaker) flite(texts []string, voice string, r *rand.Rand) ([][]float32, error) {
	path, err := s.write(texts)
	if err != nil {
		return nil, err
	}
	wav := filepath.Join(s.temp, "speech.wav")
	stretch := 0.8 + 0.5*r.Float64()
	out, err := s.command("flite", "-voice", voice, "-psdur", "--setf", fmt.Sprintf("duration_stretch=%.2f", stretch), "-f", path, "-o", wav).Output()
	if err != nil {
		return nil, err
	}
	x, err := audio.Load(context.Background(), wav, mini.SoundRate, 1<<28)
	if err != nil {
		return nil, err
	}
	var cuts []cut
	at := 0.0
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		first, last := -1.0, 0.0
		end := 0.0
		for i, f := range fields {
			name, time, _ := strings.Cut(f, ":")
			t, err := strconv.ParseFloat(time, 64)
			if err != nil {
				return nil, fmt.Errorf("flite: %q", f)
			}
			if name != "pau" {
				if first < 0 {
					first = 0
					if i > 0 {
						first = end
					}
				}
				last = t
			}
			end = t
		}
		cuts = append(cuts, cut{int((at + max(first-0.03, 0)) * mini.SoundRate), int((at + last + 0.03) * mini.SoundRate)})
		at += end
	}
	return pieces(x, cuts, len(texts), voice)
}

// pieces cuts a sound.
func pieces(x []float32, cuts []cut, want int, voice string) ([][]float32, error) {
	if len(cuts) != want {
		return nil, fmt.Errorf("%s: %d sounds for %d words", voice, len(cuts), want)
	}
	list := make([][]float32, len(cuts))
	for i, c := range cuts {
		list[i] = x[min(c.start, len(x)):min(c.end, len(x))]
	}
	return list, nil
}
