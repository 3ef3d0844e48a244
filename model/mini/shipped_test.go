package mini

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// pictures are photographs that the model has not learnt from, with what is on them.
var pictures = []struct{ file, en, zh, de string }{
	{"00-astronaut", "astronaut", "宇航员", "Astronautin"}, {"02-brick", "brick wall", "砖墙", "Backsteinmauer"}, {"05-chelsea", "cat", "猫", "Katze"},
	{"06-clock-motion", "clock", "时钟", "Uhr"}, {"07-coffee", "coffee", "咖啡", "Kaffee"}, {"09-grass", "grass", "草", "Gras"}, {"14-rocket", "rocket", "火箭", "Rakete"},
}

// shipped is the model inside this build.
func shipped(t *testing.T) *Bundle {
	t.Helper()
	files := Shipped()
	if files == nil {
		t.Skip("this build has no model inside")
	}
	b, err := Parse(files)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// The shipped model finds photographs by what they show, in more than one language.
func TestShippedFinds(t *testing.T) {
	b := shipped(t)
	seen := look(t, b)
	p := tensor.NewPass(context.Background(), 0)
	right := map[string]int{}
	for i, x := range pictures {
		for language, text := range map[string]string{"en": x.en, "zh": x.zh, "de": x.de} {
			p.Reset(context.Background())
			v, err := b.EmbedText(p, [][]int32{b.Encode(text).IDs})
			if err != nil {
				t.Fatal(err)
			}
			scores := v.Normalize(1e-12).Dots(p.Input(seen, len(pictures), b.Dimension()), 1).Floats()
			best := 0
			for k, s := range scores {
				if s > scores[best] {
					best = k
				}
			}
			if best == i {
				right[language]++
			}
			if scale, bias, ok := b.Calibration("image"); x.en == "cat" && (!ok || scale*scores[i]+bias < 0.5) {
				t.Errorf("%s: its picture has a cosine of %.2f, want one well above even odds", text, scores[i])
			}
			t.Logf("%s: %s (%.2f), want %s (%.2f)", text, pictures[best].file, scores[best], x.file, scores[i])
		}
	}
	for language, least := range map[string]int{"en": 5, "zh": 5, "de": 5} {
		if right[language] < least {
			t.Errorf("%s: %d of %d names find their picture first, want %d or more", language, right[language], len(pictures), least)
		}
	}
}

// look is the vectors of the photographs, of length 1.
func look(t *testing.T, b *Bundle) []float32 {
	p := tensor.NewPass(context.Background(), 0)
	processor := b.Pixels()
	side := b.Image.Config.Size
	pixels := make([]float32, len(pictures)*3*side*side)
	for i, x := range pictures {
		img, err := image.Open("../../accuracy/"+x.file+".jpg", nil)
		if err != nil {
			t.Fatal(err)
		}
		processor.Apply(pixels[i*3*side*side:][:3*side*side], img)
	}
	return slices.Clone(b.EmbedImage(p.Input(pixels, len(pictures), 3, side, side)).Normalize(1e-12).Floats())
}

// What means nothing mostly finds nothing, in any script; these do not.
func TestShippedNonsense(t *testing.T) {
	b := shipped(t)
	seen := look(t, b)
	scale, bias, _ := b.Calibration("image")
	p := tensor.NewPass(context.Background(), 0)
	for _, text := range []string{"qwzzkx", "florbnax", "asdfghjkl", "brumpfelig", "xvq zkjw", "щзжкфъ", "龘鞷麤", "뷁쀍껿"} {
		v, err := b.EmbedText(p, [][]int32{b.Encode(text).IDs})
		if err != nil {
			t.Fatal(err)
		}
		scores := v.Normalize(1e-12).Dots(p.Input(seen, len(pictures), b.Dimension()), 1).Floats()
		if top := slices.Max(scores); scale*top+bias >= 0 {
			t.Errorf("%s: a cosine of %.2f with a photograph, want one below even odds", text, top)
		} else {
			t.Logf("%s: %.2f", text, top)
		}
	}
}

// What is shipped stays small.
func TestShippedSize(t *testing.T) {
	total := 0
	for _, data := range Shipped() {
		total += len(data)
	}
	if total > 20e6 {
		t.Errorf("the shipped files have %d bytes, want 20 million or fewer", total)
	}
}

// What a text is made of does not depend on what else is in the batch; no text at all is a vector too.
func TestTextAlone(t *testing.T) {
	c := &Config{Dimension: 8, Vocabulary: 50, TextWidth: 6, TextHidden: 5}
	tower := NewText(c)
	nn.Init(tower, 3)
	p := tensor.NewPass(context.Background(), 0)
	texts := [][]int32{{1, 2, 3}, {}, {49}}
	all := tower.Forward(p, texts)
	for i := range texts {
		one := tower.Forward(p, texts[i:i+1])
		if !slices.Equal(one.Floats(), all.Floats()[8*i:][:8]) {
			t.Errorf("text %d alone gives other bits", i)
		}
	}
}

// The likeliest classes share all, the rest has nothing.
func TestMix(t *testing.T) {
	c := SightConfig{Likeliest: 2, Temperature: 1}
	shares := make([]float32, 4)
	c.mix(shares, []float32{1, 3, 3, -1})
	if !slices.Equal(shares, []float32{0, 0.5, 0.5, 0}) {
		t.Errorf("shares %v", shares)
	}
}

// A share of what all classes have in common is taken from each picture, whatever its length was.
func TestCentred(t *testing.T) {
	s := NewSight(&Config{Dimension: 2, Classes: 2, HeadHidden: 1, Sight: SightConfig{Centre: 0.5}}, 3)
	nn.Init(s, 1)
	copy(s.Classes.Own(), []float32{1, 0, 0, 0.5}) // the first class means (1, 0), the second (0, 0.5)
	s.Classes.Changed()
	got := s.Centred(tensor.NewPass(context.Background(), 1).Input([]float32{0, 3, 4, 0, -5, 0}, 3, 2))
	want := []float32{-0.25, 0.875, 0.75, -0.125, -1.25, -0.125}
	for i, v := range got.Floats() {
		if math.Abs(float64(v-want[i])) > 1e-6 {
			t.Fatalf("%v, want %v", got.Floats(), want)
		}
	}
	s.Config.Centre = 0
	x := tensor.NewPass(context.Background(), 1).Input([]float32{0, 3}, 1, 2)
	if s.Centred(x) != x {
		t.Error("without a share something is done")
	}
}
