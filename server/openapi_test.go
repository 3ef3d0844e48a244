package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// The document is one of OpenAPI 3.1 whose references all lead somewhere, and what it lists exists.
func TestOpenAPI(t *testing.T) {
	h, _ := collection(t, Options{})
	var found searchOutput
	get(t, h, "/v1/search?limit=1", 200, &found)
	answer, err := http.Get(h.URL + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string
		Info    struct{ Title, Version string }
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Responses   map[string]any
		}
		Components map[string]map[string]any
	}
	check(t, answer, "document", 200, &doc)
	if doc.OpenAPI != "3.1.0" || doc.Info.Version != "1.2.3" {
		t.Errorf("%s, version %s", doc.OpenAPI, doc.Info.Version)
	}
	ids := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, o := range operations {
			if o.OperationID == "" || ids[o.OperationID] || o.Summary == "" || len(o.Responses) == 0 {
				t.Errorf("%s %s: %+v", method, path, o)
			}
			ids[o.OperationID] = true
			if strings.Contains(path, "...") {
				t.Errorf("%s is the router's", path)
			}
			r, err := http.NewRequest(strings.ToUpper(method), h.URL+strings.NewReplacer("{model}", "clip", "{id}", fmt.Sprint(found.Data[0].ID), "{tag}", "a").Replace(path), strings.NewReader(""))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode == 404 && !strings.Contains(path, "/jobs/") || answer.StatusCode == 405 || answer.StatusCode >= 500 {
				t.Errorf("%s %s answers %s", method, path, answer.Status)
			}
			if o.Responses[strconv.Itoa(answer.StatusCode)] == nil {
				t.Errorf("%s %s answers %s, which is not described", method, path, answer.Status)
			}
		}
	}
	for _, want := range []string{"createEmbeddings", "listModels", "rerank", "classify", "createTranscription", "health", "metrics"} {
		if !ids[want] {
			t.Errorf("no operation %s", want)
		}
	}
	answer, err = http.Get(h.URL + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var whole any
	check(t, answer, "document", 200, &whole)
	references(t, whole, doc.Components)
}

func references(t *testing.T, v any, components map[string]map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
			if components[kind][name] == nil {
				t.Errorf("%s leads nowhere", ref)
			}
		}
		for _, inner := range v {
			references(t, inner, components)
		}
	case []any:
		for _, inner := range v {
			references(t, inner, components)
		}
	}
}

// Requests may hold anything: decoding them ends with an answer or an error.
func FuzzInput(f *testing.F) {
	for _, s := range []string{`"a"`, `["a",{"text":"b"},{"content":["x",{"image":"data:image/png;base64,AA"}]}]`, `{"image_url":{"url":"x"}}`, `{"input_audio":{"data":"AA"}}`, `[[1]]`, `null`, `{"content":[{"content":[]}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var in input
		if json.Unmarshal([]byte(s), &in) != nil {
			return
		}
		for _, it := range in {
			if len(it) == 0 {
				t.Error("an item without parts")
			}
			for _, p := range it {
				if p.kind != "text" && p.kind != "image" && p.kind != "audio" {
					t.Errorf("kind %q", p.kind)
				}
			}
		}
	})
}
