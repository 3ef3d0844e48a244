package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A table is a file of text with one record for each item, below the names of the columns.
type table struct {
	file    *file
	fields  *fields
	comma   rune
	columns []string
	ends    []int64 // where each record ends; the first one begins at start
	start   int64
}

func openCSV(path string, o *Options) (reader, error) {
	f, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	t := &table{file: f, fields: newFields(o, path)}
	if err := t.index(o.Separator); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if f.cut != nil {
		return t, &errCut{f.cut}
	}
	return t, nil
}

// index finds where the records are.
func (t *table) index(separator string) error {
	r := bufio.NewReaderSize(io.NewSectionReader(t.file, 0, t.file.size), 1<<16)
	if mark, _ := r.Peek(3); string(mark) == "\uFEFF" {
		r.Discard(3)
		t.start = 3
	}
	head, _ := r.Peek(1 << 16)
	if err := t.separate(separator, head); err != nil {
		return err
	}
	base := t.start
	records := t.reader(r)
	columns, err := records.Read()
	if err != nil {
		return fmt.Errorf("expected the names of columns in the first line: %w", err)
	}
	t.columns = append(t.columns, columns...)
	if err := t.fields.check(t.columns); err != nil {
		return err
	}
	t.start = base + records.InputOffset()
	for {
		if _, err := records.Read(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		t.ends = append(t.ends, base+records.InputOffset())
	}
}

func (t *table) reader(r io.Reader) *csv.Reader {
	c := csv.NewReader(r)
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.ReuseRecord = t.comma, true, -1, true
	return c
}

// separate chooses the separator: the one that is given, or what the first line has most of.
func (t *table) separate(given string, head []byte) error {
	switch given {
	case "":
		line, _, _ := bytes.Cut(head, []byte("\n"))
		t.comma = ','
		for _, c := range "\t;" {
			if bytes.Count(line, []byte(string(c))) > bytes.Count(line, []byte(string(t.comma))) {
				t.comma = c
			}
		}
		return nil
	case `\t`, "tab":
		given = "\t"
	}
	c, n := utf8.DecodeRuneInString(given)
	if n != len(given) || c == '"' || c == '\n' || c == '\r' || c == utf8.RuneError {
		return fmt.Errorf("separator %q: expected one character, not a quote or an end of line", given)
	}
	t.comma = c
	return nil
}

// check wants the columns that options name, and one at least that means something.
func (f *fields) check(columns []string) error {
	meaning := f.raw
	for _, name := range columns {
		r, _ := f.role(name)
		meaning = meaning || r != asExtra
	}
	for _, name := range sortedKeys(f.roles) {
		if !slices.Contains(columns, name) {
			return fmt.Errorf("no column %q: there are %q", name, columns)
		}
	}
	if !meaning {
		return fmt.Errorf("no column is known by name among %q: expected some as filepath and title, or the names given beside", columns)
	}
	return nil
}

func (t *table) Len() int     { return len(t.ends) }
func (t *table) Close() error { return t.file.Close() }

func (t *table) Item(i int) (*Item, error) {
	from := t.start
	if i > 0 {
		from = t.ends[i-1]
	}
	it := &Item{Key: fmt.Sprint(i)}
	b, err := t.file.part(from, t.ends[i])
	if err != nil {
		return it, err
	}
	record, err := t.reader(bytes.NewReader(b)).Read()
	if err != nil {
		return it, err
	}
	if len(record) != len(t.columns) {
		return it, fmt.Errorf("expected %d fields, got %d: %.80q", len(t.columns), len(record), strings.Join(record, string(t.comma)))
	}
	for n, value := range record {
		if err := t.fields.put(it, t.columns[n], strings.Clone(value)); err != nil {
			return it, err
		}
	}
	t.fields.finish(it)
	return it, nil
}
