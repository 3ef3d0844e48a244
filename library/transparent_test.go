package library

import (
	stdimage "image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chiasm/chiasm"
)

// A model that wants pictures on white sees the same in a transparent picture as in one that lies on white, whatever colours hide below: among the files of the
// library, and as an example from outside.
func TestTransparent(t *testing.T) {
	if !chiasm.Ships() {
		t.Skip("no model is inside this build")
	}
	m, photos, other := model(t, chiasm.Shipped), t.TempDir(), filepath.Join(t.TempDir(), "other.png")
	clear := stdimage.NewNRGBA(stdimage.Rect(0, 0, 90, 60))
	white, garish := stdimage.NewNRGBA(clear.Rect), stdimage.NewNRGBA(clear.Rect)
	for y := range 60 {
		for x := range 90 {
			seen := x > 30 && x < 60 && y > 20
			for img, below := range map[*stdimage.NRGBA]color.NRGBA{clear: {0, 0, 0, 0}, garish: {200, uint8(x), uint8(4 * y), 0}, white: {255, 255, 255, 255}} {
				if img.SetNRGBA(x, y, below); seen {
					img.SetNRGBA(x, y, color.NRGBA{90, 140, 40, 255})
				}
			}
		}
	}
	for path, img := range map[string]stdimage.Image{filepath.Join(photos, "clear.png"): clear, filepath.Join(photos, "white.png"): white, other: garish} {
		f, err := os.Create(path)
		must(t, err)
		must(t, png.Encode(f, img))
		must(t, f.Close())
	}
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	r, err := l.Search(t.Context(), m, Query{Like: []Example{{Path: other, Weight: 1}}})
	must(t, err)
	if len(r.Hits) != 2 || r.Hits[0].Score < 0.9999 || r.Hits[1].Score < 0.9999 {
		t.Errorf("got %+v, want two that are the same", r.Hits)
	}
}
