package embeddinggemma

import (
	"context"
	"math"
	"testing"

	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// Every format of weights serves all towers. The model is tiny and its weights are random, so that little averages out: real ones are
// nearer.
func TestFormats(t *testing.T) {
	b, g := open(t)
	p := tensor.NewPass(context.Background(), 2)
	sound := g.Floats("sound.1")
	for i := range sound {
		sound[i] /= 32768
	}
	ids := b.Encode("It's 3 o'clock:  naïve façades").IDs
	embed := func() map[string][]float32 {
		text, err := b.EmbedText(p, [][]int32{ids})
		if err != nil {
			t.Fatal(err)
		}
		heard, err := b.EmbedAudio(p, [][]float32{sound})
		if err != nil {
			t.Fatal(err)
		}
		return map[string][]float32{"text": text.Floats(), "picture": b.EmbedImage(picture(t, b, p, 0)).Floats(), "sound": heard.Floats()}
	}
	exact := embed()
	for f, least := range map[tensor.Format]float64{tensor.FormatBF16: 0.995, tensor.FormatW8: 0.98, tensor.FormatI8: 0.97} {
		nn.SetFormat(b.Model, f)
		for what, got := range embed() {
			c, least := cosine(got, exact[what]), least
			if what == "sound" && tensor.Native(tensor.FormatBF16) { // then activations are rounded too, to which this tower is the most sensitive
				least -= 0.015
			}
			t.Logf("%v: cosine of a %s to f32 %.5f", f, what, c)
			if !(c >= least) || f != tensor.FormatBF16 && c == 1 {
				t.Errorf("%v: cosine of a %s to f32 is %v, want %v or more", f, what, c, least)
			}
		}
	}
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}
