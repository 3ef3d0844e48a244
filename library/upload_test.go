package library

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTidyName(t *testing.T) {
	for name, want := range map[string]string{
		"dog.jpg": "dog.jpg", "../../etc/passwd": "passwd", `C:\dir\a b.png`: "a b.png", ".bashrc": "bashrc", "": "upload", "..": "upload", "-rf.jpg": "rf.jpg",
		"a\nb\x00.jpg": "a_b_.jpg", "\xff\xfe.jpg": "upload.jpg", "\u202egpj.exe": "_gpj.exe", "\u72d7.jpg": "\u72d7.jpg", strings.Repeat("x", 500) + ".jpeg": strings.Repeat("x", mostName-5) + ".jpeg",
	} {
		if got := tidyName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// What is brought is found, under a name of its own, also where the library lies in one of its roots; what is of no kind is refused, and nothing half is left.
func TestBring(t *testing.T) {
	home := t.TempDir()
	put(t, pictures+"exif6.jpg", home, "a.jpg")
	l, m := open(t, filepath.Join(home, "library"), Options{}), model(t, seer)
	run(t, l, m, IndexOptions{Paths: []string{home}})
	bring := func(name, content string) (string, error) {
		return l.Bring(t.Context(), name, strings.NewReader(content))
	}
	data, err := os.ReadFile(pictures + "exif8.jpg")
	must(t, err)
	first, err := bring("../b.jpg", string(data))
	must(t, err)
	second, err := bring("b.jpg", string(data))
	must(t, err)
	if filepath.Base(first) != "b.jpg" || filepath.Base(second) != "b-2.jpg" || filepath.Dir(first) != l.Uploads() {
		t.Errorf("%s, %s", first, second)
	}
	if _, err := bring("x.jpg", "no picture"); !errors.Is(err, ErrKind) {
		t.Errorf("of no kind: %v", err)
	}
	if s := run(t, l, m, IndexOptions{Paths: []string{l.Uploads()}}); s.Added != 2 {
		t.Errorf("%+v", s)
	}
	must(t, l.AddRoot(t.Context(), home, nil, nil))
	if s := run(t, l, m, IndexOptions{}); s.Unchanged != 3 || s.Removed+s.Added+s.Moved > 0 {
		t.Errorf("again: %+v", s)
	}
	if entries, err := os.ReadDir(l.Uploads()); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}
