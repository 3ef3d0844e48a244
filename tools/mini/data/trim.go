package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"

	"golang.org/x/image/draw"
)

const (
	maxPixels  = 16 << 20 // of a picture to decode
	trimmedMax = 320      // width and height of a trimmed picture
)

// trimmed is a PNG file without its transparent margins, scaled down to fit [trimmedMax].
func trimmed(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	size, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if size.Width*size.Height > maxPixels {
		return nil, fmt.Errorf("%s: %d×%d pixels are too many", path, size.Width, size.Height)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	whole, ok := img.(*image.NRGBA)
	if !ok {
		whole = image.NewNRGBA(img.Bounds())
		draw.Draw(whole, whole.Rect, img, whole.Rect.Min, draw.Src)
	}
	box := opaque(whole)
	if box.Dx() < 8 || box.Dy() < 8 {
		return nil, errors.New("there is nothing on it")
	}
	longest := max(box.Dx(), box.Dy())
	side := min(longest, trimmedMax)
	to := image.NewNRGBA(image.Rect(0, 0, max(1, box.Dx()*side/longest), max(1, box.Dy()*side/longest)))
	draw.CatmullRom.Scale(to, to.Bounds(), whole, box, draw.Src, nil)
	var out bytes.Buffer
	err = png.Encode(&out, to)
	return out.Bytes(), err
}

// opaque is the smallest rectangle with all pixels that show.
func opaque(img *image.NRGBA) image.Rectangle {
	box := image.Rectangle{Min: img.Rect.Max, Max: img.Rect.Min}
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		row := img.Pix[img.PixOffset(img.Rect.Min.X, y):]
		for x := range img.Rect.Dx() {
			if row[4*x+3] > 0x10 {
				box.Min.X, box.Max.X = min(box.Min.X, img.Rect.Min.X+x), max(box.Max.X, img.Rect.Min.X+x+1)
				box.Min.Y, box.Max.Y = min(box.Min.Y, y), max(box.Max.Y, y+1)
			}
		}
	}
	return box
}
