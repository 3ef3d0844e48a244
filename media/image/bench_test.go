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
