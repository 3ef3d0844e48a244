package main

import (
	"fmt"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	stdimage "image"

	"github.com/chiasm/chiasm/media/image"
)

// A folder of pictures that changes: parts of photographs, 640 by 480, no two the same.
type folder struct {
	dir     string
	r       *rand.Rand
	sources []*image.RGB
	made    int
	there   []string
	gone    string // the one removed last
}

// pinned is the name of the picture that stays, and question what finds it.
const (
	pinned   = "pinned-panda.jpg"
	question = "path:pinned a panda"
)

// open reads the photographs, and puts the one that stays into the folder.
func (f *folder) open(sources string) error {
	paths, err := filepath.Glob(filepath.Join(sources, "*.jpg"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("%s: no pictures: %w", sources, err)
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return err
	}
	for _, path := range paths {
		m, err := image.Open(path, nil)
		if err != nil {
			return err
		}
		f.sources = append(f.sources, m)
		if strings.HasPrefix(filepath.Base(path), "panda") {
			if err := f.write(pinned, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// add makes so many pictures.
func (f *folder) add(n int) error {
	for range n {
		src := f.sources[f.r.IntN(len(f.sources))]
		part := 0.6 + 0.4*f.r.Float64()
		w, h := int(part*float64(src.W)), int(part*float64(src.H))
		x, y := f.r.IntN(src.W-w+1), f.r.IntN(src.H-h+1)
		m := image.Resize(image.Crop(src, stdimage.Rect(x, y, x+w, y+h)), 640, 480, image.Bicubic)
		f.made++
		name := fmt.Sprintf("picture-%d.jpg", f.made)
		if err := f.write(name, m); err != nil {
			return err
		}
		f.there = append(f.there, name)
	}
	return nil
}

// change adds some and removes as many of the oldest.
func (f *folder) change(n int) error {
	if err := f.add(n); err != nil {
		return err
	}
	for _, name := range f.there[:n] {
		if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
			return err
		}
	}
	f.gone, f.there = f.there[n-1], f.there[n:]
	return nil
}

func (f *folder) write(name string, m stdimage.Image) error {
	file, err := os.Create(filepath.Join(f.dir, name))
	if err != nil {
		return err
	}
	if err := jpeg.Encode(file, m, &jpeg.Options{Quality: 85}); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
