package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	stdimage "image"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chiasm/chiasm"
)

// An input is what requests bring to be embedded: a string, a content part, or a list of them.
type input []item

// An item gets one vector: it is one part, or several that belong together.
type item []part

// A part is a text, or where a picture or a sound is found.
type part struct {
	kind string // text, image or audio
	text string // or the address, or base64 if bare
	bare bool
}

// Schema describes what UnmarshalJSON takes.
func (input) Schema(r huma.Registry) *huma.Schema {
	return oneOrMore(item{}.Schema(r), 1, "A text (or a data: URI of a picture or sound), a content part, or a list of them. Each gets a vector; {\"content\": [parts]} gets one for all its parts.")
}

func oneOrMore(one *huma.Schema, least int, about string) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{one, {Type: "array", Items: one, MinItems: &least}}, Description: about}
}

// Media are inputs that are no texts.
type media struct{ input }

// Schema describes pictures and sounds.
func (media) Schema(huma.Registry) *huma.Schema {
	uri := &huma.Schema{Type: "string", Pattern: "^data:(image|audio)/"}
	return oneOrMore(&huma.Schema{OneOf: append([]*huma.Schema{uri}, partSchemas()[1:]...)}, 0, "A picture or a sound, as a content part or a data: URI, or a list of them.")
}

// Schema describes what UnmarshalJSON takes.
func (item) Schema(huma.Registry) *huma.Schema {
	parts := append([]*huma.Schema{{Type: "string"}}, partSchemas()...)
	several := &huma.Schema{Description: "The parts, or a text.", AnyOf: []*huma.Schema{{Type: "string"}, {Type: "array", Items: &huma.Schema{OneOf: parts}, MinItems: new(1)}}}
	return &huma.Schema{OneOf: append(parts, &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"content": several}, Required: []string{"content"}})}
}

// partSchemas describe content parts, of texts first: objects that have one of these fields.
func partSchemas() (all []*huma.Schema) {
	text := &huma.Schema{Type: "string"}
	url := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"url": text}, Required: []string{"url"}}
	either := &huma.Schema{AnyOf: []*huma.Schema{text, url}, Description: "A data: URI, or an address where the server allows that."}
	bare := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"data": {Type: "string", MinLength: new(1), Description: "base64"}, "format": text}, Required: []string{"data"}}
	for _, p := range []struct {
		name  string
		value *huma.Schema
		types []any
	}{
		{"text", text, []any{"text", "input_text"}},
		{"image", either, []any{"image", "input_image"}}, {"image_url", either, []any{"image_url", "input_image"}},
		{"audio", either, []any{"audio"}}, {"audio_url", either, []any{"audio_url"}}, {"input_audio", bare, []any{"input_audio"}},
	} {
		all = append(all, &huma.Schema{Type: "object", Required: []string{p.name}, Properties: map[string]*huma.Schema{p.name: p.value, "type": {Type: "string", Enum: p.types}}})
	}
	return all
}

// UnmarshalJSON takes the shapes of OpenAI's clients, and of others that take pictures.
func (in *input) UnmarshalJSON(data []byte) error { return in.read("input", data) }

// read is UnmarshalJSON for a field of some name.
func (in *input) read(field string, data []byte) error {
	*in = nil
	if data = bytes.TrimSpace(data); len(data) == 0 || data[0] != '[' {
		var one item
		if err := one.UnmarshalJSON(data); err != nil {
			return err
		}
		*in = input{one}
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for i, one := range list {
		var it item
		if err := it.UnmarshalJSON(one); err != nil {
			return fmt.Errorf("%s %d: %w", field, i, err)
		}
		*in = append(*in, it)
	}
	return nil
}

// partJSON is a part as clients write it.
type partJSON struct {
	Type       string                 `json:"type"`
	Text       *string                `json:"text"`
	Image      *address               `json:"image"`
	ImageURL   *address               `json:"image_url"`
	Audio      *address               `json:"audio"`
	AudioURL   *address               `json:"audio_url"`
	InputAudio *struct{ Data string } `json:"input_audio"`
	Content    contents               `json:"content"`
}

// Contents are parts, or a text alone, as messages have them.
type contents []json.RawMessage

// UnmarshalJSON takes both forms.
func (c *contents) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		*c = contents{bytes.Clone(data)}
		return nil
	}
	return json.Unmarshal(data, (*[]json.RawMessage)(c))
}

// foreignURI is how data of other kinds begins, which nobody means to have read as text.
var foreignURI = regexp.MustCompile(`^data:[a-z]+/[\w.+-]+[;,]`)

// An address is a string, or an object that holds it as url.
type address string

// UnmarshalJSON takes both forms.
func (a *address) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*a = address(s)
		return nil
	}
	var o struct{ URL *string }
	if err := json.Unmarshal(data, &o); err != nil || o.URL == nil {
		return errors.New(`want an address, or {"url": address}`)
	}
	*a = address(*o.URL)
	return nil
}

// UnmarshalJSON takes a string, a part or {"content": [parts]}.
func (it *item) UnmarshalJSON(data []byte) error {
	if len(data) == 0 {
		return errors.New("nothing is given")
	}
	switch data[0] {
	case '"':
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		p := part{kind: "text", text: s}
		if strings.HasPrefix(s, "data:image/") {
			p.kind = "image"
		} else if strings.HasPrefix(s, "data:audio/") {
			p.kind = "audio"
		} else if kind := foreignURI.FindString(s); kind != "" {
			return fmt.Errorf("want a text, or a data: URI of a picture or a sound, got %.80s", kind)
		}
		*it = item{p}
		return nil
	case '{':
		var p partJSON
		if err := json.Unmarshal(data, &p); err != nil {
			return err
		}
		one, err := p.part()
		if p.Content == nil {
			*it = item{one}
			return err
		}
		if one.kind != "" {
			return fmt.Errorf("want content or %s, got both", one.kind)
		}
		*it = nil
		for i, c := range p.Content {
			var inner item
			if err := inner.UnmarshalJSON(c); err != nil || len(inner) != 1 {
				return fmt.Errorf("content %d: want a text, a picture or a sound: %w", i, err)
			}
			*it = append(*it, inner[0])
		}
		if len(*it) == 0 {
			return errors.New("content is empty")
		}
		return nil
	case '[':
		return errors.New("want a text or a content part, got a list (of tokens?): send the text itself")
	}
	return fmt.Errorf("want a text or a content part, got %.20s: tokens are not taken, send the text itself", data)
}

// part is the one thing that is set.
func (p *partJSON) part() (one part, err error) {
	n := 0
	set := func(kind string, text *string, bare bool) {
		if text != nil {
			one, n = part{kind, *text, bare}, n+1
		}
	}
	set("text", p.Text, false)
	set("image", (*string)(p.Image), false)
	set("image", (*string)(p.ImageURL), false)
	set("audio", (*string)(p.Audio), false)
	set("audio", (*string)(p.AudioURL), false)
	if p.InputAudio != nil {
		set("audio", &p.InputAudio.Data, true)
	}
	if n != 1 {
		return one, fmt.Errorf("content part of type %.40q: want one of text, image_url, audio_url and input_audio, got %d of them", p.Type, n)
	}
	return one, nil
}

// counted checks the number of things in a request.
func (s *Server) counted(param string, n int) error {
	if n == 0 {
		return wrong(param, "%s: nothing is given", param)
	}
	if n > s.limits.Inputs {
		return failf(http.StatusRequestEntityTooLarge, param, "", "%s: got %d, want at most %d", param, n, s.limits.Inputs)
	}
	return nil
}

// vectors embeds items in their order. Texts are queries or documents, if role says so. tokens counts those of the texts.
func (s *Server) vectors(ctx context.Context, m *loaded, param, role string, items []item) (all []chiasm.Embedding, tokens int, err error) {
	all = make([]chiasm.Embedding, len(items))
	texts, read := &m.texts, m.Tokenize
	switch role {
	case "query":
		texts = &m.queries
	case "document":
		texts = &m.passages
	}
	var words group[string]
	var pictures group[stdimage.Image]
	var sounds group[chiasm.Sound]
	left := s.limits.Pixels
	for i, it := range items {
		parts := make([]chiasm.Part, len(it))
		for j, p := range it {
			if parts[j], err = s.bring(ctx, m, p, &left); err != nil {
				return nil, 0, s.explain(ctx, fmt.Sprintf("%s[%d]", param, i), fmt.Errorf("%s %d: %w", param, i, err))
			}
			if p.kind == "text" {
				tokens += len(read(p.text).IDs)
			}
		}
		switch one := parts[0]; {
		case len(parts) > 1:
			if all[i], err = m.EmbedParts(ctx, parts...); err != nil {
				return nil, 0, s.explain(ctx, fmt.Sprintf("%s[%d]", param, i), err)
			}
		case one.Image != nil:
			pictures.add(i, one.Image)
		case one.Sound != nil:
			sounds.add(i, *one.Sound)
		default:
			words.add(i, one.Text)
		}
	}
	err = errors.Join(words.embed(ctx, texts, all), pictures.embed(ctx, &m.images, all), sounds.embed(ctx, &m.sounds, all))
	if err != nil {
		return nil, 0, s.explain(ctx, param, err)
	}
	return all, tokens, nil
}

// A group is the items of one kind, and where they stand among all.
type group[T any] struct {
	items []T
	at    []int
}

func (g *group[T]) add(at int, v T) { g.items, g.at = append(g.items, v), append(g.at, at) }

func (g *group[T]) embed(ctx context.Context, b *batcher[T], all []chiasm.Embedding) error {
	got, err := b.do(ctx, g.items)
	for i, e := range got {
		all[g.at[i]] = e
	}
	return err
}
