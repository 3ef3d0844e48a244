package library

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is wrong with a file is said of the kind that its name promises.
func TestUnrecognised(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{"empty.png": "is empty", "empty.mp4": "is empty", "text.mp4": "not a video", "text.mp3": "not a sound", "text.jpg": "not a picture"}
	for name := range want {
		text := "no medium at all"
		if strings.HasPrefix(name, "empty") {
			text = ""
		}
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	l := open(t, t.TempDir(), Options{})
	if s := run(t, l, model(t, seer), IndexOptions{Paths: []string{dir}}); s.Failed != len(want) {
		t.Errorf("%+v", s)
	}
	failures, err := l.Errors(t.Context())
	must(t, err)
	for _, f := range failures {
		if w := want[filepath.Base(f.Path)]; w == "" || !strings.Contains(f.Error, w) {
			t.Errorf("%s: %s, want %q", f.Path, f.Error, w)
		}
	}
	if len(failures) != len(want) {
		t.Errorf("%+v", failures)
	}
}
