package dataset

import (
	"bytes"
	"context"
	"fmt"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"

	"github.com/chiasm/chiasm/media/image"
)

// BenchmarkLoader is what a folder of photographs asks of the processor: JPEG files of 640 x 480 are decoded, cropped, resized to 224 and
// jittered. An operation is one item.
func BenchmarkLoader(b *testing.B) {
	photo := stdimage.NewRGBA(stdimage.Rect(0, 0, 640, 480))
	for y := range 480 {
		for x := range 640 {
			wave := 60 * math.Sin(float64(x*y)/900)
			photo.Set(x, y, color.RGBA{uint8(float64(x)/4 + wave + 60), uint8(y / 3), uint8(120 - wave), 255})
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, photo, &jpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	items := make([]*Item, 256)
	for i := range items {
		items[i] = &Item{Key: fmt.Sprint(i), Image: Bytes("photo", file.Bytes())}
	}
	augment := &image.Augment{W: 224, H: 224, Area: [2]float64{0.5, 1}, Filter: image.Bicubic, Flip: 0.5,
		Jitter: image.Jitter{Brightness: 0.4, Contrast: 0.4, Saturation: 0.4}, Jitted: 0.8}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			l := &Loader[*image.RGB]{Plan: &Plan{Sets: []*Set{Of("photos", items...)}, Batch: 32}, Workers: workers,
				Make: func(_ context.Context, x Example) (*image.RGB, error) {
					img, err := x.Item.Image.Picture(nil)
					if err != nil {
						return nil, err
					}
					return augment.Apply(x.Rand, img), nil
				}}
			n := 0
			b.ResetTimer()
			for batch, err := range l.From(b.Context(), Place{}) {
				if err != nil {
					b.Fatal(err)
				}
				if n += len(batch.Items); n >= b.N {
					break
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "items/s")
		})
	}
}

// BenchmarkItem reads items at random places of the formats, without their media.
func BenchmarkItem(b *testing.B) {
	for _, name := range []string{"pairs-00.tar", "hf.parquet", "snappy/data/train-00000-of-00001.parquet", "zstd/data/train-00000-of-00001.parquet"} {
		b.Run(name, func(b *testing.B) {
			s, err := Open("testdata/"+name, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Item(i * 7 % s.Len()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
