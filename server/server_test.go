package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chiasm/chiasm"
)

const (
	tinyCLIP    = "../model/clip/testdata/transformers"
	tinyCLAP    = "../model/clap/testdata/unfused"
	tinyWhisper = "../model/whisper/testdata/tiny"
	tinyParts   = "../model/embeddinggemma/testdata"
	pictures    = "../model/clip/testdata/pictures/"
	voice       = "../model/vad/testdata/voice.wav"
)

func source(name, path string) Source {
	return Source{Name: name, Open: func(ctx context.Context) (*chiasm.Model, error) {
		return chiasm.Open(ctx, path, &chiasm.Options{Cache: "off"})
	}}
}

// serve starts a server of the tiny models.
func serve(t *testing.T, o Options) *httptest.Server {
	t.Helper()
	o.Models = append(o.Models, source("clip", tinyCLIP), source("clap", tinyCLAP), source("whisper", tinyWhisper), source("parts", tinyParts), source("org/none", t.TempDir()))
	o.Version = "1.2.3"
	s, err := New(o)
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

// call sends JSON and decodes the answer into out, checking the status.
func call(t *testing.T, h *httptest.Server, path, body string, status int, out any) {
	t.Helper()
	answer, err := http.Post(h.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	check(t, answer, path+" "+body[:min(len(body), 100)], status, out)
}

func check(t *testing.T, answer *http.Response, what string, status int, out any) {
	t.Helper()
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("%s: %s %.300s (%v), want %d", what, answer.Status, data, err, status)
	}
	if answer.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s: no request id", what)
	}
	if kind := answer.Header.Get("Content-Type"); status >= 400 && kind != "application/json" {
		t.Errorf("%s: an error of type %q", what, kind)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			t.Fatalf("%s: %v in %.300s", what, err, data)
		}
	}
}

func file(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func dataURI(t *testing.T, kind, path string) string {
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(file(t, path))
}

type list struct {
	Object, Model string
	Data          []struct {
		Object    string
		Index     int
		Embedding json.RawMessage
	}
	Usage struct{ Prompt_tokens, Total_tokens int }
}

func floats(t *testing.T, raw json.RawMessage) (out []float32) {
	t.Helper()
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Vectors over HTTP are those of the library, whatever shape the request has.
func TestEmbeddings(t *testing.T) {
	h := serve(t, Options{})
	m, err := chiasm.Open(t.Context(), tinyCLIP, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	text, err := m.EmbedText(t.Context(), "a cat")
	if err != nil {
		t.Fatal(err)
	}
	img, err := chiasm.OpenImage(pictures + "wide.png")
	if err != nil {
		t.Fatal(err)
	}
	picture, err := m.EmbedImage(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	uri := dataURI(t, "image/png", pictures+"wide.png")
	for body, want := range map[string][]chiasm.Embedding{
		`{"model":"clip","input":"a cat"}`:         {text},
		`{"input":["a cat"]}`:                      {text},
		`{"input":{"type":"text","text":"a cat"}}`: {text},
		`{"input":["` + uri + `","a cat"]}`:        {picture, text},
		`{"input":[{"type":"image_url","image_url":{"url":"` + uri + `"}},"a cat",{"image":"` + uri + `"}]}`: {picture, text, picture},
		`{"input":[{"type":"input_image","image_url":"` + uri + `"}],"user":"x","unknown":1}`:                {picture},
		`{"input":[{"content":[{"text":"a cat"}]}]}`:                                                         {text},
		`{"input":[{"role":"user","content":"a cat"}]}`:                                                      {text},
	} {
		var got list
		call(t, h, "/v1/embeddings", body, 200, &got)
		if got.Object != "list" || got.Model != "clip" || len(got.Data) != len(want) {
			t.Fatalf("%.80s gives %+v", body, got)
		}
		for i, d := range got.Data {
			if d.Index != i || d.Object != "embedding" || !slices.Equal(floats(t, d.Embedding), want[i].Values) {
				t.Errorf("%.80s: item %d is not the library's vector", body, i)
			}
		}
	}
	var got list
	call(t, h, "/v1/embeddings", `{"input":"a cat","encoding_format":"base64","dimensions":8}`, 200, &got)
	var s string
	if err := json.Unmarshal(got.Data[0].Embedding, &s); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) != 32 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	for i, want := range text.Truncate(8).Values {
		if math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])) != want {
			t.Errorf("value %d differs", i)
		}
	}
	if want := len(m.Tokenize("a cat").IDs); got.Usage.Prompt_tokens != want || got.Usage.Total_tokens != want {
		t.Errorf("usage %+v, want %d", got.Usage, want)
	}
}

func TestEmbeddingsOfSoundsAndSequences(t *testing.T) {
	h := serve(t, Options{})
	sound := dataURI(t, "audio/wav", voice)
	_, bare, _ := strings.Cut(sound, ",")
	var got list
	call(t, h, "/v1/embeddings", `{"model":"clap","input":["`+sound+`",{"type":"input_audio","input_audio":{"data":"`+bare+`","format":"wav"}},{"type":"audio_url","audio_url":{"url":"`+sound+`"}}]}`, 200, &got)
	if len(got.Data) != 3 || string(got.Data[0].Embedding) != string(got.Data[1].Embedding) || string(got.Data[0].Embedding) != string(got.Data[2].Embedding) {
		t.Error("the same sound has several vectors")
	}
	uri := dataURI(t, "image/png", tinyParts+"/picture0.png")
	call(t, h, "/v1/embeddings", `{"model":"parts","input":[{"content":[{"text":"a"},{"image":"`+uri+`"}]},{"content":["a"]},{"image":"`+uri+`"}]}`, 200, &got)
	if len(got.Data) != 3 || slices.Equal(floats(t, got.Data[0].Embedding), floats(t, got.Data[2].Embedding)) {
		t.Error("a sequence has the vector of its picture")
	}
	call(t, h, "/v1/embeddings", `{"model":"parts","input":"a","input_type":"query"}`, 200, &got)
	query := string(got.Data[0].Embedding)
	call(t, h, "/v1/embeddings", `{"model":"parts","input":"a","input_type":"document"}`, 200, &got)
	if string(got.Data[0].Embedding) == query {
		t.Error("queries and documents have no prompts")
	}
}

type problem struct {
	Error struct {
		Message, Type string
		Param, Code   *string
	}
}

// What the documentation has curl send is JSON under the name of a form.
func TestBodiesOfCurl(t *testing.T) {
	h := serve(t, Options{})
	for _, c := range []struct{ path, body string }{
		{"/v1/embeddings", `{"input":"a sunset"}`},
		{"/v1/rerank", `{"query":"a cat","documents":["a kitten","a car"]}`},
	} {
		check(t, request(t, h, "POST", c.path, c.body, "Content-Type", "application/x-www-form-urlencoded"), c.path, 200, nil)
		check(t, request(t, h, "POST", c.path, c.body, "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example"), c.path+" by a form of another page", 403, nil)
	}
}

func TestWrongRequests(t *testing.T) {
	h := serve(t, Options{Limits: Limits{Body: 1 << 20, Inputs: 3, Pixels: 1000}})
	wide := dataURI(t, "image/png", pictures+"wide.png")
	for _, c := range []struct {
		path, body string
		status     int
		message    string
	}{
		{"/v1/embeddings", `{`, 422, ""},
		{"/v1/embeddings", ``, 400, "required"},
		{"/v1/embeddings", `null`, 422, "want an object, got null"},
		{"/v1/embeddings", `{"input":[]}`, 400, "nothing is given"},
		{"/v1/embeddings", `{"input":[1,2,3]}`, 422, "tokens are not taken"},
		{"/v1/embeddings", `{"input":[[1,2,3]]}`, 422, "of tokens?"},
		{"/v1/embeddings", `{"input":{"type":"image_url"}}`, 422, "want one of text, image_url"},
		{"/v1/embeddings", `{"input":{"text":"a","image":"b"}}`, 422, "got 2 of them"},
		{"/v1/embeddings", `{"input":["a","a","a","a"]}`, 413, "got 4, want at most 3"},
		{"/v1/embeddings", `{"input":"a","model":"gpt"}`, 404, `no model "gpt"`},
		{"/v1/embeddings", `{"input":"a","model":"../../etc/passwd"}`, 404, "no model"},
		{"/v1/embeddings", `{"input":"a","model":"org/none"}`, 503, "does not open"},
		{"/v1/embeddings", `{"input":"a","encoding_format":"int4"}`, 400, "want float or base64"},
		{"/v1/embeddings", `{"input":"a","dimensions":0}`, 400, "want 1 to"},
		{"/v1/embeddings", `{"input":"a","dimensions":99999}`, 400, "want 1 to"},
		{"/v1/embeddings", `{"input":"a","dimensions":"x"}`, 422, "dimensions: want a whole number, got string"},
		{"/v1/embeddings", `["a"]`, 422, "want an object, got array"},
		{"/v1/embeddings", `{"input":"` + wide + `"}`, 400, "pixels"},
		{"/v1/embeddings", `{"input":["a","data:video/mp4;base64,AAAA"]}`, 422, `input 1: want a text, or a data: URI of a picture or a sound, got data:video/mp4;`},
		{"/v1/embeddings", `{"input":{"content":["a"],"text":"b"}}`, 422, "got both"},
		{"/v1/rerank", `{"query":"a","documents":["a",1]}`, 422, "documents 1: "},
		{"/v1/embeddings", `{"input":"data:image/png;base64,!!!"}`, 400, "base64"},
		{"/v1/embeddings", `{"input":"data:image/png;base64"}`, 400, "no comma"},
		{"/v1/embeddings", `{"input":"data:image/png;base64,QUFB"}`, 400, "not a picture"},
		{"/v1/embeddings", `{"input":"` + wide[:len(wide)/2] + `"}`, 400, ""},
		{"/v1/embeddings", `{"input":{"image":"file:///etc/passwd"}}`, 400, "does not fetch"},
		{"/v1/embeddings", `{"input":{"image":"http://127.0.0.1/x.png"}}`, 400, "does not fetch"},
		{"/v1/embeddings", `{"input":"data:audio/wav;base64,QUFB"}`, 400, "hear"},
		{"/v1/embeddings", `{"model":"whisper","input":"a"}`, 400, ""},
		{"/v1/embeddings", `{"input":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "at most"},
		{"/v1/embeddings", strings.Repeat("[", 20000), 422, ""},
		{"/v1/rerank", `{"query":"a","documents":[]}`, 400, "documents"},
		{"/v1/rerank", `{"documents":["a"]}`, 400, "query"},
		{"/v1/rerank", `{"query":"a","documents":["a"],"top_n":0}`, 400, "top_n"},
		{"/v1/classify", `{"input":"a","labels":["x"]}`, 400, "picture or sound"},
		{"/v1/classify", `{"input":"` + wide + `","labels":[]}`, 400, "labels"},
		{"/v1/classify", `{"input":"` + wide + `","labels":["x"],"templates":["x"]}`, 400, "{}"},
		{"/v1/classify", `{"input":"` + wide + `","labels":["x"],"templates":"none"}`, 422, ""},
		{"/v1/nothing", `{}`, 404, "openapi"},
		{"/../../etc/passwd", `{}`, 404, ""},
	} {
		var p problem
		answer, err := http.Post(h.URL+c.path, "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewDecoder(answer.Body).Decode(&p); err != nil || answer.StatusCode != c.status {
			t.Errorf("%s %.80s: %s, %v, want %d: %+v", c.path, c.body, answer.Status, err, c.status, p.Error)
		}
		answer.Body.Close()
		if p.Error.Type == "" || !strings.Contains(p.Error.Message, c.message) {
			t.Errorf("%s %.80s: %+v, want %q", c.path, c.body, p.Error, c.message)
		}
		if len(p.Error.Message) > 1000 {
			t.Errorf("%s %.80s: the message has %d bytes", c.path, c.body, len(p.Error.Message))
		}
	}
	for body, param := range map[string]string{`{"input":["a",1]}`: "input[1]", `{"input":"a","dimensions":"x"}`: "dimensions"} {
		var p problem
		call(t, h, "/v1/embeddings", body, 422, &p)
		if p.Error.Param == nil || *p.Error.Param != param {
			t.Errorf("%s: %+v, want the field %s named", body, p.Error, param)
		}
	}
	// A body whose length nobody said.
	answer, err := http.Post(h.URL+"/v1/embeddings", "application/json", io.MultiReader(strings.NewReader(`{"input":"`), bytes.NewReader(make([]byte, 2<<20))))
	if err != nil {
		t.Fatal(err)
	}
	check(t, answer, "chunked", 413, nil)
	answer = request(t, h, "PATCH", "/v1/models/a/b", "")
	if allow := answer.Header.Get("Allow"); allow != "GET" {
		t.Errorf("Allow %q", allow)
	}
	check(t, answer, "another method", 405, nil)
	check(t, request(t, h, "GET", "/v1/embeddings", ""), "another method", 405, nil)
	check(t, request(t, h, "POST", "/v1/nothing", ""), "another path", 404, nil)
}

func TestRerank(t *testing.T) {
	h := serve(t, Options{})
	var got struct {
		Model   string
		Results []struct {
			Index    int
			Score    float32 `json:"relevance_score"`
			Document json.RawMessage
		}
	}
	call(t, h, "/v1/rerank", `{"query":"a cat","documents":["x y z",{"text":"a cat"},"`+dataURI(t, "image/png", pictures+"tall.png")+`"],"top_n":2,"return_documents":true}`, 200, &got)
	if len(got.Results) != 2 || got.Results[0].Index != 1 || math.Abs(float64(got.Results[0].Score)-1) > 1e-5 || got.Results[0].Score < got.Results[1].Score || string(got.Results[0].Document) != `{"text":"a cat"}` {
		t.Errorf("got %+v", got)
	}
	call(t, h, "/v1/rerank", `{"query":"a cat","documents":["<a> cat"],"return_documents":true}`, 200, &got)
	var document struct{ Text string }
	if err := json.Unmarshal(got.Results[0].Document, &document); err != nil || document.Text != "<a> cat" {
		t.Errorf("a document that is a string comes back as %s: %v", got.Results[0].Document, err)
	}
}

func TestClassify(t *testing.T) {
	h := serve(t, Options{})
	var got classifyBody
	call(t, h, "/v1/classify", `{"input":["`+dataURI(t, "image/png", pictures+"tall.png")+`"],"labels":["cat","dog","bird"],"templates":"imagenet-simple"}`, 200, &got)
	sum := float32(0)
	for _, l := range got.Data[0].Labels {
		sum += l.Probability
	}
	if len(got.Data) != 1 || len(got.Data[0].Labels) != 3 || math.Abs(float64(sum)-1) > 1e-5 {
		t.Errorf("got %+v", got)
	}
	call(t, h, "/v1/classify", `{"model":"clap","input":"`+dataURI(t, "audio/wav", voice)+`","labels":["cat","dog"],"top":1}`, 200, &got)
	if len(got.Data) != 1 || len(got.Data[0].Labels) != 1 {
		t.Errorf("got %+v", got)
	}
}

// form is a multipart body.
func form(t *testing.T, sound []byte, fields ...string) (string, io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if sound != nil {
		f, err := w.CreateFormFile("file", "../../voice.wav")
		if err != nil {
			t.Fatal(err)
		}
		f.Write(sound)
	}
	for i := 0; i < len(fields); i += 2 {
		w.WriteField(fields[i], fields[i+1])
	}
	w.Close()
	return w.FormDataContentType(), &b
}

func TestTranscriptions(t *testing.T) {
	h := serve(t, Options{Limits: Limits{Duration: 10 * time.Second}})
	sound := file(t, voice)
	post := func(status int, sound []byte, fields ...string) (string, []byte) {
		t.Helper()
		kind, body := form(t, sound, fields...)
		answer, err := http.Post(h.URL+"/v1/audio/transcriptions", kind, body)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		data, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != status {
			t.Fatalf("%v: %s %s %v", fields, answer.Status, data, err)
		}
		return answer.Header.Get("Content-Type"), data
	}
	for format, want := range map[string]string{"": "application/json", "json": "application/json", "text": "text/plain; charset=utf-8", "srt": "application/x-subrip; charset=utf-8", "vtt": "text/vtt; charset=utf-8", "verbose_json": "application/json"} {
		kind, data := post(200, sound, "model", "whisper", "response_format", format, "language", "en", "timestamp_granularities[]", "segment")
		if kind != want {
			t.Errorf("%s: %s", format, kind)
		}
		if strings.HasSuffix(format, "json") {
			var got struct {
				Text           *string
				Task, Language string
				Duration       float64
				Segments       []json.RawMessage
			}
			if err := json.Unmarshal(data, &got); err != nil || got.Text == nil {
				t.Errorf("%s: %v in %s", format, err, data)
			}
			if format == "verbose_json" && (got.Task != "transcribe" || got.Language != "english" || got.Duration == 0) {
				t.Errorf("%s: %s", format, data)
			}
		}
		if format == "vtt" && !bytes.HasPrefix(data, []byte("WEBVTT")) {
			t.Errorf("%s: %s", format, data)
		}
	}
	post(422, nil, "model", "whisper")
	post(422, sound, "model", "whisper", "response_format", "pdf")
	post(422, sound, "model", "whisper", "temperature", "hot")
	post(400, []byte("junk"), "model", "whisper")
	post(400, sound, "model", "clip")
	post(400, sound, "model", "whisper", "language", "klingon")
	long := slices.Concat(sound[:44], make([]byte, 16000*2*20))
	binary.LittleEndian.PutUint32(long[40:], uint32(len(long)-44))
	binary.LittleEndian.PutUint32(long[4:], uint32(len(long)-8))
	post(413, long, "model", "whisper")
}

// Models are opened when asked for and closed when idle, and nothing stays behind.
func TestModelsComeAndGo(t *testing.T) {
	warm, err := chiasm.Open(t.Context(), tinyCLIP, nil) // the threads that all models share
	if err != nil {
		t.Fatal(err)
	}
	if _, err := warm.EmbedText(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	warm.Close()
	http.DefaultClient.CloseIdleConnections()
	before := runtime.NumGoroutine()
	opened := make(chan struct{}, 10)
	s, err := New(Options{KeepAlive: time.Millisecond, Models: []Source{{Name: "clip", Open: func(ctx context.Context) (*chiasm.Model, error) {
		opened <- struct{}{}
		return chiasm.Open(ctx, tinyCLIP, nil)
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	url := "http://" + l.Addr().String()
	client := &http.Client{Transport: &http.Transport{}}
	models := func() (m modelList) {
		answer, err := client.Get(url + "/v1/models")
		if err != nil {
			t.Fatal(err)
		}
		check(t, answer, "models", 200, &m)
		return m
	}
	if len(opened) > 0 || models().Data[0].Open {
		t.Error("the model is open before it is needed")
	}
	for round := range 2 {
		answer, err := client.Post(url+"/v1/embeddings", "", strings.NewReader(`{"input":["a","b"]}`))
		if err != nil {
			t.Fatal(err)
		}
		check(t, answer, "embeddings", 200, nil)
		for models().Data[0].Open {
		}
		if len(opened) != round+1 {
			t.Errorf("round %d: opened %d times", round, len(opened))
		}
	}
	answer, err := client.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if want := `chiasm_batch_inputs_count{kind="text",model="clip"} 2`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("metrics lack %s: %v", want, err)
	}
	if want := `chiasm_requests_total{route="POST /v1/embeddings",status="200"} 2`; !strings.Contains(string(text), want) {
		t.Errorf("metrics lack %s:\n%s", want, text)
	}
	client.CloseIdleConnections()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
