package main

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// What a picture may serve for.
const (
	train = "train" // training, and tests of concepts that are held out
	test  = "test"  // tests only: its licence is copyleft, or it is kept away from training to be an honest test
	spot  = "spot"  // spot checks by eye; never trained on
)

// permissive are the licences of what weights may be trained on.
var permissive = []string{"MIT", "Apache-2.0", "BSD-3-Clause", "CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "public domain", "Unicode-3.0", "WordNet-3.0"}

// A picture is a line of the manifest.
type picture struct {
	ID      string              `json:"id"`     // unique: the source and the name there
	Source  string              `json:"source"` // the package
	Domain  string              `json:"domain"` // photo, monument, cutout, drawing, emoji, clipart, render, symbol
	Path    string              `json:"path"`   // below the folder of the manifest
	Alpha   bool                `json:"alpha"`  // it lies on a transparent background
	Licence string              `json:"licence"`
	Names   map[string][]string `json:"names"`             // by language; the first is the usual one
	Caption string              `json:"caption,omitempty"` // an English sentence
	Tags    []string            `json:"tags,omitempty"`    // English words about it, less certain than names
	Ref     string              `json:"ref,omitempty"`     // an emoji's code points: more of its names stand in names.jsonl
	Concept string              `json:"concept"`           // see concept
	Held    bool                `json:"held"`              // the concept is one of the fifth that is held out for tests
	Use     string              `json:"use"`
	Model   string              `json:"model,omitempty"` // an OBJ file that it was rendered from
	Hash    string              `json:"hash"`            // SHA-256 of the file's first form, to find copies by
}

// check says what is wrong with a picture's line.
func (p *picture) check() error {
	switch {
	case p.ID == "" || p.Source == "" || p.Path == "":
		return fmt.Errorf("%q: id, source or path missing", p.ID)
	case len(p.Names["en"]) == 0 || p.Names["en"][0] == "":
		return fmt.Errorf("%s: no English name", p.ID)
	case p.Use != train && p.Use != test && p.Use != spot:
		return fmt.Errorf("%s: its use is %q, want %s, %s or %s", p.ID, p.Use, train, test, spot)
	case p.Use == train && !slices.Contains(permissive, p.Licence):
		return fmt.Errorf("%s: licence %q is not one to train on", p.ID, p.Licence)
	case p.Held != heldOut(p.Concept):
		return fmt.Errorf("%s: held is %t, but the concept %q says otherwise", p.ID, p.Held, p.Concept)
	}
	return nil
}

// writeLines writes JSON lines, replacing the file at once.
func writeLines[T any](path string, lines []T) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	e := json.NewEncoder(f)
	e.SetEscapeHTML(false)
	for _, line := range lines {
		if err := e.Encode(line); err != nil {
			return err
		}
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// readJSON reads a JSON file.
func readJSON[T any](path string) (T, error) {
	var v T
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return v, err
}

// heldOut says whether a concept is of the fifth that is never trained on: the first 8 hexadecimal digits of its SHA-1, modulo 5.
func heldOut(concept string) bool {
	sum := sha1.Sum([]byte(concept))
	return binary.BigEndian.Uint32(sum[:])%5 == 0
}
