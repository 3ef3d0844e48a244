package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// lines is a file with one JSON object a line.
type lines struct {
	file   *file
	fields *fields
	spans  [][2]int64 // of the lines that are not blank
}

func openLines(path string, o *Options) (reader, error) {
	f, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	l := &lines{file: f, fields: newFields(o, path)}
	if err := l.index(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if f.cut != nil {
		return l, &errCut{f.cut}
	}
	return l, nil
}

// index finds where the lines are.
func (l *lines) index() error {
	r := bufio.NewReaderSize(io.NewSectionReader(l.file, 0, l.file.size), 1<<16)
	at, start, blank := int64(0), int64(0), true
	for {
		piece, err := r.ReadSlice('\n')
		if at == 0 {
			if rest := bytes.TrimPrefix(piece, []byte("\uFEFF")); len(rest) < len(piece) {
				start, piece, at = 3, rest, 3
			}
			if bytes.HasPrefix(piece, []byte("[")) {
				return errors.New("expected an object in every line, got a list")
			}
		}
		at += int64(len(piece))
		blank = blank && len(bytes.TrimSpace(piece)) == 0
		if err == bufio.ErrBufferFull {
			continue
		}
		if !blank {
			l.spans = append(l.spans, [2]int64{start, at})
		}
		start, blank = at, true
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (l *lines) Len() int     { return len(l.spans) }
func (l *lines) Close() error { return l.file.Close() }

func (l *lines) Item(i int) (*Item, error) {
	it := &Item{Key: fmt.Sprint(i)}
	b, err := l.file.part(l.spans[i][0], l.spans[i][1])
	if err != nil {
		return it, err
	}
	if err := l.fields.object(it, b); err != nil {
		return it, err
	}
	l.fields.finish(it)
	return it, nil
}

// object gives an item the fields of a JSON object.
func (f *fields) object(it *Item, b []byte) error {
	var record map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&record); err != nil {
		return fmt.Errorf("expected a JSON object: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("expected one JSON object, got more behind it")
	}
	return f.record(it, record)
}

// record gives an item fields, in the order of their names.
func (f *fields) record(it *Item, record map[string]any) error {
	for _, name := range sortedKeys(record) {
		if err := f.put(it, name, record[name]); err != nil {
			return err
		}
	}
	return nil
}
