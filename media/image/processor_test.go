package image

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	stdimage "image"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

type processorCase struct {
	Config   json.RawMessage
	OpenCLIP json.RawMessage
	Size     [2]int
	SW, SH   int
	Style    string
	H, W     int
	At       []int
	Values   []float32
	Sums     [3]float64
}

func processorGolden(t testing.TB) (cases []processorCase, alpha []struct{ Style, Mode, Want string }) {
	t.Helper()
	data, err := os.ReadFile("testdata/processor.json")
	if err != nil {
		t.Fatal(err)
	}
	golden := struct {
		Cases *[]processorCase
		Alpha *[]struct{ Style, Mode, Want string }
	}{&cases, &alpha}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 400 || len(alpha) == 0 {
		t.Fatalf("testdata holds %d cases", len(cases))
	}
	return cases, alpha
}

func (c *processorCase) parse() (*Processor, error) {
	if c.Config != nil {
		return ParseProcessor(c.Config)
	}
	return ParseOpenCLIP(c.OpenCLIP, c.Size[0], c.Size[1])
}

// Every value must equal the reference's in all bits: the arithmetic is the same. The sums cover the rest of the array.
func TestProcessorEqualsReference(t *testing.T) {
	cases, _ := processorGolden(t)
	for i, c := range cases {
		p, err := c.parse()
		if err != nil {
			t.Errorf("case %d: %s%s: %v", i, c.Config, c.OpenCLIP, err)
			continue
		}
		w, h := p.SizeOf(c.SW, c.SH)
		if w != c.W || h != c.H {
			t.Errorf("case %d: %s%s of %d x %d gives %d x %d, want %d x %d", i, c.Config, c.OpenCLIP, c.SW, c.SH, w, h, c.W, c.H)
			continue
		}
		if fw, fh := p.Size(); fw != 0 && (fw != w || fh != h) {
			t.Errorf("case %d: Size says %d x %d, SizeOf %d x %d", i, fw, fh, w, h)
		}
		dst := make([]float32, 3*w*h)
		for j := range dst {
			dst[j] = float32(math.NaN())
		}
		p.Apply(dst, picture(c.SW, c.SH, c.Style))
		for j, at := range c.At {
			if dst[at] != c.Values[j] {
				t.Errorf("case %d: %s%s of %d x %d: value %d is %v, want %v", i, c.Config, c.OpenCLIP, c.SW, c.SH, at, dst[at], c.Values[j])
				break
			}
		}
		for ch, want := range c.Sums {
			var sum float64
			for _, v := range dst[ch*w*h:][:w*h] {
				sum += float64(v)
			}
			if math.Abs(sum-want) > 1e-3 {
				t.Errorf("case %d: %s%s of %d x %d: channel %d sums to %v, want %v", i, c.Config, c.OpenCLIP, c.SW, c.SH, ch, sum, want)
			}
		}
	}
}

func TestFromCompositesLikeTheProcessor(t *testing.T) {
	_, alpha := processorGolden(t)
	for _, c := range alpha {
		img := &stdimage.NRGBA{Pix: pixels(16, 16, 4, c.Style, 1), Stride: 64, Rect: stdimage.Rect(0, 0, 16, 16)}
		for x := range 16 {
			img.Pix[4*x+3], img.Pix[64+4*x+3] = 0, 255
		}
		want, _ := base64.StdEncoding.DecodeString(c.Want)
		if got := From(img).Pix; !bytes.Equal(got, want) {
			t.Errorf("%s: differs from the reference\n got %v\nwant %v", c.Style, got[:96], want[:96])
		}
	}
}

func TestFromKeepsAndConverts(t *testing.T) {
	m := picture(5, 4, "noise")
	if From(m) != m {
		t.Error("an RGB picture is not returned itself")
	}
	gray := stdimage.NewGray16(stdimage.Rect(3, 4, 5, 5))
	gray.Pix = []uint8{0, 7, 1, 0}
	if got := From(gray).Pix; !bytes.Equal(got, []uint8{7, 7, 7, 255, 255, 255}) {
		t.Errorf("16-bit gray: got %v", got)
	}
	sub := stdimage.NewRGBA(stdimage.Rect(0, 0, 9, 9))
	for i := range sub.Pix {
		sub.Pix[i] = uint8(i) | 3
		if i%4 == 3 {
			sub.Pix[i] = 255
		}
	}
	part := From(sub.SubImage(stdimage.Rect(2, 3, 5, 7)))
	if part.W != 3 || part.H != 4 || part.Pix[0] != sub.Pix[sub.PixOffset(2, 3)] || part.Pix[35] != sub.Pix[sub.PixOffset(4, 6)+2] {
		t.Errorf("part of a picture: got %v", part)
	}
}

func TestApplyAllocatesNothing(t *testing.T) {
	if race {
		t.Skip("under the race detector, sync.Pool forgets on purpose")
	}
	p, err := ParseProcessor([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	img := picture(640, 480, "photo")
	dst := make([]float32, 3*224*224)
	p.Apply(dst, img)
	if n := testing.AllocsPerRun(20, func() { p.Apply(dst, img) }); n > 0 {
		t.Errorf("%v allocations per picture", n)
	}
}

func TestApplyFromManyGoroutines(t *testing.T) {
	p, err := ParseProcessor([]byte(`{"size": 64, "crop_size": 64}`))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			img := picture(100+i, 90, "photo")
			want, got := make([]float32, 3*64*64), make([]float32, 3*64*64)
			p.Apply(want, img)
			for range 20 {
				p.Apply(got, img)
				for j := range got {
					if got[j] != want[j] {
						t.Errorf("picture %d: value %d changes from %v to %v", i, j, want[j], got[j])
						return
					}
				}
			}
		})
	}
	group.Wait()
}

func TestProcessorErrors(t *testing.T) {
	for config, want := range map[string]string{
		``:                                    "unexpected end of JSON",
		`[]`:                                  "cannot unmarshal array",
		`{"size": {"side": 3}}`:               `size: unknown key "side"`,
		`{"size": {"width": 3}}`:              "size: expected height and width",
		`{"size": {"longest_edge": 224}}`:     "size: expected height and width",
		`{"size": 0}`:                         "size: expected whole pixels from 1 to 16384, got 0",
		`{"size": 22.5}`:                      "got 22.5",
		`{"size": 1e9}`:                       "got 1e+09",
		`{"size": null}`:                      "got null",
		`{"crop_size": {"shortest_edge": 3}}`: "crop_size: expected a height and a width",
		`{"resample": 6}`:                     "resample: expected a code from 0 to 5, got 6",
		`{"resample": null}`:                  "resample: expected a code from 0 to 5, got null",
		`{"image_mean": [1, 2]}`:              "image_mean: expected a number or three, got [1, 2]",
		`{"image_std": [1, 0, 1]}`:            "image_std: expected numbers other than 0",
		`{"image_std": null}`:                 "image_std: expected a number or three, got null",
		`{"rescale_factor": null}`:            "rescale_factor: expected a number other than 0, got null",
		`{"image_processor_type": "Qwen2VLImageProcessor"}`: "image_processor_type: expected one of BitImageProcessor",
		`{"do_pad": true, "pad_size": 3}`:                   "do_pad with a pad_size is not supported",
	} {
		if _, err := ParseProcessor([]byte(config)); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.HasPrefix(err.Error(), "image: processor config: ") {
			t.Errorf("%s: got error %v, want one with %q", config, err, want)
		}
	}
	for config, want := range map[string]string{
		`{"resize_mode": "stretch"}`:                    "resize_mode: expected shortest, longest or squash",
		`{"interpolation": "lanczos"}`:                  "interpolation: expected bicubic or bilinear",
		`{"mode": "L"}`:                                 "mode: expected RGB",
		`{"size": [1, 2, 3]}`:                           "size: expected a number",
		`{"fill_color": 300, "resize_mode": "longest"}`: "fill_color: expected 0 to 255",
	} {
		if _, err := ParseOpenCLIP([]byte(config), 0, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with %q", config, err, want)
		}
	}
}

func TestApplyPanicsOnWrongDestination(t *testing.T) {
	defer func() {
		if _, ok := recover().(*SizeError); !ok {
			t.Error("no *SizeError")
		}
	}()
	(&Processor{}).Apply(make([]float32, 5), picture(2, 2, "noise"))
}

func TestOpenProcessor(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenProcessor(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: got %v, want fs.ErrNotExist", err)
	}
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("processor_config.json", `{"image_processor": {"crop_size": 30, "image_processor_type": "CLIPImageProcessor"}}`)
	p, err := OpenProcessor(dir)
	if err != nil || p.Fits(30, 30) != nil {
		t.Fatalf("got %+v, %v", p, err)
	}
	if err := p.Fits(30, 31); err == nil || err.Error() != "image: the processor makes pictures of 30x30, but the model takes 30x31" {
		t.Errorf("got %v", err)
	}
	write("preprocessor_config.json", `{"image_processor_type": "Nobody"}`) // it comes first
	if _, err := OpenProcessor(dir); err == nil || !strings.HasSuffix(err.Error(), ", in preprocessor_config.json") {
		t.Errorf("got %v", err)
	}
}

// TestReduce makes arrays of pictures and of what they are reduced to.
func TestReduce(t *testing.T) {
	for _, p := range []Processor{
		{},
		{Fit: FitExact, W: 24, H: 24, Filter: Bicubic},
		{Fit: FitShortest, W: 24, CropW: 24, CropH: 24, Filter: Bicubic, Rescale: 1 / 255.0},
		{Fit: FitShortest, W: 20, Longest: 24, Filter: Bilinear},
		{Fit: FitInside, W: 31, H: 20, Filter: Lanczos},
		{Fit: FitCover, W: 24, H: 24, CropW: 20, CropH: 20, Filter: Bicubic, Torchvision: true},
		{Fit: FitContain, W: 24, H: 24, CropW: 24, CropH: 24, Filter: Bicubic},
		{Fit: FitTiles, Tile: 8, Tiles: 6, Filter: Bicubic},
		{Fit: FitPatches, Tile: 8, Tiles: 6, Filter: Bilinear},
	} {
		for _, size := range [][2]int{{90, 61}, {37, 111}, {24, 24}, {10, 7}, {300, 5}} {
			img := picture(size[0], size[1], "photo")
			small := p.Reduce(img)
			w, h := p.SizeOf(img.W, img.H)
			if sw, sh := p.SizeOf(small.W, small.H); sw != w || sh != h {
				t.Errorf("%+v: %v: the array of the small picture is %d x %d, want %d x %d", p, size, sw, sh, w, h)
				continue
			}
			want, got := make([]float32, 3*w*h), make([]float32, 3*w*h)
			p.Apply(want, img)
			p.Apply(got, small)
			if !slices.Equal(got, want) {
				t.Errorf("%+v: %v: arrays differ", p, size)
			}
			if small.W*small.H > img.W*img.H {
				t.Errorf("%+v: %v: it became larger", p, size)
			}
		}
	}
}
