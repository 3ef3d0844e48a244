package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	stdimage "image"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

type augmentCase struct {
	w, h      int
	style, op string
	by        []float64
	want      string
}

func (c *augmentCase) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&c.w, &c.h, &c.style, &c.op, &c.by, &c.want})
}

func (c *augmentCase) run() *RGB {
	m := picture(c.w, c.h, c.style)
	switch c.op {
	case "brightness":
		Brighten(m, c.by[0])
	case "contrast":
		Contrast(m, c.by[0])
	case "saturation":
		Saturate(m, c.by[0])
	case "hue":
		TurnHue(m, c.by[0])
	case "gray":
		Decolour(m)
	case "mirror":
		Mirror(m)
	case "part":
		n := func(i int) int { return int(c.by[i]) }
		m = Resize(Crop(m, stdimage.Rect(n(0), n(1), n(0)+n(2), n(1)+n(3))), n(4), n(5), Filter(n(6)))
	}
	return m
}

func digest(m *RGB) string {
	sum := sha256.Sum256(m.Pix)
	return hex.EncodeToString(sum[:16])
}

type augmentGolden struct {
	Cases   []augmentCase
	Layered []struct {
		Name         string
		File, Ground []byte
		Alpha, Over  string
	}
}

func loadAugment(t *testing.T) (golden augmentGolden) {
	data, err := os.ReadFile("testdata/augment.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	return golden
}

func TestAugmentEqualsTorchvision(t *testing.T) {
	golden := loadAugment(t)
	if len(golden.Cases) < 300 {
		t.Fatalf("testdata holds %d cases", len(golden.Cases))
	}
	for _, c := range golden.Cases {
		if digest(c.run()) != c.want {
			t.Errorf("%s %v of %s %dx%d differs", c.op, c.by, c.style, c.w, c.h)
		}
	}
}

func TestCutoutsEqualPillow(t *testing.T) {
	for i, c := range loadAugment(t).Layered {
		cut, err := ReadCutout(bytes.NewReader(c.File), nil)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := Read(bytes.NewReader(c.File), nil)
		if err != nil || !bytes.Equal(plain.Pix, cut.Colour.Pix) {
			t.Errorf("%d: %s: the colours are not those of Read: %v", i, c.Name, err)
		}
		want, _ := hex.DecodeString(c.Alpha)
		switch {
		case cut.Alpha == nil && len(bytes.Trim(want, "\xff")) > 0:
			t.Errorf("%d: %s: no transparency", i, c.Name)
		case cut.Alpha != nil && !bytes.Equal(cut.Alpha.Pix, want):
			t.Errorf("%d: %s: transparency differs", i, c.Name)
		}
		over := cut.Over(&RGB{c.Ground, cut.Colour.W, cut.Colour.H})
		if c.Over != "" && digest(over) != c.Over {
			t.Errorf("%d: %s over a ground differs", i, c.Name)
		}
	}
}

func TestAugmentFollowsItsSource(t *testing.T) {
	a := &Augment{W: 32, H: 24, Area: [2]float64{0.3, 1}, Ratio: [2]float64{0.75, 1.33}, Filter: Bicubic, Flip: 0.5,
		Jitter: Jitter{0.4, 0.4, 0.4, 0.1}, Jitted: 0.8, Gray: 0.2, Erase: 0.3}
	src := picture(90, 70, "photo")
	kept := bytes.Clone(src.Pix)
	seen := map[string]bool{}
	for seed := range uint64(50) {
		one, two := a.Apply(rand.New(rand.NewPCG(seed, 1)), src), a.Apply(rand.New(rand.NewPCG(seed, 1)), src)
		if one.W != 32 || one.H != 24 || !bytes.Equal(one.Pix, two.Pix) {
			t.Fatalf("seed %d: %dx%d, or two of one seed differ", seed, one.W, one.H)
		}
		seen[digest(one)] = true
	}
	if len(seen) < 50 || !bytes.Equal(kept, src.Pix) {
		t.Errorf("got %d pictures of 50, source changed: %v", len(seen), !bytes.Equal(kept, src.Pix))
	}
	if none := (&Augment{}).Apply(rand.New(rand.NewPCG(1, 1)), src); !bytes.Equal(none.Pix, src.Pix) {
		t.Error("the zero value changes something")
	}
}

func TestRandomParts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	mean := 0.0
	for range 2000 {
		p := RandomPart(r, 400, 300, [2]float64{0.2, 0.6}, [2]float64{0.5, 2})
		area, ratio := float64(p.Dx()*p.Dy())/(400*300), float64(p.Dx())/float64(p.Dy())
		if !p.In(stdimage.Rect(0, 0, 400, 300)) || area < 0.19 || area > 0.61 || ratio < 0.49 || ratio > 2.04 {
			t.Fatalf("got %v", p)
		}
		mean += area / 2000
	}
	if math.Abs(mean-0.4) > 0.02 {
		t.Errorf("mean area %g", mean)
	}
	// Nothing fits, so what torchvision falls back on: the middle.
	if p := RandomPart(r, 1000, 10, [2]float64{1, 1}, [2]float64{0.75, 4. / 3}); p != stdimage.Rect(493, 0, 506, 10) {
		t.Errorf("got %v", p)
	}
	for range 30 {
		if g := RandomGround(r, 7, 9); g.W != 7 || g.H != 9 {
			t.Errorf("got %d x %d", g.W, g.H)
		}
	}
}

func BenchmarkAugment(b *testing.B) {
	a := &Augment{W: 224, H: 224, Area: [2]float64{0.5, 1}, Filter: Bicubic, Flip: 0.5, Jitter: Jitter{0.4, 0.4, 0.4, 0.1}, Jitted: 0.8, Gray: 0.2}
	src := picture(640, 480, "photo")
	r := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		a.Apply(r, src)
	}
}
