package main

import (
	"encoding/binary"
	"encoding/csv"
	"fmt"
	stdimage "image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/mini"
)

// How many things of digits and of fashion are written as files, and by how much their few pixels are enlarged.
const (
	many        = 600
	digitScale  = 8
	fashionSize = 3
)

// A sheet is a table of files that chiasm fuse reads.
type sheet struct {
	dir  string
	rows [][]string
}

// makeFiles writes stamps.csv, digits.csv and fashion.csv, tables of files for the program instead of the package.
func makeFiles(dir string) error {
	packages := filepath.Join(dir, "packages")
	for _, k := range []struct {
		name  string
		write func(string, *sheet) error
	}{{"stamps", stampFiles}, {"digits", digitFiles}, {"fashion", fashionFiles}} {
		s := &sheet{dir: filepath.Join(dir, k.name)}
		if err := os.MkdirAll(s.dir, 0o755); err != nil {
			return err
		}
		if err := k.write(packages, s); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		f, err := os.Create(filepath.Join(dir, k.name+".csv"))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := csv.NewWriter(f).WriteAll(s.rows); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "fusion: %s.csv: %d rows\n", k.name, len(s.rows)-1)
	}
	return nil
}

// digitFiles is noisy drawings with noisy voices. All voices of all sides take turns; a speaker is a group.
func digitFiles(packages string, s *sheet) error {
	root, err := sklearn.Unpack(packages)
	if err != nil {
		return err
	}
	rows, err := drawings(filepath.Join(root, "usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz"))
	if err != nil {
		return err
	}
	var clips [10][][]float32
	for side := range 3 {
		more, err := spoken(packages, side)
		if err != nil {
			return err
		}
		for digit := range clips {
			clips[digit] = append(clips[digit], more[digit]...)
		}
	}
	s.rows = [][]string{{"drawing", "voice", "label", "group"}}
	r := rand.New(rand.NewPCG(3, 0x5851f42d4c957f2d))
	for i, row := range rows[:many] {
		digit := int(row[64])
		pixels := make([]float32, 64)
		for j, v := range row[:64] {
			pixels[j] = (v + float32(pixelNoise*r.NormFloat64())) / 16
		}
		at := i % len(clips[digit])
		clip := loud(clips[digit][at])
		audio.AddNoise(r, clip, quietest+(loudest-quietest)*r.Float64())
		drawing, voice := fmt.Sprintf("%d.png", i), fmt.Sprintf("%d.wav", i)
		if err := s.picture(drawing, pixels, 8, digitScale); err != nil {
			return err
		}
		if err := s.sound(voice, clip); err != nil {
			return err
		}
		s.add(drawing, voice, fmt.Sprint("digit ", digit), fmt.Sprintf("%d/%d", digit, at))
	}
	return nil
}

// stampFiles is all stamps as they lie in their package; a concept is a group.
func stampFiles(packages string, s *sheet) error {
	root, err := stamps.Unpack(packages)
	if err != nil {
		return err
	}
	list, err := findStamps(filepath.Join(root, "usr/share/tuxpaint/stamps"))
	if err != nil {
		return err
	}
	s.rows = [][]string{{"picture", "sound", "name", "label", "group"}}
	for _, t := range list {
		path, err := filepath.Rel(filepath.Dir(s.dir), t.path)
		if err != nil {
			return err
		}
		for _, ending := range t.sounds {
			s.rows = append(s.rows, []string{path + ".png", path + ending, t.name(ending), kinds[t.kind], t.concept})
		}
	}
	return nil
}

// fashionFiles is halves of the first pictures to train on.
func fashionFiles(packages string, s *sheet) error {
	root, err := fashion.Unpack(packages)
	if err != nil {
		return err
	}
	root = filepath.Join(root, "usr/share/datasets/fashion-mnist")
	pixels, err := readIDX(filepath.Join(root, "train-images-idx3-ubyte.gz"), 3, many)
	if err != nil {
		return err
	}
	labels, err := readIDX(filepath.Join(root, "train-labels-idx1-ubyte.gz"), 1, many)
	if err != nil {
		return err
	}
	s.rows = [][]string{{"upper", "lower", "label", "group"}}
	for i, label := range labels {
		x := make([]float32, 784)
		for j, v := range pixels[i*784:][:784] {
			x[j] = float32(v) / 255
		}
		upper, lower := fmt.Sprintf("%d-upper.png", i), fmt.Sprintf("%d-lower.png", i)
		if err := s.picture(upper, x[:392], 28, fashionSize); err != nil {
			return err
		}
		if err := s.picture(lower, x[392:], 28, fashionSize); err != nil {
			return err
		}
		s.add(upper, lower, clothes[label], fmt.Sprint(i))
	}
	return nil
}

// clothes is what the classes of Fashion-MNIST are called.
var clothes = []string{"T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"}

// add is a row of two files of the sheet's folder.
func (s *sheet) add(one, other, label, group string) {
	name := filepath.Base(s.dir)
	s.rows = append(s.rows, []string{filepath.Join(name, one), filepath.Join(name, other), label, group})
}

// picture writes grey pixels from 0 to 1, in rows of a width, each as a square.
func (s *sheet) picture(name string, pixels []float32, width, scale int) error {
	height := len(pixels) / width
	img := stdimage.NewGray(stdimage.Rect(0, 0, width*scale, height*scale))
	for y := range height * scale {
		for x := range width * scale {
			img.Pix[y*img.Stride+x] = uint8(255 * min(1, max(0, pixels[y/scale*width+x/scale])))
		}
	}
	f, err := os.Create(filepath.Join(s.dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	return png.Encode(f, img)
}

// sound writes samples as WAV, 16 bits.
func (s *sheet) sound(name string, x []float32) error {
	const rate = mini.SoundRate
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00")
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, 2*rate)
	b = append(b, "\x02\x00\x10\x00data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*len(x)))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(32767*min(1, max(-1, v)))))
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return os.WriteFile(filepath.Join(s.dir, name), b, 0o644)
}
