package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/pixel"
)

// jpegGolden is what Pillow made of a file: tools/golden/jpeg_files.py.
type jpegGolden struct {
	W, H    int
	SHA256  string
	Scaled  map[string]string // SHA256 of the picture decoded at a half, a quarter, an eighth
	Said    string            // without being told to put up with truncated files
	Refused *string
}

func jpegGoldens(t testing.TB, folder string) map[string]jpegGolden {
	text, err := os.ReadFile(filepath.Join(folder, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]jpegGolden
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func jpegFile(t testing.TB, folder, name string) []byte {
	data, err := os.ReadFile(filepath.Join(folder, name+".jpg"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestJPEGGolden wants every byte as Pillow has it, damaged and truncated files included.
func TestJPEGGolden(t *testing.T) {
	folder := "testdata/jpeg"
	if f := os.Getenv("CHIASM_JPEG_FOLDER"); f != "" {
		folder = f // the large set
	}
	bad := 0
	var d jpegDecoder // what a file leaves in its memory changes no other
	for name, want := range jpegGoldens(t, folder) {
		data := jpegFile(t, folder, name)
		img, damage, err := d.decode(data, defaultPixels, 8, 0)
		switch {
		case want.Refused != nil:
			if err == nil && damage == nil {
				t.Errorf("%s: expected an error or damage (%s)", name, *want.Refused)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", name, err)
			bad++
			continue
		}
		sum := sha256.Sum256(img.Pix)
		if img.W != want.W || img.H != want.H || hex.EncodeToString(sum[:]) != want.SHA256 {
			t.Errorf("%s: pixels differ", name)
			bad++
		}
		for by, sum := range want.Scaled {
			n, err := strconv.Atoi(by)
			if err != nil {
				t.Fatal(err)
			}
			img, _, err := d.decode(data, defaultPixels, 8/n, 0)
			if err != nil || img.W != (want.W+n-1)/n || img.H != (want.H+n-1)/n {
				t.Errorf("%s at 1/%d: %v, %d x %d", name, n, err, img.W, img.H)
				bad++
			} else if got := sha256.Sum256(img.Pix); hex.EncodeToString(got[:]) != sum {
				t.Errorf("%s at 1/%d: pixels differ", name, n)
				bad++
			}
		}
		if truncated := strings.Contains(want.Said, "truncated"); truncated != (damage == errJPEGTruncated) && !strings.Contains(name, "hurt") {
			t.Errorf("%s: Pillow says %q, got %v", name, want.Said, damage)
		}
	}
	if bad > 0 {
		t.Logf("%d differ", bad)
	}
}

// jpegPhoto is a picture of some size as the standard library encodes it: 4:2:0, no restart markers.
func jpegPhoto(t testing.TB, w, h int) []byte {
	var b bytes.Buffer
	m := &RGB{Pix: pixels(w, h, 3, "photo", 5), W: w, H: h}
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestJPEGWorkers wants the same bytes and the same damage whatever the number of goroutines, of whole files and of hurt ones.
func TestJPEGWorkers(t *testing.T) {
	var kept jpegDecoder
	files := map[string][]byte{"large": jpegPhoto(t, 600, 411), "odd": jpegPhoto(t, 513, 300)}
	for name, want := range jpegGoldens(t, "testdata/jpeg") {
		if want.Refused == nil {
			files[name] = jpegFile(t, "testdata/jpeg", name)
		}
	}
	for name, data := range files {
		for _, size := range []int{8, 4, 2, 1} {
			one, hurt, err := new(jpegDecoder).decode(data, defaultPixels, size, 1)
			if err != nil {
				t.Fatal(name, err)
			}
			for workers := 2; workers < 5; workers++ {
				many, damage, err := kept.decode(data, defaultPixels, size, workers)
				if err != nil || damage != hurt || !bytes.Equal(one.Pix, many.Pix) {
					t.Errorf("%s at %d/8 on %d workers: %v, %v, want %v, or pixels differ", name, size, workers, err, damage, hurt)
				}
			}
		}
	}
}

// TestJPEGPlain wants the same of the assembly and of plain Go.
func TestJPEGPlain(t *testing.T) {
	for name, want := range jpegGoldens(t, "testdata/jpeg") {
		if want.Refused != nil {
			continue
		}
		data := jpegFile(t, "testdata/jpeg", name)
		for _, size := range []int{8, 4, 2, 1} {
			fast, hurt, err := new(jpegDecoder).decode(data, defaultPixels, size, 0)
			back := pixel.UseGeneric()
			plain, damage, err2 := new(jpegDecoder).decode(data, defaultPixels, size, 0)
			back()
			if err != nil || err2 != nil || damage != hurt || !bytes.Equal(fast.Pix, plain.Pix) {
				t.Errorf("%s at %d/8: %v, %v, %v, want %v, or pixels differ", name, size, err, err2, damage, hurt)
			}
		}
	}
}

// jpegPatched replaces the first occurrence of old in a file.
func jpegPatched(t *testing.T, data []byte, old, with string) []byte {
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("no %x in the file", old)
	}
	return bytes.Replace(data, []byte(old), []byte(with), 1)
}

func TestJPEGRefused(t *testing.T) {
	data := jpegPhoto(t, 64, 48)
	frame := "\xff\xc0\x00\x11\x08\x00\x30\x00\x40\x03"
	for _, c := range []struct{ with, want string }{
		{"\xff\xc9\x00\x11\x08\x00\x30\x00\x40\x03", "arithmetic"},
		{"\xff\xca\x00\x11\x08\x00\x30\x00\x40\x03", "arithmetic"},
		{"\xff\xc3\x00\x11\x08\x00\x30\x00\x40\x03", "lossless"},
		{"\xff\xc1\x00\x11\x0c\x00\x30\x00\x40\x03", "12 bits"},
		{"\xff\xc0\x00\x11\x08\x00\x00\x00\x40\x03", "sides"},
		{"\xff\xc0\x00\x11\x08\x00\x30\x00\x40\x02", "channels"},
		{"\xff\xc0\x00\x11\x08\x00\x30\x00\x40\x04", "bytes"},
		{"\xff\xc0\x00\x11\x08\xf0\x00\xf0\x00\x03", "limit"},
		{"\xff\xc2\x00\x11\x08\x30\x00\x30\x00\x03", "cannot hold"},
	} {
		bad := jpegPatched(t, data, frame, c.with)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := new(jpegDecoder).decode(bad, defaultPixels, 8, 0)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("expected an error with %q, got %v", c.want, err)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
			t.Errorf("%s: %d bytes taken before it was refused", c.want, taken)
		}
	}
}

func TestJPEGHeader(t *testing.T) {
	for name, want := range jpegGoldens(t, "testdata/jpeg") {
		data := jpegFile(t, "testdata/jpeg", name)
		w, h, n, err := jpegHeader(data)
		if want.Refused == nil && (err != nil || w != want.W || h != want.H || n != 1 && n != 3 && n != 4) {
			t.Errorf("%s: expected %d x %d, got %d x %d, %d channels, %v", name, want.W, want.H, w, h, n, err)
		}
	}
}

// TestJPEGCut cuts files everywhere: no panic, and damage or an error wherever pixels are missing.
func TestJPEGCut(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 11
	}
	for _, name := range []string{"420-q75", "420-q30-progressive", "restart-5", "own-11"} {
		data := jpegFile(t, "testdata/jpeg", name)
		whole, _, err := new(jpegDecoder).decode(data, defaultPixels, 8, 0)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(data)-2; n += step {
			img, damage, err := new(jpegDecoder).decode(data[:n], defaultPixels, 8, 0)
			if err == nil && damage == nil && !bytes.Equal(img.Pix, whole.Pix) {
				t.Errorf("%s: %d of %d bytes: another picture, and nobody said why", name, n, len(data))
			}
		}
	}
}

func FuzzJPEG(f *testing.F) {
	for name := range jpegGoldens(f, "testdata/jpeg") {
		f.Add(jpegFile(f, "testdata/jpeg", name))
	}
	var kept jpegDecoder
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, size := range []int{8, 4, 2, 1} {
			one, damage, err := new(jpegDecoder).decode(data, 1<<18, size, 1)
			if err != nil {
				return
			}
			if len(one.Pix) != 3*one.W*one.H {
				t.Fatalf("%d x %d with %d bytes", one.W, one.H, len(one.Pix))
			}
			two, again, err := kept.decode(data, 1<<18, size, 2)
			if err != nil || again != damage || !bytes.Equal(one.Pix, two.Pix) {
				t.Fatal("another picture on two goroutines")
			}
			back := pixel.UseGeneric()
			plain, again, err := new(jpegDecoder).decode(data, 1<<18, size, 1)
			back()
			if err != nil || again != damage || !bytes.Equal(one.Pix, plain.Pix) {
				t.Fatal("another picture in plain Go")
			}
		}
	})
}

func BenchmarkJPEG(b *testing.B) {
	var d jpegDecoder
	for name, size := range map[string][2]int{"12MP": {4000, 3000}, "640x480": {640, 480}} {
		data := jpegPhoto(b, size[0], size[1])
		for workers, title := range []string{1: "/1", 2: "/2"} {
			if workers > 0 {
				b.Run(name+title, func(b *testing.B) {
					b.SetBytes(int64(3 * size[0] * size[1]))
					for b.Loop() {
						if _, _, err := d.decode(data, defaultPixels, 8, workers); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
		b.Run(name+"/standard", func(b *testing.B) { // without the conversion to RGB
			b.SetBytes(int64(3 * size[0] * size[1]))
			for b.Loop() {
				if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
