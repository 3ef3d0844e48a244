package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// sample returns one of the golden files.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/pictures", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// patch overwrites bytes behind the first occurrence of a mark.
func patch(t *testing.T, data []byte, mark string, skip int, with []byte) []byte {
	t.Helper()
	i := bytes.Index(data, []byte(mark))
	if i < 0 {
		t.Fatalf("no %q", mark)
	}
	data = bytes.Clone(data)
	copy(data[i+len(mark)+skip:], with)
	return data
}

func TestHeaderBombsAreRefusedBeforeMemoryIsTaken(t *testing.T) {
	const side = 60000
	big := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, side), side)
	little := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, side), side)
	small := []byte{side & 255, side >> 8, side & 255, side >> 8}
	tif := sample(t, "gray.tif")
	tif = patch(t, tif, "\x00\x01\x04\x00\x01\x00\x00\x00", 0, little[:4]) // 256, long, 1
	tif = patch(t, tif, "\x01\x01\x04\x00\x01\x00\x00\x00", 0, little[:4])
	bombs := map[string][]byte{
		"png":  patch(t, sample(t, "rgb8.png"), "IHDR", 0, big),
		"jpeg": patch(t, sample(t, "plain.jpg"), "\xff\xc0", 3, []byte{side >> 8, side & 255, side >> 8, side & 255}),
		"gif":  patch(t, sample(t, "plain.gif"), "GIF87a", 0, small),
		"bmp":  patch(t, sample(t, "rgb.bmp"), "\x28\x00\x00\x00", 0, little),
		"webp": patch(t, sample(t, "animated.webp"), "VP8X", 8, []byte{0x5f, 0xea, 0, 0x5f, 0xea, 0}),
		"tiff": tif,
		"heic": patch(t, sample(t, "gray.heic"), "ispe", 4, big),
		"avif": patch(t, sample(t, "exif1.avif"), "ispe", 4, big),
	}
	for name, data := range bombs {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Read(bytes.NewReader(data), nil)
		runtime.ReadMemStats(&after)
		want := "image: " + name + ": 60000 x 60000 pixels are more than the limit of 178956970"
		if err == nil || err.Error() != want {
			t.Errorf("%s: got error %v, want %s", name, err, want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: took %d bytes of memory", name, took)
		}
	}
}

func TestLimit(t *testing.T) {
	data := sample(t, "rgb8.png") // 23 x 17
	if _, err := Read(bytes.NewReader(data), &Options{Pixels: 391}); err != nil {
		t.Error(err)
	}
	if _, err := Read(bytes.NewReader(data), &Options{Pixels: 390}); err == nil || !strings.Contains(err.Error(), "limit of 390") {
		t.Errorf("got error %v", err)
	}
	if _, err := Open("testdata/pictures/rgb8.png", &Options{}); err != nil {
		t.Error(err)
	}
}

// A header that promises more than its file can hold takes no memory either.
func TestHollowFiles(t *testing.T) {
	const side = 12000
	big := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, side), side)
	for name, data := range map[string][]byte{
		"png":  patch(t, sample(t, "rgb8.png"), "IHDR", 0, big),
		"jpeg": patch(t, sample(t, "plain.jpg"), "\xff\xc0", 3, []byte{side >> 8, side & 255, side >> 8, side & 255}),
		"bmp":  patch(t, sample(t, "rgb.bmp"), "\x28\x00\x00\x00", 0, []byte{side & 255, side >> 8, 0, 0, side & 255, side >> 8}),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Read(bytes.NewReader(data), nil)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 1<<20 {
			t.Errorf("%s: error %v, %d bytes of memory", name, err, took)
		}
	}
}

func TestTruncatedFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/pictures/*")
	if err != nil || len(files) < 200 {
		t.Fatal(err, len(files))
	}
	for i, path := range files {
		name := filepath.Base(path)
		if strings.HasSuffix(name, ".ref.png") || (strings.HasSuffix(name, ".heic") || strings.HasSuffix(name, ".avif")) && i%5 > 0 {
			continue
		}
		data := sample(t, name)
		for k := range 16 {
			cut := data[:len(data)*k/16]
			img, err := Read(bytes.NewReader(cut), nil)
			if err == nil && k <= 8 && !strings.HasPrefix(name, "trailing") && !strings.Contains(name, "1x1") && !strings.HasPrefix(name, "animated") {
				t.Errorf("%s: %d of %d bytes give a picture of %d x %d", name, len(cut), len(data), img.W, img.H)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "image: ") || strings.Contains(err.Error(), "EOF")) {
				t.Errorf("%s: unclear error %v", name, err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for data, want := range map[string]string{
		"":                  "image: empty file",
		"hello, world":      "image: " + ErrFormat.Error(),
		"\xff\xd8\xff\xe0":  "image: jpeg: no picture data: truncated file",
		"\x89PNG\r\n\x1a\n": "image: png: no IHDR chunk: truncated file",
		"GIF89a\x01\x00":    "image: gif: no frame: truncated file",
		"BM" + strings.Repeat("\x00", 12) + "(\x00\x00\x00": "image: bmp: truncated file",
		"RIFF\x04\x00\x00\x00WEBP":                          "image: webp: expected a positive size, got 0 x 0",
		"\x00\x00\x00\x10ftypheic\x00\x00\x00\x00":          "image: heic: no meta box: truncated file",
	} {
		if _, err := Read(strings.NewReader(data), nil); err == nil || err.Error() != want {
			t.Errorf("%q: got error %v, want %s", data, err, want)
		}
	}
	_, err := Open("testdata/resize.json", nil)
	if !errors.Is(err, ErrFormat) || !strings.HasPrefix(err.Error(), "image: testdata") {
		t.Errorf("got error %v", err)
	}
	if _, err := Open("testdata/none.png", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v", err)
	}
}

// The codecs are the files that CODECS.md names.
func TestCodecsAreTheRecordedFiles(t *testing.T) {
	for want, blob := range map[string][]byte{
		"3634a6447ea3915633667f39e01ff540a60f4e2f837a8391d044d76dfd8a0435": heifBlob,
		"1ee2423413384d54b3fa4e2882424d60a2a05f5fe7ec573535fdb6b531071a9b": avifBlob,
	} {
		if sum := sha256.Sum256(blob); hex.EncodeToString(sum[:]) != want {
			t.Errorf("a codec has sum %x, CODECS.md says %s", sum, want)
		}
	}
}

// endless is a stream of one byte after its beginning, and counts what was read of it.
type endless struct {
	head string
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	clear(p)
	n := copy(p, e.head)
	e.head = e.head[n:]
	e.read += int64(len(p))
	return len(p), nil
}

func TestEndlessStreamsAreRefused(t *testing.T) {
	e := &endless{}
	if _, err := Read(e, nil); !errors.Is(err, ErrFormat) || e.read > 1<<16 {
		t.Errorf("what begins as no picture: %v after %d bytes", err, e.read)
	}
	e = &endless{head: "\x89PNG\r\n\x1a\n"}
	if _, err := Read(e, &Options{Pixels: 100}); err == nil || !strings.Contains(err.Error(), "more than 67110464 bytes") || e.read > 1<<28 {
		t.Errorf("what begins as one: %v after %d bytes", err, e.read)
	}
}

// A large file that only has the name of a picture is not read.
func TestMislabelledFilesAreNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "film.jpg")
	if err := os.WriteFile(path, []byte("\x00\x00\x00\x18ftypmp42"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<33); err != nil {
		t.Skip(err) // no sparse files here
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Open(path, nil)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrFormat) || after.TotalAlloc-before.TotalAlloc > 1<<20 {
		t.Errorf("%v after taking %d bytes", err, after.TotalAlloc-before.TotalAlloc)
	}
}
