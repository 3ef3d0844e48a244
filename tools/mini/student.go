package main

import (
	"context"
	"math"
	"math/rand/v2"

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
	match := &train.Match{Student: 0, Teacher: 1}
	relate := &train.Relate{Student: [2]int{0, 1}, Teacher: [2]int{1, 1}, StudentScale: 20}
	objective := train.Sum{{Weight: 1, Objective: match}, {Weight: 0.3, Objective: relate}}
	const batch = 512
	out := make([]float32, batch*dimension)
	ids := make([][]int32, batch)
	curve, err := learn(ctx, course{
		what: "text", steps: 5000, rate: 4e-3, decay: 0.01, seed: 42, groups: []train.Group{{Pattern: "pieces", Rate: 2, Decay: train.DecayNever}, {Pattern: "*", Rate: 0.5}},
	}, tower, func(p *tensor.Pass, into *tensor.Gradients, r *rand.Rand) (float64, error) {
		for i := range batch {
			k := r.IntN(len(u.names))
			if r.IntN(5) < 2 && len(u.other) > 0 {
				k = len(u.names) + r.IntN(len(u.other))
			}
			text := texts[k].text
			if list := templates[texts[k].language]; k < len(u.names) && len(list) > 0 && r.IntN(4) == 0 {
				text = fill(list[r.IntN(len(list))], text)
			}
			ids[i] = apart.split(r, tokenizer.Encode(text, true).IDs)
			copy(out[i*dimension:], targets[k*dimension:][:dimension])
		}
		x := tower.Forward(p, ids).Normalize(1e-12)
		y := p.Input(out, batch, dimension)
		return objective.Learn(train.Pairs(x, y), 1, into)
	})
	return tower, data, curve, err
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
