package main

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/chiasm/chiasm/media/audio"
)

// Drawings to learn from and to look at, from the first on; the rest is to test on. They lie in the order of the people who wrote them, so
// that hardly one is on two sides. Each is shown with so many recordings.
const (
	drawingsLearn = 1000
	drawingsValid = 250
	pairs         = 2
)

// What is imperfect about the digits, as in AV-MNIST, where either modality alone tells less than two thirds.
const (
	pixelNoise  = 5.0  // the spread of what is added to pixels of 0 to 16
	quietest    = 10.0 // decibels between a digit and the noise around it, at least
	loudest     = 20.0
	speedChange = 0.1 // recordings to learn from are that much faster or slower, at most
)

// readDigits is handwritten digits, each with the same digit spoken in one of many languages: rows of 8 pixels are tokens, and eighths
// of the sound.
func readDigits(packages string) (*set, error) {
	root, err := sklearn.Unpack(packages)
	if err != nil {
		return nil, err
	}
	rows, err := drawings(filepath.Join(root, "usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz"))
	if err != nil {
		return nil, err
	}
	s := newSet("digits", "drawings and speakers", 10, "drawing", 8, 8, "voice", soundTokens, soundWidth)
	r := rand.New(rand.NewPCG(1, 0x5851f42d4c957f2d))
	for side, part := range [][][]float32{rows[:drawingsLearn], rows[drawingsLearn:][:drawingsValid], rows[drawingsLearn+drawingsValid:]} {
		clips, err := spoken(packages, side)
		if err != nil {
			return nil, err
		}
		for i, row := range part {
			digit := int(row[64])
			for range pairs {
				x := make([]float32, 64)
				for j, v := range row[:64] {
					x[j] = v + float32(pixelNoise*r.NormFloat64())
				}
				clip := loud(clips[digit][r.IntN(len(clips[digit]))])
				if side == learn {
					clip = audio.Speed(clip, 1+speedChange*(2*r.Float64()-1))
				}
				audio.AddNoise(r, clip, quietest+(loudest-quietest)*r.Float64())
				s.add(side, digit, fmt.Sprintf("%d/%d", side, i), x, heard(clip))
			}
		}
	}
	return s, nil
}

// drawings is 64 pixels and a digit of each line.
func drawings(path string) (rows [][]float32, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	reader := csv.NewReader(z)
	reader.FieldsPerRecord = 65
	lines, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, line := range lines {
		row := make([]float32, len(line))
		for j, text := range line {
			v, err := strconv.ParseFloat(text, 32)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			row[j] = float32(v)
		}
		rows = append(rows, row)
	}
	return rows, nil
}
