package image

import (
	"os"
	"testing"
)

// BenchmarkResize scales a 12-megapixel photo to CLIP's short side.
func BenchmarkResize(b *testing.B) {
	src := picture(4000, 3000, "photo")
	for _, f := range []Filter{Nearest, Box, Bilinear, Hamming, Bicubic, Lanczos} {
		b.Run(f.String(), func(b *testing.B) {
			b.SetBytes(int64(len(src.Pix)))
			for b.Loop() {
				Resize(src, 298, 224, f)
			}
		})
	}
}

// BenchmarkApply is all of CLIP's preprocessing for a 12-megapixel photo that is decoded already.
func BenchmarkApply(b *testing.B) {
	p, err := ParseProcessor([]byte("{}"))
	if err != nil {
		b.Fatal(err)
	}
	src := picture(4000, 3000, "photo")
	dst := make([]float32, 3*224*224)
	b.SetBytes(int64(len(src.Pix)))
	b.ReportAllocs()
	for b.Loop() {
		p.Apply(dst, src)
	}
}

// BenchmarkFile reads the picture that CHIASM_PICTURE names, whole or on its way to CLIP's array: tools/peers/jpeg.py runs
// it beside peers. cpu-ms is the processor time of the whole process.
func BenchmarkFile(b *testing.B) {
	path := os.Getenv("CHIASM_PICTURE")
	if path == "" {
		b.Skip("CHIASM_PICTURE is not set")
	}
	p, err := ParseProcessor([]byte("{}"))
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, 3*224*224)
	tensor := func(options *Options) error {
		img, err := Open(path, options)
		if err == nil {
			p.Apply(dst, img)
		}
		return err
	}
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"decode", func() error { _, err := Open(path, nil); return err }},
		{"tensor", func() error { return tensor(nil) }},
		{"fast", func() error { return tensor(&Options{Shrink: p}) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			before := processTime()
			for b.Loop() {
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processTime()-before).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
		})
	}
}
