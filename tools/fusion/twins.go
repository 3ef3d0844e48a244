package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	stdimage "image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/image/draw"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/media/image"
)

// How a set of twins is made: so many scenes to learn from, a quarter of that on either other side, the width of a picture, and the place among all concepts at which the model inside must
// find what a stamp shows, by its word, for the stamp to take part: of what it does not know it cannot tell where it is.
const (
	scenes     = 500
	sceneWidth = 256
	known      = 10
)

// A scene is two things in a picture: how they stand to each other, or which has what colour behind it.
type scene struct {
	things [2]*stamp
	across bool // side by side, not one above the other
	second bool // the text begins with the second
	colors [2]int
	box    [2]stdimage.Rectangle // of the two places
}

// tints are what may be behind a thing.
var tints = []struct {
	name string
	rgb  color.NRGBA
}{{"red", color.NRGBA{235, 90, 80, 255}}, {"blue", color.NRGBA{95, 125, 240, 255}}, {"green", color.NRGBA{90, 200, 100, 255}}, {"yellow", color.NRGBA{250, 225, 80, 255}}}

// writeTwins writes pairs.csv of pictures of two stamps each and a text that says how these stand to each other ("a drum left of a frog") or
// which is on what colour ("a drum on red and a frog on blue"). Every picture has a twin in which they have changed places, or colours, and the text of which has the
// very same words: nothing but who is where, or has what, tells them apart. Concepts are on one side only. The queries are the texts to test on, of pictures
// in a folder of their own.
func writeTwins(ctx context.Context, dir string, model *chiasm.Model, list []*stamp) ([]asked, error) {
	if exists(filepath.Join(dir, "pairs.csv")) {
		return readTwins(dir)
	}
	list, err := recognised(ctx, model, list)
	if err != nil {
		return nil, err
	}
	pictures := filepath.Join(dir, "pictures")
	for _, folder := range []string{filepath.Join(dir, "scenes"), pictures} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	rows, queries := [][]string{{"picture", "text", "split"}}, []asked{}
	for side, name := range []string{"train", "valid", "test"} {
		own := slices.DeleteFunc(slices.Clone(list), func(t *stamp) bool { return sideOf(t.concept) != side })
		n, r, seen := scenes, rand.New(rand.NewPCG(uint64(side), 0x7477696e73)), map[string]bool{}
		if side != learn {
			n /= 4
		}
		for range 20 * n { // of few stamps there are fewer
			if len(seen) == n {
				break
			}
			s, key := drawScene(r, own)
			if seen[key] {
				continue
			}
			seen[key] = true
			folder := map[bool]string{true: pictures, false: filepath.Join(dir, "scenes")}[side == test]
			paths := [2]string{}
			for twin := range paths {
				paths[twin] = filepath.Join(folder, fmt.Sprintf("%d-%04d-%d.png", side, len(seen), twin))
			}
			for twin, path := range paths {
				if err := s.write(path); err != nil {
					return nil, err
				}
				rows = append(rows, []string{filepath.Join(filepath.Base(folder), filepath.Base(path)), s.text(), name})
				if side == test {
					queries = append(queries, asked{s.text(), []string{path}, paths[1-twin]})
				}
				s.swap()
			}
		}
		say("%s: %d scenes of %d stamps", name, len(seen), len(own))
	}
	f, err := os.Create(filepath.Join(dir, "pairs.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return queries, csv.NewWriter(f).WriteAll(rows)
}

// readTwins is the queries of a set that was written before.
func readTwins(dir string) (queries []asked, err error) {
	f, err := os.Open(filepath.Join(dir, "pairs.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	for i := 1; i+1 < len(rows); i += 2 { // twins follow each other
		for k, row := range rows[i : i+2] {
			if row[2] == "test" {
				queries = append(queries, asked{row[1], []string{filepath.Join(dir, row[0])}, filepath.Join(dir, rows[i+1-k][0])})
			}
		}
	}
	return queries, nil
}

// recognised is the stamps that the model finds by the word for what they show, one of each concept and kind of picture.
func recognised(ctx context.Context, model *chiasm.Model, list []*stamp) (out []*stamp, err error) {
	var words []string
	for _, t := range list {
		if !slices.Contains(words, t.concept) {
			words = append(words, t.concept)
		}
	}
	texts, err := chiasm.Vectors(model.EmbedTexts(ctx, words))
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		img, err := image.Open(t.path+".png", &image.Options{White: true})
		if err != nil {
			return nil, err
		}
		x, err := chiasm.Vectors(model.EmbedImages(ctx, []stdimage.Image{img}))
		if err != nil {
			return nil, err
		}
		own, place := dot(x[0], texts[slices.Index(words, t.concept)]), 1
		for _, w := range texts {
			if dot(x[0], w) > own {
				place++
			}
		}
		if place <= known {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *stamp) int { return cmp.Compare(a.path, b.path) })
	return out, nil
}

func dot(a, b []float32) (sum float64) {
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

// drawScene is two things of different concepts at two places; its key names what its text will.
func drawScene(r *rand.Rand, list []*stamp) (*scene, string) {
	a, b := list[r.IntN(len(list))], list[r.IntN(len(list))]
	for a.concept == b.concept {
		b = list[r.IntN(len(list))]
	}
	s, half := &scene{things: [2]*stamp{a, b}, across: r.IntN(2) == 0, second: r.IntN(2) == 0, colors: [2]int{-1, -1}}, sceneWidth/2
	if r.IntN(2) == 0 {
		two := r.Perm(len(tints))
		s.colors = [2]int{two[0], two[1]}
	}
	for i := range s.box {
		size := half*3/4 + r.IntN(half/4)
		along, beside := i*half+r.IntN(half-size+1), r.IntN(sceneWidth-size+1)
		if s.across {
			s.box[i] = stdimage.Rect(along, beside, along+size, beside+size)
		} else {
			s.box[i] = stdimage.Rect(beside, along, beside+size, along+size)
		}
	}
	names := []string{a.concept, b.concept}
	slices.Sort(names)
	return s, fmt.Sprint(names, s.colors[0] >= 0)
}

// swap makes the twin.
func (s *scene) swap() {
	if s.colors[0] >= 0 {
		s.colors[0], s.colors[1] = s.colors[1], s.colors[0]
	} else {
		s.things[0], s.things[1] = s.things[1], s.things[0]
	}
}

// text says what is there.
func (s *scene) text() string {
	a, b, way := s.things[0].concept, s.things[1].concept, map[bool]string{true: "left of", false: "above"}[s.across]
	one, other := s.colors[0], s.colors[1]
	if s.second {
		a, b, one, other, way = b, a, other, one, map[bool]string{true: "right of", false: "below"}[s.across]
	}
	if one >= 0 {
		return fmt.Sprintf("a %s on %s and a %s on %s", a, tints[one].name, b, tints[other].name)
	}
	return fmt.Sprintf("a %s %s a %s", a, way, b)
}

// write draws the scene on white.
func (s *scene) write(path string) error {
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, sceneWidth, sceneWidth))
	draw.Draw(img, img.Bounds(), stdimage.White, stdimage.Point{}, draw.Src)
	for i, t := range s.things {
		box := s.box[i]
		if c := s.colors[i]; c >= 0 {
			draw.Draw(img, box, stdimage.NewUniform(tints[c].rgb), stdimage.Point{}, draw.Src)
			box = box.Inset(box.Dx() / 10)
		}
		f, err := os.Open(t.path + ".png")
		if err != nil {
			return err
		}
		shown, err := png.Decode(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", t.path, err)
		}
		w, h := shown.Bounds().Dx(), shown.Bounds().Dy()
		scale := float64(box.Dx()) / float64(max(w, h))
		w, h = max(1, int(float64(w)*scale)), max(1, int(float64(h)*scale))
		at := box.Min.Add(stdimage.Pt((box.Dx()-w)/2, (box.Dy()-h)/2))
		draw.ApproxBiLinear.Scale(img, stdimage.Rectangle{at, at.Add(stdimage.Pt(w, h))}, shown, shown.Bounds(), draw.Over, nil)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		return err
	}
	return f.Close()
}
