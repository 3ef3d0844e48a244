package embeddinggemma

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/gemma"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// texts are those of tools/golden/embeddinggemma.py, the last with the prompt of a query.
var texts = []string{
	"A cat sits on the mat.", "", "two dogs", "It's 3 o'clock:  naïve façades … 日本!",
	"a long sentence that goes on and on about cats and dogs and mats until nobody looks as far as its other end", "two dogs",
}

// open is the model and what the reference computes with it.
func open(t *testing.T) (*Bundle, *golden.Set) {
	t.Helper()
	b, err := Open("testdata")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b, golden.Open(t, "testdata/golden.safetensors")
}

func sameIDs(t *testing.T, g *golden.Set, name string, got []int32) {
	t.Helper()
	if want := g.IDs(name); !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}

func TestText(t *testing.T) {
	b, g := open(t)
	p := tensor.NewPass(context.Background(), 2)
	var ids [][]int32
	for i, text := range texts {
		if prompts, standard := b.Prompts(); i == 5 {
			text = prompts["query"] + text
		} else if standard != "" {
			t.Errorf("the default prompt is %q, want none", standard)
		}
		ids = append(ids, b.Encode(text).IDs)
		sameIDs(t, g, fmt.Sprintf("text.%d.ids", i), ids[i])
	}
	for _, i := range []int{0, 4} {
		x, err := b.Text.Embed(p, ids[i])
		if err != nil {
			t.Fatal(err)
		}
		g.Near(fmt.Sprintf("text.%d.layer0", i), x.Floats(), 1e-6)
		at, inputs := gemma.InOrder(p, p.Spans(1, len(ids[i]))), x.Scaled(1)
		for j, l := range b.Text.Layers {
			x = l.Forward(x, inputs, at)
			y := x
			if j == len(b.Text.Layers)-1 { // here the reference has already projected
				y = b.Text.Projection.Forward(b.Text.Norm.Forward(x))
			}
			g.Near(fmt.Sprintf("text.%d.layer%d", i, j+1), y.Floats(), 2e-5)
		}
	}
	vectors, err := b.EmbedText(p, ids)
	if err != nil {
		t.Fatal(err)
	}
	d := b.Dimension()
	for i := range texts {
		alone, err := b.EmbedText(p, ids[i:i+1])
		if err != nil || !slices.Equal(alone.Floats(), vectors.Floats()[i*d:][:d]) {
			t.Errorf("text %d alone gives other bits than in the batch (%v)", i, err)
		}
		g.Near(fmt.Sprintf("text.%d.vector", i), alone.Floats(), 2e-5)
	}
}

// A tower's weights are made ready once its modality is used, and not before.
func TestTowersWaitForTheirUse(t *testing.T) {
	b, g := open(t)
	p := tensor.NewPass(context.Background(), 2)
	ready := func() (towers []string) {
		for name, w := range nn.Params(b.Model) {
			tower, _, _ := strings.Cut(name, ".")
			if image, _ := w.Image(); image != nil && !slices.Contains(towers, tower) {
				towers = append(towers, tower)
			}
		}
		return towers
	}
	check := func(want ...string) {
		t.Helper()
		if got := ready(); !slices.Equal(got, want) {
			t.Errorf("ready are %v, want %v", got, want)
		}
	}
	check()
	if _, err := b.EmbedText(p, [][]int32{b.Encode("two dogs").IDs}); err != nil {
		t.Fatal(err)
	}
	check("language_model")
	b.EmbedImage(picture(t, b, p, 0))
	check("language_model", "vision_tower", "embed_vision")
	if _, err := b.EmbedAudio(p, [][]float32{g.Floats("sound.1")}); err != nil {
		t.Fatal(err)
	}
	check("language_model", "vision_tower", "embed_vision", "audio_tower", "embed_audio")
}

// everySeventh picks the rows that the golden data keeps of patches.
func everySeventh(x *tensor.Tensor) []float32 {
	var rows []float32
	for r, c := 0, x.Dim(-1); r < x.Rows(); r += 7 {
		rows = append(rows, x.Floats()[r*c:][:c]...)
	}
	return rows
}

// picture is what the processor makes of one of the golden pictures.
func picture(t *testing.T, b *Bundle, p *tensor.Pass, i int) *tensor.Tensor {
	t.Helper()
	img, err := image.Open(filepath.Join("testdata", fmt.Sprintf("picture%d.png", i)), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, h := b.Processor.SizeOf(img.W, img.H)
	pixels := p.Empty(1, 3, h, w)
	b.Processor.Apply(pixels.Floats(), img)
	return pixels
}

func TestImage(t *testing.T) {
	b, g := open(t)
	sizes := g.Floats("image.sizes")
	for i := 0; i < len(sizes); i += 4 {
		w, h := b.Processor.SizeOf(int(sizes[i]), int(sizes[i+1]))
		if w != int(sizes[i+2]) || h != int(sizes[i+3]) {
			t.Errorf("%vx%v becomes %dx%d, want %vx%v", sizes[i], sizes[i+1], w, h, sizes[i+2], sizes[i+3])
		}
	}
	for i := range 2 {
		for _, workers := range []int{1, 3} {
			p := tensor.NewPass(context.Background(), workers)
			pixels := picture(t, b, p, i)
			patches := pixels.PatchesLast(b.Config.Vision.Patch, 255, 0)
			g.Near(fmt.Sprintf("image.%d.pixels", i), patches.Floats(), 1e-4)
			x, at := b.Vision.Embed(pixels)
			g.Near(fmt.Sprintf("image.%d.embed", i), everySeventh(x), 1e-5)
			for j, block := range b.Vision.Blocks {
				x = block.Forward(x, at)
				g.Near(fmt.Sprintf("image.%d.layer%d", i, j), everySeventh(x), 5e-5)
			}
			g.Near(fmt.Sprintf("image.%d.tokens", i), b.VisionIn.Forward(b.Vision.Forward(pixels)).Floats(), 5e-5)
			g.Near(fmt.Sprintf("image.%d.vector", i), b.EmbedImage(pixels).Floats(), 5e-5)
		}
	}
}

func TestSound(t *testing.T) {
	b, g := open(t)
	sounds := [][]float32{g.Floats("sound.0"), g.Floats("sound.1")}
	for i := range sounds {
		for j := range sounds[i] {
			sounds[i][j] /= 32768
		}
	}
	for _, workers := range []int{1, 3} {
		p := tensor.NewPass(context.Background(), workers)
		both, err := b.EmbedAudio(p, sounds)
		if err != nil {
			t.Fatal(err)
		}
		for i := range sounds {
			x := b.Hearing.Subsample(b.features(p, sounds[i]))
			g.Near(fmt.Sprintf("sound.%d.subsampled", i), x.Floats(), 2e-5)
			seq, distances := p.Spans(1, x.Rows()), b.Hearing.Distances(p)
			whole := x.Scaled(1)
			for j, l := range b.Hearing.Layers {
				if j == 0 {
					y := l.Before.Forward(x.Scaled(1))
					g.Near(fmt.Sprintf("sound.%d.forward1", i), y.Floats(), 5e-5)
					y.RMSNormAdd(attended(g, l, i, y, distances, seq), l.AfterAttn.Weight, l.AfterAttn.Eps)
					g.Near(fmt.Sprintf("sound.%d.convolved", i), l.Conv.Forward(y, seq).Floats(), 5e-5)
				}
				x = l.Forward(x, distances, seq)
				g.Near(fmt.Sprintf("sound.%d.layer%d", i, j), x.Floats(), 5e-5)
			}
			g.Near(fmt.Sprintf("sound.%d.tokens", i), b.HearingIn.Forward(b.Hearing.Forward(whole, seq)).Floats(), 5e-5)
			alone, err := b.EmbedAudio(p, sounds[i:i+1])
			if d := b.Dimension(); err != nil || !slices.Equal(alone.Floats(), both.Floats()[i*d:][:d]) {
				t.Errorf("sound %d alone gives other bits than in the batch (%v)", i, err)
			}
			g.Near(fmt.Sprintf("sound.%d.vector", i), alone.Floats(), 5e-5)
		}
	}
}

// attended is what the attention of a layer makes of y, compared.
func attended(g *golden.Set, l *gemma.AudioLayer, i int, y, distances *tensor.Tensor, seq tensor.Spans) *tensor.Tensor {
	z := l.Attn.Forward(l.BeforeAttn.Forward(y), distances, seq)
	g.Near(fmt.Sprintf("sound.%d.attention", i), z.Floats(), 5e-5)
	return z
}

// seen is the golden video's frames as the reference's processor makes them, which resizes by torchvision.
func seen(b *Bundle, g *golden.Set, p *tensor.Pass) Part {
	part := frames(b, g, p)
	size, w := b.Config.Vision.Patch, part.Frames.Dim(3)
	planes, values := part.Frames.Floats(), g.Floats("video.pixels")
	for i, v := range values { // [frame, patch, y, x, channel]
		c, x, y := i%3, i/3%size, i/(3*size)%size
		patch := i / (3 * size * size)
		row, col := patch/(w/size), patch%(w/size)*size+x // of all frames' patches
		h := part.Frames.Dim(2)
		frame := row / (h / size)
		planes[((frame*3+c)*h+row%(h/size)*size+y)*w+col] = v / 255
	}
	return part
}

// frames is what the processor makes of the golden video's frames, those that are looked at, and their times.
func frames(b *Bundle, g *golden.Set, p *tensor.Pass) Part {
	const n, w, h, rate = 8, 30, 20, 2
	raw := g.Floats("video")
	picked := b.Sampling.Pick(n, rate, n/rate)
	fw, fh := b.Frames.SizeOf(w, h)
	part := Part{Frames: p.Empty(len(picked), 3, fh, fw)}
	for i, at := range picked {
		img := image.NewRGB(w, h)
		for j := range img.Pix {
			img.Pix[j] = uint8(raw[at*len(img.Pix)+j])
		}
		b.Frames.Apply(part.Frames.Floats()[i*3*fw*fh:][:3*fw*fh], img)
		part.Times = append(part.Times, float64(at)/rate)
	}
	return part
}

func TestVideo(t *testing.T) {
	b, g := open(t)
	p := tensor.NewPass(context.Background(), 2)
	part := frames(b, g, p)
	own := part.Frames.PatchesLast(b.Config.Vision.Patch, 255, 0).Floats()
	other := 0
	for i, v := range g.Floats("video.pixels") {
		switch d := math.Abs(float64(own[i]) - float64(v)); {
		case d > 1.001:
			t.Fatalf("value %d is %v, want %v", i, own[i], v)
		case d > 0.5:
			other++
		}
	}
	if other*100 > len(own) { // torchvision and Pillow round differently in one of some hundred values
		t.Errorf("%d of %d values differ", other, len(own))
	}
	part = seen(b, g, p)
	for _, stamped := range []bool{false, true} {
		name := "video"
		if b.Stamped = stamped; stamped {
			name = "stamped"
		}
		in, err := b.Input(p, []Part{part})
		if err != nil {
			t.Fatal(err)
		}
		sameIDs(t, g, name+".ids", in.IDs)
		x, err := b.Embed(p, []Input{in})
		if err != nil {
			t.Fatal(err)
		}
		g.Near(name+".vector", x.Floats(), 5e-5)
	}
}

func TestParts(t *testing.T) {
	b, g := open(t)
	p := tensor.NewPass(context.Background(), 2)
	sound := g.Floats("sound.1")
	for i := range sound {
		sound[i] /= 32768
	}
	mixed := []Part{
		{Text: "Shoes"}, {Image: picture(t, b, p, 0)}, {Text: "that sound like"}, {Sound: sound}, {Text: "and"}, {Image: picture(t, b, p, 1)},
		{Text: "move so:"}, seen(b, g, p),
	}
	in, err := b.Input(p, mixed)
	if err != nil {
		t.Fatal(err)
	}
	sameIDs(t, g, "mixed.ids", in.IDs)
	x, err := b.EmbedParts(p, [][]Part{{{Text: "two dogs"}}, mixed, {{Sound: sound}}})
	if err != nil {
		t.Fatal(err)
	}
	d := b.Dimension()
	g.Near("text.2.vector", x.Floats()[:d], 5e-5)
	g.Near("mixed.vector", x.Floats()[d:2*d], 5e-5)
	g.Near("sound.1.vector", x.Floats()[2*d:], 5e-5)
}
