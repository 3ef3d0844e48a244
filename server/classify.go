package server

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	stdimage "image"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chiasm/chiasm"
)

type classifyInput struct {
	Body struct {
		_         struct{}  `additionalProperties:"true"`
		Model     string    `json:"model,omitempty" doc:"One of /v1/models; the first if it is left out."`
		Input     media     `json:"input"`
		Labels    []string  `json:"labels" minItems:"1"`
		Templates templates `json:"templates,omitempty"`
		Top       int       `json:"top,omitempty" minimum:"0" doc:"How many labels to give, the best first; 0 for all."`
	}
}

// templates are prompts, or the name of a published set of them.
type templates []string

// Schema describes both forms.
func (templates) Schema(huma.Registry) *huma.Schema {
	names := []any{}
	for _, n := range chiasm.TemplateNames {
		names = append(names, n)
	}
	return &huma.Schema{AnyOf: []*huma.Schema{{Type: "string", Enum: names}, {Type: "array", Items: &huma.Schema{Type: "string"}}},
		Description: "Prompts with {} where the label goes, or the name of a published set; the label alone if it is left out."}
}

// UnmarshalJSON takes both forms.
func (t *templates) UnmarshalJSON(data []byte) error {
	var name string
	if json.Unmarshal(data, &name) == nil {
		set, err := chiasm.Templates(name)
		*t = set
		return err
	}
	return json.Unmarshal(data, (*[]string)(t))
}

type classifyBody struct {
	Object string       `json:"object" enum:"list"`
	Model  string       `json:"model"`
	Data   []labelsBody `json:"data"`
}

type labelsBody struct {
	Index  int         `json:"index"`
	Labels []labelBody `json:"labels"`
}

type labelBody struct {
	Label       string  `json:"label"`
	Probability float32 `json:"probability"`
}

func (s *Server) classify(ctx context.Context, in *classifyInput) (*answer[classifyBody], error) {
	q := &in.Body
	if err := s.counted("input", len(q.Input.input)); err != nil {
		return nil, err
	}
	if err := s.counted("labels", len(q.Labels)*max(1, len(q.Templates))); err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(q.Templates, func(t string) bool { return !strings.Contains(t, "{}") }); i >= 0 {
		return nil, wrong("templates", "template %d has no {} for the label", i)
	}
	if q.Top < 0 {
		return nil, wrong("top", "top: want a positive number, or 0 for all, got %d", q.Top)
	}
	m, release, err := s.shelf.take(ctx, q.Model)
	if err != nil {
		return nil, err
	}
	defer release()
	var pictures group[stdimage.Image]
	var sounds group[chiasm.Sound]
	left := s.limits.Pixels
	for i, it := range q.Input.input {
		param := fmt.Sprintf("input[%d]", i)
		if len(it) != 1 || it[0].kind == "text" {
			return nil, wrong(param, "input %d: want one picture or sound", i)
		}
		p, err := s.bring(ctx, m, it[0], &left)
		if err != nil {
			return nil, s.explain(ctx, param, fmt.Errorf("input %d: %w", i, err))
		}
		if p.Image != nil {
			pictures.add(i, p.Image)
		} else {
			sounds.add(i, *p.Sound)
		}
	}
	c, err := m.Classifier(ctx, q.Labels, q.Templates)
	if err != nil {
		return nil, s.explain(ctx, "labels", err)
	}
	out := classifyBody{Object: "list", Model: m.book.Name, Data: make([]labelsBody, len(q.Input.input))}
	if err := sorted(ctx, pictures, c.Classify, q.Top, out.Data); err != nil {
		return nil, s.explain(ctx, "input", err)
	}
	if err := sorted(ctx, sounds, c.ClassifyAudio, q.Top, out.Data); err != nil {
		return nil, s.explain(ctx, "input", err)
	}
	return &answer[classifyBody]{out}, nil
}

// sorted classifies the items of one kind.
func sorted[T any](ctx context.Context, g group[T], f func(context.Context, []T, int) ([][]chiasm.Label, error), top int, into []labelsBody) error {
	if len(g.items) == 0 {
		return nil
	}
	got, err := f(ctx, g.items, top)
	for i, labels := range got {
		b := labelsBody{Index: g.at[i], Labels: []labelBody{}}
		for _, l := range labels {
			b.Labels = append(b.Labels, labelBody{l.Name, l.Prob})
		}
		into[g.at[i]] = b
	}
	return err
}
