package study_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/study"
)

var (
	colours = map[string]color.RGBA{"red": {220, 40, 30, 255}, "green": {30, 160, 60, 255}, "blue": {40, 70, 210, 255}, "yellow": {235, 210, 50, 255}}
	shapes  = []string{"bar", "square", "disc"}
)

// shapesData writes a table of pictures of coloured shapes with captions in two languages, some of each kind.
func shapesData(t testing.TB, name string, each int, seed uint64) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(seed, 1))
	var table strings.Builder
	table.WriteString("filepath\ttitle\ttitle_de\n")
	german := map[string]string{"red": "rot", "green": "grün", "blue": "blau", "yellow": "gelb"}
	for _, c := range []string{"red", "green", "blue", "yellow"} {
		for _, s := range shapes {
			for i := range each {
				file := fmt.Sprintf("%s-%s-%d.png", c, s, i)
				writePicture(t, filepath.Join(dir, file), draw(r, colours[c], s))
				fmt.Fprintf(&table, "%s\ta %s %s\t%s %s\n", file, c, s, s, german[c])
			}
		}
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func draw(r *rand.Rand, c color.RGBA, shape string) image.Image {
	const side = 32
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	ground := color.RGBA{uint8(150 + r.IntN(100)), uint8(150 + r.IntN(100)), uint8(150 + r.IntN(100)), 255}
	x, y, h := 10+r.IntN(12), 10+r.IntN(12), 5+r.IntN(4)
	for j := range side {
		for i := range side {
			dx, dy := i-x, j-y
			in := dx*dx <= h*h && dy*dy <= h*h
			switch shape {
			case "bar":
				in = dy*dy <= 4
			case "disc":
				in = dx*dx+dy*dy <= h*h
			}
			img.SetRGBA(i, j, ground)
			if in {
				img.SetRGBA(i, j, c)
			}
		}
	}
	return img
}

func writePicture(t testing.TB, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
}

// recipe is one that begins with a tiny model and learns from shapes.
func recipe(t testing.TB, from string) *study.Recipe {
	r := study.NewRecipe()
	r.Model.From, r.Output = from, filepath.Join(t.TempDir(), "model")
	r.Data.Train, r.Data.Validation = []string{shapesData(t, "train.tsv", 5, 1)}, []string{shapesData(t, "check.tsv", 2, 2)}
	r.Learning.Steps, r.Learning.Batch, r.Learning.Rate, r.Learning.Decay, r.Learning.Threads = 40, 24, 1e-3, 0.01, 2
	r.Loss.Temperature = 0.07
	return r
}

func TestTraining(t *testing.T) {
	r := recipe(t, tinyCLIP)
	taught, err := (&study.Training{Recipe: r, Offline: true, Note: func(s string) { t.Log(s) }}).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range taught.Curve {
		if p.Score == p.Score {
			t.Logf("%+v", p)
		}
	}
	for _, f := range append(taught.After, taught.Before) {
		for _, r := range f.Retrieval {
			t.Logf("%s %s %s: R@1 %.2f R@5 %.2f", r.From, r.To, r.Language, r.R1, r.R5)
		}
	}
}
