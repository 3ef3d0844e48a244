package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
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
