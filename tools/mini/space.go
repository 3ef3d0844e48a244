package main

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

const (
	dimension = 256
	meaning   = dimension - 1 // values that tell what something means; the last is a text's doubt, see [mini.Text]
)

// A space is where texts, pictures and sounds meet: what the teachers say, through an adapter that has learnt which names mean the same.
type space struct {
	teacher *teacher
	adapter *layer
	english map[said][]said // what a name in another language is called in English, where the corpus knows it
	curve   []float64
}

// A concept is names of one thing, by language.
type concept [][]said

// concepts are what names of one thing the corpus has in the languages that teach.
func (c *corpus) concepts() (list []concept) {
	for _, things := range [][]thing{c.classes, c.emoji, c.everyday} {
		for _, t := range things {
			if k := t.concept(); len(k) > 0 {
				list = append(list, k)
			}
		}
	}
	return list
}

func (t *thing) concept() (k concept) {
	for _, language := range languages {
		names := t.Names[language]
		if len(names) == 0 {
			continue
		}
		if language == "en" {
			names = plain(names)
		}
		var list []said
		for _, n := range names[:min(3, len(names))] {
			list = append(list, said{n, language})
		}
		k = append(k, list)
	}
	return k
}

// all is every name of some concepts.
func all(list []concept) (names []said) {
	for _, k := range list {
		for _, l := range k {
			names = append(names, l...)
		}
	}
	return names
}

// learnDictionary teaches how MiniLM would read what only e5 can: English from itself, other languages from the English name of the thing.
func (t *teacher) learnDictionary(ctx context.Context, list []concept, english []said) error {
	type pair struct{ of, to said }
	var pairs []pair
	for _, s := range english {
		pairs = append(pairs, pair{s, s})
	}
	for _, k := range list {
		for _, names := range k {
			for _, n := range names {
				if n.language == "en" {
					pairs = append(pairs, pair{n, n})
				} else if k[0][0].language == "en" {
					pairs = append(pairs, pair{n, k[0][0]})
				}
			}
		}
	}
	var from []said
	var to []float32
	for _, p := range pairs {
		from = append(from, p.of)
		to = append(to, t.english.vectors[p.to.text]...)
	}
	var raw []float32
	for _, s := range from {
		raw = append(raw, t.e5.vectors[s.text]...)
	}
	t.middle = mean(raw, teacherWidth)
	x := t.ofE5(from)
	t.dictionary = newLayer(teacherWidth, 1024, teacherWidth, 11)
	match := &train.Match{Student: 0, Teacher: 1}
	const batch = 512
	in, out := make([]float32, batch*teacherWidth), make([]float32, batch*teacherWidth)
	_, err := learn(ctx, course{what: "dictionary", steps: 1500, rate: 1e-3, decay: 0.05, seed: 12}, t.dictionary, func(p *tensor.Pass, into *tensor.Gradients, r *rand.Rand) (float64, error) {
		for i := range batch {
			k := r.IntN(len(pairs))
			copy(in[i*teacherWidth:], x[k*teacherWidth:][:teacherWidth])
			copy(out[i*teacherWidth:], to[k*teacherWidth:][:teacherWidth])
		}
		y := t.dictionary.forward(p.Input(in, batch, teacherWidth), 0.1).Normalize(1e-12)
		return match.Learn(train.Pairs(y, p.Input(out, batch, teacherWidth)), 1, into)
	})
	return err
}

// learnSpace makes the adapter: at first the axes of most variance, then what brings the names of a thing together.
func learnSpace(ctx context.Context, t *teacher, list []concept) (*space, error) {
	list = slices.DeleteFunc(slices.Clone(list), func(k concept) bool { return len(k) < 2 })
	names := all(list)
	x, err := t.read(ctx, names)
	if err != nil {
		return nil, err
	}
	at := map[said]int{}
	for i, s := range names {
		at[s] = i
	}
	s := &space{teacher: t, adapter: newLayer(jointWidth, 512, meaning, 21), english: translations(list)}
	middle := mean(x, jointWidth)
	const strength = 8 // so that Adam's steps are small beside what is there already
	for i, v := range axes(covariance(x, middle), jointWidth, meaning) {
		s.adapter.Direct.Weight.Own()[i] = float32(strength * v)
	}
	s.adapter.Direct.Weight.Changed()
	contrast := &train.Contrast{LogScale: newScale(3)}
	model := &struct {
		Adapter *layer         `weight:"adapter"`
		Scale   *tensor.Tensor `weight:"scale"`
	}{s.adapter, contrast.LogScale}
	same := make([]uint64, len(list)) // one number for things whose first name is one: dogs are emoji, and words too
	for k := range list {
		h := fnv.New64a()
		h.Write([]byte(clean(list[k][0][0].text)))
		same[k] = h.Sum64()
	}
	const batch = 512
	a, b, keys := make([]float32, batch*jointWidth), make([]float32, batch*jointWidth), make([]uint64, batch)
	s.curve, err = learn(ctx, course{
		what: "adapter", steps: 500, rate: 1e-3, decay: 0.05, seed: 22, contrast: contrast, groups: []train.Group{{Pattern: "scale", Rate: 10, Decay: train.DecayNever}},
	}, model, func(p *tensor.Pass, into *tensor.Gradients, r *rand.Rand) (float64, error) {
		for i := range batch {
			k := r.IntN(len(list))
			one := r.IntN(len(list[k]))
			other := (one + 1 + r.IntN(len(list[k])-1)) % len(list[k])
			pick := func(names []said) []float32 { return x[at[names[r.IntN(len(names))]]*jointWidth:][:jointWidth] }
			copy(a[i*jointWidth:], pick(list[k][one]))
			copy(b[i*jointWidth:], pick(list[k][other]))
			keys[i] = same[k]
		}
		u := s.adapter.forward(p.Input(a, batch, jointWidth), 0.1).Normalize(1e-12)
		v := s.adapter.forward(p.Input(b, batch, jointWidth), 0.1).Normalize(1e-12)
		return contrast.Learn(train.Batch{{X: u, Keys: keys}, {X: v, Keys: keys}}, 1, into)
	})
	return s, err
}

// place is where texts lie in the space, [n, dimension], of length 1. A name whose English is known lies half way to that. The teachers must
// have read them.
func (s *space) place(ctx context.Context, texts []said) ([]float32, error) {
	every := slices.Clone(texts)
	for _, t := range texts {
		every = append(every, s.english[t]...)
	}
	x, err := s.teacher.read(ctx, every)
	if err != nil {
		return nil, err
	}
	v, err := apply(ctx, x, jointWidth, func(x *tensor.Tensor) *tensor.Tensor { return s.adapter.forward(x, 0).Normalize(1e-12) })
	if err != nil {
		return nil, err
	}
	v = withoutDoubt(v)
	out, rest := v[:len(texts)*dimension], v[len(texts)*dimension:]
	for i, t := range texts {
		if n := len(s.english[t]) * dimension; n > 0 {
			for k, y := range unit(mean(rest[:n], dimension), dimension) {
				out[i*dimension+k] += y
			}
			rest = rest[n:]
		}
	}
	return unit(out, dimension), nil
}

// withoutDoubt adds a last value of 0 to each row of what means something.
func withoutDoubt(values []float32) []float32 {
	out := make([]float32, 0, len(values)/meaning*dimension)
	for i := 0; i < len(values); i += meaning {
		out = append(append(out, values[i:i+meaning]...), 0)
	}
	return out
}

// translations are the English names of names in other languages.
func translations(list []concept) map[said][]said {
	english := map[said][]said{}
	for _, k := range list {
		for _, names := range k[1:] {
			for _, n := range names {
				if to := k[0][0]; to.language == "en" && !slices.Contains(english[n], to) {
					english[n] = append(english[n], to)
				}
			}
		}
	}
	return english
}

// classes is the vectors of ImageNet's classes, [1000, dimension]: the mean of that of the English names and that of those in other languages,
// and a little of their kinds.
func (s *space) classes(ctx context.Context, things []thing) ([]float32, error) {
	var out []float32
	for i := range things {
		k := things[i].concept()
		english, err := s.place(ctx, k[0])
		if err != nil {
			return nil, err
		}
		v := unit(mean(english, dimension), dimension)
		if others := all([]concept{k[1:]}); len(others) > 0 {
			o, err := s.place(ctx, others)
			if err != nil {
				return nil, err
			}
			for j, x := range unit(mean(o, dimension), dimension) {
				v[j] += x
			}
		}
		out = append(out, unit(v, dimension)...)
	}
	return out, mixKinds(ctx, out, s.place)
}
