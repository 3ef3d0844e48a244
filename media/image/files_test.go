package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tolerance is how far pixels may be from the reference where its decoder computes differently: the largest and the mean
// difference of a sample. The pictures are small and gaudy; photos come closer.
func tolerance(name string) (most int, mean float64) {
	subsampled := !strings.HasPrefix(name, "c444") && !strings.HasPrefix(name, "gray")
	switch ext := filepath.Ext(name); {
	case name == "alpha.avif": // the decoder multiplies by alpha
		return 130, 4
	case ext == ".avif" && subsampled: // it repeats chroma samples where the reference interpolates
		return 20, 3.2
	case ext == ".avif":
		return 2, 0.1
	case name == "c444video.heic": // computed in double precision here
		return 1, 0.01
	case ext == ".heic" && subsampled: // it smooths chroma
		return 45, 3.2
	}
	return 0, 0
}

// refused are pictures that the reference reads and this package does not, with what it says of them.
var refused = map[string]string{"cmyk.tif": "image: testdata/pictures/cmyk.tif: tiff: unsupported feature: color model"}

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
		if want, ok := refused[r.File]; ok {
			if err == nil || filepath.ToSlash(err.Error()) != want {
				t.Errorf("%s: got error %v, want %s", r.File, err, want)
			}
			continue
		}
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
			if testing.Verbose() {
				t.Logf("%s: up to %d, %.3f on average", r.File, most, mean)
			}
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
