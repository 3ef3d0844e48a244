package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// isBenchmark reports whether a folder is laid out as CLIP_benchmark's: the number of shards is in the folder of every split.
func isBenchmark(path string) bool {
	matches, _ := filepath.Glob(filepath.Join(globEscape(path), "*", "nshards.txt"))
	return len(matches) > 0 || isFile(filepath.Join(path, "nshards.txt"))
}

// globEscape makes the special characters of a path mean themselves.
func globEscape(path string) string {
	return strings.NewReplacer(`[`, `[[]`, `*`, `[*]`, `?`, `[?]`).Replace(path)
}

// openBenchmark opens a split of CLIP_benchmark's layout: SPLIT/0.tar to SPLIT/N-1.tar with N in SPLIT/nshards.txt, and beside the
// splits classnames.txt, zeroshot_classification_templates.txt and dataset_type.txt. path may be the split's own folder.
func openBenchmark(path string, o *Options) (*Set, error) {
	split := o.Split
	root := path
	switch {
	case isFile(filepath.Join(path, "nshards.txt")) && (split == "" || filepath.Base(path) == split):
		root, split = filepath.Dir(filepath.Clean(path)), filepath.Base(filepath.Clean(path))
	case split == "":
		split = "test"
	}
	counted, err := readLines(filepath.Join(root, split, "nshards.txt"))
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", split, err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.Join(counted, " ")))
	if err != nil || n < 1 || n > mostFiles {
		return nil, fmt.Errorf("%s/nshards.txt: expected a number of shards from 1 to %d, got %.40q", split, mostFiles, counted)
	}
	files := make([]string, n)
	for i := range files {
		files[i] = filepath.Join(root, split, fmt.Sprintf("%d.tar", i))
	}
	inner := *o
	inner.Format = WebDataset
	s, err := openFiles(path, files, &inner)
	if err != nil {
		return nil, err
	}
	if err := s.describe(root); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// describe reads what stands beside the splits.
func (s *Set) describe(root string) error {
	s.Format, s.Task = Benchmark, Classification
	for _, part := range []struct {
		name string
		to   *[]string
	}{{"classnames.txt", &s.Classes}, {"zeroshot_classification_templates.txt", &s.Templates}} {
		lines, err := readLines(filepath.Join(root, part.name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		*part.to = lines
	}
	kind, err := readLines(filepath.Join(root, "dataset_type.txt"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	switch task := Task(lower(strings.TrimSpace(strings.Join(kind, "\n")))); task {
	case Classification, MultiLabel, Retrieval:
		s.Task = task
	default:
		return fmt.Errorf("dataset_type.txt: expected %s, %s or %s, got %.40q", Classification, MultiLabel, Retrieval, task)
	}
	return nil
}

// readLines is the lines of a small file, without the blanks around each.
func readLines(path string) ([]string, error) {
	f, err := openFile(path, &Options{})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := f.part(0, f.size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		out = append(out, strings.TrimSpace(line))
	}
	return out, nil
}
