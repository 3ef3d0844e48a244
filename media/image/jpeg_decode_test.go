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
	"strings"
	"testing"
)

// jpegGolden is what Pillow made of a file: tools/golden/jpeg_files.py.
type jpegGolden struct {
	W, H    int
	SHA256  string
	Said    string // without being told to put up with truncated files
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
	for name, want := range jpegGoldens(t, folder) {
		img, damage, err := jpegDecode(jpegFile(t, folder, name), defaultPixels)
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

// TestJPEGWorkers wants the same bytes whatever the number of goroutines.
func TestJPEGWorkers(t *testing.T) {
	files := [][]byte{jpegPhoto(t, 600, 411), jpegPhoto(t, 513, 300)}
	for _, data := range files {
		one, _, err := jpegDecodeOn(data, defaultPixels, 1)
		if err != nil {
			t.Fatal(err)
		}
		for workers := 2; workers < 6; workers++ {
			many, damage, err := jpegDecodeOn(data, defaultPixels, workers)
			if err != nil || damage != nil || !bytes.Equal(one.Pix, many.Pix) {
				t.Errorf("%d workers: %v, %v, or pixels differ", workers, damage, err)
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
		_, _, err := jpegDecode(bad, defaultPixels)
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
	for _, name := range []string{"420-q75", "420-q30-progressive", "restart-5", "own-11"} {
		data := jpegFile(t, "testdata/jpeg", name)
		whole, _, err := jpegDecode(data, defaultPixels)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(data) - 2 {
			img, damage, err := jpegDecode(data[:n], defaultPixels)
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
	f.Fuzz(func(t *testing.T, data []byte) {
		one, _, err := jpegDecodeOn(data, 1<<18, 1)
		if err != nil {
			return
		}
		if len(one.Pix) != 3*one.W*one.H {
			t.Fatalf("%d x %d with %d bytes", one.W, one.H, len(one.Pix))
		}
		two, _, err := jpegDecodeOn(data, 1<<18, 2)
		if err != nil || !bytes.Equal(one.Pix, two.Pix) {
			t.Fatal("another picture the second time")
		}
	})
}

func BenchmarkJPEG(b *testing.B) {
	for name, size := range map[string][2]int{"12MP": {4000, 3000}, "640x480": {640, 480}} {
		data := jpegPhoto(b, size[0], size[1])
		for workers, title := range []string{1: "/1", 2: "/2"} {
			if workers > 0 {
				b.Run(name+title, func(b *testing.B) {
					b.SetBytes(int64(3 * size[0] * size[1]))
					for b.Loop() {
						if _, _, err := jpegDecodeOn(data, defaultPixels, workers); err != nil {
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
