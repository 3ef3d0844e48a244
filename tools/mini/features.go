package main

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

const featureWidth = 1280

// views are the ways in which pictures are looked at: as they are, on white where they are transparent, and changed at random.
var views = []string{"plain", "wild0"}

// Eyes look at pictures and remember what they saw.
type eyes struct {
	dir       string
	processor *image.Processor
	embed     func(pixels *tensor.Tensor) *tensor.Tensor
	tower     *efficientnet.Bundle
	stores    map[string]*store
	natural   []float32 // the mean features of photos, as the norm's statistics tell it
}

// openEyes opens EfficientNet-Lite0 as its publisher's package has it, norms folded.
func openEyes(ctx context.Context, dir, real string) (*eyes, error) {
	files, err := filepath.Glob(filepath.Join(real, "efficientnet-lite0", "*.pth"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("%s has %d files .pth, want 1", filepath.Join(real, "efficientnet-lite0"), len(files))
	}
	b, err := efficientnet.Open(files[0])
	if err != nil {
		return nil, err
	}
	e := &eyes{dir: dir, processor: mini.Pictures(b.Tower), embed: b.Features, tower: b, stores: map[string]*store{}, natural: natural(b.Norm2)}
	b.Fold()
	for _, view := range views {
		s := &store{path: filepath.Join(dir, "learn", "features-"+view), width: featureWidth, part: 1024}
		s.compute = func(names []string) ([]float32, error) { return e.look(ctx, view, names) }
		if e.stores[view] = s; s.open() != nil {
			return nil, s.open()
		}
	}
	return e, nil
}

// name is what the features of a picture are kept by.
func (p *picture) name() string { return p.Path + "\t" + p.Hash }

// features are those of pictures in a view, [n, featureWidth].
func (e *eyes) features(view string, pictures []picture) ([]float32, error) {
	var names []string
	for i := range pictures {
		names = append(names, pictures[i].name())
	}
	s := e.stores[view]
	if err := s.need(names); err != nil {
		return nil, err
	}
	out := make([]float32, 0, len(names)*featureWidth)
	for _, n := range names {
		out = append(out, s.vectors[n]...)
	}
	return out, nil
}

// look computes features, pictures being read beside.
func (e *eyes) look(ctx context.Context, view string, names []string) ([]float32, error) {
	side, size := e.processor.W, 3*e.processor.W*e.processor.H
	out := make([]float32, 0, len(names)*featureWidth)
	p := tensor.NewPass(ctx, 0)
	const batch = 16
	pixels, errs := make([]float32, batch*size), make([]error, batch)
	for first := 0; first < len(names); first += batch {
		part := names[first:min(first+batch, len(names))]
		var wait sync.WaitGroup
		lanes := make(chan struct{}, runtime.GOMAXPROCS(0))
		for i, name := range part {
			lanes <- struct{}{}
			wait.Go(func() {
				defer func() { <-lanes }()
				path, _, _ := strings.Cut(name, "\t")
				img, err := see(filepath.Join(e.dir, path), view, side)
				if errs[i] = err; err == nil {
					e.processor.Apply(pixels[i*size:][:size], img)
				}
			})
		}
		wait.Wait()
		for i := range part {
			if errs[i] != nil {
				return nil, errs[i]
			}
		}
		p.Reset(ctx)
		out = append(out, e.embed(p.Input(pixels[:len(part)*size], len(part), 3, side, side)).Floats()...)
		if err := p.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// see reads a picture in a view.
func see(path, view string, side int) (*image.RGB, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := image.ReadCutout(bytes.NewReader(data), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if view == "plain" {
		return c.Over(white(c.Colour.W, c.Colour.H)), nil
	}
	h := fnv.New64a()
	h.Write([]byte(view))
	h.Write(data)
	return wild(rand.New(rand.NewPCG(h.Sum64(), 1)), c, side), nil
}

func white(w, h int) *image.RGB {
	m := image.NewRGB(w, h)
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	return m
}

// wild changes a picture: another ground under what is transparent and more of it around, a part of that, mirrored, other colours, or
// what is left of it as a drawing.
func wild(r *rand.Rand, c *image.Cutout, side int) *image.RGB {
	m := c.Colour
	if c.Alpha != nil {
		ground := white(m.W, m.H)
		if r.Float64() < 0.7 {
			ground = image.RandomGround(r, m.W, m.H)
		}
		m = margin(r, c.Over(ground), ground)
	}
	a := image.Augment{
		W: side, H: side, Area: [2]float64{0.55, 1}, Ratio: [2]float64{3. / 4, 4. / 3}, Filter: image.Bicubic,
		Flip: 0.5, Jitter: image.Jitter{Brightness: 0.3, Contrast: 0.4, Saturation: 0.7, Hue: 0.1}, Jitted: 0.8, Gray: 0.15,
	}
	m = a.Apply(r, m)
	switch u := r.Float64(); {
	case u < 0.12:
		posterize(m, 2+r.IntN(2))
	case u < 0.22:
		edges(m, 0.5+0.5*r.Float64())
	}
	return m
}

// margin puts more of the ground around a picture.
func margin(r *rand.Rand, m, ground *image.RGB) *image.RGB {
	n := int(float64(max(m.W, m.H)) * (1 + 0.5*r.Float64()))
	out := image.Resize(ground, n, n, image.Bilinear)
	x, y := r.IntN(n-m.W+1), r.IntN(n-m.H+1)
	for row := range m.H {
		copy(out.Pix[3*((y+row)*n+x):], m.Pix[3*row*m.W:][:3*m.W])
	}
	return out
}

// posterize leaves so many bits of every sample.
func posterize(m *image.RGB, bits int) {
	mask := uint8(0xff << (8 - bits))
	for i := range m.Pix {
		m.Pix[i] &= mask
	}
}

// edges blends a picture with a drawing of its edges, dark on white.
func edges(m *image.RGB, share float64) {
	gray := make([]int, m.W*m.H)
	for i := range gray {
		gray[i] = (int(m.Pix[3*i]) + 2*int(m.Pix[3*i+1]) + int(m.Pix[3*i+2])) / 4
	}
	for y := range m.H {
		for x := range m.W {
			i := y*m.W + x
			e := 0
			if x > 0 && x < m.W-1 && y > 0 && y < m.H-1 {
				e = abs(gray[i+1]-gray[i-1]) + abs(gray[i+m.W]-gray[i-m.W])
			}
			line := 255 - float64(min(255, 2*e))
			for c := range 3 {
				v := &m.Pix[3*i+c]
				*v = uint8((1-share)*float64(*v) + share*line + 0.5)
			}
		}
	}
}

func abs(x int) int { return max(x, -x) }

// natural is the mean features of what the tower was trained on, photos. The last norm makes each channel a normal distribution whose mean and
// deviation are its bias and gain; what ReLU6 leaves of it is averaged over the distribution's quantiles.
func natural(n *nn.BatchNorm) []float32 {
	const quantiles = 1000
	out := make([]float32, n.Bias.Len())
	for i, b := range n.Bias.Floats() {
		sum := 0.0
		for q := range quantiles {
			z := math.Sqrt2 * math.Erfinv(2*(float64(q)+0.5)/quantiles-1)
			sum += min(max(float64(b)+math.Abs(float64(n.Weight.Floats()[i]))*z, 0), 6)
		}
		out[i] = float32(sum / quantiles)
	}
	return out
}
