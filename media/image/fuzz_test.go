package image

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// fuzzRead feeds damaged pictures to Read: it may refuse them, but not panic, nor take memory beyond the limit.
func fuzzRead(f *testing.F, patterns ...string) {
	for _, pattern := range patterns {
		files, err := filepath.Glob("testdata/pictures/" + pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(err, pattern)
		}
		for _, path := range files {
			if name := filepath.Base(path); !strings.HasSuffix(name, ".ref.png") {
				f.Add(sample(f, name))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := Read(bytes.NewReader(data), &Options{Pixels: 1 << 18})
		if err != nil {
			if img != nil || !strings.HasPrefix(err.Error(), "image: ") {
				t.Errorf("picture %v with error %v", img, err)
			}
			return
		}
		if img.W <= 0 || img.H <= 0 || img.W*img.H > 1<<18 || len(img.Pix) != 3*img.W*img.H {
			t.Errorf("%d x %d with %d bytes", img.W, img.H, len(img.Pix))
		}
	})
}

func FuzzRead(f *testing.F)     { fuzzRead(f, "*.png", "*.gif", "*.webp", "*.bmp", "*.tif") }
func FuzzReadJPEG(f *testing.F) { fuzzRead(f, "*.jpg") }
func FuzzReadHEIF(f *testing.F) { fuzzRead(f, "gray.heic", "c420-64x64.heic", "exif5.avif") }

func FuzzProcessor(f *testing.F) {
	cases, _ := processorGolden(f)
	for i, c := range cases {
		if i%10 == 0 {
			f.Add(append(bytes.Clone(c.Config), c.OpenCLIP...))
		}
	}
	img := picture(9, 7, "noise")
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) (*Processor, error){
			ParseProcessor,
			func(b []byte) (*Processor, error) { return ParseOpenCLIP(b, 0, 0) },
		} {
			p, err := parse(data)
			if err != nil {
				continue
			}
			if w, h := p.SizeOf(img.W, img.H); w*h <= 1<<16 {
				p.Apply(make([]float32, 3*w*h), img)
			}
		}
	})
}
