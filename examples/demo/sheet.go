package main

import (
	"context"
	"fmt"
	stdimage "image"
	"image/color"
	stddraw "image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/chiasm/chiasm/library"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/media/video"
)

// The contact sheet: two columns of questions, each a cell for itself and three for what it found.
const (
	side    = 150 // pixels of a picture
	caption = 18  // of the line below it
	margin  = 8
	cells   = 4
	columns = 2
	letters = side / 7 // of the font in the width of a picture
)

var (
	paper = color.RGBA{250, 250, 247, 255}
	ink   = color.RGBA{30, 30, 30, 255}
	blue  = color.RGBA{40, 90, 160, 255}
)

// draw writes the answers as a picture.
func draw(ctx context.Context, target string, answers []answer, collection string) error {
	rows := (len(answers) + columns - 1) / columns
	width, height := side+margin, side+caption+margin
	sheet := stdimage.NewRGBA(stdimage.Rect(0, 0, columns*(cells*width+margin)+margin, rows*height+margin))
	stddraw.Draw(sheet, sheet.Bounds(), stdimage.NewUniform(paper), stdimage.Point{}, stddraw.Src)
	for i, a := range answers {
		x, y := margin+i/rows*(cells*width+margin), margin+i%rows*height
		if err := heading(ctx, sheet, x, y, a.question, collection); err != nil {
			return err
		}
		if len(a.hits) == 0 {
			write(sheet, x+width, y+side/2, "nothing that is probably meant", ink)
		}
		for j, h := range a.hits {
			x := x + (j+1)*width
			if err := show(ctx, sheet, x, y, h); err != nil {
				return err
			}
			write(sheet, x, y+side+13, below(h), ink)
		}
	}
	f, err := os.Create(target)
	if err != nil {
		return err
	}
	if err := png.Encode(f, sheet); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// heading draws a question: its words, in English, or the picture or the sound that it is.
func heading(ctx context.Context, sheet *stdimage.RGBA, x, y int, q question, collection string) error {
	if q.like == "" {
		words := q.text
		if q.gloss != "" {
			words = "(zh) " + q.gloss
		}
		write(sheet, x, y+side/2, cut(words, letters), blue)
		return nil
	}
	kind := library.Image
	if q.sound() {
		kind = library.Audio
	}
	write(sheet, x, y+side+13, "like this", blue)
	return show(ctx, sheet, x, y, library.Hit{Path: filepath.Join(collection, q.like), Kind: kind})
}

// show draws a hit: a picture, a sound's wave, or a film's frame at the moment that was found.
func show(ctx context.Context, sheet *stdimage.RGBA, x, y int, h library.Hit) error {
	var picture stdimage.Image
	var err error
	switch h.Kind {
	case library.Image:
		picture, err = image.Open(h.Path, nil)
	case library.Audio:
		return wave(ctx, sheet, x, y, h.Path)
	case library.Video:
		picture, err = frame(ctx, h)
	}
	if err != nil {
		return err
	}
	b := picture.Bounds()
	scale := float64(side) / float64(max(b.Dx(), b.Dy()))
	w, ht := max(1, int(scale*float64(b.Dx()))), max(1, int(scale*float64(b.Dy())))
	to := stdimage.Rect(0, 0, w, ht).Add(stdimage.Pt(x+(side-w)/2, y+(side-ht)/2))
	xdraw.CatmullRom.Scale(sheet, to, picture, b, xdraw.Src, nil)
	return nil
}

// frame is the picture in the middle of a moment.
func frame(ctx context.Context, h library.Hit) (*image.RGB, error) {
	if h.Start == nil || h.End == nil {
		return nil, fmt.Errorf("%s was found without a moment", h.Path)
	}
	var found *image.RGB
	_, err := video.Read(ctx, h.Path, func(info video.Info) []int {
		return []int{min(info.Frames-1, int((*h.Start+*h.End)/2*info.Rate))}
	}, func(f video.Frame) error {
		found = &image.RGB{Pix: append([]uint8(nil), f.Pix...), W: f.W, H: f.H}
		return nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("%s has no picture at %.1f s", h.Path, *h.Start)
	}
	return found, err
}

// wave draws how loud a sound is over time.
func wave(ctx context.Context, sheet *stdimage.RGBA, x, y int, path string) error {
	r, err := audio.Open(ctx, path)
	if err != nil {
		return err
	}
	defer r.Close()
	const rate, most = 8000, 60 // samples a second, seconds
	samples, err := r.Mono(rate).ReadAll(rate * most)
	if err != nil {
		return err
	}
	var loudest float64
	var peaks [side]float64
	for i, s := range samples {
		p := &peaks[i*side/len(samples)]
		*p = max(*p, math.Abs(float64(s)))
		loudest = max(loudest, *p)
	}
	for i, p := range peaks {
		half := 1 + int(p/max(loudest, 1e-6)*side/3)
		bar := stdimage.Rect(x+i, y+side/2-half, x+i+1, y+side/2+half)
		stddraw.Draw(sheet, bar, stdimage.NewUniform(blue), stdimage.Point{}, stddraw.Src)
	}
	return nil
}

// below is what stands below a hit: the name of its file, as much of it as there is room for, and the moment of a film.
func below(h library.Hit) string {
	moment := ""
	if h.Kind == library.Video && h.Start != nil && h.End != nil {
		moment = fmt.Sprintf(" %.1f-%.1f s", *h.Start, *h.End)
	}
	return cut(filepath.Base(h.Path), letters-len(moment)) + moment
}

// cut leaves the beginning of a line that is longer than n letters.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:max(n-2, 0)]) + ".."
}

// write draws a line of Latin text whose feet stand at y.
func write(sheet *stdimage.RGBA, x, y int, s string, c color.Color) {
	d := font.Drawer{Dst: sheet, Src: stdimage.NewUniform(c), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(s)
}
