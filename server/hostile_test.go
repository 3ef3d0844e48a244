package server

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/library"
)

// Names of files put nothing into headers, and can be told apart though JSON cannot hold them.
func TestNames(t *testing.T) {
	root := t.TempDir()
	names := []string{"two\r\nX-Evil: 1\n.png", "latin\xe9.png", `a"b;c.png`, "\u72d7.png", "-n.png"}
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(root, name), append(file(t, pictures+"wide.png"), byte(i)), 0o644); err != nil {
			t.Skip(err) // not on every system
		}
	}
	h := serve(t, Options{Library: shelve(t, root)})
	var found searchOutput
	get(t, h, "/v1/search", 200, &found)
	seen := map[string]bool{}
	for _, hit := range found.Data {
		path := hit.Path
		if hit.PathBytes != nil {
			path = string(hit.PathBytes)
		}
		seen[filepath.Base(path)] = true
		answer := request(t, h, "GET", fmt.Sprintf("/v1/items/%d/original", hit.ID), "")
		answer.Body.Close()
		if answer.StatusCode != 200 || answer.Header.Get("X-Evil") != "" {
			t.Errorf("%q: %s %v", path, answer.Status, answer.Header)
		}
		if d := answer.Header.Get("Content-Disposition"); d != "" && hit.PathBytes == nil {
			if _, params, err := mime.ParseMediaType(d); err != nil || params["filename"] != filepath.Base(path) {
				t.Errorf("%q: %q, %v", path, d, err)
			}
		}
		var like searchOutput
		if hit.PathBytes == nil && !strings.Contains(path, `"`) {
			get(t, h, "/v1/search?q="+url.QueryEscape(`like:"`+path+`"`), 200, &like)
		}
	}
	for _, name := range names {
		if !seen[name] {
			t.Errorf("%q is not among %v", name, seen)
		}
	}
}

// bomb is a small PNG file that says it has a great many pixels.
func bomb(w, h uint32) []byte {
	ihdr := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	ihdr = append(binary.BigEndian.AppendUint32(ihdr, h), 8, 2, 0, 0, 0)
	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return binary.BigEndian.AppendUint32(png, crc32.ChecksumIEEE(ihdr))
}

// Pictures that would fill the memory are refused by their headers.
func TestBombs(t *testing.T) {
	h, _ := collection(t, Options{})
	uri := "data:image/png;base64," + base64.StdEncoding.EncodeToString(bomb(60000, 60000))
	for path, body := range map[string]string{"/v1/embeddings": `{"input":"` + uri + `"}`, "/v1/search": `{"like":["` + uri + `"]}`} {
		var p problem
		call(t, h, path, body, 400, &p)
		if !strings.Contains(p.Error.Message, "pixels") {
			t.Errorf("%s: %s", path, p.Error.Message)
		}
	}
	body, kind := files(t, "bomb.png", string(bomb(60000, 60000)))
	check(t, request(t, h, "POST", "/v1/uploads", body, "Content-Type", kind), "upload", 201, nil)
	events := listen(t, h)
	awaited(events, "library", func(s library.State) bool { return s.Failed == 2 })
	var failures listing[library.Failure]
	get(t, h, "/v1/errors", 200, &failures)
	if len(failures.Data) != 2 || !strings.Contains(failures.Data[0].Error+failures.Data[1].Error, "pixels") {
		t.Errorf("%+v", failures)
	}
}
