package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/weights"
)

const (
	askedOf    = 20    // of so many rare names one is not learnt, to see what becomes of names that nobody taught
	wideSteps  = 2000  // of the widening
	wide       = 0.5   // how far the weights go towards what was learnt; 0.7 and 1 were tried too
	pairsKnown = 20000 // two known texts as one
)

// A reading is texts and what they are to mean, [n, meaning].
type reading struct {
	texts   []said
	targets []float32
}

func (l *reading) target(i int) []float32 { return l.targets[i*meaning:][:meaning] }

// widen teaches the tower of texts in the folder out the rarer names of things, and that nonsense means nothing. What it knew it is to go on
// saying: it is its own teacher. A rare name is to mean half what the tower says of its pieces and half what a layer makes of MiniLM's vector,
// which has learnt that from the English that the tower knows.
func widen(ctx context.Context, c *corpus, t *teacher, u pupil, out string) ([]float64, error) {
	b, err := mini.Open(out)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	ear, err := heard(out)
	if err != nil {
		return nil, err
	}
	known := slices.Concat(u.names, u.other, ear)
	rare, asked := c.rare(known)
	say("%d known texts, %d rare names, %d more that are only asked", len(known), len(rare), len(asked))
	var english []said
	for _, s := range known {
		if s.language == "en" {
			english = append(english, s)
		}
	}
	if err := t.needEnglish(slices.Concat(english, rare, asked)); err != nil {
		return nil, err
	}
	l := &widening{tower: b.Text, tokenizer: b.Tokenizer, steps: wideSteps}
	l.apart, err = partsOf(filepath.Join(out, mini.TokenizerFile))
	if err != nil {
		return nil, err
	}
	bridge, err := l.learnBridge(ctx, course{what: "bridge from MiniLM", steps: 1500, rate: 2e-3, decay: 0.05, seed: 53}, t.ofMiniLM(english), english)
	if err != nil {
		return nil, err
	}
	if l.known, err = l.same(ctx, known); err != nil {
		return nil, err
	}
	if l.pairs, err = l.same(ctx, pairs(known)); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		into *reading
		of   []said
	}{{&l.rare, rare}, {&l.asked, asked}} {
		if *part.into, err = l.half(ctx, t, bridge, part.of); err != nil {
			return nil, err
		}
	}
	if err := l.report(ctx, "before"); err != nil {
		return nil, err
	}
	before := valuesOf(l.tower)
	curve, err := l.learn(ctx, len(u.names), u.byLanguage())
	if err != nil {
		return nil, err
	}
	if err := l.report(ctx, "learnt"); err != nil {
		return nil, err
	}
	partWay(l.tower, before, wide)
	if err := l.report(ctx, "after"); err != nil {
		return nil, err
	}
	return curve, replace(b, "text.", b.Text, out)
}

// heard are the words that the ear knows, in no language that is told.
func heard(folder string) (list []said, err error) {
	data, err := os.ReadFile(filepath.Join(folder, mini.LexiconFile))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for w := range strings.Lines(string(data)) {
		list = append(list, said{text: strings.TrimSpace(w)})
	}
	return list, nil
}

// rare are names of WordNet's things that are not among what is known, but for scientific ones and names of persons and places; asked are
// some more of them.
func (c *corpus) rare(known []said) (rare, asked []said) {
	met := map[string]bool{}
	for _, s := range known {
		met[clean(s.text)] = true
	}
	n := 0
	for _, t := range c.words {
		for _, name := range t.Names["en"] {
			if key := clean(name); !met[key] && name == strings.ToLower(name) && len(name) < 40 {
				met[key] = true
				if n++; n%askedOf == 0 {
					asked = append(asked, said{name, "en"})
				} else {
					rare = append(rare, said{name, "en"})
				}
			}
		}
	}
	return rare, asked
}

// pairs puts known texts together, which keeps what the tower makes of longer ones.
func pairs(known []said) (list []said) {
	r := train.Random(51, 0)
	for range pairsKnown {
		a, b := known[r.IntN(len(known))], known[r.IntN(len(known))]
		list = append(list, said{text: a.text + " " + b.text})
	}
	return list
}

// A widening is the tower of texts and what it learns more.
type widening struct {
	tower     *mini.Text
	tokenizer *token.Tokenizer
	apart     halves
	known     reading // names, then other texts, then what the ear knows
	pairs     reading
	rare      reading
	asked     reading // is not learnt
	steps     int
}

func (l *widening) encode(text string) []int32 {
	ids := l.tokenizer.Encode(text, true).IDs
	return ids[:min(len(ids), 256)]
}

// means is what the tower says of texts, [n, meaning].
func (l *widening) means(ctx context.Context, texts []said) (out []float32, err error) {
	p := tensor.NewPass(ctx, 0)
	for part := range slices.Chunk(texts, 1024) {
		p.Reset(ctx)
		var ids [][]int32
		for _, s := range part {
			ids = append(ids, l.encode(s.text))
		}
		out = append(out, l.tower.Meaning(p, ids).Floats()...)
		if err := p.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// same is a reading to say what the tower says now.
func (l *widening) same(ctx context.Context, texts []said) (reading, error) {
	v, err := l.means(ctx, texts)
	return reading{texts, v}, err
}

// half is a reading to say half what the tower says now and half what the bridge makes of MiniLM's vectors, as long as it is now.
func (l *widening) half(ctx context.Context, t *teacher, bridge *layer, texts []said) (reading, error) {
	v, err := l.means(ctx, texts)
	if err != nil {
		return reading{}, err
	}
	other, err := apply(ctx, t.ofMiniLM(texts), teacherWidth, func(x *tensor.Tensor) *tensor.Tensor { return bridge.forward(x, 0) })
	if err != nil {
		return reading{}, err
	}
	for i := 0; i < len(v); i += meaning {
		a, b := v[i:i+meaning], other[i:i+meaning]
		long := float32(magnitude(a))
		one, two := unit(slices.Clone(a), meaning), unit(slices.Clone(b), meaning)
		for k := range a {
			a[k] = one[k] + two[k]
		}
		for k := range unit(a, meaning) {
			a[k] *= long
		}
	}
	return reading{texts, v}, nil
}

// learnBridge teaches a layer from teachers' vectors x of English to what the tower says of it.
func (l *widening) learnBridge(ctx context.Context, c course, x []float32, english []said) (*layer, error) {
	to, err := l.means(ctx, english)
	if err != nil {
		return nil, err
	}
	width := len(x) / len(english)
	bridge := newLayer(width, 768, meaning, c.seed-1)
	match := &train.Match{Student: 0, Teacher: 1, Squared: true}
	const batch = 512
	in, want := make([]float32, batch*width), make([]float32, batch*meaning)
	_, err = learn(ctx, c, bridge, func(p *tensor.Pass, into *tensor.Gradients, r *rand.Rand) (float64, error) {
		for i := range batch {
			k := r.IntN(len(english))
			copy(in[i*width:], x[k*width:][:width])
			copy(want[i*meaning:], to[k*meaning:][:meaning])
		}
		return match.Learn(train.Pairs(bridge.forward(p.Input(in, batch, width), 0.1), p.Input(want, batch, meaning)), meaning, into)
	})
	return bridge, err
}

// learn teaches the tower; the first names of the known texts may stand in a template, and draw draws known texts.
func (l *widening) learn(ctx context.Context, names int, draw func(*rand.Rand) int) ([]float64, error) {
	for _, t := range nn.Params(l.tower) {
		t.Own()
		t.Changed()
	}
	match := &train.Match{Student: 0, Teacher: 1, Squared: true}
	const batch = 512
	want := make([]float32, batch*meaning)
	ids := make([][]int32, batch)
	in := func(r *rand.Rand, s said) string {
		if list := templates[s.language]; len(list) > 0 && r.IntN(4) == 0 {
			return fill(list[r.IntN(len(list))], s.text)
		}
		return s.text
	}
	take := func(r *rand.Rand, from *reading, k, names int, target []float32) []int32 {
		text := from.texts[k].text
		if k < names {
			text = in(r, from.texts[k])
		}
		copy(target, from.target(k))
		return l.apart.split(r, l.encode(text))
	}
	c := course{what: "text, wider", steps: l.steps, rate: 1e-3, seed: 54}
	c.groups = []train.Group{{Pattern: "pieces", Rate: 2, Decay: train.DecayNever}, {Pattern: "*", Rate: 0.5, Decay: train.DecayNever}}
	return learn(ctx, c, l.tower, func(p *tensor.Pass, into *tensor.Gradients, r *rand.Rand) (float64, error) {
		for i := range batch {
			target := want[i*meaning:][:meaning]
			switch kind := r.IntN(24); {
			case kind < 9:
				ids[i] = take(r, &l.known, draw(r), names, target)
			case kind < 13:
				ids[i] = take(r, &l.known, r.IntN(len(l.known.texts)), names, target)
			case kind < 16:
				ids[i] = take(r, &l.pairs, r.IntN(len(l.pairs.texts)), 0, target)
			case kind < 23:
				ids[i] = take(r, &l.rare, r.IntN(len(l.rare.texts)), len(l.rare.texts), target)
			default:
				clear(target)
				ids[i] = l.encode(nonsense(r))
			}
		}
		return match.Learn(train.Pairs(l.tower.Meaning(p, ids), p.Input(want, batch, meaning)), meaning, into)
	})
}

func magnitude(v []float32) float64 { return math.Sqrt(dot(v, v)) }

// report says how near the tower comes to what texts are to mean, and how long it makes them.
func (l *widening) report(ctx context.Context, when string) error {
	var mad []said
	r := train.Random(55, 0)
	for range 2000 {
		mad = append(mad, said{text: nonsense(r)})
	}
	for _, part := range []struct {
		what string
		of   reading
	}{{"known", l.known}, {"pairs", l.pairs}, {"rare", l.rare}, {"rare, not learnt", l.asked}, {"nonsense", reading{texts: mad}}} {
		v, err := l.means(ctx, part.of.texts)
		if err != nil {
			return err
		}
		cosine, long := 0.0, 0.0
		n := len(part.of.texts)
		for i := range n {
			a := v[i*meaning:][:meaning]
			own := magnitude(a)
			long += own / float64(n)
			if part.of.targets != nil {
				b := part.of.target(i)
				cosine += dot(a, b) / max(1e-9, own*magnitude(b)) / float64(n)
			}
		}
		say("%s: %d %s: cosine with what they are to mean %.3f, length %.3f", when, n, part.what, cosine, long)
	}
	return nil
}

// partsOf is the halves of the pieces of a tokenizer.
func partsOf(path string) (halves, error) {
	pieces, scores, err := readPieces(path)
	return takeApart(pieces, scores), err
}

// readPieces is the vocabulary of a tokenizer in a file.
func readPieces(path string) (pieces []string, scores []float64, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var file struct {
		Model struct {
			Vocabulary [][2]any `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, v := range file.Model.Vocabulary {
		piece, one := v[0].(string)
		score, other := v[1].(float64)
		if !one || !other {
			return nil, nil, fmt.Errorf("%s: piece %d is %v, want a text and a number", path, i, v)
		}
		pieces, scores = append(pieces, piece), append(scores, score)
	}
	return pieces, scores, nil
}

// replace writes a part of a model, whose weights begin with prefix, into the folder of b; everything else stays to the byte as it was.
func replace(b *mini.Bundle, prefix string, part any, out string) error {
	parts := map[string]tensor.Entry{}
	for name, t := range nn.Params(part) {
		name = prefix + name
		parts[name] = stored(tensor.EntryOf(name, slices.Clone(t.Floats()), t.Shape()...))
	}
	var entries []tensor.Entry
	for _, name := range b.Weights.Names() {
		e, _ := b.Weights.Get(name)
		if new, ok := parts[name]; ok {
			e = new
			delete(parts, name)
		}
		entries = append(entries, e)
	}
	if len(parts) > 0 {
		return fmt.Errorf("%s lacks %d of the weights that begin with %q", out, len(parts), prefix)
	}
	return weights.Save(filepath.Join(out, mini.WeightsFile), entries, nil)
}

// widenAll widens the tower of texts of a model that is there, then makes more words pieces; or does but the second.
func widenAll(ctx context.Context, dir, real, python, out string, wider bool) error {
	corpus, err := readCorpus(dir)
	if err != nil {
		return err
	}
	t, err := openTeacher(ctx, dir, real, python)
	if err != nil {
		return err
	}
	_, u, err := corpus.read(ctx, t, dir, python)
	if err != nil {
		return err
	}
	if wider {
		if _, err := widen(ctx, corpus, t, u, out); err != nil {
			return err
		}
	}
	_, err = growWords(ctx, corpus, t, real, u, out)
	return err
}
