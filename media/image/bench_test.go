package image

import "testing"

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
