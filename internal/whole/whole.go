// Package whole writes files that others see whole or not at all.
package whole

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A File is written beside the path that it is for, and takes its place in one step.
type File struct {
	*os.File // nil once it is committed or aborted
	path     string
}

// Create begins a file for path, in its folder.
func Create(path string) (*File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) { // of the file that was to be beside it
			at.Path = path
		}
		return nil, err
	}
	return &File{f, path}, nil
}

// Path is what the file is for.
func (f *File) Path() string { return f.path }

// Commit puts the file in its place, where it lasts through a loss of power as far as the system can tell. If it fails, path holds what it
// held before.
func (f *File) Commit(mode fs.FileMode) error {
	err := f.place(errors.Join(f.Chmod(mode), f.Sync(), f.Close()))
	if err == nil {
		if d, open := os.Open(filepath.Dir(f.path)); open == nil {
			d.Sync() // some systems cannot
			d.Close()
		}
	}
	return err
}

// Place is [File.Commit] without waiting for the disk, for what can be made again: after a loss of power it may not be there, or be empty.
func (f *File) Place(mode fs.FileMode) error { return f.place(errors.Join(f.Chmod(mode), f.Close())) }

// place renames the closed file.
func (f *File) place(err error) error {
	if err = f.named(err); err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	f.File = nil
	return err
}

// named makes an error of the file say what the file is for.
func (f *File) named(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) && at.Path == f.Name() {
		at.Path = f.path
	}
	return err
}

// Abort drops the file; after Commit it does nothing.
func (f *File) Abort() {
	if f.File != nil {
		f.Close()
		os.Remove(f.Name())
		f.File = nil
	}
}

// Write writes a file of mode 0644 with what a function writes. If that fails, or the disk, path holds what it held before.
func Write(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := write(f); err != nil {
		return f.named(err)
	}
	return f.Commit(0o644)
}

// WriteBytes is [Write] of data.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Sweep removes what writers of path that were killed left beside it. Nobody may be writing it.
func Sweep(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), "."+filepath.Base(path)+".")
		if ok && rest != "" && strings.Trim(rest, "0123456789") == "" && e.Type().IsRegular() {
			os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
}

// WriteFiles writes small files below a folder, by their names with slashes: each is there whole or not at all.
func WriteFiles(dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := WriteBytes(path, files[name]); err != nil {
			return err
		}
	}
	return nil
}

// JSON is what a small file holds of v, which has nothing that JSON lacks.
func JSON(v any) []byte {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return append(data, '\n')
}
