package hub

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPull(t *testing.T) {
	f := newFake(t)
	c := f.client(t)
	c.Token = "hf_secret"
	f.token = "hf_secret"
	var events []Event
	c.Progress = func(e Event) { events = append(events, e) }
	dir, err := c.Pull(t.Context(), model, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA)
	last := events[len(events)-1]
	if last.AllDone != last.AllTotal || last.AllTotal != 310_007 || last.Note != "" {
		t.Errorf("the last event is %+v", last)
	}
	// The layout is huggingface_hub's.
	repo := filepath.Join(c.Cache, "models--org--model")
	if ref, _ := os.ReadFile(filepath.Join(repo, "refs", "main")); string(ref) != commitA {
		t.Errorf("refs/main is %q", ref)
	}
	if runtime.GOOS != "windows" {
		link, err := os.Readlink(filepath.Join(dir, "sub", "tokenizer.json"))
		if want := "../../../blobs/" + etagOf(f.commits[commitA]["sub/tokenizer.json"]); err != nil || link != want {
			t.Errorf("the link is %q, want %q (%v)", link, want, err)
		}
	}
	blobs, _ := os.ReadDir(filepath.Join(repo, "blobs"))
	if len(blobs) != 3 { // two files are the same
		t.Errorf("got %d blobs: %v", len(blobs), blobs)
	}
	if left := leftovers(t, c); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if found, ok := c.Find(model); !ok || found != dir {
		t.Errorf("found %q", found)
	}
	// Again, nothing is downloaded; another revision shares what is the same.
	before, all := f.count("GET cdn"), len(f.requests())
	if _, err := c.Pull(t.Context(), model, nil); err != nil || len(f.requests()) != all+1 {
		t.Errorf("pulled again with %v: %v", f.requests()[all:], err)
	}
	dir, err = c.Pull(t.Context(), ID{"org/model", "refs/pr/7"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitB)
	if f.count("GET cdn") != before || f.count("HEAD") != 0 {
		t.Errorf("requests: %v", f.requests())
	}
	if ref, _ := os.ReadFile(filepath.Join(repo, "refs", "refs", "pr", "7")); string(ref) != commitB {
		t.Errorf("refs/refs/pr/7 is %q", ref)
	}
	// A commit needs no reference.
	if dir, err := c.Pull(t.Context(), ID{"org/model", commitB}, nil); err != nil || filepath.Base(dir) != commitB {
		t.Errorf("got %s, %v", dir, err)
	}
	refs, _ := os.ReadDir(filepath.Join(repo, "refs"))
	if len(refs) != 2 {
		t.Errorf("references: %v", refs)
	}
}

func TestPullChosen(t *testing.T) {
	f := newFake(t)
	c := f.client(t)
	dir, err := c.Pull(t.Context(), model, only("config.json"))
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA, "config.json")
	if _, err := c.Pull(t.Context(), model, only()); err == nil || !strings.Contains(err.Error(), "none among 4") {
		t.Errorf("nothing was wanted: %v", err)
	}
	if _, err := c.Pull(t.Context(), model, func([]File) []File { return []File{{Name: "x"}} }); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there was wanted: %v", err)
	}
}

// A mirror that lists names only is asked for sizes and ETags of each file.
func TestPullFromBareMirror(t *testing.T) {
	f := newFake(t)
	f.bare = true
	c := f.client(t)
	dir, err := c.Pull(t.Context(), model, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA)
	if n := f.count("HEAD hub"); n != 4 || f.count("HEAD cdn") != 0 {
		t.Errorf("requests: %v", f.requests())
	}
	if _, err := os.Stat(filepath.Join(c.Cache, "models--org--model", "blobs", etagOf(f.commits[commitA]["config.json"]))); err != nil {
		t.Error(err)
	}
}

func TestPullWithoutLinks(t *testing.T) {
	f := newFake(t)
	c := f.client(t)
	c.symlink = func(string, string) error { return errors.ErrUnsupported }
	dir, err := c.Pull(t.Context(), model, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.holds(t, c, dir, commitA)
	info, err := os.Lstat(filepath.Join(dir, "model.safetensors"))
	if err != nil || !info.Mode().IsRegular() {
		t.Errorf("got %v, %v", info, err)
	}
	if blobs, _ := os.ReadDir(filepath.Join(c.Cache, "models--org--model", "blobs")); len(blobs) != 0 {
		t.Errorf("files lie there twice: %v", blobs)
	}
	n := len(f.requests())
	if _, err := c.Pull(t.Context(), model, nil); err != nil || len(f.requests()) != n+1 {
		t.Errorf("pulled again with %v: %v", f.requests()[n:], err)
	}
}

func TestPullRefusesNames(t *testing.T) {
	for _, name := range []string{"../evil", "/etc/evil", "a/../../evil", `..\evil`, "a//b", "..", ".", "", "a\nb", "C:evil"} {
		f := newFake(t)
		f.commits[commitA] = map[string][]byte{name: []byte("x"), "config.json": []byte("{}")}
		c := f.client(t)
		if _, err := c.Pull(t.Context(), model, nil); err == nil || !strings.Contains(err.Error(), "inside the repository") {
			t.Errorf("%q: %v", name, err)
		}
		if n := f.count("GET hub /org/model"); n != 0 {
			t.Errorf("%q was asked for", name)
		}
	}
}

// ETags name files, so they must not be paths.
func TestPullRefusesETags(t *testing.T) {
	for _, tag := range []string{"../../evil", "a/b", ".hidden", "x.incomplete", ""} {
		f := newFake(t)
		f.bare = true
		f.on(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				w.Header().Set("ETag", `"`+tag+`"`)
				w.Header().Set("X-Linked-Size", "5")
			}
			return r.Method == http.MethodHead
		})
		if _, err := f.client(t).Pull(t.Context(), model, nil); err == nil || !strings.Contains(err.Error(), "an ETag that can name a file") {
			t.Errorf("%q: %v", tag, err)
		}
	}
}

func TestOffline(t *testing.T) {
	f := newFake(t)
	c := f.client(t)
	c.Offline = true
	if _, err := c.Pull(t.Context(), model, nil); !errors.Is(err, ErrOffline) {
		t.Errorf("got %v", err)
	}
	if len(f.requests()) != 0 {
		t.Errorf("the network was used: %v", f.requests())
	}
	c.Offline = false
	want, err := c.Pull(t.Context(), model, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := len(f.requests())
	c.Offline = true
	if dir, err := c.Pull(t.Context(), model, nil); err != nil || dir != want || len(f.requests()) != n {
		t.Errorf("got %s, %v, %v", dir, err, f.requests()[n:])
	}
}

func TestRefusals(t *testing.T) {
	status := func(status int, code, path string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, path) {
				return false
			}
			if code != "" {
				w.Header().Set("X-Error-Code", code)
			}
			w.WriteHeader(status)
			w.Write([]byte(`{"error":"because\nof \u001b[31mthis."}`))
			return true
		}
	}
	for name, c := range map[string]struct {
		id      ID
		token   string
		instead func(http.ResponseWriter, *http.Request) bool
		kinds   []error
		want    []string
	}{
		"gated, no token":  {model, "", status(401, "GatedRepo", "/resolve/"), []error{ErrUnauthorized}, []string{"is gated", "ask for access at", "/org/model", "set HF_TOKEN", "because of [31mthis)"}},
		"gated, not yet":   {model, "hf_x", status(403, "GatedRepo", "/resolve/"), []error{ErrUnauthorized}, []string{"is gated", "not granted access"}},
		"bad token":        {model, "hf_x", status(401, "", "/api/"), []error{ErrUnauthorized}, []string{"the token", "not valid"}},
		"private":          {model, "", status(401, "RepoNotFound", "/api/"), []error{ErrUnauthorized, ErrNotFound}, []string{"check the name", "HF_TOKEN"}},
		"no repository":    {ID{Repo: "org/none"}, "", nil, []error{ErrNotFound}, []string{"/org/none", "none of that name"}},
		"no revision":      {ID{"org/model", "v9"}, "", nil, []error{ErrNotFound}, []string{"revision v9", "org/model exists"}},
		"no file":          {model, "", status(404, "EntryNotFound", "/resolve/"), []error{ErrNotFound}, []string{"config.json", "no such file"}},
		"not a hub":        {model, "", func(w http.ResponseWriter, _ *http.Request) bool { w.Write([]byte("<html>")); return true }, nil, []string{"expected JSON"}},
		"a commit of none": {model, "", func(w http.ResponseWriter, _ *http.Request) bool { w.Write([]byte(`{"sha":"../.."}`)); return true }, nil, []string{"40 hex digits"}},
		"teapot":           {model, "", status(418, "", "/api/"), nil, []string{"418"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on(c.instead)
			client := f.client(t)
			client.Token = c.token
			_, err := client.Pull(t.Context(), c.id, only("config.json"))
			if err == nil {
				t.Fatal("it was pulled")
			}
			for _, k := range []error{ErrUnauthorized, ErrNotFound, ErrOffline} {
				if errors.Is(err, k) != slices.Contains(c.kinds, k) {
					t.Errorf("errors.Is(%v): %v", k, err)
				}
			}
			for _, w := range append(c.want, "hub: pull "+c.id.String()) {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("got %q, want something with %q", err, w)
				}
			}
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q is more than a line of text", err)
			}
			if _, ok := client.Find(c.id); ok {
				t.Error("a snapshot is there")
			}
		})
	}
}

// A repository that was renamed redirects on the same host, where the token may go.
func TestRenamed(t *testing.T) {
	f := newFake(t)
	f.token = "hf_secret"
	f.bare = true
	f.on(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "old/name") {
			return false
		}
		w.Header().Set("Location", strings.Replace(r.URL.EscapedPath(), "old/name", "org/model", 1)+"?"+r.URL.RawQuery)
		w.WriteHeader(307)
		return true
	})
	c := f.client(t)
	c.Token = f.token
	dir, err := c.Pull(t.Context(), ID{Repo: "old/name"}, nil)
	if err != nil || !strings.Contains(dir, "models--old--name") {
		t.Fatal(dir, err)
	}
}

func TestRedirections(t *testing.T) {
	f := newFake(t)
	f.on(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Location", r.URL.Path)
		w.WriteHeader(302)
		return true
	})
	if _, err := f.client(t).Pull(t.Context(), model, nil); err == nil || !strings.Contains(err.Error(), "10 redirects") {
		t.Errorf("got %v", err)
	}
	secure := httptest.NewUnstartedServer(http.RedirectHandler(f.hub.URL, http.StatusFound))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	c := f.client(t)
	c.Endpoint, c.HTTP = secure.URL, secure.Client()
	if _, err := c.Pull(t.Context(), model, nil); err == nil || !strings.Contains(err.Error(), "to https, got http") {
		t.Errorf("got %v", err)
	}
	c.HTTP = nil // which does not know the certificate
	waits := 0
	c.wait = func(context.Context, time.Duration) error { waits++; return nil }
	if _, err := c.Pull(t.Context(), model, nil); err == nil || !strings.Contains(err.Error(), "certificate") || waits > 0 {
		t.Errorf("got %v after %d retries", err, waits)
	}
}
