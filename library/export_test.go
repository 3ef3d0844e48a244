package library

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What was exported comes back the same.
func TestExport(t *testing.T) {
	photos := collection(t)
	m := model(t, seer)
	l := open(t, t.TempDir(), Options{})
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	var b bytes.Buffer
	must(t, l.Export(t.Context(), &b))
	dir := filepath.Join(t.TempDir(), "copy")
	data := b.Bytes()
	must(t, Import(t.Context(), dir, bytes.NewReader(data)))
	other := open(t, dir, Options{})
	sound(t, other)
	want, got := find(t, l, m, "something"), find(t, other, m, "something")
	if !slices.Equal(bases(want.Hits), bases(got.Hits)) || len(got.Hits) != 5 {
		t.Errorf("%v, want %v", bases(got.Hits), bases(want.Hits))
	}
	if s := run(t, other, m, IndexOptions{}); s.Unchanged != 5 {
		t.Errorf("%+v", s)
	}
	if err := Import(t.Context(), dir, bytes.NewReader(data)); err == nil {
		t.Error("over another one")
	}
	for _, half := range []string{t.TempDir(), filepath.Join(t.TempDir(), "new")} {
		for _, n := range []int{600, len(data) / 2, len(data) - 2000} {
			if err := Import(t.Context(), half, bytes.NewReader(data[:n])); err == nil {
				t.Errorf("%d bytes of it", n)
			}
		}
		must(t, Import(t.Context(), half, bytes.NewReader(data))) // nothing is in the way
	}
}

// What has another name here keeps what is known of it.
func TestMove(t *testing.T) {
	photos := collection(t)
	l, m := open(t, t.TempDir(), Options{}), model(t, seer)
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	next := filepath.Join(t.TempDir(), "Elsewhere")
	must(t, os.Rename(photos, next))
	must(t, l.Move(t.Context(), photos, next))
	if s := run(t, l, m, IndexOptions{}); s.Unchanged != 5 || s.Moved+s.Removed+s.Added > 0 {
		t.Errorf("%+v", s)
	}
	if got := find(t, l, m, `elsewhere type:image`); len(got.Hits) == 0 || !contains(next, got.Hits[0].Path) {
		t.Errorf("%+v", got.Hits)
	}
	for _, paths := range [][2]string{{photos, next}, {"relative", next}, {next, "relative"}} {
		if err := l.Move(t.Context(), paths[0], paths[1]); err == nil {
			t.Errorf("%v: no error", paths)
		}
	}
	sound(t, l)
}
