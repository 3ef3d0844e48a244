package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/model/mini"
)

// A clip is the spectrum of a word that was said, or of a note that was played.
type clip struct {
	word  int
	voice string
	x     []byte // [frames, bands], 0 to 255 for levels of -6 to 0
}

// A cast says words, or plays notes, and keeps their spectra in two files of its name.
type cast struct {
	name   string
	by     func(c *cast, s *speaker, w *clipWriter, words []word) error
	count  int        // words, 0 for all; or notes of each instrument
	order  *rand.Rand // draws the words
	manner *rand.Rand // draws voices and tempo
	code   string     // language
	test   bool       // never learnt from
	times  int        // how often a clip counts, 0 for once
	high   bool       // men's voices speak higher than theirs
	before bool       // an article is said before each word
}

func random(a, b uint64) *rand.Rand { return rand.New(rand.NewPCG(a, b)) }

// flite is a voice made of a human's recordings. Its name may end in high.
func flite(name string, count, times int, seed uint64) *cast {
	return &cast{name: name, by: (*cast).flite, count: count, times: times, order: random(7, seed), manner: random(1, 2), code: "en", high: strings.HasSuffix(name, high)}
}

const high = "-high"

// espeak is voices made of formulas: each lot of words in another one.
func espeak(name, code string, seed uint64, before bool) *cast {
	r := random(seed, 3)
	return &cast{name: name, by: (*cast).espeak, order: r, manner: r, code: code, before: before}
}

func font(name string, notes int) *cast {
	return &cast{name: name, by: (*cast).play, count: notes, manner: random(1, 2)}
}

func (c *cast) forTest() *cast { c.test = true; return c }

const (
	testVoice = "slt"
	testFont  = "TimGM6mb.sf2"
)

// casts is everything that is heard. The volunteers are there if the data are.
func casts(data string) []*cast {
	list := []*cast{
		flite(testVoice, 600, 1, 7).forTest(), flite("kal16", 8000, 1, 'k'), flite("rms", 3000, 1, 'r'), flite("awb", 3000, 1, 'a'),
		flite("rms"+high, 3000, 2, 's'), flite("awb"+high, 3000, 2, 'b'),
		espeak("e1", "en", '1', false), espeak("e2", "en", '2', false), espeak("e3", "en", '3', true),
		font(testFont, 6).forTest(), font("FluidR3_GM.sf2", 60),
	}
	for _, l := range languages[1:] {
		list = append(list, espeak(l.code+"1", l.code, 100, false), espeak(l.code+"2", l.code, 102, l.before != nil))
	}
	if data != "" {
		for _, code := range []string{"en", "fr", "es"} {
			list = append(list, volunteers(code).forTest())
		}
	}
	return list
}

const together = 50 // words of one run of a program

// batches draws the words, and hands them out in lots.
func (c *cast) batches(words []word, say func(ids []int, texts []string) error) error {
	var own []int
	for id, w := range words {
		if w.language == c.code && (w.known || !c.test) {
			own = append(own, id)
		}
	}
	before := tongue(c.code).before
	order := c.order.Perm(len(own))
	if c.count > 0 {
		order = order[:min(c.count, len(order))]
	}
	for len(order) > 0 {
		n := min(together, len(order))
		var ids []int
		var texts []string
		for _, i := range order[:n] {
			text := words[own[i]].spoken
			if c.before {
				text = before[c.order.IntN(len(before))] + " " + text
			}
			ids, texts = append(ids, own[i]), append(texts, text)
		}
		if err := say(ids, texts); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

func (c *cast) flite(s *speaker, w *clipWriter, words []word) error {
	return c.batches(words, func(ids []int, texts []string) error {
		sounds, err := s.flite(texts, strings.TrimSuffix(c.name, high), c.manner, c.high)
		if err != nil || len(sounds) != len(ids) {
			return err
		}
		return w.add(ids, sounds, c.name)
	})
}

// espeak says each lot in another voice. Some of the voices run words together, or tear them: what they say is left out.
func (c *cast) espeak(s *speaker, w *clipWriter, words []word) error {
	variants, err := s.variants()
	if err != nil {
		return err
	}
	own := tongue(c.code).voices
	return c.batches(words, func(ids []int, texts []string) error {
		voice := own[c.manner.IntN(len(own))] + "+" + variants[c.manner.IntN(len(variants))]
		sounds, err := s.espeak(texts, voice, c.manner)
		if err != nil || len(sounds) != len(ids) {
			return err
		}
		return w.add(ids, sounds, voice)
	})
}

func (c *cast) play(s *speaker, w *clipWriter, words []word) error {
	first := 0
	for words[first].language != "" {
		first++
	}
	id := first - 1
	last := ""
	for program, name := range programNames() {
		if name != last {
			id, last = id+1, name
		}
		sounds, err := s.play(c.name, program, c.count, c.manner)
		if err != nil {
			return err
		}
		ids := make([]int, len(sounds))
		for i := range ids {
			ids[i] = id
		}
		if err := w.add(ids, sounds, c.name); err != nil {
			return err
		}
	}
	return nil
}

// A clipWriter writes spectra, and a line for each: the word's number, frames, the voice.
type clipWriter struct {
	spectra, lines *bufio.Writer
	spectrum       mini.Spectrum
}

func (w *clipWriter) add(ids []int, sounds [][]float32, voice string) error {
	for i, x := range sounds {
		n := w.spectrum.Hear(x)
		for _, v := range w.spectrum.Frames[:n*bands] {
			w.spectra.WriteByte(byte((v-quiet)/-quiet*255 + 0.5))
		}
		if _, err := fmt.Fprintf(w.lines, "%d\t%d\t%s\n", ids[i], n, voice); err != nil {
			return err
		}
	}
	return nil
}

// record makes the files of a cast, unless they are there.
func (c *cast) record(dir, root, data string, words []word) error {
	path := filepath.Join(dir, c.name)
	if _, err := os.Stat(path + ".tsv"); err == nil {
		return nil
	}
	temp, err := os.MkdirTemp(dir, ".cast-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	files := map[string]*os.File{}
	for _, end := range []string{".bin", ".tsv"} {
		if files[end], err = os.Create(filepath.Join(temp, end)); err != nil {
			return err
		}
		defer files[end].Close()
	}
	w := &clipWriter{spectra: bufio.NewWriterSize(files[".bin"], 1<<20), lines: bufio.NewWriter(files[".tsv"])}
	if err := c.by(c, &speaker{root, temp, data}, w, words); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	if err := w.spectra.Flush(); err != nil {
		return err
	}
	if err := w.lines.Flush(); err != nil {
		return err
	}
	for _, end := range []string{".bin", ".tsv"} {
		if err := os.Rename(files[end].Name(), path+end); err != nil {
			return err
		}
	}
	return nil
}

// loadClips reads what a cast made, but for what is too short to be a word.
func loadClips(dir, name string) (list []clip, err error) {
	x, err := os.ReadFile(filepath.Join(dir, name+".bin"))
	if err != nil {
		return nil, err
	}
	lines, err := os.ReadFile(filepath.Join(dir, name+".tsv"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(lines)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			return nil, fmt.Errorf("%s.tsv: %q, want three fields", name, line)
		}
		id, err := strconv.Atoi(f[0])
		if err != nil {
			return nil, fmt.Errorf("%s.tsv: %w", name, err)
		}
		n, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, fmt.Errorf("%s.tsv: %w", name, err)
		}
		if n*bands > len(x) {
			return nil, fmt.Errorf("%s.bin ends before its last line in %s.tsv", name, name)
		}
		if n > 3 {
			list = append(list, clip{id, f[2], x[:n*bands]})
		}
		x = x[n*bands:]
	}
	return list, nil
}
