package chiasm

import (
	"context"
	"errors"
	"fmt"
	stdimage "image"
	"sort"
	"strings"
)

// A Classifier sorts pictures and sounds into labels that it was never trained on: each label is the mean direction of its prompts' embeddings
// (Radford et al. 2021, prompt ensembling).
type Classifier struct {
	model  *Model
	labels []string
	texts  []Embedding // one per label
}

// A Label is one answer of a classifier.
type Label struct {
	Name  string
	Prob  float32 // softmax over all labels; of SigLIP kinds the sigmoid of its own logit
	Logit float32
}

// Classifier prepares labels, all of them different. Each template holds "{}" where the label goes; none means the label alone.
func (m *Model) Classifier(ctx context.Context, labels, templates []string) (*Classifier, error) {
	if len(labels) == 0 {
		return nil, errors.New("chiasm: a classifier needs at least one label")
	}
	if len(templates) == 0 {
		templates = []string{"{}"}
	}
	seen := make(map[string]bool, len(labels))
	for _, label := range labels {
		if seen[label] {
			return nil, fmt.Errorf("chiasm: the label %q comes twice, and would share its probability with itself", label)
		}
		seen[label] = true
	}
	prompts := make([]string, 0, len(labels)*len(templates))
	for _, t := range templates {
		if !strings.Contains(t, "{}") {
			return nil, fmt.Errorf("chiasm: template %q has no {} for the label", t)
		}
	}
	for _, label := range labels {
		for _, t := range templates {
			prompts = append(prompts, strings.ReplaceAll(t, "{}", label))
		}
	}
	embedded, err := m.EmbedTexts(ctx, prompts)
	if err != nil {
		return nil, err
	}
	c := &Classifier{model: m, labels: labels, texts: make([]Embedding, len(labels))}
	for i := range labels {
		c.texts[i] = mean(embedded[i*len(templates):][:len(templates)])
	}
	return c, nil
}

// mean is the direction of the mean of vectors of length 1.
func mean(e []Embedding) Embedding {
	if len(e) == 1 {
		return e[0]
	}
	out := Embedding{Values: make([]float32, len(e[0].Values)), Space: e[0].Space}
	for _, v := range e {
		for i, x := range v.Values {
			out.Values[i] += x / float32(len(e))
		}
	}
	out.Length = length(out.Values)
	for i := range out.Values {
		out.Values[i] /= max(out.Length, 1e-12)
	}
	return out
}

// Classify gives the k best labels of each picture, best first; all of them if k is not positive.
func (c *Classifier) Classify(ctx context.Context, imgs []stdimage.Image, k int) ([][]Label, error) {
	embedded, err := c.model.EmbedImages(ctx, imgs)
	if err != nil {
		return nil, err
	}
	return c.best(c.model.Score(c.texts, embedded), k), nil
}

// ClassifyAudio is [Classifier.Classify] for sounds.
func (c *Classifier) ClassifyAudio(ctx context.Context, sounds []Sound, k int) ([][]Label, error) {
	embedded, err := c.model.EmbedAudios(ctx, sounds)
	if err != nil {
		return nil, err
	}
	return c.best(c.model.ScoreAudio(c.texts, embedded), k), nil
}

func (c *Classifier) best(scores *Scores, k int) [][]Label {
	out := make([][]Label, len(scores.Logits))
	for i, probs := range scores.PerImage() {
		best := make([]Label, len(c.labels))
		for j, p := range probs {
			best[j] = Label{Name: c.labels[j], Prob: p, Logit: scores.Logits[i][j]}
		}
		sort.SliceStable(best, func(a, b int) bool { return best[a].Logit > best[b].Logit })
		if k > 0 {
			best = best[:min(k, len(best))]
		}
		out[i] = best
	}
	return out
}
