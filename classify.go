package chiasm

import (
	"context"
	"errors"
	"fmt"
	stdimage "image"
	"sort"
	"strings"
)

// A Classifier sorts pictures and sounds into labels.
type Classifier struct {
	model  *Model
	labels []string
	score  func(ctx context.Context, seen []Embedding, sounds bool) (*Scores, error)
}

// A Label is one answer of a classifier.
type Label struct {
	Name  string
	Prob  float32 // softmax over all labels; of SigLIP kinds the sigmoid of its own logit
	Logit float32
}

// Classifier prepares labels that the model was never trained on, all of them different: each is the mean direction of its prompts' embeddings
// (Radford et al. 2021, prompt ensembling). Each template holds "{}" where the label goes; none means the label alone.
func (m *Model) Classifier(ctx context.Context, labels, templates []string) (*Classifier, error) {
	if len(labels) == 0 {
		return nil, errors.New("chiasm: a classifier needs at least one label")
	}
	if len(templates) == 0 {
		templates = []string{"{}"}
	}
	if err := different(labels); err != nil {
		return nil, err
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
	texts := make([]Embedding, len(labels))
	for i := range labels {
		texts[i] = mean(embedded[i*len(templates):][:len(templates)])
	}
	return &Classifier{m, labels, func(_ context.Context, seen []Embedding, sounds bool) (*Scores, error) {
		if sounds {
			return m.ScoreAudio(texts, seen), nil
		}
		return m.Score(texts, seen), nil
	}}, nil
}

// ClassifierBy is a classifier of labels, all of them different, whose logits [item][label] logits makes of the embeddings of pictures or sounds, as
// something does that has learnt on the model's vectors. Probabilities are their softmax.
func (m *Model) ClassifierBy(labels []string, logits func(ctx context.Context, seen []Embedding, sounds bool) ([][]float32, error)) (*Classifier, error) {
	if err := different(labels); err != nil {
		return nil, err
	}
	return &Classifier{m, labels, func(ctx context.Context, seen []Embedding, sounds bool) (*Scores, error) {
		l, err := logits(ctx, seen, sounds)
		return &Scores{Logits: l}, err
	}}, nil
}

// different refuses labels that come twice.
func different(labels []string) error {
	seen := make(map[string]bool, len(labels))
	for _, label := range labels {
		if seen[label] {
			return fmt.Errorf("chiasm: the label %q comes twice, and would share its probability with itself", label)
		}
		seen[label] = true
	}
	return nil
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
	return c.best(ctx, embedded, false, k)
}

// ClassifyAudio is [Classifier.Classify] for sounds.
func (c *Classifier) ClassifyAudio(ctx context.Context, sounds []Sound, k int) ([][]Label, error) {
	embedded, err := c.model.EmbedAudios(ctx, sounds)
	if err != nil {
		return nil, err
	}
	return c.best(ctx, embedded, true, k)
}

func (c *Classifier) best(ctx context.Context, seen []Embedding, sounds bool, k int) ([][]Label, error) {
	scores, err := c.score(ctx, seen, sounds)
	if err != nil {
		return nil, err
	}
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
	return out, nil
}
