package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/weights"
)

// A pronouncer makes the key of a word from its pronunciation: the mean of what is learnt for each run of one to three phonemes, which
// fall into a table by their hash (as fastText does with letters, Bojanowski et al. 2017).
type pronouncer struct {
	Parts *tensor.Tensor `weight:"parts"` // [partRows, C]
	Key   *nn.Linear     `weight:"key"`
}

const partRows = 1 << 13

func newPronouncer(key int) *pronouncer {
	return &pronouncer{Parts: tensor.Param(partRows, key), Key: nn.NewLinear(key, key, false)}
}

var unstressed = strings.NewReplacer("'", "", ",", "", "_", "")

// runs appends the rows of a pronunciation's runs.
func runs(rows []int32, s string) []int32 {
	x := []rune("<" + unstressed.Replace(s) + ">")
	for n := 1; n <= 3; n++ {
		for i := 0; i+n <= len(x); i++ {
			if n == 1 && (i == 0 || i == len(x)-1) {
				continue
			}
			h := uint32(2166136261)
			for _, c := range x[i : i+n] {
				h = (h ^ uint32(c)) * 16777619
			}
			rows = append(rows, int32((h^h>>15)%partRows))
		}
	}
	return rows
}

func (t *pronouncer) keys(p *tensor.Pass, words []string) *tensor.Tensor {
	seq := p.Spans(len(words), 0)
	var rows []int32
	for i, w := range words {
		rows = runs(rows, w)
		seq[i+1] = int32(len(rows))
	}
	x := p.Ints(rows, len(rows)).Lookup(t.Parts).MeanRows(seq, 0).Normalize(1e-12)
	return t.Key.Forward(x).Normalize(1e-12)
}

type both struct {
	Ear        *mini.Ear      `weight:"sound"`
	Pronouncer *pronouncer    `weight:"pronouncer"`
	Aligner    *aligner       `weight:"aligner"`
	Scale      *tensor.Tensor `weight:"logit_scale"`
}

// A variation varies the clips of a batch.
type variation struct {
	clips []clip
	out   [][]float32
	step  int
}

func (v *variation) Run(i int) {
	v.out[i] = vary(v.out[i][:0], v.clips[i].x, rand.New(rand.NewPCG(uint64(v.step), uint64(i))))
}

func num(name string, d float64) float64 {
	if s := os.Getenv(name); s != "" {
		d, _ = strconv.ParseFloat(s, 64)
	}
	return d
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	syscall.Getrusage(0, &u)
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6
}

func learn(dir string) error {
	words, err := loadWords(dir)
	if err != nil {
		return err
	}
	var clips, notes []clip
	for _, name := range strings.Split(os.Getenv("VOICES"), ",") {
		list, err := loadClips(dir, name)
		if err != nil {
			return err
		}
		for _, c := range list {
			switch w := words[c.word]; {
			case w.language == "":
				notes = append(notes, c)
			case !w.test:
				clips = append(clips, c)
			}
		}
	}
	test, err := loadClips(dir, testVoice)
	if err != nil {
		return err
	}
	played, err := loadClips(dir, testFont)
	if err != nil {
		return err
	}
	width, layers := int(num("WIDTH", 96)), int(num("LAYERS", 4))
	m := &both{mini.NewEar(mini.EarConfig{Width: width, Layers: layers, Heads: width / 24, Hidden: 4 * width, Key: 128}), newPronouncer(128), newAligner(width), tensor.Param()}
	nn.Init(m, 1)
	clear(m.Pronouncer.Key.Weight.Own())
	for i := range 128 {
		m.Pronouncer.Key.Weight.Own()[i*129] = 1
	}
	m.Pronouncer.Key.Weight.Changed()
	m.Scale.Own()[0] = float32(math.Log(num("SCALE", 15)))
	m.Scale.Changed()
	if path := os.Getenv("INIT"); path != "" {
		f, err := weights.Open(path)
		if err != nil {
			return err
		}
		var entries []tensor.Entry
		for _, name := range f.Names() {
			e, _ := f.Get(name)
			if v := e.Floats(); name == "sound.patch.weight" && len(v) == 96*512 {
				var w []float32
				for c := range 96 {
					w = append(w, v[c*512:][:512]...)
					for b := range 64 {
						sum := float32(0)
						for f := range 8 {
							sum += v[c*512+f*64+b]
						}
						w = append(w, sum*0.1)
					}
				}
				e = tensor.EntryOf(name, w, 96, 576)
			}
			entries = append(entries, e)
		}
		if err := nn.Bind(m, entries, nil); err != nil {
			return err
		}
	}
	steps, size := int(num("STEPS", 1000)), int(num("BATCH", 256))
	g := tensor.NewGradients(nn.Params(m))
	contrast := &train.Contrast{LogScale: m.Scale}
	opt := (&train.AdamW{Clip: 1, Decay: 0.05, Workers: 2}).Minimize(g)
	sched := train.Schedule{Rate: num("RATE", 2e-3), Warmup: 40, Steps: steps}
	ctx := context.Background()
	p := tensor.NewPass(ctx, 2).Record(g)
	r := rand.New(rand.NewPCG(5, 6))
	var order, noteOrder []int
	v := &variation{out: make([][]float32, size)}
	mean, near := 0.0, 0.0
	fmt.Println(len(clips), "clips", nn.Count(m.Ear), "values")
	if path := os.Getenv("PROFILE"); path != "" {
		f, _ := os.Create(path)
		pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	for step := range steps {
		v.clips, v.step = v.clips[:0], step
		seen := map[string]bool{}
		var said []string
		draw := func(list []clip, order *[]int, until int) {
			for len(v.clips) < until {
				if len(*order) == 0 {
					*order = r.Perm(len(list))
				}
				c := list[(*order)[0]]
				*order = (*order)[1:]
				if s := words[c.word].sounds; !seen[s] {
					seen[s] = true
					said = append(said, s)
					v.clips = append(v.clips, c)
				}
			}
		}
		if len(notes) > 0 {
			draw(notes, &noteOrder, size/6)
		}
		draw(clips, &order, size)
		par.Do(v, size, 2)
		p.Reset(ctx)
		x, seq := m.Ear.Patches(p, v.out)
		a, b := m.Ear.Pool(x, seq), m.Pronouncer.keys(p, said)
		rough := m.Aligner.learn(x, seq, said, num("ALIGN", 1)*max(0.1, 1-float64(step)/num("ALIGNED", 1000)))
		loss, err := contrast.Learn(train.Batch{{X: a}, {X: b}}, 1, g)
		if err != nil {
			return err
		}
		p.Backward()
		if _, err := opt.Step(sched.At(step)); err != nil {
			return err
		}
		contrast.Clamp()
		mean += (loss - mean) / float64(min(step+1, 50))
		near += (rough - near) / float64(min(step+1, 50))
		if (step+1)%50 == 0 {
			fmt.Printf("step %d loss %.3f align %.3f scale %.1f cpu %.0f s\n", step+1, mean, near, math.Exp(float64(m.Scale.Floats()[0])), cpuSeconds())
		}
		if (step+1)%int(num("EVERY", 500)) == 0 || step+1 == steps {
			evaluate(m, words, test, played)
			if err := weights.Save(filepath.Join(dir, os.Getenv("NAME")+".safetensors"), nn.Entries(m), nil); err != nil {
				return err
			}
		}
	}
	return weights.Save(filepath.Join(dir, os.Getenv("NAME")+".safetensors"), nn.Entries(m), nil)
}

// evaluate ranks, for the clips of a voice, the word among 600 and among all.
func evaluate(m *both, words []word, test, played []clip) {
	ctx := context.Background()
	keys := make([][]float32, len(words))
	p := tensor.NewPass(ctx, 0)
	for i := 0; i < len(words); i += 500 {
		p.Reset(ctx)
		var said []string
		for _, w := range words[i:min(i+500, len(words))] {
			said = append(said, w.sounds)
		}
		y := m.Pronouncer.keys(p, said)
		for j := range said {
			keys[i+j] = slices.Clone(y.Floats()[j*128:][:128])
		}
	}
	test = test[:min(600, len(test))]
	var hits [2][4]int // trained, untrained: count, top 1, top 5 of 600; top 1 of all
	for i := 0; i < len(test); i += 100 {
		p.Reset(ctx)
		var x [][]float32
		part := test[i:min(i+100, len(test))]
		for _, c := range part {
			x = append(x, plainly(nil, c.x))
		}
		y := m.Ear.Keys(p, x)
		for j, c := range part {
			k := y.Floats()[j*128:][:128]
			own := kernel.Dot(k, keys[c.word])
			rank, all := 0, 0
			for _, o := range test {
				if kernel.Dot(k, keys[o.word]) > own {
					rank++
				}
			}
			for _, o := range keys {
				if kernel.Dot(k, o) > own {
					all++
				}
			}
			h := &hits[0]
			if words[c.word].test {
				h = &hits[1]
			}
			h[0]++
			if rank == 0 {
				h[1]++
			}
			if rank < 5 {
				h[2]++
			}
			if all == 0 {
				h[3]++
			}
		}
	}
	right, near, names := 0, 0, 0
	for i := 0; i < len(played); i += 100 {
		p.Reset(ctx)
		var x [][]float32
		part := played[i:min(i+100, len(played))]
		for _, c := range part {
			x = append(x, plainly(nil, c.x))
		}
		y := m.Ear.Keys(p, x)
		for j, c := range part {
			k := y.Floats()[j*128:][:128]
			own, rank := kernel.Dot(k, keys[c.word]), 0
			names = 0
			for id, w := range words {
				if w.language == "" {
					names++
					if kernel.Dot(k, keys[id]) > own {
						rank++
					}
				}
			}
			if rank == 0 {
				right++
			}
			if rank < 5 {
				near++
			}
		}
	}
	fmt.Printf("  notes: %d, top-1 %.1f, top-5 %.1f of %d\n", len(played), 100*float64(right)/float64(len(played)), 100*float64(near)/float64(len(played)), names)
	for i, name := range []string{"trained", "untrained"} {
		h := hits[i]
		n := float64(h[0]) / 100
		fmt.Printf("  %s: %d words, R@1 %.1f R@5 %.1f of %d; R@1 %.1f of %d\n", name, h[0], float64(h[1])/n, float64(h[2])/n, len(test), float64(h[3])/n, len(words))
	}
}
