package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/tensor"
)

const (
	absentWords = 500    // about how many words of what is not heard are asked for
	silent      = 2. / 3 // the share of these that even odds leave without an answer
)

// calibrate finds how the cosine of a text and a sound tells whether they belong together, as tools/mini does for pictures: the scale is
// that of pairs, sounds with their words and with the next sound's; even odds lie above what is nearest to most words that no sound says. It
// writes both numbers into the configuration of the model in folder.
func calibrate(ctx context.Context, folder string, exams []*examination, s *mini.Sound, words []word, meaning mini.Meaning) error {
	var cosines, weights, tops []float64
	var right []bool
	p := tensor.NewPass(ctx, 0)
	for _, e := range exams {
		heard, err := e.hear(ctx, p, s, meaning)
		if err != nil {
			return err
		}
		var said []string
		for _, c := range e.clips {
			said = append(said, words[c.word].text)
		}
		own, err := vectors(ctx, p, said, meaning)
		if err != nil {
			return err
		}
		foreign, err := vectors(ctx, p, absent(said, words), meaning)
		if err != nil {
			return err
		}
		n, d := len(said), len(heard)/len(said)
		for i := range n {
			other := (i + n/2) % n
			cosines = append(cosines, dot(own[i*d:][:d], heard[i*d:]), dot(own[i*d:][:d], heard[other*d:]))
			right, weights = append(right, true, said[i] == said[other]), append(weights, 1/float64(n), 1/float64(n))
		}
		for i := 0; i < len(foreign); i += d {
			top := -1.0
			for k := 0; k < len(heard); k += d {
				top = max(top, dot(foreign[i:i+d], heard[k:]))
			}
			tops = append(tops, top)
		}
	}
	scale, _ := metric.Platt(cosines, right, weights)
	bias := -scale * metric.Percentile(slices.Sorted(slices.Values(tops)), silent)
	precision, recall := metric.PrecisionAt(cosines, right, -bias/scale)
	fmt.Printf("scale %.2f, bias %.2f: even odds at a cosine of %.3f; of as many wrong pairs as right ones ROC-AUC %.3f, there precision %.1f %%, recall %.1f %%\n",
		scale, bias, -bias/scale, metric.ROCAUC(cosines, right), 100*precision, 100*recall)
	return settle(filepath.Join(folder, mini.ConfigFile), scale, bias)
}

func dot(a, b []float32) (sum float64) {
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// absent are English words of the lexicon that are not among others.
func absent(said []string, words []word) (texts []string) {
	for _, i := range random(10, 11).Perm(len(words)) {
		if w := words[i]; w.known && w.language == "en" && !slices.Contains(said, w.text) && len(texts) < absentWords {
			texts = append(texts, w.text)
		}
	}
	return texts
}

// settle writes the calibration of sounds into a configuration.
func settle(path string, scale, bias float64) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	c, err := mini.ParseConfig(data)
	if err != nil {
		return err
	}
	c.SoundScale, c.SoundBias = float32(scale), float32(bias)
	if data, err = json.MarshalIndent(c, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
