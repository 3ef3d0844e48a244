package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	stdimage "image"
	"os"
	"testing"
)

type resizeCase struct {
	sw, sh, w, h int
	filter       Filter
	style, mode  string
	want         string
}

func (c *resizeCase) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&c.sw, &c.sh, &c.w, &c.h, &c.filter, &c.style, &c.mode, &c.want})
}

func (c *resizeCase) run() []uint8 {
	if c.mode == "L" {
		src := &stdimage.Gray{Pix: pixels(c.sw, c.sh, 1, c.style, 1), Stride: c.sw, Rect: stdimage.Rect(0, 0, c.sw, c.sh)}
		return ResizeGray(src, c.w, c.h, c.filter).Pix
	}
	return Resize(picture(c.sw, c.sh, c.style), c.w, c.h, c.filter).Pix
}

func TestResizeEqualsPillow(t *testing.T) {
	var golden struct{ Cases, Full []resizeCase }
	data, err := os.ReadFile("testdata/resize.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) < 500 || len(golden.Full) < 50 {
		t.Fatalf("testdata holds %d cases and %d outputs", len(golden.Cases), len(golden.Full))
	}
	for _, c := range golden.Full {
		if got := hex.EncodeToString(c.run()); got != c.want {
			t.Errorf("%s %s %s %dx%d to %dx%d:\n got %s\nwant %s", c.filter, c.mode, c.style, c.sw, c.sh, c.w, c.h, got, c.want)
		}
	}
	bad := 0
	for _, c := range golden.Cases {
		sum := sha256.Sum256(c.run())
		if hex.EncodeToString(sum[:16]) != c.want {
			bad++
			if bad < 20 {
				t.Errorf("%s %s %s %dx%d to %dx%d differs", c.filter, c.mode, c.style, c.sw, c.sh, c.w, c.h)
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d cases differ", bad, len(golden.Cases))
	}
}

// TestThumbnail compares thumbnails with what Resize makes.
func TestThumbnail(t *testing.T) {
	for _, c := range []struct {
		sw, sh, w, h int
		far          float64 // mean distance that is allowed
	}{{300, 200, 256, 171, 0}, {640, 480, 256, 192, 2}, {641, 483, 256, 193, 3}, {1200, 90, 256, 19, 3}, {1300, 900, 256, 177, 3}, {64, 48, 32, 24, 2}} {
		src := sketch(c.sw, c.sh)
		before := sha256.Sum256(src.Pix)
		got, want := Thumbnail(src, c.w, c.h), Resize(src, c.w, c.h, Bilinear)
		sum := 0
		for i, v := range got.Pix {
			sum += max(int(v)-int(want.Pix[i]), int(want.Pix[i])-int(v))
		}
		if far := float64(sum) / float64(len(got.Pix)); far > c.far || got.W != c.w || got.H != c.h {
			t.Errorf("%+v: %d x %d, mean distance %.2f", c, got.W, got.H, far)
		}
		if sha256.Sum256(src.Pix) != before {
			t.Errorf("%+v: the picture has changed", c)
		}
	}
}
