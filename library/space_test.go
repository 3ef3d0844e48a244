package library

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Another process has a message or a view; a later version, and a folder without a library, are refused by name.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
	photos := collection(t)
	m := model(t, seer)
	run(t, l, m, IndexOptions{Paths: []string{photos}})
	view := open(t, dir, Options{ReadOnly: true})
	if got := find(t, view, m, "x"); len(got.Hits) != 5 {
		t.Errorf("a view: %+v", got)
	}
	put(t, pictures+"exif3.tif", photos, "new.tif")
	run(t, l, m, IndexOptions{})
	if got := find(t, view, m, "x"); len(got.Hits) != 6 {
		t.Errorf("a view of what is new: %d", len(got.Hits))
	}
	if _, err := view.Index(t.Context(), m, IndexOptions{}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing to a view: %v", err)
	}
	must(t, view.Close())
	if _, err := l.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	must(t, l.Close())
	for _, readOnly := range []bool{false, true} {
		if _, err := Open(dir, Options{ReadOnly: readOnly}); !errors.Is(err, ErrNewer) {
			t.Errorf("a later version: %v", err)
		}
	}
	if _, err := Open(t.TempDir(), Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no library: %v", err)
	}
}

// A new model is embedded beside the old one, which answers until then; what was dropped is gone.
func TestSpaces(t *testing.T) {
	photos := collection(t)
	old, young := model(t, seer), model(t, omni)
	l := open(t, t.TempDir(), Options{})
	run(t, l, old, IndexOptions{Paths: []string{photos}})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := l.Index(ctx, &stopping{Model: young, after: 0, stop: cancel}, IndexOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: %v", err)
	}
	if s, _, err := l.Current(t.Context()); err != nil || s.Name != old.Space().String() {
		t.Fatalf("while it is built: %+v, %v", s, err)
	}
	if got := find(t, l, old, "x"); len(got.Hits) != 5 {
		t.Errorf("the old one: %d", len(got.Hits))
	}
	s := run(t, l, young, IndexOptions{})
	if !s.Switched || !s.Complete {
		t.Fatalf("%+v", s)
	}
	if s, _, err := l.Current(t.Context()); err != nil || s.Name != young.Space().String() {
		t.Fatalf("afterwards: %+v, %v", s, err)
	}
	if got := find(t, l, old, "x"); len(got.Hits) != 5 {
		t.Errorf("the old one is kept: %d", len(got.Hits))
	}
	if err := l.DropSpace(t.Context(), young.Space().String()); err == nil {
		t.Error("the current one was dropped")
	}
	must(t, l.DropSpace(t.Context(), old.Space().String()))
	if _, err := l.Search(t.Context(), old, Query{Terms: []Term{{Text: "x", Weight: 1}}}); err == nil || !strings.Contains(err.Error(), old.Space().String()) {
		t.Errorf("a dropped space: %v", err)
	}
	if got := find(t, l, young, "x"); len(got.Hits) != 5 {
		t.Errorf("the new one: %d", len(got.Hits))
	}
	sound(t, l)
}

// A lock that cannot be taken for another reason than another process is not called one.
func TestLockThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lock"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || errors.Is(err, ErrLocked) {
		t.Errorf("got %v", err)
	}
}
