package library

import (
	"bytes"
	"errors"
	stdimage "image"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// decoded is a thumbnail, whose longer side is not above a size.
func decoded(t *testing.T, data []byte, size int) stdimage.Image {
	t.Helper()
	img, _, err := stdimage.Decode(bytes.NewReader(data))
	must(t, err)
	if b := img.Bounds(); max(b.Dx(), b.Dy()) > size {
		t.Errorf("a thumbnail of %v, want at most %d", b, size)
	}
	return img
}

var _, _ = jpeg.Decode, png.Decode // which register themselves

// thumbs lists the thumbnails that are kept.
func thumbs(t *testing.T, l *Library) (all []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(l.Dir(), thumbnailsDir, "*", "*"))
	must(t, err)
	return append(all, paths...)
}

// Indexing makes the small ones; larger ones are made when they are asked for, and go when the file's content does.
func TestThumbnails(t *testing.T) {
	photos := t.TempDir()
	path := put(t, pictures+"exif6.jpg", photos, "a.jpg")
	l, m := open(t, t.TempDir(), Options{}), model(t, seer)
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	if n := len(thumbs(t, l)); n != 1 {
		t.Fatalf("%d thumbnails", n)
	}
	small := thumbs(t, l)[0]
	made, err := os.ReadFile(small)
	must(t, err)
	id := find(t, l, m, "").Hits[0].ID
	it, data, err := l.Thumbnail(t.Context(), id, smallSide, -1)
	must(t, err)
	if !bytes.Equal(data, made) {
		t.Error("it was made again")
	}
	if b := decoded(t, data, smallSide).Bounds(); (b.Dx() > b.Dy()) != (it.Width > it.Height) {
		t.Errorf("of %d by %d pixels: %v", it.Width, it.Height, b)
	}
	must(t, os.WriteFile(small, made[:len(made)/2], 0o644)) // a torn write
	_, data, err = l.Thumbnail(t.Context(), id, smallSide, -1)
	must(t, err)
	decoded(t, data, smallSide)
	_, data, err = l.Thumbnail(t.Context(), id, 64, 3)
	must(t, err)
	decoded(t, data, 64)
	if n := len(thumbs(t, l)); n != 2 {
		t.Errorf("%d thumbnails", n)
	}
	put(t, pictures+"exif8.jpg", photos, "a.jpg")
	run(t, l, m, IndexOptions{NoThumbs: true})
	if all := thumbs(t, l); len(all) != 0 {
		t.Errorf("of what is no more: %v", all)
	}
	must(t, os.Remove(path))
	if _, _, err = l.Thumbnail(t.Context(), id, 100, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a file that has gone: %v", err)
	}
	must(t, os.WriteFile(path, []byte("\xff\xd8\xff junk"), 0o644))
	if _, _, err = l.Thumbnail(t.Context(), id, 100, -1); !errors.Is(err, ErrNoPicture) {
		t.Errorf("of a broken file: %v", err)
	}
	if _, _, err = l.Thumbnail(t.Context(), id, 1<<20, -1); err == nil {
		t.Error("of any size")
	}
}

// A sound has its waveform: as high as the picture where it is loudest.
func TestWaveform(t *testing.T) {
	var w contour
	for range 100 {
		w.add(make([]float32, 1000))
		w.add([]float32{0.5, -0.5})
	}
	w.add(make([]float32, 1<<20)) // silence: the first part is all there is to see
	if len(w.peaks) > mostPeaks {
		t.Errorf("%d peaks", len(w.peaks))
	}
	data, err := w.draw(256)
	must(t, err)
	img := decoded(t, data, 256)
	height := func(x int) (n int) {
		for y := range img.Bounds().Dy() {
			if _, _, _, a := img.At(x, y).RGBA(); a > 0 {
				n++
			}
		}
		return n
	}
	if height(3) < 60 || height(200) > 1 {
		t.Errorf("heights %d and %d", height(3), height(200))
	}
}

// A video's thumbnail shows something, and another moment something else.
func TestPoster(t *testing.T) {
	dir := t.TempDir()
	l, m := open(t, t.TempDir(), Options{}), model(t, seer)
	film(t, filepath.Join(dir, "film.mp4"))
	run(t, l, m, IndexOptions{Paths: []string{dir}})
	if n := len(thumbs(t, l)); n != 1 {
		t.Fatalf("%d thumbnails", n)
	}
	id := find(t, l, m, "").Hits[0].ID
	_, poster, err := l.Thumbnail(t.Context(), id, 128, -1)
	must(t, err)
	decoded(t, poster, 128)
	_, later, err := l.Thumbnail(t.Context(), id, 128, 6)
	must(t, err)
	decoded(t, later, 128)
	if bytes.Equal(poster, later) {
		t.Error("two moments look the same")
	}
	if _, _, err := l.Thumbnail(t.Context(), id, 128, 1e6); !errors.Is(err, ErrNoPicture) {
		t.Errorf("after the end: %v", err)
	}
}
