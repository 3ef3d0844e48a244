package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chiasm/chiasm/library"
)

// files is a form of files by their names, in pairs.
func files(t *testing.T, pairs ...string) (body string, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + pairs[i] + `"`}})
		if err != nil {
			t.Fatal(err)
		}
		p.Write([]byte(pairs[i+1]))
	}
	w.Close()
	return b.String(), w.FormDataContentType()
}

// stream reads server-sent events, and keeps the last of each name.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
	last  map[string]string
}

func listen(t *testing.T, h *httptest.Server) stream {
	answer := request(t, h, "GET", "/v1/events", "")
	t.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatal(kind, answer.Status)
	}
	return stream{t, bufio.NewScanner(answer.Body), map[string]string{}}
}

// awaited reads events until the last one of a name is as wanted.
func awaited[T any](s stream, name string, want func(T) bool) {
	s.t.Helper()
	event := ""
	for {
		if data := s.last[name]; data != "" {
			var v T
			if err := json.Unmarshal([]byte(data), &v); err != nil {
				s.t.Fatal(err)
			}
			if want(v) {
				return
			}
		}
		if !s.lines.Scan() {
			s.t.Fatalf("no such event of %s: %v", name, s.lines.Err())
		}
		if rest, ok := strings.CutPrefix(s.lines.Text(), "event: "); ok {
			event = rest
		}
		if data, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
			s.last[event] = data
		}
	}
}

// What is uploaded is told of, found, and kept below the library's folder whatever its name says.
func TestUpload(t *testing.T) {
	h, _ := collection(t, Options{})
	events := listen(t, h)
	awaited(events, "library", func(s library.State) bool { return s.Files["image"] == 3 && s.Failed == 1 })
	body, kind := files(t, "../../fresh.png", string(file(t, pictures+"wide.png"))+"x", "bad.png", "nothing")
	var up listing[uploadedFile]
	check(t, request(t, h, "POST", "/v1/uploads", body, "Content-Type", kind), "upload", 201, &up)
	if len(up.Data) != 2 || filepath.Base(up.Data[0].Path) != "fresh.png" || filepath.Base(filepath.Dir(up.Data[0].Path)) != "uploads" || up.Data[0].Error != "" || up.Data[1].Error == "" || up.Data[1].Path != "" {
		t.Errorf("%+v", up)
	}
	awaited(events, "job", func(b jobBody) bool { return b.State == "done" && b.Watch && b.Summary.Added == 1 })
	awaited(events, "library", func(s library.State) bool { return s.Files["image"] == 4 })
	var found searchOutput
	get(t, h, "/v1/search?q=path:uploads", 200, &found)
	if len(found.Data) != 1 || found.Data[0].Width == 0 || found.Data[0].Version == "" {
		t.Errorf("%+v", found)
	}
	refused, kindRefused := files(t, "bad.png", "nothing", "worse.png", "")
	for _, c := range []struct {
		status        int
		body, kind    string
		header, value string
	}{
		{415, "{}", "application/json", "", ""},
		{415, refused, kindRefused, "", ""},
		{400, strings.TrimSuffix(body, "--\r\n"), kind, "", ""}, // cut off
		{400, "--x--\r\n", "multipart/form-data; boundary=x", "", ""},
		{403, body, kind, "Origin", "https://evil.example"},
	} {
		headers := []string{"Content-Type", c.kind}
		if c.header != "" {
			headers = append(headers, c.header, c.value)
		}
		check(t, request(t, h, "POST", "/v1/uploads", c.body, headers...), fmt.Sprint(c.status, " ", c.kind), c.status, nil)
	}
	small, _ := collection(t, Options{Limits: Limits{Upload: 1000}})
	check(t, request(t, small, "POST", "/v1/uploads", body+strings.Repeat("x", 2000), "Content-Type", kind), "large", 413, nil)
	closed, _ := collection(t, Options{ReadOnly: true})
	check(t, request(t, closed, "POST", "/v1/uploads", body, "Content-Type", kind), "read only", 403, nil)
}

// A server that watches takes in what changes, and nothing is said of looks that found nothing.
func TestWatch(t *testing.T) {
	root := t.TempDir()
	l, err := library.Open(t.TempDir(), library.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if err := l.AddRoot(t.Context(), root, nil, nil); err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Models: []Source{source("clip", tinyCLIP)}, Library: l, Watch: true, KeepAlive: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.jobs.work.Go(s.follow)
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	events := listen(t, h)
	awaited(events, "library", func(s library.State) bool { return len(s.Files) == 0 })
	if err := os.WriteFile(filepath.Join(root, "a.png"), file(t, pictures+"wide.png"), 0o644); err != nil {
		t.Fatal(err)
	}
	awaited(events, "library", func(s library.State) bool { return s.Files["image"] == 1 })
	awaited(events, "job", func(b jobBody) bool { return b.State == "done" })
	var all listing[jobBody]
	get(t, h, "/v1/jobs", 200, &all)
	if len(all.Data) != 1 || !all.Data[0].Watch {
		t.Errorf("%+v", all)
	}
	var info libraryBody
	get(t, h, "/v1/library", 200, &info)
	if !info.Watching || len(info.Languages) != 5 {
		t.Errorf("%+v", info)
	}
}

func TestFacets(t *testing.T) {
	h, _ := collection(t, Options{})
	var found searchOutput
	get(t, h, "/v1/search", 200, &found)
	check(t, request(t, h, "PUT", "/v1/items/1/tags/%e7%8b%97", ""), "tag", 200, nil)
	var tags listing[tagCount]
	get(t, h, "/v1/tags?prefix=%e7%8b%97", 200, &tags)
	if len(tags.Data) != 1 || tags.Data[0] != (tagCount{"\u72d7", 1}) {
		t.Errorf("%+v", tags)
	}
	get(t, h, "/v1/tags?prefix=x", 200, &tags)
	if len(tags.Data) != 0 {
		t.Errorf("%+v", tags)
	}
	var f library.Facets
	get(t, h, "/v1/facets?q=path:tall", 200, &f)
	if f.Files != 1 || len(f.Folders) != 1 || f.Types[0] != (library.Count{Value: "image", Files: 1}) {
		t.Errorf("%+v", f)
	}
	get(t, h, "/v1/facets?q=size:x", 400, nil)
	for header, want := range map[string]string{"": "en", "fr-CH, de;q=0.5": "fr", "xx, zh-Hans-CN;q=0.9": "zh"} {
		if got := (&Spoken{Accept: header}).language(); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	if got := (&Spoken{Lang: "es", Accept: "de"}).language(); got != "es" {
		t.Error(got)
	}
}

// A waveform and pictures may be kept as long as their content is the same.
func TestCaching(t *testing.T) {
	h, _ := collection(t, Options{})
	var found searchOutput
	get(t, h, "/v1/search?limit=1", 200, &found)
	item := fmt.Sprintf("/v1/items/%d/", found.Data[0].ID)
	for path, want := range map[string]string{"thumbnail?v=" + found.Data[0].Version: "immutable", "thumbnail?v=00": "no-cache", "original": "no-cache", "original?v=" + found.Data[0].Version: "immutable"} {
		path = item + path
		answer := request(t, h, "GET", path, "")
		answer.Body.Close()
		if got := answer.Header.Get("Cache-Control"); !strings.Contains(got, want) || answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %q", path, answer.Status, got)
		}
		again := request(t, h, "GET", path, "", "If-None-Match", answer.Header.Get("ETag"))
		again.Body.Close()
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s", path, again.Status)
		}
	}
	get(t, h, item+"thumbnail?at=x", 400, nil)
}
