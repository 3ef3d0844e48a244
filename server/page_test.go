package server

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/library"
)

// fetched is an answer to a GET with headers, its body read.
func fetched(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(data)
}

func TestPage(t *testing.T) {
	h := serve(t, Options{Token: strings.Repeat("t", 20)}) // the page itself needs none
	answer, index := fetched(t, h.URL+"/")
	if answer.StatusCode != 200 || !strings.Contains(index, "<title>chiasm</title>") {
		t.Fatalf("the page: %s %.300s", answer.Status, index)
	}
	csp := answer.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") {
		t.Errorf("policy %q", csp)
	}
	if strings.Contains(index, "<style") || regexp.MustCompile(`<script[^>]*>\s*[^<\s]`).MatchString(index) {
		t.Errorf("something is written into the page, which its policy forbids: %s", index)
	}
	if again, _ := fetched(t, h.URL+"/", "If-None-Match", answer.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("the same page again: %s", again.Status)
	}
	found := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(index, -1)
	if len(found) < 3 {
		t.Fatalf("the page has %d files: %s", len(found), index)
	}
	for _, f := range found {
		answer, plain := fetched(t, h.URL+f[1])
		cache := answer.Header.Get("Cache-Control")
		if answer.StatusCode != 200 || strings.HasPrefix(f[1], "/assets/") != strings.Contains(cache, "immutable") {
			t.Errorf("%s: %s, cache %q", f[1], answer.Status, cache)
		}
		for _, kind := range []string{".js", ".css", ".svg"} {
			if want := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}[kind]; strings.HasSuffix(f[1], kind) && answer.Header.Get("Content-Type") != want {
				t.Errorf("%s is %q", f[1], answer.Header.Get("Content-Type"))
			}
		}
		for _, address := range regexp.MustCompile(`https?://[^"'\s)]+`).FindAllString(plain, -1) {
			if !strings.HasPrefix(address, "http://www.w3.org/") && !strings.HasPrefix(address, "https://svelte.dev/e/") { // names, which nothing loads
				t.Errorf("%s names %s", f[1], address)
			}
		}
		packed, data := fetched(t, h.URL+f[1], "Accept-Encoding", "gzip")
		if packed.Header.Get("Content-Encoding") == "" {
			continue // where it is no smaller
		}
		z, err := gzip.NewReader(strings.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if all, err := io.ReadAll(z); err != nil || string(all) != plain || packed.Header.Get("ETag") == answer.Header.Get("ETag") {
			t.Errorf("%s by gzip: %d bytes, want %d (%v)", f[1], len(all), len(plain), err)
		}
	}
	for _, path := range []string{"/assets/none.js", "/assets/", "/assets/../page.go", "/index.html"} {
		if answer, _ := fetched(t, h.URL+path); answer.StatusCode == 200 {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
	if answer, _ := fetched(t, h.URL+"/v1/models"); answer.StatusCode != 401 {
		t.Errorf("the API without a token: %s", answer.Status)
	}
}

func TestMediaType(t *testing.T) {
	for _, c := range []struct{ path, kind, want string }{
		{"a/B.WEBM", library.Video, "video/webm"}, {"b.webm", library.Audio, "audio/webm"}, {"c.mp4", library.Audio, "audio/mp4"}, {"d.mp3", library.Audio, "audio/mpeg"},
		{"e.jpg", library.Image, "image/jpeg"}, {"f.html", library.Image, "application/octet-stream"}, {"g.webm", library.Image, "application/octet-stream"}, {"h", library.Image, "application/octet-stream"},
	} {
		if got := mediaType(library.Item{Path: c.path, Kind: c.kind}); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.path, c.kind, got, c.want)
		}
	}
}

// What the library reads has a media type here, is offered by the page's chooser, and is known to who learns from folders.
func TestFormats(t *testing.T) {
	page, err := os.ReadFile("../web/src/files.ts")
	if err != nil {
		t.Fatal(err)
	}
	offered := regexp.MustCompile(`[a-z0-9]+`).FindAllString(string(page), -1)
	for kind, list := range library.Extensions {
		for _, ext := range list {
			if got := mediaType(library.Item{Path: "a" + ext, Kind: kind}); !strings.HasPrefix(got, kind+"/") {
				t.Errorf("%s: the media type %s, want %s", ext, got, kind)
			}
			if !slices.Contains(offered, ext[1:]) {
				t.Errorf("%s is not offered by the page", ext)
			}
			if got := dataset.Kind("a" + ext); got != kind {
				t.Errorf("%s: a folder to learn from holds %q, want %q", ext, got, kind)
			}
		}
	}
}
