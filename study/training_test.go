package study_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/study"
	"github.com/chiasm/chiasm/weights"
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

// The loss falls and things are found that were not, on pictures that were not learnt from, in either way to teach all of a model; the saved
// model is what was measured.
func TestTrainingTeaches(t *testing.T) {
	for name, change := range map[string]func(*study.Recipe){
		"all":      func(*study.Recipe) {},
		"in parts": func(r *study.Recipe) { r.Learning.Part, r.Learning.Recompute = 7, true },
		"bf16":     func(r *study.Recipe) { r.Learning.Precision = "bf16" },
		"augmented": func(r *study.Recipe) {
			r.Augment.Crop, r.Augment.Flip, r.Augment.Brightness, r.Augment.Background = 0.7, true, 0.1, true
		},
		"averaged": func(r *study.Recipe) { r.Learning.Average, r.Loss.Prefixes, r.Loss.Hard = 0.8, []int{8}, 0.2 },
		"lora": func(r *study.Recipe) {
			r.Model.Way, r.Learning.Rate, r.Model.Targets = "lora", 5e-3, []string{"*proj.weight"}
		},
		"sigmoid": func(r *study.Recipe) { r.Model.From, r.Loss.Temperature = "../model/siglip/testdata/siglip", 0.1 },
	} {
		t.Run(name, func(t *testing.T) {
			r := recipe(t, tinyCLIP)
			if change(r); r.Model.From != tinyCLIP {
				r.Data.Languages = []string{""}
			}
			taught, err := (&study.Training{Recipe: r, Offline: true}).Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			var losses []float64
			for _, p := range taught.Curve {
				if !math.IsNaN(p.Mean) {
					losses = append(losses, p.Mean)
				}
			}
			first, last := losses[0], losses[len(losses)-1]
			before, after := taught.Before.Retrieval, taught.After[0].Retrieval
			t.Logf("loss %.3f to %.3f; text finds image: R@1 %.2f to %.2f, MRR %.2f to %.2f", first, last, before[0].R1, after[0].R1, before[0].MRR, after[0].MRR)
			if !(last < 0.9*first) || !(after[0].MRR > before[0].MRR+0.1) || !(after[0].R1 > before[0].R1) || len(losses) != 40 {
				t.Errorf("%d steps: loss %v to %v, R@1 %v to %v", len(losses), first, last, before[0].R1, after[0].R1)
			}
			for _, name := range []string{"training/report.html", "training/loss.png", "training/score.png", "training/recipe.yaml", "training/result.json", "README.md", "config.json"} {
				if len(read(t, filepath.Join(r.Output, name))) == 0 {
					t.Errorf("%s is empty", name)
				}
			}
		})
	}
}

// With LiT the image tower keeps every bit, and so does what is frozen by name; the rest learns.
func TestFrozen(t *testing.T) {
	for name, change := range map[string]func(*study.Recipe){
		"lit":    func(r *study.Recipe) { r.Model.Way = "lit" },
		"frozen": func(r *study.Recipe) { r.Model.Freeze = []string{"vision_model.*", "visual_projection.*"} },
		"learnt": func(r *study.Recipe) { r.Model.Learn = []string{"text_*", "logit_scale"} },
	} {
		r := recipe(t, tinyCLIP)
		r.Learning.Steps = 3
		change(r)
		if _, err := (&study.Training{Recipe: r, Offline: true}).Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		moved := map[bool]int{}
		for parameter, same := range compare(t, tinyCLIP, r.Output) {
			vision := strings.HasPrefix(parameter, "visi") || strings.HasPrefix(parameter, "visual")
			if !same {
				moved[vision]++
			}
		}
		if moved[true] != 0 || moved[false] < 10 {
			t.Errorf("%s: %d tensors of the image tower moved, %d others", name, moved[true], moved[false])
		}
	}
}

// compare tells of each tensor of two folders whether it is the same.
func compare(t *testing.T, a, b string) map[string]bool {
	t.Helper()
	var sets [2]*weights.Set
	for i, dir := range []string{a, b} {
		var err error
		if sets[i], err = weights.Open(filepath.Join(dir, "model.safetensors")); err != nil {
			t.Fatal(err)
		}
		defer sets[i].Close()
	}
	same := map[string]bool{}
	for _, name := range sets[0].Names() {
		x, _ := sets[0].Get(name)
		y, _ := sets[1].Get(name)
		same[name] = slices.Equal(x.Floats(), y.Floats())
	}
	return same
}

// Sounds are taught as pictures are, and the folder is CLAP's.
func TestTeachesSounds(t *testing.T) {
	dir := t.TempDir()
	var lines strings.Builder
	lines.WriteString("sound\ttitle\n")
	for i, name := range []string{"low", "middle", "high", "noise"} {
		for j := range 3 {
			file := fmt.Sprintf("%s%d.wav", name, j)
			if err := os.WriteFile(filepath.Join(dir, file), tone(i, j), 0o644); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&lines, "%s\ta %s tone\n", file, name)
		}
	}
	table := filepath.Join(dir, "sounds.tsv")
	if err := os.WriteFile(table, []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	const from = "../model/clap/testdata/unfused"
	r := study.NewRecipe()
	r.Model.From, r.Output, r.Data.Train, r.Data.Validation, r.Data.Duplicates = from, filepath.Join(t.TempDir(), "ears"), []string{table}, []string{table}, "keep"
	r.Learning.Steps, r.Learning.Batch, r.Learning.Rate, r.Measure.Every = 12, 12, 2e-3, 6
	r.Augment.Gain, r.Augment.Shift, r.Augment.Noise = 3, 0.1, 30
	taught, err := (&study.Training{Recipe: r, Offline: true}).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	before, after := taught.Before.Retrieval[0], taught.After[0].Retrieval[0]
	t.Logf("R@1 %.2f to %.2f, MRR %.2f to %.2f", before.R1, after.R1, before.MRR, after.MRR)
	if after.To != "sound" || !(after.MRR > before.MRR) {
		t.Errorf("%+v, before %+v", after, before)
	}
	sameForm(t, from, r.Output)
}

// tone is a WAV file of half a second.
func tone(kind, seed int) []byte {
	const rate = 16000
	r := rand.New(rand.NewPCG(uint64(kind), uint64(seed)))
	data := make([]byte, 0, rate)
	for i := range rate / 2 {
		v := math.Sin(2 * math.Pi * float64(i) / rate * (200 * math.Pow(4, float64(kind)) * (1 + 0.02*float64(seed))))
		if kind == 3 {
			v = 2*r.Float64() - 1
		}
		data = binary.LittleEndian.AppendUint16(data, uint16(int16(12000*v)))
	}
	b := append([]byte("RIFF"), 0, 0, 0, 0)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, 2*rate)
	b = append(b, 2, 0, 16, 0)
	b = append(b, "data"...)
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(data))), data...)
}
