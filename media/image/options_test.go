package image

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

// TestShrink reads a photo for a processor: as small as may be, near to what the exact way gives, and the same as the
// decoder makes it by itself.
func TestShrink(t *testing.T) {
	data := jpegPhoto(t, 1000, 750)
	exact, err := Read(bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ short, w, h int }{{400, 1000, 750}, {375, 1000, 750}, {187, 500, 375}, {90, 250, 188}, {47, 125, 94}, {20, 125, 94}} {
		p := &Processor{Fit: FitShortest, W: c.short, Filter: Bicubic, CropW: c.short, CropH: c.short}
		img, err := Read(bytes.NewReader(data), &Options{Shrink: p})
		if err != nil {
			t.Fatal(err)
		}
		if img.W != c.w || img.H != c.h {
			t.Errorf("for %d pixels: %d x %d, want %d x %d", c.short, img.W, img.H, c.w, c.h)
		}
		a, b := make([]float32, 3*c.short*c.short), make([]float32, 3*c.short*c.short)
		p.Apply(a, exact)
		p.Apply(b, img)
		sum := 0.0
		for i, v := range a {
			sum += math.Abs(float64(v - b[i]))
		}
		if mean := sum / float64(len(a)); mean > 3 { // noise that the short way averages away
			t.Errorf("for %d pixels: %.2f of 255 from the exact pixels", c.short, mean)
		}
	}
	// A processor that does not resize leaves everything as it is.
	if img, err := Read(bytes.NewReader(data), &Options{Shrink: &Processor{}}); err != nil || !bytes.Equal(img.Pix, exact.Pix) {
		t.Error(err, "or other pixels")
	}
}

// TestShrinkTurned wants the sides compared as they are seen, not as they are stored.
func TestShrinkTurned(t *testing.T) {
	const exif = "\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	data := jpegPhoto(t, 800, 200)
	data = append(append(bytes.Clone(data[:2]), exif...), data[2:]...)
	img, err := Read(bytes.NewReader(data), &Options{Shrink: &Processor{Fit: FitExact, W: 50, H: 200}})
	if err != nil || img.W != 100 || img.H != 400 {
		t.Fatalf("%v, %v: want 100 x 400", img.Bounds(), err)
	}
}

// TestWarn wants a file cut short refused, unless the caller asked to be told.
func TestWarn(t *testing.T) {
	data := jpegPhoto(t, 300, 200)
	whole, err := Read(bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	cut := data[:len(data)*2/3]
	if _, err := Read(bytes.NewReader(cut), nil); err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("expected an error, got %v", err)
	}
	var said []error
	img, err := Read(bytes.NewReader(cut), &Options{Warn: func(err error) { said = append(said, err) }})
	if err != nil || len(said) != 1 || !errors.Is(said[0], errJPEGTruncated) || !strings.HasPrefix(said[0].Error(), "image: jpeg: ") {
		t.Fatal(err, said)
	}
	if top := 3 * 300 * 100; !bytes.Equal(img.Pix[:top], whole.Pix[:top]) {
		t.Error("the rows that the file has are not there")
	}
	said = nil
	if _, err := Read(bytes.NewReader(data), &Options{Warn: func(err error) { said = append(said, err) }}); err != nil || said != nil {
		t.Error(err, said)
	}
}
