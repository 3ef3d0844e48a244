// Package openai has OpenAI's own client talk to the server. It is a module of its own, since that client takes a minute to compile.
package openai

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/openai/openai-go"
	"github.com/openai/openai-go/option"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/server"
)

// OpenAI's own client for Go works with the server as with theirs: vectors as numbers and in base64, models, transcripts and errors.
func TestClient(t *testing.T) {
	h := serve(t)
	client := func(key string) openai.Client {
		return openai.NewClient(option.WithBaseURL(h.URL+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0), option.WithHTTPClient(http.DefaultClient))
	}
	c := client(token)
	ask := openai.EmbeddingNewParams{Model: "clip", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a cat", "a dog", "data:image/png;base64," + base64.StdEncoding.EncodeToString(file(t, "model/clip/testdata/pictures/wide.png"))}}}
	plain, err := c.Embeddings.New(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if len(plain.Data) != 3 || plain.Model != "clip" || plain.Usage.PromptTokens == 0 || plain.Data[1].Index != 1 {
		t.Fatalf("%+v", plain)
	}
	var length float64
	for _, x := range plain.Data[0].Embedding {
		length += x * x
	}
	if math.Abs(length-1) > 1e-4 {
		t.Errorf("a vector of length %v", math.Sqrt(length))
	}
	// The client has no field for base64: the answer is read as it came.
	ask.EncodingFormat = openai.EmbeddingNewParamsEncodingFormatBase64
	var raw *http.Response
	coded, err := c.Embeddings.New(t.Context(), ask, option.WithResponseInto(&raw))
	var packed struct {
		Data []struct{ Embedding string }
	}
	if coded != nil {
		err = json.Unmarshal([]byte(coded.RawJSON()), &packed)
	}
	if err != nil || len(packed.Data) != 3 {
		t.Fatalf("base64: %v, %+v", err, packed)
	}
	for i, d := range packed.Data {
		data, err := base64.StdEncoding.DecodeString(d.Embedding)
		values := make([]float32, len(data)/4)
		if err == nil {
			err = binary.Read(bytes.NewReader(data), binary.LittleEndian, values)
		}
		if err != nil || len(values) != len(plain.Data[i].Embedding) {
			t.Fatalf("base64 %d: %v, %d values", i, err, len(values))
		}
		for j, v := range values {
			if float32(plain.Data[i].Embedding[j]) != v {
				t.Fatalf("base64 %d, value %d: %v, as a number %v", i, j, v, plain.Data[i].Embedding[j])
			}
		}
	}

	models, err := c.Models.List(t.Context())
	if err != nil || len(models.Data) != 2 {
		t.Errorf("models: %v, %+v", err, models)
	}
	if m, err := c.Models.Get(t.Context(), "clip"); err != nil || m.ID != "clip" {
		t.Errorf("a model: %v, %+v", err, m)
	}
	said, err := c.Audio.Transcriptions.New(t.Context(), openai.AudioTranscriptionNewParams{
		Model: "whisper", File: openai.File(bytes.NewReader(file(t, voice)), filepath.Base(voice), "audio/wav"), Language: openai.String("en")})
	if err != nil || !said.JSON.Text.Valid() {
		t.Errorf("a transcript: %v, %+v", err, said)
	}

	stranger := client("wrong-key-altogether")
	_, missing := c.Models.Get(t.Context(), "nothing")
	_, refused := stranger.Models.List(t.Context())
	_, unable := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "whisper", Input: ask.Input})
	for status, err := range map[int]error{http.StatusNotFound: missing, http.StatusUnauthorized: refused, http.StatusBadRequest: unable} {
		var e *openai.Error
		if !errors.As(err, &e) || e.StatusCode != status || e.Message == "" || e.Type == "" {
			t.Errorf("want an error of status %d with its message, got %v", status, err)
		}
	}
}

const (
	root  = "../../"
	voice = "model/vad/testdata/voice.wav"
	token = "correct-horse-battery"
)

// serve starts a server of tiny models.
func serve(t *testing.T) *httptest.Server {
	t.Helper()
	source := func(name, path string) server.Source {
		return server.Source{Name: name, Open: func(ctx context.Context) (*chiasm.Model, error) {
			return chiasm.Open(ctx, root+path, &chiasm.Options{Cache: "off"})
		}}
	}
	s, err := server.New(server.Options{Token: token, Models: []server.Source{source("clip", "model/clip/testdata/transformers"), source("whisper", "model/whisper/testdata/tiny")}})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func file(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(root + path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
