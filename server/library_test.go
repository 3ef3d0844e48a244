package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
)

// collection serves a library of three pictures and a damaged one.
func collection(t *testing.T, o Options) (h *httptest.Server, root string) {
	t.Helper()
	root = t.TempDir()
	for name, data := range map[string][]byte{"wide.png": file(t, pictures+"wide.png"), "tall.png": file(t, pictures+"tall.png"), "copy.png": file(t, pictures+"wide.png"), "bad.png": []byte("\x89PNG\r\n\x1a\n junk")} {
		if err := os.WriteFile(filepath.Join(root, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o.Library = shelve(t, root)
	return serve(t, o), root
}

// shelve makes a library of a folder.
func shelve(t *testing.T, root string) *library.Library {
	t.Helper()
	l, err := library.Open(t.TempDir(), library.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m, err := chiasm.Open(t.Context(), tinyCLIP, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := l.Index(t.Context(), m, library.IndexOptions{Paths: []string{root}}); err != nil {
		t.Fatal(err)
	}
	return l
}

func get(t *testing.T, h *httptest.Server, path string, status int, out any) {
	t.Helper()
	check(t, request(t, h, "GET", path, ""), path, status, out)
}

func TestLibrary(t *testing.T) {
	h, root := collection(t, Options{})
	var found searchOutput
	get(t, h, "/v1/search?q=a+cat&limit=2", 200, &found)
	if len(found.Data) != 2 || !found.More || found.Data[0].Kind != "image" {
		t.Fatalf("found %+v", found)
	}
	get(t, h, "/v1/search?q=a+cat&limit=2&offset=2", 200, &found)
	if len(found.Data) != 1 || found.More {
		t.Errorf("the second page: %+v", found)
	}
	get(t, h, "/v1/search?q=type:video", 200, &found)
	if len(found.Data) != 0 {
		t.Errorf("videos: %+v", found)
	}
	call(t, h, "/v1/search", `{"like":[{"image":"`+dataURI(t, "image/png", pictures+"tall.png")+`"}],"limit":1}`, 200, &found)
	if len(found.Data) != 1 || filepath.Base(found.Data[0].Path) != "tall.png" || found.Data[0].Score < 0.999 {
		t.Fatalf("by its picture: %+v", found)
	}
	call(t, h, "/v1/search", `{"q":"a cat","strictnes":0}`, 422, nil) // a field that is misspelt
	var wrong problem
	if call(t, h, "/v1/search", `{"offset":1.5}`, 422, &wrong); wrong.Error.Message != "offset: want a whole number, got number 1.5" {
		t.Errorf("%q", wrong.Error.Message)
	}
	tall := found.Data[0].ID
	get(t, h, fmt.Sprintf("/v1/items/%d/similar", tall), 200, &found)
	if len(found.Data) == 0 {
		t.Error("nothing is similar")
	}
	var it library.Item
	get(t, h, fmt.Sprintf("/v1/items/%d", tall), 200, &it)
	if it.Path != filepath.Join(root, "tall.png") || it.Width == 0 {
		t.Errorf("item %+v", it)
	}
	var groups listing[library.Group]
	get(t, h, "/v1/duplicates", 200, &groups)
	if len(groups.Data) != 1 || !groups.Data[0].Exact {
		t.Errorf("duplicates %+v", groups)
	}
	var failures listing[library.Failure]
	get(t, h, "/v1/errors", 200, &failures)
	if len(failures.Data) != 1 || filepath.Base(failures.Data[0].Path) != "bad.png" {
		t.Errorf("errors %+v", failures)
	}
	check(t, request(t, h, "PUT", fmt.Sprintf("/v1/items/%d/tags/my%%20dog", tall), ""), "tag", 200, &it)
	if fmt.Sprint(it.Tags) != "[my dog]" {
		t.Errorf("tags %q", it.Tags)
	}
	get(t, h, "/v1/search?q=tag:%22my+dog%22", 200, &found)
	if len(found.Data) != 1 || found.Data[0].ID != tall {
		t.Errorf("by its tag: %+v", found)
	}
	check(t, request(t, h, "DELETE", fmt.Sprintf("/v1/items/%d/tags/my%%20dog", tall), ""), "tag", 200, &it)
	for _, tag := range []string{"%20", "%09%0a", "a%ff"} {
		check(t, request(t, h, "PUT", fmt.Sprintf("/v1/items/%d/tags/%s", tall, tag), ""), "tag "+tag, 400, nil)
	}
	var info libraryBody
	get(t, h, "/v1/library", 200, &info)
	if info.Files["image"] != 3 || info.Failed != 1 || info.Model != "clip" && info.Model == "" {
		t.Errorf("library %+v", info)
	}
	for path, status := range map[string]int{
		"/v1/search?q=size:x": 400, "/v1/search?limit=-1": 422, "/v1/search?strictness=NaN": 400, "/v1/duplicates?least=NaN": 400, "/v1/search?q=like:/etc/passwd": 404, "/v1/items/999": 404, "/v1/items/x": 422, "/v1/items/999/original": 404,
		"/v1/items/..%2f..%2fetc%2fpasswd/original": 404, "/v1/items/999/thumbnail": 404, "/v1/jobs/7": 404, "/v1/jobs/7/events": 404, fmt.Sprintf("/v1/items/%d/thumbnail?size=9999", tall): 400,
		"/v1/duplicates?near=0.9": 422, "/v1/duplicates?least=2": 422, fmt.Sprintf("/v1/items/%d/thumbnail?sise=90", tall): 422, fmt.Sprintf("/v1/items/%d/original?a=b", tall): 422,
	} {
		var p problem
		get(t, h, path, status, &p)
		if p.Error.Message == "" || strings.HasPrefix(p.Error.Message, "library:") {
			t.Errorf("%s: message %q", path, p.Error.Message)
		}
	}
}

func TestFiles(t *testing.T) {
	h, root := collection(t, Options{})
	var found searchOutput
	get(t, h, "/v1/search?q=path:tall", 200, &found)
	if len(found.Data) != 1 {
		t.Fatalf("found %+v", found)
	}
	item := fmt.Sprintf("/v1/items/%d", found.Data[0].ID)
	want := file(t, pictures+"tall.png")
	body := func(answer *http.Response, status int) []byte {
		t.Helper()
		defer answer.Body.Close()
		data, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != status {
			t.Fatalf("%s %v", answer.Status, err)
		}
		return data
	}
	if got := body(request(t, h, "GET", item+"/original", ""), 200); !bytes.Equal(got, want) {
		t.Error("the original is another file")
	}
	if got := body(request(t, h, "GET", item+"/original", "", "Range", "bytes=10-19"), 206); !bytes.Equal(got, want[10:20]) {
		t.Error("a range is of something else")
	}
	for range 2 { // made, then kept
		small, err := jpeg.Decode(bytes.NewReader(body(request(t, h, "GET", item+"/thumbnail?size=64", ""), 200)))
		if err != nil || max(small.Bounds().Dx(), small.Bounds().Dy()) > 64 {
			t.Error(small.Bounds(), err)
		}
	}
	for _, what := range []string{"/original", "/thumbnail"} { // a range that is not there is an error like others
		answer := request(t, h, "GET", item+what, "", "Range", "bytes=99999999-")
		var p problem
		check(t, answer, "range", 416, &p)
		if !strings.Contains(p.Error.Message, "ranges of") || answer.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(answer.Header.Get("Content-Range"), "bytes */") {
			t.Errorf("%+v, %v", p, answer.Header)
		}
	}
	check(t, request(t, h, "GET", item+"/original", "", "Range", "bytes=9-0"), "range", 416, nil)
	body(request(t, h, "GET", item+"/original", "", "Range", "lines=9-0"), 200) // in a unit that is not known
	// A link that took the file's place leads nowhere outside.
	path := filepath.Join(root, "tall.png")
	secret := filepath.Join(t.TempDir(), "secret")
	os.WriteFile(secret, []byte("secret"), 0o600)
	os.Remove(path)
	if err := os.Symlink(secret, path); err != nil {
		t.Skip(err)
	}
	get(t, h, item+"/original", 404, nil)
}

func TestJobs(t *testing.T) {
	h, root := collection(t, Options{})
	if err := os.WriteFile(filepath.Join(root, "new.png"), append(file(t, pictures+"wide.png"), 0), 0o644); err != nil {
		t.Fatal(err)
	}
	var job jobBody
	check(t, request(t, h, "POST", "/v1/jobs", ""), "jobs without a body", 202, &job)
	answer := request(t, h, "GET", fmt.Sprintf("/v1/jobs/%d/events", job.ID), "")
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body) // until it is done
	if err != nil || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(err, answer.Header)
	}
	events := strings.Split(strings.TrimSuffix(string(data), "\n\n"), "\n\n")
	_, last, _ := strings.Cut(events[len(events)-1], "data: ")
	if err := json.Unmarshal([]byte(last), &job); err != nil || job.State != "done" || job.Summary.Added != 1 {
		t.Errorf("%v: %s", err, last)
	}
	var all listing[jobBody]
	get(t, h, "/v1/jobs", 200, &all)
	if len(all.Data) != 1 || all.Data[0].State != "done" {
		t.Errorf("jobs %+v", all)
	}
}

// Only who bears the key names folders; it lets in where a token is asked for.
func TestJobOfPaths(t *testing.T) {
	const key, token = "the key of the library", "the token of the server"
	h, _ := collection(t, Options{Key: key, Token: token})
	more := t.TempDir()
	if err := os.WriteFile(filepath.Join(more, "new.png"), append(file(t, pictures+"wide.png"), 0), 0o644); err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"paths":[%q]}`, more)
	for bearer, status := range map[string]int{"": 401, "another": 401, token: 403, key: 202} {
		r, err := http.NewRequest("POST", h.URL+"/v1/jobs", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+bearer)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != status {
			t.Errorf("%q: %s, want %d", bearer, answer.Status, status)
		}
	}
	h, _ = collection(t, Options{})
	check(t, request(t, h, "POST", "/v1/jobs", body), "paths", 403, nil)
}

func TestReadOnly(t *testing.T) {
	h, _ := collection(t, Options{ReadOnly: true})
	check(t, request(t, h, "POST", "/v1/jobs", "{}"), "jobs", 403, nil)
	check(t, request(t, h, "PUT", "/v1/items/1/tags/x", ""), "tags", 403, nil)
	get(t, h, "/v1/search?q=cat", 200, nil)
}
