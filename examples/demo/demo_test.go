package main

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
	"github.com/chiasm/chiasm/media/image"
)

var collection = filepath.Join("..", "collection")

// Every question's first answer is the right one, and everything that the demo promises is there.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("indexes the collection")
	}
	_, err := exec.LookPath("ffmpeg")
	film := err == nil
	dir := t.TempDir()
	var out bytes.Buffer
	if err := demo(t.Context(), &out, collection, dir); err != nil {
		t.Fatal(err)
	}
	if left := strings.Contains(out.String(), "The film is left out"); left == film {
		t.Errorf("ffmpeg is there: %v; the film is said to be left out: %v", film, left)
	}
	if m, err := image.Open(filepath.Join(dir, "contact-sheet.png"), nil); err != nil || m.W < 1000 {
		t.Errorf("contact sheet: %v", err)
	}
	l, err := library.Open(filepath.Join(dir, "library"), library.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := chiasm.Open(t.Context(), chiasm.Shipped, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	answers, err := ask(t.Context(), l, m, collection)
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(collection)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		got := ""
		if len(a.hits) > 0 {
			got, _, _ = strings.Cut(where(a.hits[0], root), " ")
		}
		if got != a.want && (film || !strings.HasPrefix(a.want, "film")) {
			t.Errorf("%q finds %q, want %q", a.asked(), got, a.want)
		}
	}
}

// Without a film's programs the rest goes on.
func TestWithoutFFmpeg(t *testing.T) {
	if testing.Short() {
		t.Skip("indexes a part of the collection")
	}
	t.Setenv("PATH", t.TempDir())
	part := t.TempDir()
	for _, name := range []string{"film.mp4", "pictures/cat.jpg"} {
		data, err := os.ReadFile(filepath.Join(collection, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(part, filepath.Base(name)), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	l, err := library.Open(t.TempDir(), library.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := chiasm.Open(t.Context(), chiasm.Shipped, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var out bytes.Buffer
	if err := index(t.Context(), &out, l, m, part); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "indexed 1 files") || !strings.Contains(got, "ffmpeg and ffprobe are not installed") {
		t.Errorf("it says %q", got)
	}
}

// The manifest names every file and its licence, of which none is copyleft, and the whole is small.
func TestManifest(t *testing.T) {
	f, err := os.Open(filepath.Join(collection, "manifest.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	open := []string{"public domain", "CC0-1.0", "CC-BY-1.0", "CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "Flite's (like MIT)"}
	named := map[string]bool{"manifest.tsv": true}
	for _, row := range rows[1:] {
		file, _, _ := strings.Cut(row[0], " ")
		named[file] = true
		if !slices.Contains(open, row[4]) || row[3] == "" {
			t.Errorf("%s: licence %q, author %q", row[0], row[4], row[3])
		}
	}
	var total int64
	err = filepath.WalkDir(collection, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		if rel, _ := filepath.Rel(collection, path); !named[filepath.ToSlash(rel)] {
			t.Errorf("%s is not in the manifest", path)
		}
		return nil
	})
	if err != nil || total > 8<<20 {
		t.Errorf("%d bytes: %v", total, err)
	}
}
