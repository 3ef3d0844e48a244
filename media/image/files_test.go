package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	stdimage "image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tolerance is how far pixels may be from the reference where its decoder computes differently: the largest and the mean
// difference of a sample.
func tolerance(name string) (most int, mean float64) {
	switch filepath.Ext(name) {
	case ".jpg": // the standard library's inverse DCT is not libjpeg's
		return 4, 0.6
	case ".heic": // libheif here and in pillow-heif differ in version, so in rounding and chroma interpolation
		return 90, 2
	case ".avif":
		return 3, 0.6
	}
	return 0, 0
}

func TestFilesEqualReference(t *testing.T) {
	var records []struct {
		File, Sha, Error string
		W, H             int
	}
	data, err := os.ReadFile("testdata/pictures.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &records); err != nil {
		t.Fatal(err)
	}
	if len(records) < 200 {
		t.Fatalf("testdata lists %d pictures", len(records))
	}
	for _, r := range records {
		path := filepath.Join("testdata/pictures", r.File)
		img, err := Open(path, nil)
		switch {
		case r.Error != "":
			if err == nil {
				t.Errorf("%s: read, but the reference refuses it (%s)", r.File, r.Error)
			}
		case err != nil:
			t.Error(err)
		case img.W != r.W || img.H != r.H:
			t.Errorf("%s: got %d x %d, want %d x %d", r.File, img.W, img.H, r.W, r.H)
		case r.Sha != "":
			if sum := sha256.Sum256(img.Pix); hex.EncodeToString(sum[:16]) != r.Sha {
				t.Errorf("%s: pixels differ from the reference", r.File)
			}
		default:
			most, mean := distance(t, img, path+".ref.png")
			limit, limitMean := tolerance(r.File)
			if most > limit || mean > limitMean {
				t.Errorf("%s: differs by up to %d, %.3f on average; allowed %d and %.3f", r.File, most, mean, limit, limitMean)
			}
		}
	}
}

// distance compares a picture with one in a PNG file.
func distance(t *testing.T, img *RGB, path string) (most int, mean float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ref, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	want := flatten(ref)
	if want.W != img.W || want.H != img.H {
		t.Fatalf("%s: got %d x %d, want %d x %d", path, img.W, img.H, want.W, want.H)
	}
	sum := 0
	for i, v := range want.Pix {
		d := int(v) - int(img.Pix[i])
		d = max(d, -d)
		most, sum = max(most, d), sum+d
	}
	return most, float64(sum) / float64(len(want.Pix))
}

var _ = fmt.Sprint
var _ stdimage.Image
var _ = strings.Contains
