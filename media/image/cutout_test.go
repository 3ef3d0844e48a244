package image

import (
	"bytes"
	stdimage "image"
	"image/png"
	"slices"
	"testing"
)

func TestReadOnWhite(t *testing.T) {
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, 2, 1))
	copy(img.Pix, []uint8{10, 20, 30, 255, 10, 20, 30, 51})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	for white, want := range map[bool][]uint8{false: {10, 20, 30, 10, 20, 30}, true: {10, 20, 30, 206, 208, 210}} {
		got, err := Read(bytes.NewReader(b.Bytes()), &Options{White: white})
		if err != nil || !slices.Equal(got.Pix, want) {
			t.Errorf("white %v: %v (%v), want %v", white, got, err, want)
		}
	}
}
