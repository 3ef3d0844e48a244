package image

import (
	"bytes"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// sketch is a picture of w by h pixels: colours that change slowly, with edges and some noise.
func sketch(w, h int) *RGB {
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	m := NewRGB(w, h)
	for i := range m.Pix {
		x, y := float64(i/3%w), float64(i/3/w)
		v := 128 + 90*math.Sin(x/17+float64(i%3))*math.Cos(y/23) + 6*r.Float64()
		if int(x)/20%3 == 0 {
			v /= 3
		}
		m.Pix[i] = uint8(v)
	}
	return m
}

// loss is the mean square of what a file's pixels, by a decoder that is not ours, are from m.
func loss(t *testing.T, file []byte, m *RGB) (sum float64) {
	t.Helper()
	got, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("%d x %d: %v", m.W, m.H, err)
	}
	if got.Bounds() != m.Bounds() {
		t.Fatalf("%v, want %v", got.Bounds(), m.Bounds())
	}
	for i, p := range m.Pix {
		r, g, b, _ := got.At(i/3%m.W, i/3/m.W).RGBA()
		d := float64([]uint32{r, g, b}[i%3]>>8) - float64(p)
		sum += d * d / float64(len(m.Pix))
	}
	return sum
}

// What the encoder writes loses no more, and is no larger, than what the standard library's writes with the same tables.
func TestEncodeJPEG(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {7, 3}, {16, 16}, {17, 33}, {128, 96}, {255, 181}} {
		for _, quality := range []int{1, 30, 75, 100} {
			m := sketch(size[0], size[1])
			var std bytes.Buffer
			if err := jpeg.Encode(&std, m, &jpeg.Options{Quality: quality}); err != nil {
				t.Fatal(err)
			}
			ours := EncodeJPEG(m, quality)
			if a, b := loss(t, ours, m), loss(t, std.Bytes(), m); a > 1.02*b+0.5 {
				t.Errorf("%v at %d: mean square %.2f, the standard library's %.2f", size, quality, a, b)
			}
			if a, b := len(ours), std.Len(); float64(a) > 1.02*float64(b)+64 {
				t.Errorf("%v at %d: %d bytes, the standard library's %d", size, quality, a, b)
			}
		}
	}
}

// Noise at the highest quality has the largest coefficients, every size of code, and bytes that look like markers.
func TestEncodeJPEGNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := NewRGB(96, 80)
	for i := range m.Pix {
		m.Pix[i] = uint8(r.IntN(2) * 255)
	}
	grey := NewRGB(96, 80)
	for i := range grey.Pix {
		grey.Pix[i] = m.Pix[i/3*3]
	}
	if l := loss(t, EncodeJPEG(grey, 100), grey); l > 2 {
		t.Errorf("black and white noise: mean square %.2f", l)
	}
	loss(t, EncodeJPEG(m, 100), m)
}

func BenchmarkEncodeJPEG(b *testing.B) {
	data, err := os.ReadFile("../../accuracy/astronaut.jpg")
	m := sketch(256, 192)
	if err == nil {
		if full, err := Read(bytes.NewReader(data), nil); err == nil {
			m = Resize(full, 256, 192, Bilinear)
		}
	}
	for b.Loop() {
		EncodeJPEG(m, 75)
	}
}
