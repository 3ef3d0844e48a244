package library

import (
	"bytes"
	"context"
	stdimage "image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm"
)

// A prophet is a calibrated model that sees in a black picture a dog, and nothing else.
type prophet struct {
	*chiasm.Model
	fits chiasm.Relevance
}

func (p prophet) Relevance(modality string) (chiasm.Relevance, bool) {
	return p.fits, modality == Image
}

// sure is the shipped model's shape with a calibration: cosines near 1 are certain.
func sure(t *testing.T, of *chiasm.Model) prophet {
	t.Helper()
	m := model(t, "../model/mini/testdata/tiny")
	r, ok := m.Relevance(Image)
	if !ok {
		t.Fatal("the tiny model is not calibrated")
	}
	return prophet{of, r}
}

// EmbedQueries makes "dog" what a black picture is, and all else the opposite.
func (p prophet) EmbedQueries(ctx context.Context, texts []string) ([]chiasm.Embedding, error) {
	out, err := p.EmbedImages(ctx, []stdimage.Image{stdimage.NewGray(stdimage.Rect(0, 0, 8, 8))})
	if err != nil {
		return nil, err
	}
	all := make([]chiasm.Embedding, len(texts))
	for i, text := range texts {
		all[i].Values = slices.Clone(out[0].Values)
		for d := range all[i].Values {
			if text != "dog" {
				all[i].Values[d] *= -1
			}
		}
	}
	return all, nil
}

func TestConcepts(t *testing.T) {
	if len(concepts) < 200 || len(languages) != 5 {
		t.Fatalf("%d concepts in %v", len(concepts), languages)
	}
	keys := map[string]bool{}
	for _, c := range concepts {
		if len(c) != len(languages) || keys[c.key()] {
			t.Errorf("%q", c)
		}
		keys[c.key()] = true
	}
	if got := namesOf("Hund"); !slices.Equal(got, []string{"dog"}) {
		t.Errorf("Hund: %v", got)
	}
	if named("dog", "zh") != "\u72d7" || named("dog", "xx") != "dog" {
		t.Error(named("dog", "zh"), named("dog", "xx"))
	}
}

// A picture gets the words that the model is sure of, in any language; another calibration asks again; they are no tags.
func TestDescribe(t *testing.T) {
	photos := t.TempDir()
	var b bytes.Buffer
	must(t, png.Encode(&b, stdimage.NewGray(stdimage.Rect(0, 0, 8, 8))))
	must(t, os.WriteFile(filepath.Join(photos, "x.png"), b.Bytes(), 0o644))
	m := sure(t, model(t, seer))
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	for _, query := range []string{"word:dog", "word:Hund", "word:\u72d7"} {
		if got := find(t, l, m, query); len(got.Hits) != 1 {
			t.Errorf("%s: %d hits", query, len(got.Hits))
		}
	}
	for _, query := range []string{"word:cat", "tag:dog", "word:nothingness"} {
		if got := find(t, l, m, query); len(got.Hits) != 0 {
			t.Errorf("%s: %d hits", query, len(got.Hits))
		}
	}
	id := find(t, l, m, "word:dog").Hits[0].ID
	words, err := l.Words(t.Context(), id, "de")
	must(t, err)
	if len(words) != 1 || words[0].Word != "Hund" || words[0].Probability < leastSeen {
		t.Errorf("%+v", words)
	}
	f, err := l.Facets(t.Context(), Query{}, "fr")
	must(t, err)
	if f.Files != 1 || len(f.Words) != 1 || f.Words[0] != (Count{"chien", 1}) || f.Types[0] != (Count{Image, 1}) {
		t.Errorf("%+v", f)
	}
	m.fits = chiasm.Relevance{}
	run(t, l, m, IndexOptions{})
	if got := find(t, l, m, "word:dog"); len(got.Hits) != 0 {
		t.Errorf("by a calibration that is sure of nothing: %d hits", len(got.Hits))
	}
}
