package kernel

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/chiasm/chiasm/internal/cpu"
	"github.com/chiasm/chiasm/internal/par"
)

// eachTierB runs bench once per tier with assembly.
func eachTierB(b *testing.B, bench func(b *testing.B)) {
	for _, tier := range Tiers() {
		if tier == cpu.Generic {
			continue
		}
		b.Run(tier.String(), func(b *testing.B) {
			defer Use(tier)()
			bench(b)
		})
	}
}

// eachFormatB runs bench once per tier with assembly and format.
func eachFormatB(b *testing.B, bench func(b *testing.B, f Format)) {
	eachTierB(b, func(b *testing.B) {
		for f := range formats {
			b.Run(f.String(), func(b *testing.B) { bench(b, f) })
		}
	})
}

// peakTask runs the register loop once per worker.
type peakTask struct {
	format Format
	steps  int
}

func (p peakTask) Run(int) { RegisterLoop(p.format, p.steps) }

// measure alternates work and the register loop on as many workers, some 0.4 ms each, and reports GFLOP/s and the fraction of the
// peak: the median of the ratios of neighbours, and the best time against the best peak. One worker is timed by its thread's clock.
func measure(b *testing.B, f Format, flops float64, workers int, work func()) {
	clock := func() time.Duration { return time.Duration(time.Now().UnixNano()) }
	if workers == 1 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		clock = threadTime
	}
	start := clock()
	work()
	once := clock() - start
	rounds := max(1, int(400*time.Microsecond/max(once, 1)))
	task := &peakTask{f, 50000}
	perStep := float64(RegisterLoop(f, 1))
	var ratios []float64
	fastest, bestPeak := math.Inf(1), 0.0
	for b.Loop() {
		start := clock()
		par.Do(task, workers, workers)
		peak := float64(workers*task.steps) * perStep / (clock() - start).Seconds()
		start = clock()
		for range rounds {
			work()
		}
		took := (clock() - start).Seconds() / float64(rounds)
		ratios = append(ratios, flops/took/peak)
		fastest, bestPeak = min(fastest, took), max(bestPeak, peak)
	}
	sort.Float64s(ratios)
	b.ReportMetric(flops/fastest/1e9, "GFLOP/s")
	b.ReportMetric(fastest*1e6, "best-µs")
	b.ReportMetric(bestPeak/1e9, "peakGFLOP/s")
	b.ReportMetric(ratios[len(ratios)/2], "ofpeak")
	b.ReportMetric(flops/fastest/bestPeak, "best")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkGemm is over the shapes of published towers. Many weights take turns, so that they come from the memory as in a model.
func BenchmarkGemm(b *testing.B) {
	shapes := []struct{ m, n, k int }{
		{50, 2304, 768}, {50, 768, 768}, {50, 3072, 768}, {50, 768, 3072}, // ViT-B/32, one image
		{10, 2048, 512}, {77, 1536, 512}, {77, 2048, 512}, {77, 512, 2048}, // text
		{257, 4096, 1024}, {257, 1024, 4096}, // ViT-L/14
		{800, 768, 768}, {800, 3072, 768}, {800, 768, 3072}, // 16 images
		{4096, 288, 96}, {4096, 96, 384}, {1024, 768, 192}, {640, 384, 1536}, // stages of Swin; 32 sentences
		{1, 2048, 512},
	}
	eachFormatB(b, func(b *testing.B, f Format) {
		for _, s := range shapes {
			weights := make([]*Packed, max(1, 100<<20/(f.size()*s.n*s.k)))
			row := random(seeded(2), s.n*s.k)
			for i := range weights {
				weights[i] = packedAs(f, s.n, s.k, row)
			}
			x, y := random(seeded(1), s.m*s.k), make([]float32, s.m*s.n)
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("%dx%dx%d/workers=%d", s.m, s.n, s.k, workers), func(b *testing.B) {
					g := &Gemm{C: y, LDC: s.n, A: x, LDA: s.k, M: s.m, W: []*Packed{weights[0]}}
					g.Buffer = make([]float32, g.Space())
					i := 0
					measure(b, f, 2*float64(s.m*s.n*s.k), workers, func() {
						g.W[0] = weights[i%len(weights)]
						i++
						c := (*Convert)(g)
						par.Do(c, c.Plan(workers), workers)
						par.Do(g, g.Plan(workers), workers)
					})
				})
			}
			for _, w := range weights {
				w.Release()
			}
		}
	})
}

func BenchmarkAttention(b *testing.B) {
	eachTierB(b, func(b *testing.B) {
		for _, s := range []struct {
			t, heads, batch int
			causal          bool
		}{{50, 12, 1, false}, {50, 12, 16, false}, {77, 8, 1, true}, {10, 8, 1, true}, {257, 16, 1, false}, {1500, 8, 1, false}} {
			c := attentionCase{heads: s.heads, d: 64, causal: s.causal}
			for range s.batch {
				c.tq = append(c.tq, s.t)
			}
			a := c.make(seeded(1))
			flops := 4 * 64 * float64(s.t*s.t*s.heads*s.batch)
			if s.causal {
				flops /= 2
			}
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("%dx%d,heads=%d,causal=%v/workers=%d", s.batch, s.t, s.heads, s.causal, workers), func(b *testing.B) {
					measure(b, F32, flops, workers, func() { par.Do(&a, a.Plan(workers), workers) })
				})
			}
		}
	})
}

// BenchmarkWindows is attention within the windows of a Swin transformer, without and with the bias of their places.
func BenchmarkWindows(b *testing.B) {
	eachTierB(b, func(b *testing.B) {
		for _, biases := range []int{0, 1, 64} {
			c := attentionCase{heads: 4, d: 24, tq: slices.Repeat([]int{64}, 256), biases: biases, snug: true}
			a := c.make(seeded(1))
			b.Run(fmt.Sprintf("256x64,heads=4,biases=%d", biases), func(b *testing.B) {
				measure(b, F32, 4*24*64*64*4*256, 1, func() { par.Do(&a, a.Plan(1), 1) })
			})
		}
	})
}

func BenchmarkRows(b *testing.B) {
	const rows, c = 50, 768
	x, y, one := random(seeded(1), rows*c), make([]float32, rows*c), make([]float32, c)
	raw := make([]byte, 2*len(x))
	each := func(f func(x, y []float32)) func() {
		return func() {
			for r := range rows {
				f(x[r*c:][:c], y[r*c:][:c])
			}
		}
	}
	cases := []struct {
		name string
		f    func()
	}{
		{"layernorm", func() { LayerNorm(y, x, one, one, c, 1e-5) }},
		{"softmax", func() { Softmax(y, x, c) }},
		{"gelu", func() { Activate(GELU, y, x) }},
		{"geluTanh", func() { Activate(GELUTanh, y, x) }},
		{"quickGelu", func() { Activate(QuickGELU, y, x) }},
		{"add", func() { Add(y, y, x) }},
		{"dot", func() { _ = Dot(x, y) }},
		{"normalize", func() { Normalize(y, x, c, 1e-12) }},
		{"f16", func() { FromF16(y, raw) }},
		{"bf16", func() { FromBF16(y, raw) }},
		{"toBF16", each(func(x, _ []float32) { toBF16(raw[:2*c], x) })},
		{"quantize", each(func(x, _ []float32) { quantize(raw[:c], x) })},
	}
	eachTierB(b, func(b *testing.B) {
		for _, s := range cases {
			b.Run(s.name, func(b *testing.B) { perValue(b, rows*c, s.f) })
		}
	})
}

// BenchmarkSetRows counts the bytes of float32 read, over weights that do not fit the caches.
func BenchmarkSetRows(b *testing.B) {
	const n, k, turns = 3072, 768, 8
	rows := random(seeded(1), turns*n*k)
	eachFormatB(b, func(b *testing.B, f Format) {
		w, i := NewPacked(n, k, f), 0
		perValue(b, n*k, func() {
			w.SetRows(0, rows[i%turns*n*k:][:n*k])
			i++
		})
	})
}

// perValue reports the processor time a value of f, which handles n of them: the best of all rounds.
func perValue(b *testing.B, n int, f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f()
	best := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := threadTime()
		f()
		best = min(best, threadTime()-start)
	}
	b.ReportMetric(float64(best.Nanoseconds())/float64(n), "ns/value")
	b.ReportMetric(4*float64(n)/float64(best.Nanoseconds()), "GB/s")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkProbes(b *testing.B) {
	x := make([]float32, 64<<20)
	for i := range x {
		x[i] = 1
	}
	eachTierB(b, func(b *testing.B) {
		var peak [formats]float64
		read := 0.0
		for b.Loop() {
			for f := range formats {
				peak[f] = max(peak[f], Peak(f))
			}
			read = max(read, ReadBandwidth(x))
		}
		for f := range formats {
			b.ReportMetric(peak[f]/1e9, f.String()+"-GFLOP/s")
		}
		b.ReportMetric(read/1e9, "GB/s")
	})
}

func TestProbes(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		for f := range formats {
			if p := Peak(f); p < 1e6 || p > 1e14 || math.IsInf(p, 0) {
				t.Errorf("%v: a peak of %v", f, p)
			}
		}
		if n := ReadLoop(make([]float32, 1000)); n != 4*896 {
			t.Errorf("read %d bytes", n)
		}
	})
}

// rowNorms is a layer norm in chunks of 16 rows.
type rowNorms struct {
	dst, x, gain []float32
	c            int
}

func (r *rowNorms) Run(i int) {
	from, to := i*16*r.c, min((i+1)*16*r.c, len(r.x))
	LayerNorm(r.dst[from:to], r.x[from:to], r.gain, r.gain, r.c, 1e-5)
}

// BenchmarkTower is the kernels of the CLIP ViT-B/32 image tower in their order, with weights of their own for each layer: 8.7 GFLOP
// an image.
func BenchmarkTower(b *testing.B) {
	const t, c, layers, heads = 50, 768, 12, 12
	eachTierB(b, func(b *testing.B) {
		type layer struct{ q, k, v, out, up, down *Packed }
		row := make([]float32, 4*c*c)
		for i := range row {
			row[i] = float32(i%17-8) / 256
		}
		net := make([]layer, layers)
		for i := range net {
			net[i] = layer{packed(c, c, row[:c*c]), packed(c, c, row[:c*c]), packed(c, c, row[:c*c]), packed(c, c, row[:c*c]), packed(4*c, c, row), packed(c, 4*c, row)}
		}
		patch := packed(c, 3*32*32, row)
		for _, batch := range []int{1, 16} {
			m := t * batch
			x, y, wide, att := random(seeded(1), m*4*c), make([]float32, m*c), make([]float32, m*4*c), make([]float32, m*c)
			gain := make([]float32, c)
			starts := []int32{0}
			for range batch {
				starts = append(starts, starts[len(starts)-1]+t)
			}
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("batch=%d/workers=%d", batch, workers), func(b *testing.B) {
					g, a, n := &Gemm{}, &Attention{}, &rowNorms{}
					gemm := func(dst, src []float32, k int, act Activation, res []float32, w ...*Packed) {
						cols := 0
						for _, p := range w {
							cols += p.N
						}
						*g = Gemm{C: dst, LDC: cols, A: src, LDA: k, M: m, W: append(g.W[:0], w...), Act: act, Residual: res, LDR: cols}
						par.Do(g, g.Plan(workers), workers)
					}
					norm := func() {
						*n = rowNorms{y, x[:m*c], gain, c}
						par.Do(n, (m+15)/16, workers)
					}
					flops := 0.0
					for _, l := range net {
						flops += 2 * float64(m) * float64(c) * float64(l.q.N+l.k.N+l.v.N+l.out.N+l.up.N+4*l.down.N)
						flops += 4 * float64(t*t*c*batch)
					}
					flops += 2 * float64(m) * 3072 * c
					measure(b, F32, flops, workers, func() {
						gemm(wide[:m*c], x, 3072, None, nil, patch)
						for _, l := range net {
							norm()
							gemm(wide, y, c, None, nil, l.q, l.k, l.v)
							*a = Attention{Q: wide, K: wide[c:], V: wide[2*c:], Out: att, LDQ: 3 * c, LDK: 3 * c, LDV: 3 * c, LDO: c, Heads: heads, D: 64, Starts: starts, Scale: 0.125}
							par.Do(a, a.Plan(workers), workers)
							gemm(x[:m*c], att, c, None, x[:m*c], l.out)
							norm()
							gemm(wide, y, c, QuickGELU, nil, l.up)
							gemm(x[:m*c], wide, 4*c, None, x[:m*c], l.down)
						}
					})
				})
			}
		}
	})
}
