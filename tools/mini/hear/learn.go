package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/chiasm/chiasm/internal/par"
	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/weights"
)

// A learner is what is trained: the ear that ships, and what teaches it.
type learner struct {
	Ear        *mini.Ear      `weight:"ear"`
	Pronouncer *pronouncer    `weight:"pronouncer"`
	Aligner    *aligner       `weight:"aligner"`
	Scale      *tensor.Tensor `weight:"logit_scale"`
}

// The shape of the ear, and the course of its training.
const (
	width, key = 96, 128

	batch      = 128
	noteShare  = 20   // of them notes
	rate       = 2e-3 // at its highest
	startScale = 15.0
	aligned    = 0.3   // of the steps the aligner takes to fade to a fifth
	keep       = 0.998 // of the average of the weights, a step
	seed       = 1
)

var shape = mini.EarConfig{Width: width, Layers: 4, Heads: 4, Hidden: 4 * width, Key: key}

func newLearner() *learner {
	l := &learner{
		Ear:        mini.NewEar(shape),
		Pronouncer: newPronouncer(key), Aligner: newAligner(width), Scale: tensor.Param(),
	}
	nn.Init(l, seed)
	l.Pronouncer.start(seed + 1)
	l.Scale.Own()[0] = float32(math.Log(startScale))
	l.Scale.Changed()
	return l
}

// load takes the values of a file that save wrote.
func (l *learner) load(path string) error {
	set, err := weights.Open(path)
	if err != nil {
		return err
	}
	var entries []tensor.Entry
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		entries = append(entries, e)
	}
	return nn.Bind(l, entries, set.Forget)
}

func (l *learner) save(path string) error { return weights.Save(path, nn.Entries(l), nil) }

// A material is what is learnt from.
type material struct {
	words         []word
	speech, notes *deck
}

// A deck is clips in a random order, again and again in another one.
type deck struct {
	clips []clip
	order []int
	r     *rand.Rand
}

func (d *deck) draw() clip {
	if len(d.order) == 0 {
		d.order = d.r.Perm(len(d.clips))
	}
	c := d.clips[d.order[0]]
	d.order = d.order[1:]
	return c
}

// gather reads all clips that may be learnt from. Voices of human recordings, which are few, count several times.
func gather(dir string, words []word, list []*cast) (*material, error) {
	m := &material{words: words, speech: &deck{r: random(seed, 5)}, notes: &deck{r: random(seed, 6)}}
	for _, c := range list {
		if c.test {
			continue
		}
		clips, err := loadClips(dir, c.name)
		if err != nil {
			return nil, err
		}
		for _, x := range clips {
			switch w := words[x.word]; {
			case w.language == "":
				m.notes.clips = append(m.notes.clips, x)
			case !w.test:
				for range max(c.times, 1) {
					m.speech.clips = append(m.speech.clips, x)
				}
			}
		}
	}
	return m, nil
}

// draw gives a batch in which no two sounds are to be told apart that have one pronunciation.
func (m *material) draw() (clips []clip, sounds []string) {
	seen := map[string]bool{}
	for len(clips) < batch {
		d := m.speech
		if len(clips) < noteShare {
			d = m.notes
		}
		c := d.draw()
		if s := m.words[c.word].sounds; !seen[s] {
			seen[s] = true
			clips, sounds = append(clips, c), append(sounds, s)
		}
	}
	return clips, sounds
}

// A variation varies the clips of a batch.
type variation struct {
	clips   []clip
	spectra [][]float32
	step    int
}

// Run varies clip i, in a way that depends on the step and on i alone.
func (v *variation) Run(i int) {
	v.spectra[i] = vary(v.spectra[i][:0], v.clips[i].x, random(uint64(v.step), uint64(i)))
}

// learn trains for some steps, and leaves the average of the weights of the last ones. Now and then it saves it at path.
func (l *learner) learn(ctx context.Context, m *material, steps int, path string) error {
	g := tensor.NewGradients(nn.Params(l))
	contrast := &train.Contrast{LogScale: l.Scale}
	optimiser := (&train.AdamW{Clip: 1, Decay: 0.05}).Minimize(g)
	average := train.NewAverage(g, keep)
	schedule := train.Schedule{Rate: rate, Warmup: min(40, steps/4), Steps: steps}
	p := tensor.NewPass(ctx, 0).Record(g)
	v := &variation{spectra: make([][]float32, batch)}
	began := time.Now()
	var sums [2]float64
	for step := range steps {
		var sounds []string
		v.clips, sounds = m.draw()
		v.step = step
		par.Do(v, batch, 0)
		p.Reset(ctx)
		x, seq := l.Ear.Patches(p, v.spectra)
		guide := max(0.2, 1-float64(step)/(aligned*float64(steps)))
		rough := l.Aligner.learn(x, seq, sounds, guide)
		loss, err := contrast.Learn(train.Batch{{X: l.Ear.Pool(x, seq)}, {X: l.Pronouncer.keys(p, sounds)}}, 1, g)
		if err != nil {
			return err
		}
		p.Backward()
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := optimiser.Step(schedule.At(step)); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		contrast.Clamp()
		average.Update()
		if (step+1)%500 == 0 || step+1 == steps {
			average.Swap()
			if err := l.save(path); err != nil {
				return err
			}
			average.Swap()
		}
		sums[0], sums[1] = sums[0]+loss, sums[1]+rough/guide
		if (step+1)%50 == 0 {
			left := time.Since(began) / time.Duration(step+1) * time.Duration(steps-step-1)
			fmt.Fprintf(os.Stderr, "hear: step %d of %d, loss %.3f, phonemes %.3f, scale %.1f, %s left\n", step+1, steps, sums[0]/50, sums[1]/50, math.Exp(float64(l.Scale.Floats()[0])), left.Round(time.Second))
			sums = [2]float64{}
		}
	}
	average.Swap()
	return nil
}

// earFile is where the trained learner is kept.
func earFile(dir string) string { return filepath.Join(dir, "ear.safetensors") }
