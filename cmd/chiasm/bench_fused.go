package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"math"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
)

// A fusedTrial is a decision by a picture and a second of sound, one after the other, and where its time goes.
type fusedTrial struct {
	Fused     string       `json:"fused"` // the method
	Model     string       `json:"model"`
	Precision string       `json:"precision"`
	Path      string       `json:"path"`
	Threads   int          `json:"threads"`
	Runs      int          `json:"runs"`
	Stages    []fusedStage `json:"stages"`
	Total     fusedStage   `json:"total"`
}

// A fusedStage is a part of a decision.
type fusedStage struct {
	Name   string  `json:"name"`
	P50    float64 `json:"ms_p50"`
	P99    float64 `json:"ms_p99"`
	Share  float64 `json:"share"`  // of the mean time of a decision
	Allocs float64 `json:"allocs"` // of memory, in a decision; objects
	Bytes  float64 `json:"bytes"`  // of these
}

const benchClasses = 10

// fusedBench is what a decision needs: files as they lie on disk, an encoder, a fusion. What it is taught does not matter to its speed.
type fusedBench struct {
	model        *chiasm.Model
	decision     *fusion.Decision
	photo, noise []byte
	pixels       []float32
	spectrum     mini.Spectrum
	decoder      image.Decoder
	picture      *image.RGB
	file         bytes.Reader
	reader       audio.Reader
	sound        chiasm.Sound
	seen, heard  chiasm.Embedding
	vectors      [2][]float32
}

func newFusedBench(m *chiasm.Model, threads int) (*fusedBench, error) {
	b := &fusedBench{model: m}
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, 640, 480))
	for i := range 640 * 480 {
		x, y := float64(i%640), float64(i/640)
		img.SetNRGBA(i%640, i/640, color.NRGBA{uint8(128 + 100*math.Sin(x/40+y/90)), uint8(128 + 90*math.Sin(x*y/9000)), uint8(y / 2), 255})
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: 90}); err != nil {
		return nil, err
	}
	b.photo = file.Bytes()
	rate, _ := m.Hears()
	b.noise = hum(rate)
	w, h := m.Processor().Size()
	b.pixels = make([]float32, 3*w*h)
	width := m.Space().Dimension
	f, err := fusion.New(fusion.Config{
		Method: fusion.Late, Task: fusion.Task{Kind: fusion.Single, Outputs: benchClasses},
		Modalities: []fusion.Modality{{Name: "picture", Width: width, Tokens: 1}, {Name: "sound", Width: width, Tokens: 1}},
	})
	if err != nil {
		return nil, err
	}
	nn.Init(f, 1)
	f.Rule = fusion.Product
	b.decision = f.Decide(threads)
	return b, nil
}

// hum is a WAV file of a second.
func hum(rate int) []byte {
	var b bytes.Buffer
	b.WriteString("RIFF")
	put := func(values ...any) {
		for _, v := range values {
			binary.Write(&b, binary.LittleEndian, v)
		}
	}
	put(uint32(36 + 2*rate))
	b.WriteString("WAVEfmt ")
	put(uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2*rate), uint16(2), uint16(16))
	b.WriteString("data")
	put(uint32(2 * rate))
	for i := range rate {
		put(int16(9000*math.Sin(float64(i)/9) + 4000*math.Sin(float64(i*i)/3e6)))
	}
	return b.Bytes()
}

// stages are the parts of a decision in their order. Features of pictures and sounds are made within embed too: their own stages are measured
// apart and taken off it.
func (b *fusedBench) stages(ctx context.Context) []struct {
	name string
	do   func() error
} {
	options := b.model.Processor().Options()
	type stage = struct {
		name string
		do   func() error
	}
	return []stage{
		{"picture: decode", func() (err error) { b.picture, err = b.decoder.Decode(b.photo, &options); return err }},
		{"picture: features", func() error { b.model.Processor().Apply(b.pixels, b.picture); return nil }},
		{"picture: embed", func() error {
			err := b.model.EmbedImageInto(ctx, &b.seen, b.picture)
			b.vectors[0] = b.seen.Values
			return err
		}},
		{"sound: decode", func() error {
			b.file.Reset(b.noise)
			if err := b.reader.Reset(ctx, &b.file); err != nil {
				return err
			}
			return b.model.HearInto(&b.sound, &b.reader)
		}},
		{"sound: features", func() error { b.spectrum.Hear(b.sound.Samples); return nil }},
		{"sound: embed", func() error {
			err := b.model.EmbedAudioInto(ctx, &b.heard, b.sound)
			b.vectors[1] = b.heard.Values
			return err
		}},
		{"fuse", func() error { _, err := b.decision.All(ctx, b.vectors[:]); return err }},
	}
}

// features are the stages whose work embed, which follows them, does again.
func features(i int) bool { return i == 1 || i == 4 }

// measure makes decisions for some seconds.
func (b *fusedBench) measure(ctx context.Context, seconds float64) (t fusedTrial, err error) {
	stages := b.stages(ctx)
	times := make([][]float64, len(stages)+1)
	one := func() ([]float64, error) {
		row := make([]float64, len(stages)+1)
		for i, s := range stages {
			start := time.Now()
			if err := s.do(); err != nil {
				return nil, err
			}
			row[i] = time.Since(start).Seconds() * 1e3
			if i > 0 && features(i-1) {
				row[i] = max(0, row[i]-row[i-1])
			}
			row[len(stages)] += row[i]
		}
		return row, ctx.Err()
	}
	const warm, least = 5, 20
	for n, begin := 0, time.Now(); n < warm+least || time.Since(begin).Seconds() < seconds; n++ {
		row, err := one()
		if err != nil {
			return t, err
		}
		for i, v := range row {
			if n >= warm {
				times[i] = append(times[i], v)
			}
		}
	}
	t.Runs = len(times[0])
	for i := range times {
		s := &t.Total
		if i < len(stages) {
			t.Stages = append(t.Stages, fusedStage{Name: stages[i].name})
			s = &t.Stages[i]
			if s.Allocs, s.Bytes, err = allocations(stages[i].do); err != nil {
				return t, err
			}
			if i > 0 && features(i-1) {
				s.Allocs, s.Bytes = max(0, s.Allocs-t.Stages[i-1].Allocs), max(0, s.Bytes-t.Stages[i-1].Bytes)
			}
			t.Total.Allocs, t.Total.Bytes = t.Total.Allocs+s.Allocs, t.Total.Bytes+s.Bytes
		}
		s.Share = mean(times[i]) / mean(times[len(stages)])
		slices.Sort(times[i])
		s.P50, s.P99 = metric.Percentile(times[i], 0.5), metric.Percentile(times[i], 0.99)
	}
	t.Total.Name = "decision"
	return t, nil
}

func mean(x []float64) (sum float64) {
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}

// allocations is how many objects and bytes of memory a stage takes each time: the least of some rounds, since a thread that comes to another
// core makes anew what its pools have there.
func allocations(do func() error) (objects, size float64, err error) {
	const rounds, n = 10, 5
	var before, after runtime.MemStats
	for round := range rounds {
		runtime.ReadMemStats(&before)
		for range n {
			if err := do(); err != nil {
				return 0, 0, err
			}
		}
		runtime.ReadMemStats(&after)
		if took := float64((after.Mallocs - before.Mallocs) / n); round == 0 || took < objects {
			objects, size = took, float64((after.TotalAlloc-before.TotalAlloc)/n)
		}
		if objects == 0 {
			break
		}
	}
	return objects, size, nil
}

// benchFused times decisions by the model inside the program, at each precision.
func (a *app) benchFused(ctx context.Context, f *benchFlags, formats []tensor.Format) error {
	all, err := trials(a, f, formats, func(format tensor.Format) (fusedTrial, error) { return a.tryFused(ctx, f, format) })
	if err != nil || f.json {
		return err
	}
	t := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "late fusion of a picture and a second of sound\tprecision\tms p50\tms p99\tshare\tallocations\tkB")
	for _, r := range all {
		for _, s := range append(r.Stages, r.Total) {
			fmt.Fprintf(t, "%s\t%s\t%.3f\t%.3f\t%.1f %%\t%.0f\t%.1f\n", s.Name, r.Precision, s.P50, s.P99, 100*s.Share, s.Allocs, s.Bytes/1e3)
		}
	}
	return t.Flush()
}

func (a *app) tryFused(ctx context.Context, f *benchFlags, format tensor.Format) (fusedTrial, error) {
	m, err := a.open(ctx, &modelFlags{name: chiasm.Shipped, precision: format.String(), threads: f.threads, truncate: "end"})
	if err != nil {
		return fusedTrial{}, err
	}
	defer m.Close()
	b, err := newFusedBench(m, f.threads)
	if err != nil {
		return fusedTrial{}, err
	}
	t, err := b.measure(ctx, f.seconds)
	t.Fused, t.Model, t.Precision, t.Path, t.Threads = "late/product", chiasm.Shipped, format.String(), kernel.Path(format).String(), f.threads
	return t, err
}
