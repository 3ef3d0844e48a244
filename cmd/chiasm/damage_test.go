package main

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"
)

// photo is a JPEG file of the size of a photograph.
func photo(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 800, 600))
	for i := range 800 * 600 {
		img.Set(i%800, i/800, color.RGBA{uint8(i % 800 / 4), uint8(i / 800 / 3), uint8(i * 7 % 256), 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A JPEG file that ends early gives the rows it has, and a note that says so.
func TestACutPhotographIsReadWithANote(t *testing.T) {
	data := photo(t)
	whole, cut := write(t, "whole.jpg", string(data)), write(t, "cut.jpg", string(data[:len(data)*2/3]))
	r := runChiasm(t, "", "embed", "-m", tiny, whole, cut).want(t, 0, "cut.jpg: ")
	lines := objects[vectorLine](t, r)
	if len(lines) != 2 || slices.Equal(lines[0].Embedding, lines[1].Embedding) {
		t.Errorf("got %d vectors, want two that differ", len(lines))
	}
	runChiasm(t, "", "embed", "-m", tiny, "--quiet", cut).want(t, 0)
}

// Fast pictures are nearly the exact ones.
func TestFastPictures(t *testing.T) {
	path := write(t, "photo.jpg", string(photo(t)))
	exact := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tiny, path).want(t, 0))[0].Embedding
	fast := objects[vectorLine](t, runChiasm(t, "", "embed", "-m", tiny, "--fast-pictures", path).want(t, 0))[0].Embedding
	if slices.Equal(exact, fast) {
		t.Error("the pixels did not change at all: nothing was decoded at a reduced size")
	}
	if c := cosine(exact, fast); c < 0.999 {
		t.Errorf("cosine %v", c)
	}
}

// cosine is that of vectors of length 1.
func cosine(a, b []float32) (c float32) {
	for i := range a {
		c += a[i] * b[i]
	}
	return c
}
