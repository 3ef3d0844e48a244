package main

import (
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// A lesson is features that are to lie where names do.
type lesson struct {
	features []float32 // [n, featureWidth], of all views one after the other
	owner    []int     // of each row, which names are its
	names    [][]int   // by owner, rows of texts; the more frequent a text stands there, the more often it is taken
	keys     []uint64  // by owner: the concept
	weight   []float64 // by owner
	texts    []said
}

// shares are how often a name in a language is taken.
var shares = map[string]int{"en": 6, "zh": 4, "zh-hant": 1, "fr": 2, "de": 2, "es": 2, "ja": 2, "it": 1, "ko": 1, "pt": 1, "ru": 1}

const pseudoPhotos = 8000

// addNames makes an owner of names of a thing.
func (l *lesson) addNames(at map[said]int, names map[string][]string, tags []string, concept string, weight float64) int {
	var list []int
	add := func(s said, times int) {
		k, ok := at[s]
		if !ok {
			k, at[s] = len(l.texts), len(l.texts)
			l.texts = append(l.texts, s)
		}
		for range times {
			list = append(list, k)
		}
	}
	for _, language := range languages {
		of := names[language]
		if language == "en" {
			of = plain(of)
		}
		for _, n := range of[:min(3, len(of))] {
			add(said{n, language}, shares[language]*6/min(3, len(of)))
		}
	}
	for _, tag := range tags[:min(6, len(tags))] {
		add(said{tag, "en"}, 1)
	}
	h := fnv.New64a()
	h.Write([]byte(concept))
	l.names, l.keys, l.weight = append(l.names, list), append(l.keys, h.Sum64()), append(l.weight, weight)
	return len(l.names) - 1
}

// How the head learns, and how it goes on when there are more pictures.
var (
	headCourse = course{what: "head", steps: 900, rate: 1e-3, decay: 0.1, seed: 34}
	moreCourse = course{what: "head, more", steps: 600, rate: 5e-4, decay: 0.1, seed: 35}
)

// learnSight makes the part of the model that brings what EfficientNet sees into the space: classes [1000, dimension] are what the names of
// ImageNet's classes mean, and read tells what the names of pictures do.
func learnSight(ctx context.Context, c *mini.Config, e *eyes, classes []float32, read reader, corpus *corpus) (*mini.Sight, []float64, error) {
	sight := mini.NewSight(c, featureWidth)
	put(sight.Classes, transposed(classes, dimension))
	l, err := corpus.lesson(e)
	if err != nil {
		return nil, nil, err
	}
	sums := mean(l.features, featureWidth)
	dev := deviation(l.features, sums)
	for i := range dev {
		dev[i] = (dev[i] + 1e-3) * (dev[i] + 1e-3)
	}
	nn.Init(sight.Norm, 1)
	put(sight.Norm.Mean, sums)
	put(sight.Norm.Var, dev)
	nn.Init(sight.Head, 33)
	for _, l := range []*nn.Linear{sight.Head.Direct, sight.Head.Down} { // pictures have no doubt, and nothing teaches them any
		clear(l.Weight.Own()[meaning*l.Weight.Dim(1):])
		l.Bias.Own()[meaning] = 0
		l.Weight.Changed()
		l.Bias.Changed()
	}
	curve, err := l.learn(ctx, headCourse, sight, e, read)
	return sight, curve, err
}

// lesson is what the head learns from: all pictures that may teach, as they are, changed, and moved towards photos; and what photos might
// look like.
func (c *corpus) lesson(e *eyes) (*lesson, error) {
	pictures := c.learnt()
	l := &lesson{}
	at := map[said]int{}
	drawn := make([]int, len(pictures))
	for i, p := range pictures {
		l.addNames(at, p.Names, nil, p.Concept, p.weight())
		drawn[i] = i
	}
	for _, view := range views {
		f, err := e.features(view, pictures)
		if err != nil {
			return nil, err
		}
		l.features, l.owner = append(l.features, f...), append(l.owner, drawn...)
	}
	middle := mean(l.features, featureWidth)
	spread := covariance(l.features, middle)
	l.addShifted(e, pictures)
	l.addPseudo(at, e, c, middle, spread)
	return l, nil
}

// weight is how often a picture is met.
func (p *picture) weight() float64 {
	switch {
	case p.Source == "openclipart-png":
		return 2
	case p.Source == "streamline", p.Source == "fxemoji", p.Domain == "icon":
		return 1.5
	}
	return 1
}

// sourceMeans is the mean features of each source; features are of pictures, in one view after the other.
func sourceMeans(features []float32, pictures []picture) map[string][]float32 {
	bySource := map[string][]float32{}
	for i := range len(features) / featureWidth {
		source := pictures[i%len(pictures)].Source
		bySource[source] = append(bySource[source], features[i*featureWidth:][:featureWidth]...)
	}
	for source, f := range bySource {
		bySource[source] = mean(f, featureWidth)
	}
	return bySource
}

// addShifted adds each row again, moved some way from the mean of its source's drawings to that of photos.
func (l *lesson) addShifted(e *eyes, pictures []picture) {
	r := rand.New(rand.NewPCG(31, 1))
	n := len(l.owner)
	middles := sourceMeans(l.features, pictures)
	for i := range n {
		middle, by := middles[pictures[l.owner[i]].Source], 0.3+0.8*r.Float32()
		row := slices.Clone(l.features[i*featureWidth:][:featureWidth])
		for k := range row {
			row[k] = max(0, row[k]+by*(e.natural[k]-middle[k]))
		}
		l.features, l.owner = append(l.features, row...), append(l.owner, l.owner[i])
	}
}

// addPseudo adds what photos of ImageNet's classes might look like: the mean of photos, some way in the direction in which the class's
// logit grows (its weights times the covariance of features), and what else a real picture shows.
func (l *lesson) addPseudo(at map[said]int, e *eyes, corpus *corpus, middle []float32, spread []float64) {
	r := rand.New(rand.NewPCG(32, 1))
	w := e.tower.Class.Weight.Floats()
	common := mean(w, featureWidth)
	directions := make([]float32, 0, len(w))
	row := make([]float64, featureWidth)
	for k := range corpus.classes {
		for i := range row {
			row[i] = float64(w[k*featureWidth+i] - common[i])
		}
		for _, v := range product(spread, row) {
			directions = append(directions, float32(v))
		}
	}
	unit(directions, featureWidth)
	real := len(l.owner) / 2 // the rows that are not shifted
	radius := 0.0
	for i := range real {
		sum := 0.0
		for k, v := range l.features[i*featureWidth:][:featureWidth] {
			sum += float64(v-middle[k]) * float64(v-middle[k])
		}
		radius += math.Sqrt(sum) / float64(real)
	}
	owners := make([]int, len(corpus.classes))
	total := 0.0
	for _, v := range l.weight {
		total += v
	}
	for k, t := range corpus.classes {
		// A pseudo photo is met half as often as a picture, all views of both together.
		owners[k] = l.addNames(at, t.Names, nil, t.Concept, 0.5*total/float64(len(corpus.classes)))
	}
	for range pseudoPhotos {
		k, of := r.IntN(len(owners)), r.IntN(real)
		along, rest := float32(1.5*radius*(0.4+0.8*r.Float64())), 0.2+0.6*r.Float32()
		x := make([]float32, featureWidth)
		for i := range x {
			x[i] = max(0, e.natural[i]+along*directions[k*featureWidth+i]+rest*(l.features[of*featureWidth+i]-middle[i]))
		}
		l.features, l.owner = append(l.features, x...), append(l.owner, owners[k])
	}
}

// learn teaches the head, what the classes say staying as it is. It learns at whatever length it takes, though it is used at one: so it learns
// to tell things by itself, and the two together find more in styles that it never saw.
func (l *lesson) learn(ctx context.Context, c course, sight *mini.Sight, e *eyes, read reader) ([]float64, error) {
	texts, err := read(ctx, l.texts)
	if err != nil {
		return nil, err
	}
	base, err := apply(ctx, l.features, featureWidth, func(x *tensor.Tensor) *tensor.Tensor { return sight.Base(e.tower.Logits(x)) })
	if err != nil {
		return nil, err
	}
	normed, err := apply(ctx, l.features, featureWidth, func(x *tensor.Tensor) *tensor.Tensor { return sight.Norm.Forward(x, tensor.None) })
	if err != nil {
		return nil, err
	}
	rows := make([][]int, len(l.names)) // by owner
	for i, o := range l.owner {
		rows[o] = append(rows[o], i)
	}
	sum, until := 0.0, make([]float64, len(l.names))
	for o := range rows {
		if len(rows[o]) > 0 && len(l.names[o]) > 0 {
			sum += l.weight[o]
		}
		until[o] = sum
	}
	contrast := &train.Contrast{LogScale: newScale(3)}
	model := &struct {
		Head  *mini.Head     `weight:"head"`
		Scale *tensor.Tensor `weight:"scale"`
	}{sight.Head, contrast.LogScale}
	const batch = 512
	in, under, out, keys := make([]float32, batch*featureWidth), make([]float32, batch*dimension), make([]float32, batch*dimension), make([]uint64, batch)
	c.contrast, c.groups = contrast, []train.Group{{Pattern: "scale", Rate: 10, Decay: train.DecayNever}}
	return learn(ctx, c, model, func(p *tensor.Pass, into *tensor.Gradients, r *rand.Rand) (float64, error) {
		for i := range batch {
			o, _ := slices.BinarySearch(until, r.Float64()*sum)
			row, text := rows[o][r.IntN(len(rows[o]))], l.names[o][r.IntN(len(l.names[o]))]
			copy(in[i*featureWidth:], normed[row*featureWidth:][:featureWidth])
			copy(under[i*dimension:], base[row*dimension:][:dimension])
			copy(out[i*dimension:], texts[text*dimension:][:dimension])
			keys[i] = l.keys[o]
		}
		x := sight.Head.Forward(p.Input(in, batch, featureWidth), 0.3).Add(p.Input(under, batch, dimension)).Normalize(1e-12)
		return contrast.Learn(train.Batch{{X: x, Keys: keys}, {X: p.Input(out, batch, dimension), Keys: keys}}, 1, into)
	})
}

// put gives a parameter values.
func put(t *tensor.Tensor, values []float32) {
	t.Store(tensor.F32, tensor.EntryOf("", values).Data, nil)
}

// transposed is the columns of rows of length d, one after the other.
func transposed(values []float32, d int) []float32 {
	n := len(values) / d
	out := make([]float32, len(values))
	for i, v := range values {
		out[i%d*n+i/d] = v
	}
	return out
}
