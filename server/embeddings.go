package server

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

type embeddingsInput struct {
	Body struct {
		_          struct{} `additionalProperties:"true"`
		Model      string   `json:"model,omitempty" doc:"One of /v1/models; the first if it is left out."`
		Input      input    `json:"input"`
		InputType  string   `json:"input_type,omitempty" enum:"query,document" doc:"Put the prompt of this kind before texts, if the model's files name one."`
		Format     string   `json:"encoding_format,omitempty" enum:"float,base64" default:"float" doc:"base64 is of little-endian float32."`
		Dimensions *int     `json:"dimensions,omitempty" minimum:"1" doc:"Keep so many values of each vector, scaled to length 1 again."`
		User       string   `json:"user,omitempty" doc:"Ignored."`
	}
}

type embeddingsBody struct {
	Object string          `json:"object" enum:"list"`
	Data   []embeddingBody `json:"data"`
	Model  string          `json:"model"`
	Usage  usage           `json:"usage"`
}

type embeddingBody struct {
	Object    string `json:"object" enum:"embedding"`
	Index     int    `json:"index"`
	Embedding vector `json:"embedding"`
}

type usage struct {
	Prompt int `json:"prompt_tokens" doc:"Of texts; pictures and sounds count none."`
	Total  int `json:"total_tokens"`
}

// A vector is written as numbers or as base64.
type vector struct {
	values []float32
	base64 bool
}

// Schema describes both forms.
func (vector) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{{Type: "array", Items: &huma.Schema{Type: "number"}}, {Type: "string", Description: "base64 of little-endian float32"}}}
}

// MarshalJSON writes the form that was asked for.
func (v vector) MarshalJSON() ([]byte, error) {
	if !v.base64 {
		return json.Marshal(v.values)
	}
	data := make([]byte, 0, 4*len(v.values))
	for _, x := range v.values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(data))
}

func (s *Server) embeddings(ctx context.Context, in *embeddingsInput) (*answer[embeddingsBody], error) {
	q := &in.Body
	if err := s.counted("input", len(q.Input)); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "float", "base64"}, q.Format) {
		return nil, wrong("encoding_format", "encoding_format: want float or base64, got %.40q", q.Format)
	}
	if !slices.Contains([]string{"", "query", "document"}, q.InputType) {
		return nil, wrong("input_type", "input_type: want query or document, got %.40q", q.InputType)
	}
	m, release, err := s.shelf.take(ctx, q.Model)
	if err != nil {
		return nil, err
	}
	defer release()
	n := 0
	if q.Dimensions != nil {
		if n = *q.Dimensions; n < 1 || n > m.Space().Dimension {
			return nil, wrong("dimensions", "dimensions: want 1 to %d, got %d", m.Space().Dimension, n)
		}
	}
	all, tokens, err := s.vectors(ctx, m, "input", q.InputType, q.Input)
	if err != nil {
		return nil, err
	}
	out := embeddingsBody{Object: "list", Model: m.book.Name, Data: make([]embeddingBody, len(all)), Usage: usage{tokens, tokens}}
	for i, e := range all {
		out.Data[i] = embeddingBody{"embedding", i, vector{e.Truncate(n).Values, q.Format == "base64"}}
	}
	return &answer[embeddingsBody]{out}, nil
}

type rerankInput struct {
	Body struct {
		_         struct{}  `additionalProperties:"true"`
		Model     string    `json:"model,omitempty" doc:"One of /v1/models; the first if it is left out."`
		Query     item      `json:"query"`
		Documents documents `json:"documents"`
		Top       *int      `json:"top_n,omitempty" minimum:"1" doc:"How many to return; all if it is left out."`
		Return    bool      `json:"return_documents,omitempty"`
	}
}

// documents are items, and what they were written as.
type documents struct {
	items input
	raw   []json.RawMessage
}

// Schema describes a list of items.
func (documents) Schema(r huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "array", Items: item{}.Schema(r), MinItems: new(1)}
}

// UnmarshalJSON reads a list of items.
func (d *documents) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &d.raw); err != nil {
		return err
	}
	return d.items.read("documents", data)
}

// asObject is a document in the shape that clients of Jina's and Cohere's services read: a string as a field of an object.
func asObject(document json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(document, &text) != nil {
		return document
	}
	field := "text"
	for _, kind := range []string{"image", "audio"} {
		if strings.HasPrefix(text, "data:"+kind+"/") {
			field = kind
		}
	}
	out, _ := json.Marshal(map[string]string{field: text}) // strings can be
	return out
}

type rerankBody struct {
	Model   string   `json:"model"`
	Results []ranked `json:"results" doc:"The best first."`
	Usage   usage    `json:"usage"`
}

type ranked struct {
	Index    int             `json:"index"`
	Score    float32         `json:"relevance_score" doc:"Cosine of the document's vector with the query's."`
	Document json.RawMessage `json:"document,omitempty" doc:"As it was given; a plain string as the field text, image or audio of an object."`
}

func (s *Server) rerank(ctx context.Context, in *rerankInput) (*answer[rerankBody], error) {
	q := &in.Body
	if len(q.Query) == 0 {
		return nil, wrong("query", "query: nothing is given")
	}
	if err := s.counted("documents", len(q.Documents.items)); err != nil {
		return nil, err
	}
	if q.Top != nil && *q.Top < 1 {
		return nil, wrong("top_n", "top_n: want a positive number, got %d", *q.Top)
	}
	m, release, err := s.shelf.take(ctx, q.Model)
	if err != nil {
		return nil, err
	}
	defer release()
	query, asked, err := s.vectors(ctx, m, "query", "query", []item{q.Query})
	if err != nil {
		return nil, err
	}
	found, tokens, err := s.vectors(ctx, m, "documents", "document", q.Documents.items)
	if err != nil {
		return nil, err
	}
	out := rerankBody{Model: m.book.Name, Results: make([]ranked, len(found)), Usage: usage{asked + tokens, asked + tokens}}
	for i, e := range found {
		out.Results[i] = ranked{Index: i, Score: query[0].Cosine(e)}
		if q.Return {
			out.Results[i].Document = asObject(q.Documents.raw[i])
		}
	}
	slices.SortStableFunc(out.Results, func(a, b ranked) int { return cmp.Compare(b.Score, a.Score) })
	if q.Top != nil {
		out.Results = out.Results[:min(*q.Top, len(out.Results))]
	}
	return &answer[rerankBody]{out}, nil
}
