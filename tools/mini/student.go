package main

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chiasm/chiasm/model/mini"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/train"
)

// templates are what people put around a name. A text made of one is to mean what the name means.
var templates = map[string][]string{
	"en": {"a photo of a %", "a photo of the %", "a picture of a %", "%s", "the %", "a %", "two %s", "a drawing of a %", "an image of %", "my %"},
	"zh": {"%的照片", "一张%的图片", "一只%", "一个%", "%图片"},
	"fr": {"une photo de %", "un %", "une %", "la %", "le %"},
	"de": {"ein Foto von %", "ein %", "eine %", "der %", "die %"},
	"es": {"una foto de %", "un %", "una %", "el %", "la %"},
	"ja": {"%の写真", "%の絵"},
}

// A pupil is what the tower of texts learns from.
type pupil struct {
	names []said // what things are called: more often met
	other []said // words and sentences besides
}

// learnText makes the tower of texts and its tokenizer.
func learnText(ctx context.Context, c *mini.Config, s *space, u pupil) (*mini.Text, []byte, []float64, error) {
	counts := map[string]float64{}
	for i, list := range [][]said{u.names, u.other} {
		for _, t := range list {
			counts[t.text] += worth(t.language) / float64(1+i)
		}
	}
	for _, list := range templates {
		for _, t := range list {
			counts[fill(t, "")] += 50
		}
	}
	pieces, scores := learnPieces(counts, c.Vocabulary)
	c.Vocabulary = len(pieces)
	data, err := tokenizerJSON(pieces, scores)
	if err != nil {
		return nil, nil, nil, err
	}
	tokenizer, err := token.Parse(data)
	if err != nil {
		return nil, nil, nil, err
	}
	say("vocabulary: %d pieces, %d bytes", len(pieces), len(data))
	texts := append(append([]said{}, u.names...), u.other...)
	targets, err := s.place(ctx, texts)
	if err != nil {
		return nil, nil, nil, err
	}
	apart := takeApart(pieces, scores)
	tower := mini.NewText(c)
	nn.Init(tower, 41)
	clear(tower.Down.Weight.Own())
	tower.Down.Weight.Changed()
	match := &train.Match{Student: 0, Teacher: 1, Squared: true} // whose best answer is the mean of what a text may mean
	relate := &train.Relate{Student: [2]int{0, 1}, Teacher: [2]int{1, 1}, StudentScale: 20}
	objective := train.Sum{{Weight: meaning, Objective: match}, {Weight: 0.3, Objective: relate}}
	const batch = 512
	out := make([]float32, batch*meaning)
	ids := make([][]int32, batch)
	any := func(r *rand.Rand) int {
		if r.IntN(5) < 2 && len(u.other) > 0 {
			return len(u.names) + r.IntN(len(u.other))
		}
		return r.IntN(len(u.names))
	}
	var curve []float64
	for _, part := range []struct {
		course
		draw func(*rand.Rand) int
	}{
		{course{what: "text", steps: 4000, rate: 4e-3, seed: 42}, any},
		{course{what: "text, by language", steps: 2500, rate: 2e-3, seed: 43}, u.byLanguage()},
	} {
		part.decay, part.groups = 0.01, []train.Group{{Pattern: "pieces", Rate: 2, Decay: train.DecayNever}, {Pattern: "*", Rate: 0.5}}
		losses, err := learn(ctx, part.course, tower, func(p *tensor.Pass, into *tensor.Gradients, r *rand.Rand) (float64, error) {
			for i := range batch {
				k := part.draw(r)
				text := texts[k].text
				if list := templates[texts[k].language]; k < len(u.names) && len(list) > 0 && r.IntN(4) == 0 {
					text = fill(list[r.IntN(len(list))], text)
				}
				ids[i] = apart.split(r, tokenizer.Encode(text, true).IDs)
				copy(out[i*meaning:], targets[k*dimension:][:meaning])
			}
			return objective.Learn(train.Pairs(tower.Meaning(p, ids), p.Input(out, batch, meaning)), 1, into)
		})
		if err != nil {
			return nil, nil, nil, err
		}
		curve = append(curve, losses...)
	}
	return tower, data, curve, nil
}

// byLanguage draws texts, names more often than others, and the languages that are measured more often than there are texts in them.
func (u *pupil) byLanguage() func(*rand.Rand) int {
	type drawer struct {
		rows  []int
		until int // the sum of the weights so far
	}
	kind := func(list []said, first int) (all []drawer) {
		rows := map[string][]int{}
		for i, t := range list {
			rows[t.language] = append(rows[t.language], first+i)
		}
		until := 0
		for _, language := range slices.Sorted(maps.Keys(rows)) {
			until += max(1, shares[language])
			all = append(all, drawer{rows[language], until})
		}
		return all
	}
	names, other := kind(u.names, 0), kind(u.other, len(u.names))
	return func(r *rand.Rand) int {
		from := names
		if r.IntN(3) == 0 && len(other) > 0 {
			from = other
		}
		at := r.IntN(from[len(from)-1].until)
		for _, d := range from {
			if at < d.until {
				return d.rows[r.IntN(len(d.rows))]
			}
		}
		panic("mini: no language")
	}
}

// worth is how much a text counts when pieces are chosen.
func worth(language string) float64 {
	switch language {
	case "en", "zh":
		return 4
	case "fr", "de", "es", "ja":
		return 2
	}
	return 1
}

// Halves are what the pieces of a vocabulary consist of: for each the likelier two others, or nothing.
type halves [][2]int32

func takeApart(pieces []string, scores []float64) halves {
	at := map[string]int32{}
	for i, p := range pieces {
		at[p] = int32(i)
	}
	list := make(halves, len(pieces))
	for i, p := range pieces[1:] {
		best := math.Inf(-1)
		for k := range p {
			a, one := at[p[:k]]
			b, other := at[p[k:]]
			if one && other && scores[a]+scores[b] > best {
				best, list[i+1] = scores[a]+scores[b], [2]int32{a, b}
			}
		}
	}
	return list
}

// split takes some pieces apart, so that parts learn what wholes mean (Kudo 2018, subword regularisation).
func (h halves) split(r *rand.Rand, ids []int32) (out []int32) {
	for _, id := range ids {
		if ab := h[id]; ab != [2]int32{} && r.IntN(6) == 0 {
			out = append(out, ab[:]...)
		} else {
			out = append(out, id)
		}
	}
	return out
}

// fill puts a name in the place of %.
func fill(template, name string) string {
	for i := range template {
		if template[i] == '%' {
			return template[:i] + name + template[i+1:]
		}
	}
	return template
}
