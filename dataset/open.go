package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// errCut says that the rest of a shard can't be read; what came before can.
type errCut struct{ err error }

func (e *errCut) Error() string { return e.err.Error() }
func (e *errCut) Unwrap() error { return e.err }

// openers open one file of a format. With an [*errCut] they return what could be read.
var openers = map[Format]func(path string, o *Options) (reader, error){
	CSV: openCSV, JSONLines: openLines, WebDataset: openTar, Parquet: openParquet,
}

// Open opens a data set: a file, several (shards/{000..012}.tar, data/*.parquet, a.tar::b.tar) or a folder. Where options name no
// format, it goes by the ending of the name and by what a folder holds. Shards are indexed, not loaded. The caller closes the Set.
func Open(path string, options *Options) (*Set, error) {
	o := Options{}
	if options != nil {
		o = *options
	}
	s, err := open(path, &o)
	if err == nil && s.Len() == 0 {
		err = errors.Join(errNothing, errors.Join(s.Damage...), s.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", path, err)
	}
	return s, nil
}

func open(path string, o *Options) (*Set, error) {
	if o.Format != "" && !slices.Contains(formats, o.Format) {
		return nil, fmt.Errorf("format %q: expected one of %v", o.Format, formats)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return openFolder(path, o)
	}
	files, err := expand(path)
	if err != nil {
		return nil, err
	}
	return openFiles(path, files, o)
}

// openFiles opens files of one format as one set.
func openFiles(name string, files []string, o *Options) (*Set, error) {
	format := o.Format
	if format == "" {
		format = formatOf(files[0])
	}
	opener := openers[format]
	switch {
	case opener == nil && o.Format != "":
		return nil, fmt.Errorf("expected a folder for the format %q", format)
	case opener == nil:
		if _, err := os.Stat(files[0]); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("can't tell the format by the name: expected .csv, .tsv, .jsonl, .tar, .parquet, a folder, or a format given beside")
	}
	s, all := &Set{Name: name, Format: format}, &chain{}
	for _, file := range files {
		r, err := opener(file, o)
		var cut *errCut
		if errors.As(err, &cut) {
			s.Damage = append(s.Damage, fmt.Errorf("dataset: %s: %w", file, err))
		} else if err != nil {
			if file != name { // which the caller says
				err = fmt.Errorf("%s: %w", file, err)
			}
			return nil, errors.Join(err, all.Close())
		}
		if p, ok := r.(*parquetFile); ok && s.Classes == nil && len(p.classes) == 1 {
			for _, s.Classes = range p.classes {
			}
		}
		if t, ok := r.(*table); ok && len(files) == 1 {
			s.Columns = t.columns
		}
		all.add(r)
	}
	s.r = all
	if o.Split != "" && (format == CSV || format == JSONLines) {
		return s.only(o.Split)
	}
	return s, nil
}

// only is the items that say they are of a split.
func (s *Set) only(split string) (*Set, error) {
	var of []int
	seen := map[string]bool{}
	for i := range s.Len() {
		it, err := s.r.Item(i)
		if err != nil {
			continue // which split it is of can't be known
		}
		seen[it.Split] = true
		if it.Split == split {
			of = append(of, i)
		}
	}
	if len(of) == 0 {
		return nil, errors.Join(fmt.Errorf("no items of the split %q, but of %q", split, sortedKeys(seen)), s.Close())
	}
	return s.Select(of), nil
}

// formatOf goes by a file's name.
func formatOf(path string) Format {
	name := strings.TrimSuffix(lower(path), ".gz")
	switch extension(name) {
	case "csv", "tsv":
		return CSV
	case "jsonl", "ndjson", "json":
		return JSONLines
	case "tar", "tgz":
		return WebDataset
	case "parquet":
		return Parquet
	}
	return ""
}

// openFolder goes by what a folder holds.
func openFolder(path string, o *Options) (*Set, error) {
	switch o.Format {
	case Benchmark:
		return openBenchmark(path, o)
	case Folder, ClassTree:
		return openTree(path, o)
	}
	if o.Format == "" && isBenchmark(path) {
		return openBenchmark(path, o)
	}
	if o.Format == "" || o.Format == CSV || o.Format == JSONLines {
		for _, name := range []string{"metadata.csv", "metadata.jsonl"} { // beside pictures, as Hugging Face's imagefolder
			if file := filepath.Join(path, name); isFile(file) {
				return openFiles(path, []string{file}, o)
			}
		}
	}
	for _, ext := range []string{"tar", "parquet"} {
		f := *o
		f.Format = formatOf("x." + ext)
		if o.Format != "" && o.Format != f.Format {
			continue
		}
		if files := shards(path, ext, o.Split); len(files) > 0 {
			return openFiles(path, files, &f)
		}
	}
	if o.Format != "" {
		return nil, fmt.Errorf("no files of the format %q in the folder", o.Format)
	}
	return openTree(path, o)
}

// shards lists the files with an ending in a folder, in the folder of a split within it, and in data, where repositories keep them;
// of a split, those in its folder or whose names begin with it.
func shards(path, ext, split string) []string {
	var found []string
	for _, sub := range []string{"", split, "data", filepath.Join("data", split)} {
		folder := filepath.Join(path, sub)
		if len(found) > 0 || split == "" && sub != "" && sub != "data" {
			continue
		}
		entries, _ := os.ReadDir(folder) // what is not there has no shards
		for _, e := range entries {
			name := lower(e.Name())
			if !strings.HasSuffix(strings.TrimSuffix(name, ".gz"), "."+ext) {
				continue
			}
			if split == "" || filepath.Base(folder) == split || strings.HasPrefix(name, lower(split)) {
				found = append(found, filepath.Join(folder, e.Name()))
			}
		}
	}
	sortNaturally(found)
	return found
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
