package dataset

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// A Format is a way to store examples.
type Format string

// The formats. An empty one means that [Open] goes by the path.
const (
	CSV        Format = "csv"        // a table of text, with commas, tabs or semicolons
	JSONLines  Format = "jsonl"      // one JSON object a line
	WebDataset Format = "webdataset" // tar files, members of one base name together
	Benchmark  Format = "benchmark"  // CLIP_benchmark's folders of tar files
	Folder     Format = "folder"     // media files with texts of the same name beside them
	ClassTree  Format = "classes"    // a folder for every class
	Parquet    Format = "parquet"    // as Hugging Face's datasets writes it
	memory     Format = "memory"
)

var formats = []Format{CSV, JSONLines, WebDataset, Benchmark, Folder, ClassTree, Parquet}

// A Task is what a benchmark's set measures.
type Task string

// The tasks of CLIP_benchmark.
const (
	Classification Task = "classification"
	MultiLabel     Task = "multilabel"
	Retrieval      Task = "retrieval"
)

// Options says how [Open] reads. A nil *Options and zero fields mean the defaults.
type Options struct {
	Format Format // "": by the path
	Split  string // folder, beginning of a Parquet file's name, or value of the column "split"; "" is all, of a benchmark "test"

	// Names of columns, as open_clip's --csv-img-key and --csv-caption-key; several captions with commas between. A caption's column
	// brings along those of other languages, as title_zh or title-pt-br. Empty: the usual names, which docs/training-data.md lists.
	ImageKey, CaptionKey, SoundKey, VideoKey, LabelKey, KeyKey, GroupKey string

	Separator string // between the columns of a table of text, as open_clip's --csv-separator; "": what its first line has most of
	Language  string // of texts that name none
	Raw       bool   // no column has a meaning: all fields are in [Item.Extra], as they are written. It is for tables of text
	Expanded  int64  // most bytes that a .gz file may expand to, into a temporary file; 0: 64 GiB
}

// A Set is an opened data set: items by number, in an order that does not change. Its methods may be called by several goroutines.
type Set struct {
	Name      string // the path that it was opened by
	Format    Format
	Classes   []string // names of the classes by number, where they are known
	Templates []string // prompts with {c} where a class's name belongs, of a benchmark
	Task      Task     // of a benchmark
	Columns   []string // of a table of text that is one file, in their order
	Damage    []error  // shards of which only the beginning could be read

	r      reader
	picked []int // a view of these, or all if nil
}

// A reader gives the items of a file, or of several. An item comes with its key even if it comes with an error.
type reader interface {
	Len() int
	Item(i int) (*Item, error)
	io.Closer
}

// Len is the number of items.
func (s *Set) Len() int {
	if s.picked != nil {
		return len(s.picked)
	}
	return s.r.Len()
}

// Item reads item i, but not its media yet. The error is an [*ItemError]: other items may be well. It panics unless 0 <= i < Len().
func (s *Set) Item(i int) (*Item, error) {
	if i < 0 || i >= s.Len() {
		panic(fmt.Sprintf("dataset: item %d of %d", i, s.Len()))
	}
	at := i
	if s.picked != nil {
		at = s.picked[i]
	}
	it, err := s.r.Item(at)
	if err != nil {
		e := &ItemError{Set: s.Name, Index: i, Err: err}
		if it != nil {
			e.Key = it.Key
		}
		return nil, e
	}
	if s.Task != MultiLabel && len(it.Labels) == 1 && it.Class == "" && it.Labels[0] < len(s.Classes) && it.Labels[0] >= 0 {
		it.Class = s.Classes[it.Labels[0]]
	}
	return it, nil
}

// Select is a view of the items with these numbers, in this order. Closing it closes the whole. It panics if there is no such item.
func (s *Set) Select(indices []int) *Set {
	view := *s
	view.picked = make([]int, len(indices))
	for i, n := range indices {
		if n < 0 || n >= s.Len() {
			panic(fmt.Sprintf("dataset: item %d of %d", n, s.Len()))
		}
		if s.picked != nil {
			n = s.picked[n]
		}
		view.picked[i] = n
	}
	return &view
}

// Close releases the files. Items read before keep what is in memory and what lies in files of its own.
func (s *Set) Close() error { return s.r.Close() }

// Of is a set of items in memory. They are handed out as they are, not to be changed.
func Of(name string, items ...*Item) *Set { return &Set{Name: name, Format: memory, r: list(items)} }

type list []*Item

func (l list) Len() int                  { return len(l) }
func (l list) Item(i int) (*Item, error) { it := *l[i]; return &it, nil }
func (l list) Close() error              { return nil }

// A chain is several readers as one.
type chain struct {
	parts []reader
	ends  []int // number of items up to the end of each part
}

func (c *chain) add(r reader) {
	c.parts = append(c.parts, r)
	c.ends = append(c.ends, c.Len()+r.Len())
}

func (c *chain) Len() int {
	if len(c.ends) == 0 {
		return 0
	}
	return c.ends[len(c.ends)-1]
}

func (c *chain) Item(i int) (*Item, error) {
	part, _ := slices.BinarySearch(c.ends, i+1)
	if part > 0 {
		i -= c.ends[part-1]
	}
	return c.parts[part].Item(i)
}

func (c *chain) Close() error {
	var errs []error
	for _, r := range c.parts {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
