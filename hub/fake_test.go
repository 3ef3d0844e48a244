package hub

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	commitA = "0123456789abcdef0123456789abcdef01234567"
	commitB = "89abcdef0123456789abcdef0123456789abcdef"
)

// A fake behaves like the hub: small files come from it, large ones from another host that it redirects to.
type fake struct {
	hub, cdn *httptest.Server
	repo     string
	commits  map[string]map[string][]byte // files by commit
	refs     map[string]string            // branches
	bare     bool                         // the description names files only, as some mirrors'
	token    string                       // that is demanded, if any

	mu      sync.Mutex
	instead func(w http.ResponseWriter, r *http.Request) bool // set by on
	log     []string                                          // "METHOD hub|cdn path [range]"
	bad     []string                                          // what no client may do
}

const large = 1000 // bytes from which on a file lies on the other host

func newFake(t testing.TB) *fake {
	f := &fake{
		repo: "org/model",
		commits: map[string]map[string][]byte{
			commitA: {"config.json": []byte(`{"a":1}`), "model.safetensors": content(300_000, 1), "sub/tokenizer.json": content(5000, 2), "copy.bin": content(5000, 2)},
			commitB: {"config.json": []byte(`{"a":2}`), "model.safetensors": content(300_000, 1)},
		},
		refs: map[string]string{"main": commitA, "refs/pr/7": commitB},
	}
	f.hub = httptest.NewServer(http.HandlerFunc(f.serveHub))
	f.cdn = httptest.NewServer(http.HandlerFunc(f.serveCDN))
	t.Cleanup(func() {
		f.hub.Close()
		f.cdn.Close()
		for _, b := range f.bad {
			t.Error(b)
		}
	})
	return f
}

// content is n bytes that differ from place to place.
func content(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7+i>>8) ^ seed
	}
	return b
}

func etagOf(data []byte) string {
	if len(data) >= large {
		sum := sha256.Sum256(data)
		return hex.EncodeToString(sum[:])
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// on lets do answer requests in the usual one's place whenever it returns true; nil for never.
func (f *fake) on(do func(w http.ResponseWriter, r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instead = do
}

func (f *fake) answered(w http.ResponseWriter, r *http.Request) bool {
	f.mu.Lock()
	do := f.instead
	f.mu.Unlock()
	return do != nil && do(w, r)
}

// requests are those that came.
func (f *fake) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// forget drops the requests that came.
func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = nil
}

func (f *fake) note(host string, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	line := r.Method + " " + host + " " + r.URL.EscapedPath()
	if s := r.Header.Get("Range"); s != "" {
		line += " " + s
	}
	f.log = append(f.log, line)
	if r.Header.Get("Accept-Encoding") != "identity" {
		f.bad = append(f.bad, line+": asks for "+r.Header.Get("Accept-Encoding"))
	}
	if host == "cdn" && r.Header.Get("Authorization") != "" {
		f.bad = append(f.bad, line+": the token went to another host")
	}
}

// count is the number of requests that begin with prefix.
func (f *fake) count(prefix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, line := range f.log {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func (f *fake) serveHub(w http.ResponseWriter, r *http.Request) {
	f.note("hub", r)
	if f.answered(w, r) {
		return
	}
	if f.token != "" && r.Header.Get("Authorization") != "Bearer "+f.token {
		f.refuse(w, 401, "RepoNotFound", "Invalid username or password.")
		return
	}
	path := r.URL.EscapedPath()
	if rest, ok := strings.CutPrefix(path, "/api/models/"+f.repo+"/revision/"); ok {
		f.describe(w, rest)
		return
	}
	rest, ok := strings.CutPrefix(path, "/"+f.repo+"/resolve/")
	rev, name, _ := strings.Cut(rest, "/")
	files, commit := f.find(rev)
	if !ok {
		f.refuse(w, 404, "RepoNotFound", "Repository not found")
		return
	}
	if files == nil {
		f.refuse(w, 404, "RevisionNotFound", "Invalid rev id: "+rev)
		return
	}
	name, _ = url.PathUnescape(name)
	data, ok := files[name]
	if !ok {
		f.refuse(w, 404, "EntryNotFound", "Entry not found")
		return
	}
	w.Header().Set("X-Repo-Commit", commit)
	if len(data) < large {
		w.Header().Set("ETag", `"`+etagOf(data)+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
		return
	}
	w.Header().Set("X-Linked-Etag", `"`+etagOf(data)+`"`)
	w.Header().Set("X-Linked-Size", fmt.Sprint(len(data)))
	w.Header().Set("ETag", `"of the redirection"`)
	w.Header().Set("Location", f.cdn.URL+"/"+etagOf(data)+"?signature=secret")
	w.WriteHeader(302)
	fmt.Fprint(w, "Found. Redirecting")
}

func (f *fake) find(rev string) (files map[string][]byte, commit string) {
	rev, _ = url.PathUnescape(rev)
	if c, ok := f.refs[rev]; ok {
		rev = c
	}
	return f.commits[rev], rev
}

func (f *fake) describe(w http.ResponseWriter, rev string) {
	files, commit := f.find(rev)
	if files == nil {
		f.refuse(w, 404, "RevisionNotFound", "Invalid rev id: "+rev)
		return
	}
	type object = map[string]any
	var siblings []object
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		s := object{"rfilename": name}
		if !f.bare {
			s["size"], s["blobId"] = len(data), etagOf(data[:min(len(data), large-1)])
			if len(data) >= large {
				s["lfs"] = object{"sha256": etagOf(data), "size": len(data), "pointerSize": 135}
			}
		}
		siblings = append(siblings, s)
	}
	json.NewEncoder(w).Encode(object{"id": f.repo, "sha": commit, "siblings": siblings, "private": false})
}

func (f *fake) refuse(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("X-Error-Code", code)
	w.Header().Set("X-Error-Message", text)
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q}`, text)
}

func (f *fake) serveCDN(w http.ResponseWriter, r *http.Request) {
	f.note("cdn", r)
	if f.answered(w, r) {
		return
	}
	for _, files := range f.commits {
		for _, data := range files {
			if "/"+etagOf(data) == r.URL.Path {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
				return
			}
		}
	}
	w.WriteHeader(404)
}

// client makes one with an empty cache that does not really wait.
func (f *fake) client(t testing.TB) *Client {
	return &Client{Endpoint: f.hub.URL, Cache: t.TempDir(), wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

var model = ID{Repo: "org/model"}

func only(names ...string) func([]File) []File {
	return func(files []File) (out []File) {
		for _, f := range files {
			for _, n := range names {
				if f.Name == n {
					out = append(out, f)
				}
			}
		}
		return out
	}
}

// holds checks that a snapshot has exactly the files of the commit that are named, or all.
func (f *fake) holds(t testing.TB, c *Client, dir, commit string, names ...string) {
	t.Helper()
	if want := filepath.Join(c.Cache, "models--org--model", "snapshots", commit); dir != want {
		t.Errorf("the snapshot is %s, want %s", dir, want)
	}
	want := map[string][]byte{}
	for name, data := range f.commits[commit] {
		want[name] = data
	}
	if len(names) > 0 {
		want = map[string][]byte{}
		for _, n := range names {
			want[n] = f.commits[commit][n]
		}
	}
	for name, data := range want {
		if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes that are not the repository's: %v", name, len(got), err)
		}
	}
	n := 0
	filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if n != len(want) {
		t.Errorf("the snapshot holds %d files, want %d", n, len(want))
	}
}

// leftovers are the files in a cache that no finished pull leaves.
func leftovers(t testing.TB, c *Client) (out []string) {
	t.Helper()
	filepath.WalkDir(c.Cache, func(p string, d os.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(p, ".incomplete") || strings.HasSuffix(p, ".tmp")) {
			out = append(out, filepath.Base(p))
		}
		return nil
	})
	return out
}
