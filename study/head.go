package study

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
	"github.com/chiasm/chiasm/weights"
)

// mostHeadClasses and mostHeadExamples bound what a head may hold.
const mostHeadClasses, mostHeadExamples = 1 << 16, 1 << 22

// A Head tells classes apart by the vectors of a model that stayed as it was: what a [Training] of the ways probe and cache leaves.
type Head struct {
	Classes []string
	Model   string // whose vectors it knows, as the recipe named it
	Way     string

	width int
	layer *nn.Linear   // of a probe
	cache *train.Cache // of a cache, with
	texts []float32    // the vectors of the classes' names, [classes, width]
}

// OpenHead reads the head in a folder, or the file itself.
func OpenHead(path string) (*Head, error) {
	if filepath.Ext(path) != ".safetensors" {
		path = filepath.Join(path, headFile)
	}
	set, err := weights.Open(path)
	if err != nil {
		return nil, fmt.Errorf("study: a head learnt from examples: %w", err)
	}
	defer set.Close()
	meta := set.Metadata()
	h := &Head{Model: meta["model"], Way: meta["kind"]}
	if err := json.Unmarshal([]byte(meta["classes"]), &h.Classes); err != nil || len(h.Classes) < 2 || len(h.Classes) > mostHeadClasses {
		return nil, fmt.Errorf("study: %s names %d classes, want 2 to %d", path, len(h.Classes), mostHeadClasses)
	}
	if err := h.read(set); err != nil {
		return nil, fmt.Errorf("study: %s: %w", path, err)
	}
	return h, nil
}

// read takes the values of the way from a file.
func (h *Head) read(set *weights.Set) error {
	n := len(h.Classes)
	switch h.Way {
	case wayProbe:
		w, err := shaped(set, "weight", n, -1)
		if err != nil {
			return err
		}
		b, err := shaped(set, "bias", n)
		if err != nil {
			return err
		}
		h.width = len(w) / n
		h.layer = nn.NewLinear(h.width, n, true)
		return nn.Bind(h.layer, []tensor.Entry{tensor.EntryOf("weight", w, n, h.width), tensor.EntryOf("bias", b, n)}, nil)
	case wayCache:
		texts, err := shaped(set, "names", n, -1)
		if err != nil {
			return err
		}
		h.texts, h.width = texts, len(texts)/n
		labels, err := shaped(set, "labels", -1)
		if err != nil {
			return err
		}
		keys, err := shaped(set, "keys", len(labels), h.width)
		if err != nil {
			return err
		}
		sharp, err := shaped(set, "alpha_beta", 2)
		if err != nil {
			return err
		}
		e := train.Examples{Features: keys, Width: h.width, Classes: n}
		for _, l := range labels {
			if !(l >= 0 && l < float32(n)) {
				return fmt.Errorf("an example is of class %v, want 0 to %d", l, n-1)
			}
			e.Labels = append(e.Labels, int32(l))
		}
		if h.cache, err = train.NewCache(e); err == nil {
			h.cache.Alpha, h.cache.Beta = float64(sharp[0]), float64(sharp[1])
		}
		return err
	}
	return fmt.Errorf("it is of kind %.40q, want %s or %s", h.Way, wayProbe, wayCache)
}

// shaped is finite values of a name and a shape, in which -1 is any number.
func shaped(set *weights.Set, name string, shape ...int) ([]float32, error) {
	e, ok := set.Get(name)
	fits := ok && len(e.Shape) == len(shape)
	for i := 0; fits && i < len(shape); i++ {
		fits = e.Shape[i] > 0 && e.Shape[i] <= mostHeadExamples && (shape[i] < 0 || e.Shape[i] == shape[i])
	}
	if !fits {
		return nil, fmt.Errorf("%s has the shape %v, want %v (-1: any)", name, e.Shape, shape)
	}
	values := e.Floats()
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("%s holds %v", name, v)
		}
	}
	return values, nil
}

// Classifier sorts pictures and sounds into the head's classes by the vectors of m, which has to be the model that it learnt on.
func (h *Head) Classifier(m *chiasm.Model) (*chiasm.Classifier, error) {
	if d := m.Space().Dimension; d != h.width {
		return nil, fmt.Errorf("study: the head was learnt on vectors of %d values of %s, and %s has %d", h.width, h.Model, m.Name(), d)
	}
	texts := make([]chiasm.Embedding, 0, len(h.Classes))
	for i := range len(h.texts) / h.width {
		texts = append(texts, chiasm.Embedding{Values: h.texts[i*h.width:][:h.width], Length: 1, Space: m.Space()})
	}
	return m.ClassifierBy(h.Classes, func(ctx context.Context, seen []chiasm.Embedding, sounds bool) ([][]float32, error) {
		p, x := tensor.NewPass(ctx, 0), make([]float32, 0, len(seen)*h.width)
		for _, e := range seen {
			x = append(x, e.Values...)
		}
		features := p.Input(x, len(seen), h.width)
		if h.layer != nil {
			return rowsOf(h.layer.Forward(features).Floats(), len(h.Classes)), p.Err()
		}
		score := m.Score
		if sounds {
			score = m.ScoreAudio
		}
		zero := make([]float32, 0, len(seen)*len(texts))
		for _, row := range score(texts, seen).Logits {
			zero = append(zero, row...)
		}
		cache := *h.cache // whose memory one call uses
		logits, err := cache.Logits(features, p.Input(zero, len(seen), len(texts)))
		return rowsOf(logits, len(h.Classes)), err
	})
}

// rowsOf is values in rows of n.
func rowsOf(values []float32, n int) (rows [][]float32) {
	for i := 0; i+n <= len(values); i += n {
		rows = append(rows, values[i:i+n])
	}
	return rows
}
