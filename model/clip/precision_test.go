package clip

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/chiasm/chiasm/internal/cpu"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/text"
	"github.com/chiasm/chiasm/model/vit"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

// numbers come with the statistics of trained weights, which are harder to quantise than Gaussian ones.
type numbers struct{ state uint64 }

// normal is about Gaussian: the sum of four uniform numbers.
func (s *numbers) normal() float32 {
	s.state = s.state*6364136223846793005 + 1442695040888963407
	x := s.state ^ s.state>>29
	sum := float32(x&0xffff) + float32(x>>16&0xffff) + float32(x>>32&0xffff) + float32(x>>48)
	return (sum/65536 - 2) * 1.7320508
}

// spread is log-normal around 1, and for one index in often outlier times as much.
func (s *numbers) spread(width float64, i, often int, outlier float32) float32 {
	v := float32(math.Exp(width * float64(s.normal())))
	if i%often == often/3 {
		v *= outlier
	}
	return v
}

// trained gives a model weights with the statistics of trained ones, as measured on the encoders of all-MiniLM-L6-v2 and Whisper base:
// largest value of a row 3.4 to 3.9 times its root mean square in the median, 5 to 9 at the 95th percentile, 30 to 40 at most; columns
// that spread from 0.2 to 1.5 and some up to 9; gains of norms from 0.4 to 2.4 and some up to 18. Three channels of the residual stream
// are some twenty times larger than the others, as in published vision transformers.
func trained(model any, seed uint64) {
	s := &numbers{seed}
	for name, t := range nn.Params(model) {
		v := make([]float32, t.Len())
		switch {
		case name == "logit_scale":
			v[0] = 4.6
		case strings.HasSuffix(name, "position_embedding.weight") || strings.HasSuffix(name, "class_embedding"):
			for i := range v {
				if v[i] = 0.05 * s.normal(); i%t.Dim(-1)%257 == 13 {
					v[i] += 1
				}
			}
		case t.Rank() >= 2:
			k := t.Len() / t.Dim(0)
			columns := make([]float32, k)
			for i := range columns {
				columns[i] = s.spread(0.15, i+len(name)*int(s.state>>60), 4000, 6)
			}
			for r := 0; r < len(v); r += k {
				size := s.spread(0.2, r/k, 400, 3) / float32(math.Sqrt(float64(k)))
				for i := range k {
					v[r+i] = s.normal() * s.spread(0.15, i+r, 9973, 12) * size * columns[i]
				}
			}
		case strings.HasSuffix(name, "weight"): // a norm's gain
			for i := range v {
				v[i] = s.spread(0.25, i, 500, 8)
			}
		default:
			for i := range v {
				if v[i] = 0.1 * s.normal(); strings.HasSuffix(name, "fc2.bias") && i%257 == 13 {
					v[i] *= 20
				}
			}
		}
		t.Store(tensor.F32, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v)), nil)
	}
}

// TestTrainedStatistics holds the weights of the gate to what was measured on real ones.
func TestTrainedStatistics(t *testing.T) {
	blocks := []*nn.Block{nn.NewBlock(384, 6, 1536, tensor.GELU, 1e-5, false), nn.NewBlock(384, 6, 1536, tensor.GELU, 1e-5, false)}
	layers := &struct {
		Blocks []*nn.Block `weight:"layers"`
	}{blocks}
	trained(layers, 1)
	var peaks []float64
	for _, w := range nn.Params(layers) {
		if w.Rank() < 2 {
			continue
		}
		v, k := w.Floats(), w.Dim(1)
		for r := 0; r < len(v); r += k {
			top, sum := 0.0, 0.0
			for _, x := range v[r : r+k] {
				top, sum = max(top, math.Abs(float64(x))), sum+float64(x)*float64(x)
			}
			peaks = append(peaks, top/math.Sqrt(sum/float64(k)))
		}
	}
	slices.Sort(peaks)
	median, high, most := peaks[len(peaks)/2], peaks[len(peaks)*95/100], peaks[len(peaks)-1]
	if median < 3.3 || median > 4.5 || high < 5 || high > 9 || most < 15 {
		t.Errorf("largest of a row over its root mean square: median %.1f, 95th percentile %.1f, most %.1f", median, high, most)
	}
}

// gateData is the photographs and texts that precisions are compared on.
func gateData(t *testing.T, size int) (pixels [][]float32, texts [][]int32) {
	t.Helper()
	processor, err := image.ParseOpenCLIP(nil, size, size)
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("../../accuracy/*.jpg")
	for _, file := range files {
		img, err := image.Open(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		v := make([]float32, 3*size*size)
		processor.Apply(v, img)
		pixels = append(pixels, v)
	}
	list, err := os.ReadFile("../../accuracy/texts.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	tokenizer := token.CLIP()
	for line := range strings.Lines(string(list)) {
		texts = append(texts, tokenizer.Encode(strings.TrimSpace(line), true).IDs)
	}
	return pixels, texts
}

// vectors embeds everything at a format, scaled to length 1.
func vectors(t *testing.T, m *Model, f tensor.Format, pixels [][]float32, texts [][]int32) (images, words [][]float32) {
	t.Helper()
	nn.SetFormat(m, f)
	p := tensor.NewPass(context.Background(), 0)
	collect := func(x *tensor.Tensor) [][]float32 {
		var out [][]float32
		v := x.Normalize(1e-12).Floats()
		for i := 0; i < len(v); i += x.Dim(-1) {
			out = append(out, append([]float32(nil), v[i:i+x.Dim(-1)]...))
		}
		p.Reset(context.Background())
		return out
	}
	c := m.Config.Vision
	for _, v := range pixels {
		images = append(images, collect(m.EmbedImage(p.Input(v, 1, 3, c.Height, c.Wide)))...)
	}
	x, err := m.EmbedText(p, texts)
	if err != nil {
		t.Fatal(err)
	}
	return images, collect(x)
}

func cosines(a, b [][]float32) (mean, worst float64) {
	worst = 1
	for i := range a {
		c := 0.0
		for j := range a[i] {
			c += float64(a[i][j]) * float64(b[i][j])
		}
		mean += c / float64(len(a))
		worst = min(worst, c)
	}
	return mean, worst
}

// TestPrecisionsOfAFullSizeModel is the accuracy gate on a ViT-B/32 of the true size whose weights have the statistics of trained ones.
func TestPrecisionsOfAFullSizeModel(t *testing.T) {
	if testing.Short() {
		t.Skip("a model of the true size takes a while")
	}
	if cpu.Level() == cpu.Generic {
		t.Skip("a model of the true size takes minutes in plain Go")
	}
	m, err := New(Config{
		Head: HeadLinear, D: 512,
		Text: text.Config{Width: 512, Layers: 12, Heads: 8, Hidden: 2048, Vocab: 49408, Context: 77, Act: tensor.QuickGELU, Eps: 1e-5, Causal: true, Pool: text.PoolHighest},
		Vision: vit.Config{
			Width: 768, Layers: 12, Heads: 12, Hidden: 3072, Height: 224, Wide: 224, Patch: 32, Act: tensor.QuickGELU, Eps: 1e-5,
			ClassToken: true, PreNorm: true, Pool: vit.PoolToken,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer nn.Release(m)
	trained(m, 1)
	pixels, texts := gateData(t, 224)
	images, words := vectors(t, m, tensor.FormatF32, pixels, texts)
	for i := range images {
		for j := range i {
			if c, _ := cosines(images[i:i+1], images[j:j+1]); c > 0.9999 {
				t.Errorf("pictures %d and %d have the same vector: a gate over those would say nothing", i, j)
			}
		}
	}
	for f, least := range map[tensor.Format]float64{tensor.FormatBF16: 0.9995, tensor.FormatW8: 0.995, tensor.FormatI8: 0.995} {
		i, w := vectors(t, m, f, pixels, texts)
		im, iw := cosines(i, images)
		tm, tw := cosines(w, words)
		t.Logf("%v: cosine of 16 pictures %.5f mean, %.5f worst; of 32 texts %.5f, %.5f", f, im, iw, tm, tw)
		if im < least || tm < least {
			t.Errorf("%v: mean cosines %.5f and %.5f, want %v", f, im, tm, least)
		}
	}
}
