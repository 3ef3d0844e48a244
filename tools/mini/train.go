package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// Figures is what a training is to be judged by.
type figures struct {
	Shipped []score              `json:"shipped"` // of the model as it is stored
	Teacher []score              `json:"teacher"` // with the teachers in place of the tower of texts
	Curves  map[string][]float64 `json:"curves"`
	Bytes   map[string]int64     `json:"bytes"`
}

// trainAll makes the model.
func trainAll(ctx context.Context, dir, real, python, out string) error {
	corpus, err := readCorpus(dir)
	if err != nil {
		return err
	}
	t, err := openTeacher(ctx, dir, real, python)
	if err != nil {
		return err
	}
	e, err := openEyes(ctx, dir, real)
	if err != nil {
		return err
	}
	concepts, u, err := corpus.read(ctx, t, dir, python)
	if err != nil {
		return err
	}
	if err := t.need(append(append(slices.Clone(u.names), u.other...), corpus.asked()...)); err != nil {
		return err
	}
	var english []said
	for _, s := range append(slices.Clone(u.names), u.other...) {
		if s.language == "en" {
			english = append(english, s)
		}
	}
	if err := t.learnDictionary(ctx, concepts, english); err != nil {
		return err
	}
	s, err := learnSpace(ctx, t, concepts)
	if err != nil {
		return err
	}
	c := &mini.Config{
		ModelType: mini.Kind, Dimension: dimension, Image: "efficientnet-lite0", Classes: len(corpus.classes), HeadHidden: 512,
		Sight:      mini.SightConfig{Likeliest: 50, Temperature: 1.5, Weight: 0.9, Centre: 0.4},
		Vocabulary: 28000, TextWidth: dimension, TextHidden: 768, Context: 256, Scale: 1, Bias: 0,
	}
	classes, err := s.classes(ctx, corpus.classes)
	if err != nil {
		return err
	}
	read := func(ctx context.Context, texts []said) ([]float32, error) {
		if err := t.need(texts); err != nil {
			return nil, err
		}
		return s.place(ctx, texts)
	}
	sight, headCurve, err := learnSight(ctx, c, e, classes, read, corpus)
	if err != nil {
		return err
	}
	text, tokenizer, textCurve, err := learnText(ctx, c, s, u)
	if err != nil {
		return err
	}
	model := &mini.Model{Image: e.tower.Tower, Sight: sight, Text: text, Config: *c}
	if err := save(out, model, tokenizer); err != nil {
		return err
	}
	wideCurve, err := widen(ctx, corpus, t, u, out)
	if err != nil {
		return err
	}
	wordCurve, err := growWords(ctx, corpus, t, real, u, out)
	if err != nil {
		return err
	}
	if err := settle(ctx, corpus, e, out); err != nil {
		return err
	}
	f := &figures{Curves: map[string][]float64{"adapter": s.curve, "head": headCurve, "text": textCurve, "wider": wideCurve, "words": wordCurve}, Bytes: map[string]int64{}}
	return f.conclude(ctx, corpus, e, s.place, out)
}

// read is the concepts whose names teach, and all that there is to read.
func (c *corpus) read(ctx context.Context, t *teacher, dir, python string) ([]concept, pupil, error) {
	concepts := c.concepts()
	words, err := t.words(ctx, dir, python)
	if err != nil {
		return nil, pupil{}, err
	}
	kinds, err := readKinds(kindTable)
	if err != nil {
		return nil, pupil{}, err
	}
	return concepts, c.pupil(append(slices.Clone(concepts), named(kinds)...), words), nil
}

// recalibrate settles a model that is there, and measures it again.
func recalibrate(ctx context.Context, dir, real, out string) error {
	corpus, err := readCorpus(dir)
	if err != nil {
		return err
	}
	e, err := openEyes(ctx, dir, real)
	if err != nil {
		return err
	}
	f, err := readFigures(out)
	if err != nil {
		return err
	}
	if err := settle(ctx, corpus, e, out); err != nil {
		return err
	}
	return f.conclude(ctx, corpus, e, nil, out)
}

// readFigures reads those beside a model; without a file there are none yet.
func readFigures(out string) (*figures, error) {
	f := &figures{Bytes: map[string]int64{}}
	data, err := os.ReadFile(filepath.Join(out, figuresFile))
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	return f, json.Unmarshal(data, f)
}

const figuresFile = "figures.json"

// pupil is what there is to read. Copyleft names are not among it.
func (c *corpus) pupil(concepts []concept, words []string) (u pupil) {
	met, known := map[said]bool{}, map[string]bool{}
	add := func(list *[]said, s said) {
		if s.text = strings.TrimSpace(s.text); s.text != "" && len(s.text) < 300 && !met[s] {
			met[s], known[clean(s.text)] = true, true
			*list = append(*list, s)
		}
	}
	for _, s := range all(concepts) {
		add(&u.names, s)
	}
	for _, p := range c.learnt() {
		for _, language := range languages {
			names := p.Names[language]
			if language == "en" {
				names = plain(names)
			}
			for _, n := range names[:min(3, len(names))] {
				add(&u.names, said{n, language})
			}
		}
	}
	for _, t := range c.emoji {
		for _, language := range []string{"en", "zh", "fr", "de", "es", "ja"} {
			for _, n := range t.Tags[language] {
				add(&u.other, said{n, language})
			}
		}
	}
	for _, t := range append(slices.Clone(c.words), c.classes...) {
		if !t.Usual {
			continue
		}
		for _, n := range t.Names["en"] {
			add(&u.other, said{n, "en"})
		}
		for _, n := range t.Sentences["en"][:min(1, len(t.Sentences["en"]))] {
			add(&u.other, said{n, "en"})
		}
	}
	for _, w := range words {
		if !known[clean(w)] {
			add(&u.other, said{text: w}) // in a language that nobody tells
		}
	}
	return u
}

// asked is what the galleries are asked, for the teachers to read: nothing is learnt from it.
func (c *corpus) asked() (list []said) {
	for _, g := range append([]gallery{validation}, galleries...) {
		for _, p := range c.gallery(g) {
			for _, language := range []string{"en", "zh", "fr", "de", "es", "ja"} {
				if names := p.Names[language]; len(names) > 0 {
					list = append(list, said{names[0], language})
				}
			}
		}
	}
	return list
}

// save writes the folder of a model.
func save(out string, model *mini.Model, tokenizer []byte) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := saveConfig(out, model.Config); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, mini.TokenizerFile), tokenizer, 0o644); err != nil {
		return err
	}
	var entries []tensor.Entry
	for name, t := range nn.Params(model) {
		entries = append(entries, stored(tensor.EntryOf(name, t.Floats(), t.Shape()...)))
	}
	return weights.Save(filepath.Join(out, mini.WeightsFile), entries, nil)
}

// openModel opens a folder, or the shipped model for "".
func openModel(folder string) (*mini.Bundle, error) {
	if folder != "" {
		return mini.Open(folder)
	}
	files := mini.Shipped()
	if files == nil {
		return nil, errors.New("this build has no model inside")
	}
	return mini.Parse(files)
}

// conclude measures the model as it was stored, and with the teacher in place of the tower of texts if it is there, and writes figures.json
// beside it.
func (f *figures) conclude(ctx context.Context, c *corpus, e *eyes, teacher reader, out string) error {
	b, err := mini.Open(out)
	if err != nil {
		return err
	}
	defer b.Close()
	var list []seen
	for _, g := range append([]gallery{validation}, galleries...) {
		s, err := sees(ctx, c, g, e, b)
		if err != nil {
			return err
		}
		list = append(list, s)
	}
	if f.Shipped, err = measure(ctx, list, readerOf(b), cutOf(b)); err != nil {
		return err
	}
	if teacher != nil {
		if f.Teacher, err = measure(ctx, list, teacher, 0); err != nil {
			return err
		}
	}
	for _, name := range []string{mini.ConfigFile, mini.TokenizerFile, mini.WeightsFile} {
		info, err := os.Stat(filepath.Join(out, name))
		if err != nil {
			return err
		}
		f.Bytes[name] = info.Size()
	}
	f.Bytes["values"] = int64(nn.Count(b.Model))
	show("shipped", f.Shipped)
	show("teacher", f.Teacher)
	data, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, figuresFile), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return f.writeCard(filepath.Join(out, mini.CardFile))
}

//go:embed card.md
var card string

// Dimension is for the card.
func (f *figures) Dimension() int { return dimension }

// writeCard writes the model card.
func (f *figures) writeCard(path string) error {
	percent := func(share float64) string { return fmt.Sprintf("%.0f", 100*share) }
	t, err := template.New("card").Funcs(template.FuncMap{"percent": percent}).Parse(card)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, f); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// sees looks at the pictures of a gallery, by features that are there.
func sees(ctx context.Context, c *corpus, g gallery, e *eyes, b *mini.Bundle) (s seen, err error) {
	pictures := c.gallery(g)
	features, err := e.features("plain", pictures)
	if err != nil {
		return s, err
	}
	v, err := apply(ctx, features, featureWidth, func(x *tensor.Tensor) *tensor.Tensor { return b.Sight.Forward(x, b.Image).Normalize(1e-12) })
	return seen{g, pictures, v}, err
}

func saveConfig(out string, c mini.Config) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, mini.ConfigFile), append(data, '\n'), 0o644)
}

// settle writes what is known only once there are weights: how a cosine becomes a probability. A few
// photographs tell.
func settle(ctx context.Context, c *corpus, e *eyes, out string) error {
	b, err := mini.Open(out)
	if err != nil {
		return err
	}
	defer b.Close()
	photos, err := sees(ctx, c, spots, e, b)
	if err != nil {
		return err
	}
	var right, wrong, tops []float64
	for _, language := range spots.language {
		queries := spots.ask(photos.pictures, language)
		var names []said
		for _, q := range queries {
			names = append(names, said{q.text, language})
		}
		own, err := readerOf(b)(ctx, names)
		if err != nil {
			return err
		}
		foreign, err := readerOf(b)(ctx, c.absent(photos.pictures, language, 500))
		if err != nil {
			return err
		}
		is, other := photos.cosines(own, queries)
		right, wrong, tops = append(right, is...), append(wrong, other...), append(tops, best(foreign, photos.vectors)...)
	}
	scale, bias := calibrate(right, wrong, tops)
	say("scale %.2f, bias %.2f: even odds at a cosine of %.3f", scale, bias, -bias/scale)
	b.Config.Scale, b.Config.Bias = float32(scale), float32(bias)
	return saveConfig(out, b.Config)
}

// cutOf is the cosine from which on a picture is likelier meant than not.
func cutOf(b *mini.Bundle) float64 { return float64(-b.Config.Bias) / float64(b.Config.Scale) }

// readerOf reads texts by a model's own tower.
func readerOf(b *mini.Bundle) reader {
	return func(ctx context.Context, texts []said) ([]float32, error) {
		p := tensor.NewPass(ctx, 0)
		var ids [][]int32
		for _, t := range texts {
			fitted, _ := b.Fit(b.Encode(t.text).IDs)
			ids = append(ids, fitted)
		}
		v, err := b.EmbedText(p, ids)
		if err != nil {
			return nil, err
		}
		return slices.Clone(v.Normalize(1e-12).Floats()), p.Err()
	}
}

// evaluate measures a model, the shipped one if folder is "", by whole pictures.
func evaluate(ctx context.Context, dir, folder string) error {
	c, err := readCorpus(dir)
	if err != nil {
		return err
	}
	b, err := openModel(folder)
	if err != nil {
		return err
	}
	defer b.Close()
	e := &eyes{dir: dir, processor: b.Processor, embed: b.EmbedImage}
	var list []seen
	for _, g := range galleries {
		pictures := c.gallery(g)
		var names []string
		for i := range pictures {
			names = append(names, pictures[i].name())
		}
		v, err := e.look(ctx, "plain", names)
		if err != nil {
			return err
		}
		list = append(list, seen{g, pictures, unit(v, dimension)})
	}
	scores, err := measure(ctx, list, readerOf(b), cutOf(b))
	if err != nil {
		return err
	}
	show("by whole pictures", scores)
	return nil
}
