package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
)

// A Fused is a model that decides by several modalities.
type Fused struct {
	Name   string
	Config decision.Config
	Open   func(ctx context.Context) (*decision.Model, error) // called when it is first asked
}

// A fusedBook is one of them, and the model once it is open.
type fusedBook struct {
	Fused
	mu   sync.Mutex
	open *decision.Model
}

func newFused(list []Fused, taken []string) (books []*fusedBook, err error) {
	for _, f := range list {
		if slices.Contains(taken, f.Name) {
			return nil, fmt.Errorf("server: two models are called %q", f.Name)
		}
		taken = append(slices.Clone(taken), f.Name)
		books = append(books, &fusedBook{Fused: f})
	}
	return books, nil
}

// fusedBook is the one of a name, "" for the first; nil if there is none.
func (s *Server) fusedBook(name string) *fusedBook {
	for _, f := range s.fused {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// take opens the model, or gives the one that is open.
func (f *fusedBook) take(ctx context.Context) (*decision.Model, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		m, err := f.Open(context.WithoutCancel(ctx)) // others may be waiting for it too
		if err != nil {
			return nil, err
		}
		f.open = m
	}
	return f.open, nil
}

func (s *Server) closeFused() (err error) {
	for _, f := range s.fused {
		f.mu.Lock()
		if f.open != nil {
			err = f.open.Close()
			f.open = nil
		}
		f.mu.Unlock()
	}
	return err
}

// fusionBody is what a fused model is, for those who ask.
type fusionBody struct {
	Method  string            `json:"method"`
	Task    string            `json:"task" enum:"single,multi,regression,match"`
	Classes []string          `json:"classes,omitempty"`
	Inputs  map[string]string `json:"inputs" doc:"The names of what it takes, and of which kind each is: text, image, audio, video or number."`
	Missing string            `json:"missing" doc:"What becomes of things of which something is missing."`
}

func (f *fusedBook) describe() modelBody {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.Config
	b := modelBody{ID: f.Name, Object: "model", OwnedBy: "chiasm", Open: f.open != nil, Space: c.Encoder.Space,
		Fusion: &fusionBody{Method: c.Method, Task: c.Task, Classes: c.Classes, Inputs: map[string]string{}, Missing: c.Missing()}}
	for _, k := range c.Columns {
		b.Fusion.Inputs[k.Name] = k.Kind
		if !slices.Contains(b.Modalities, k.Kind) {
			b.Modalities = append(b.Modalities, k.Kind)
		}
	}
	return b
}

type fuseInput struct {
	Body struct {
		Model string              `json:"model,omitempty" doc:"One of /v1/models that has a fusion; the first if it is left out."`
		Input map[string]fusePart `json:"input" doc:"What there is of a thing, by the names that /v1/models lists: any may be left out, but not all."`
	}
}

// A fusePart is a content part, or a number or a list of them.
type fusePart struct{ item }

// Schema describes what UnmarshalJSON takes.
func (fusePart) Schema(r huma.Registry) *huma.Schema {
	number := &huma.Schema{Type: "number"}
	return &huma.Schema{AnyOf: []*huma.Schema{item{}.Schema(r), number, {Type: "array", Items: number}}}
}

// UnmarshalJSON takes what an input of /v1/embeddings is, and numbers.
func (p *fusePart) UnmarshalJSON(data []byte) error {
	var list []json.Number
	if json.Unmarshal(data, &list) != nil {
		var one json.Number
		d := json.NewDecoder(bytes.NewReader(data))
		if data[0] == '"' || d.Decode(&one) != nil {
			return p.item.UnmarshalJSON(data)
		}
		list = []json.Number{one}
	}
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = n.String()
	}
	p.item = item{part{kind: "text", text: strings.Join(words, " ")}}
	return nil
}

type fuseBody struct {
	Object string `json:"object" enum:"decision"`
	Model  string `json:"model"`
	decision.Answer
}

// fuse decides about a thing.
func (s *Server) fuse(ctx context.Context, in *fuseInput) (*answer[fuseBody], error) {
	q := &in.Body
	if err := s.counted("input", len(q.Input)); err != nil {
		return nil, err
	}
	book := s.fusedBook(q.Model)
	if q.Model == "" && len(s.fused) > 0 {
		book = s.fused[0]
	}
	if book == nil {
		return nil, failf(http.StatusNotFound, "model", "model_not_found", "there is no fused model %.200q: see /v1/models, and chiasm serve --fused", q.Model)
	}
	m, err := book.take(ctx)
	if err != nil {
		return nil, err
	}
	thing, left := map[string]chiasm.Part{}, s.limits.Pixels
	for name, p := range q.Input {
		param := fmt.Sprintf("input.%.100s", name)
		kind := book.describeInput(name)
		switch {
		case kind == "":
			return nil, wrong(param, "there is no input %.100q: see /v1/models", name)
		case len(p.item) != 1 || kind == decision.Video:
			return nil, wrong(param, "%s: want one text, picture, sound or number", name)
		}
		if thing[name], err = s.bring(ctx, m, p.item[0], &left); err != nil {
			return nil, s.explain(ctx, param, fmt.Errorf("%s: %w", name, err))
		}
	}
	a, err := m.Decide(ctx, thing)
	if err != nil {
		return nil, s.explain(ctx, "input", err)
	}
	return &answer[fuseBody]{fuseBody{"decision", book.Name, *a}}, nil
}

// describeInput is the kind of an input, "" if there is none of the name.
func (f *fusedBook) describeInput(name string) string {
	for _, c := range f.Config.Columns {
		if c.Name == name {
			return c.Kind
		}
	}
	return ""
}
