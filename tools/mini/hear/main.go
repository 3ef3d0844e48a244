package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/model/mini"
)

func main() {
	if os.Args[1] == "learn" {
		if err := learn(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func held(text string) bool {
	h := sha1.Sum([]byte(text))
	v, _ := strconv.ParseUint(hex.EncodeToString(h[:4]), 16, 64)
	return v%5 == 0
}

var english = []string{"en-us", "en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-029", "en-gb-x-gbclan"}

func run(out, root, emojibase, wordnet string) error {
	words, err := englishWords(emojibase, wordnet)
	if err != nil {
		return err
	}
	fmt.Println(len(words), "words")
	temp := filepath.Join(out, os.Args[5]+".tmp")
	os.MkdirAll(temp, 0o755)
	s := &speaker{root, temp}
	entries, err := os.ReadDir(filepath.Join(root, "usr/lib/x86_64-linux-gnu/espeak-ng-data/voices/!v"))
	if err != nil {
		return err
	}
	var variants []string
	for _, e := range entries {
		if e.Name() != "Mr serious" {
			variants = append(variants, e.Name())
		}
	}
	name := os.Args[5]
	bin, _ := os.Create(filepath.Join(out, name+".bin"))
	tsv, _ := os.Create(filepath.Join(out, name+".tsv"))
	b, tw := bufio.NewWriterSize(bin, 1<<20), bufio.NewWriter(tsv)
	var spectrum mini.Spectrum
	r := rand.New(rand.NewPCG(1, 2))
	failed := 0
	batch := func(ids []int, voice string, speak func([]string, string, *rand.Rand) ([][]float32, error)) {
		texts := make([]string, len(ids))
		for i, id := range ids {
			texts[i] = words[id]
		}
		sounds, err := speak(texts, voice, r)
		if err != nil {
			fmt.Println(err)
			failed++
			return
		}
		for i, x := range sounds {
			n := spectrum.Hear(x)
			q := make([]byte, n*mini.SoundBands)
			for j, v := range spectrum.Frames[:len(q)] {
				q[j] = byte((v+6)/6*255 + 0.5)
			}
			b.Write(q)
			fmt.Fprintf(tw, "%d\t%d\t%s\n", ids[i], n, voice)
		}
	}
	const size = 100
	uniq := slices.Compact(programs())
	if strings.HasSuffix(name, ".sf2") {
		count, _ := strconv.Atoi(os.Args[6])
		for program, name2 := range programs() {
			sounds, err := s.play(name, program, count, r)
			if err != nil {
				return err
			}
			for _, x := range sounds {
				n := spectrum.Hear(x)
				q := make([]byte, n*mini.SoundBands)
				for j, v := range spectrum.Frames[:len(q)] {
					q[j] = byte((v+6)/6*255 + 0.5)
				}
				b.Write(q)
				fmt.Fprintf(tw, "%d\t%d\t%s\n", len(words)+slices.Index(uniq, name2), n, name)
			}
		}
	} else if name[0] != 'e' {
		count, _ := strconv.Atoi(os.Args[6])
		order := rand.New(rand.NewPCG(7, uint64(name[0]))).Perm(len(words))
		if name == "slt" {
			order = rand.New(rand.NewPCG(7, 7)).Perm(len(words))
		}
		order = order[:count]
		for i := 0; i < len(order); i += size {
			batch(order[i:min(i+size, len(order))], name, s.flite)
		}
	} else {
		r = rand.New(rand.NewPCG(uint64(name[1]), 3))
		order := r.Perm(len(words))
		for i := 0; i < len(order); i += size {
			batch(order[i:min(i+size, len(order))], english[r.IntN(len(english))]+"+"+variants[r.IntN(len(variants))], s.espeak)
		}
	}
	fmt.Println(name, "done", failed)
	b.Flush()
	tw.Flush()
	return nil
}
