package library

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// Files in formats that are not read are counted by their extensions, and are no failures; what holds nothing of interest is passed by.
func TestUnread(t *testing.T) {
	photos := t.TempDir()
	for _, name := range []string{"a.x3f", "b.X3F", "c.psd", "notes.docx", ".hidden.x3f", "left.out.x3f"} {
		must(t, os.WriteFile(filepath.Join(photos, name), []byte("what it holds does not count"), 0o644))
	}
	must(t, os.WriteFile(filepath.Join(photos, "d.PPM"), []byte("P6 1 1 255 abc"), 0o644))
	l, m := open(t, t.TempDir(), Options{}), model(t, seer)
	expect := func(got, want map[string]int) {
		t.Helper()
		if !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		i, err := l.Info(t.Context())
		must(t, err)
		if !maps.Equal(i.Unsupported, want) {
			t.Errorf("remembered are %v, want %v", i.Unsupported, want)
		}
	}
	s := run(t, l, m, IndexOptions{Paths: []string{photos}, Exclude: []string{"left*"}})
	if s.Added != 1 || s.Failed != 0 {
		t.Errorf("%+v", s)
	}
	expect(s.Unsupported, map[string]int{"x3f": 2, "psd": 1})
	must(t, os.Remove(filepath.Join(photos, "b.X3F")))
	expect(run(t, l, m, IndexOptions{}).Unsupported, map[string]int{"x3f": 1, "psd": 1})
	must(t, l.RemoveRoot(t.Context(), photos))
	expect(nil, nil)
}
