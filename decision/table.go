package decision

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chiasm/chiasm/dataset"
)

// The kinds of columns: texts, paths of pictures, sounds and videos, and numbers.
const (
	Text   = "text"
	Image  = "image"
	Audio  = "audio"
	Video  = "video"
	Number = "number"
)

// A Column is a modality: a column of a table, or several of numbers.
type Column struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Fields []string `json:"fields"` // of the table
}

// media reports whether the column holds paths.
func (c Column) media() bool { return c.Kind == Image || c.Kind == Audio || c.Kind == Video }

// A Row is a thing.
type Row struct {
	Key   string   // what to call it: its number in the table, or its name in a folder
	Cells []string // of each column: a path, a text, or numbers with spaces between; "" where there is none
	Label string   // as it is written; "" if it is not known
	Group string   // rows of a group stay together; "" for a group of its own
	Split string   // train, valid or test, where the table says so
}

// A Table is things to decide about, of the same columns.
type Table struct {
	Name    string // the path that it was opened by
	Columns []Column
	Ignored []string // columns of the file that are not used
	Rows    []Row
	label   string // name of the column, "" for none
}

// Options say how OpenTable reads. Where no columns are named, those of paths and texts are found by what they hold.
type Options struct {
	Image, Audio, Video, Text []string // names of columns
	Number                    []string // likewise; several with commas between are one modality
	Label, Group              string   // names of columns; "" of the label for "label", of the group for "group" if there is one
	Unlabelled                bool     // the label is not needed
	Columns                   []Column // what a model has: exactly these, as far as the table has them
	Format                    dataset.Format
	Separator                 string // between the columns of a table of text; "" for what its first line has most of
}

// OpenTable reads a table (.csv, .tsv, .jsonl), whose paths begin at its folder, or a folder for every class, in which files of one name
// are one thing. No file that it names is opened yet.
func OpenTable(path string, o *Options) (*Table, error) {
	if o == nil {
		o = &Options{}
	}
	set, err := dataset.Open(path, &dataset.Options{Format: o.Format, Separator: o.Separator, Raw: true})
	if err != nil {
		return nil, err
	}
	t, err := read(set, path, o)
	if err == nil && len(set.Damage) > 0 {
		err = set.Damage[0] // half a table is none
	}
	if err = errors.Join(err, set.Close()); err != nil {
		return nil, fmt.Errorf("decision: %s: %w", path, err)
	}
	return t, nil
}

// A record is a row by the names of its fields.
type record struct {
	key    string
	fields map[string]string
}

func read(set *dataset.Set, path string, o *Options) (*Table, error) {
	if set.Format == dataset.WebDataset || set.Format == dataset.Parquet || set.Format == dataset.Benchmark {
		return nil, fmt.Errorf("it is of the format %s: want a table (.csv, .tsv, .jsonl) or a folder for every class", set.Format)
	}
	tree, base := set.Format == dataset.ClassTree || set.Format == dataset.Folder, filepath.Dir(path)
	names, records := slices.Clone(set.Columns), make([]record, 0, set.Len())
	for i := range set.Len() {
		it, err := set.Item(i)
		if err != nil {
			return nil, err
		}
		r := record{it.Key, it.Extra}
		if tree {
			r.fields = ofItem(it)
		} else {
			r.key = fmt.Sprintf("row %d", i+1)
		}
		for name := range r.fields {
			if set.Columns == nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		records = append(records, r)
	}
	if set.Columns == nil {
		slices.Sort(names)
	}
	t := &Table{Name: path}
	label, group, err := o.meant(names)
	if err != nil {
		return nil, err
	}
	t.label = label
	if err := t.choose(names, records, o, label, group); err != nil {
		return nil, err
	}
	for _, r := range records {
		row := Row{Key: r.key, Label: strings.TrimSpace(r.fields[label]), Group: r.fields[group]}
		if !utf8.ValidString(row.Label) || !utf8.ValidString(row.Group) {
			return nil, fmt.Errorf("%s: the label or the group is no UTF-8: %q, %q: save the table as UTF-8", r.key, row.Label, row.Group)
		}
		if named := strings.TrimSpace(r.fields["split"]); named != "" && label != "split" && group != "split" {
			if row.Split = splits[strings.ToLower(named)]; row.Split == "" {
				return nil, fmt.Errorf("%s: column \"split\" says %.50q: want train, valid or test", r.key, named)
			}
		}
		for _, c := range t.Columns {
			cell, err := c.cell(r, base, tree)
			if err != nil {
				return nil, err
			}
			row.Cells = append(row.Cells, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// splits are the names of parts as people write them.
var splits = map[string]string{
	"train": learnPart, "training": learnPart, "valid": validPart, "validation": validPart, "val": validPart, "dev": validPart, "test": testPart, "testing": testPart,
}

// ofItem is the fields of what lies in a folder.
func ofItem(it *dataset.Item) map[string]string {
	f := map[string]string{}
	for kind, m := range map[string]*dataset.Media{Image: it.Image, Audio: it.Sound, Video: it.Video} {
		if m != nil {
			f[kind] = m.Path()
		}
	}
	if len(it.Texts) > 0 {
		f[Text] = it.Texts[0].Text
	}
	if f["label"] = it.Class; it.Class == "" {
		if folder, _, ok := strings.Cut(filepath.ToSlash(it.Key), "/"); ok {
			f["label"] = folder
		}
	}
	return f
}

// meant is the columns of the label and of the group; "" for none.
func (o *Options) meant(names []string) (label, group string, err error) {
	label, group = cmp.Or(o.Label, "label"), cmp.Or(o.Group, "group")
	for _, c := range []struct {
		name   *string
		flag   string
		given  bool
		needed bool
	}{{&label, "label", o.Label != "", !o.Unlabelled}, {&group, "group", o.Group != "", false}} {
		switch {
		case slices.Contains(names, *c.name):
		case c.given && !o.Unlabelled || c.needed:
			return "", "", fmt.Errorf("no column %q for the %s: there are %q", *c.name, c.flag, names)
		default:
			*c.name = ""
		}
	}
	return label, group, nil
}

// cell is what a record holds of a column.
func (c Column) cell(r record, base string, tree bool) (string, error) {
	if c.Kind == Number {
		var list []string
		for _, f := range c.Fields {
			v := strings.TrimSpace(r.fields[f])
			if v == "" {
				return "", nil // all of them or none
			}
			list = append(list, v)
		}
		cell := strings.Join(list, " ")
		if _, err := numbers(cell, len(c.Fields)); err != nil {
			return "", fmt.Errorf("%s: column %q: %w", r.key, c.Name, err)
		}
		return cell, nil
	}
	v := strings.TrimSpace(r.fields[c.Fields[0]])
	switch {
	case c.Kind == Text && !utf8.ValidString(v):
		return "", fmt.Errorf("%s: column %q is no UTF-8: %.60q: save the table as UTF-8", r.key, c.Name, v)
	case v == "" || c.Kind == Text || tree || filepath.IsAbs(v):
		return v, nil
	case strings.Contains(v, "://"):
		return "", fmt.Errorf("%s: column %q: want a file, got the address %q", r.key, c.Name, v)
	}
	return filepath.Join(base, filepath.FromSlash(v)), nil
}
