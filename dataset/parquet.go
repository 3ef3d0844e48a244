package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// A parquetFile has an item in every row. Rows are found by the file's index of pages; a file without one is read from the beginning
// of the group of rows.
type parquetFile struct {
	file    *file
	path    string
	fields  *fields
	parquet *parquet.File
	groups  []parquet.RowGroup
	ends    []int // number of rows up to the end of each group
	classes map[string][]string
	sound   []func() error // of each group, whether its pages hold what they claim; looked at once
}

func openParquet(path string, o *Options) (reader, error) {
	f, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	p := &parquetFile{file: f, path: path, fields: newFields(o, path)}
	if err := guard(p.index); err != nil {
		return nil, errors.Join(fmt.Errorf("parquet: %w", err), f.Close())
	}
	return p, nil
}

// guard turns a panic of the library over a file that is not sound into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not sound: %v", p)
		}
	}()
	return f()
}

// index reads what the file says of itself, and looks at the head of every page before any is read.
func (p *parquetFile) index() error {
	err := p.footer()
	if err != nil {
		return err
	}
	if p.parquet, err = parquet.OpenFile(p.file.File, p.file.size, parquet.SkipBloomFilters(true)); err != nil {
		return err
	}
	p.groups = p.parquet.RowGroups()
	if len(p.groups) != len(p.ends) {
		return errors.New("groups of rows are missing")
	}
	p.classes = p.features()
	var names []string
	for _, c := range p.parquet.Root().Columns() {
		names = append(names, c.Name())
	}
	return p.fields.check(names)
}

// features are the names of classes that Hugging Face's datasets writes beside the columns.
func (p *parquetFile) features() map[string][]string {
	written, _ := p.parquet.Lookup("huggingface")
	var head struct {
		Info struct {
			Features map[string]json.RawMessage `json:"features"`
		} `json:"info"`
	}
	if json.Unmarshal([]byte(written), &head) != nil {
		return nil // others may write something else there
	}
	classes := map[string][]string{}
	for name, raw := range head.Info.Features {
		var feature struct {
			Names []string `json:"names"`
		}
		if r, _ := p.fields.role(name); r == asLabel && json.Unmarshal(raw, &feature) == nil && len(feature.Names) > 0 {
			classes[name] = feature.Names
		}
	}
	return classes
}

func (p *parquetFile) Len() int {
	if len(p.ends) == 0 {
		return 0
	}
	return p.ends[len(p.ends)-1]
}

func (p *parquetFile) Close() error { return p.file.Close() }

func (p *parquetFile) Item(i int) (*Item, error) {
	it := &Item{Key: fmt.Sprint(i)}
	err := guard(func() error {
		record, err := p.row(i)
		if err != nil {
			return err
		}
		return p.fields.record(it, record)
	})
	if err != nil {
		return it, fmt.Errorf("%s: row %d: %w", p.path, i, err)
	}
	p.fields.finish(it)
	return it, nil
}

// row reads a row.
func (p *parquetFile) row(i int) (map[string]any, error) {
	group, _ := slices.BinarySearch(p.ends, i+1)
	if group > 0 {
		i -= p.ends[group-1]
	}
	if err := p.sound[group](); err != nil {
		return nil, err
	}
	rows := p.groups[group].Rows()
	defer rows.Close()
	if err := rows.SeekToRow(int64(i)); err != nil {
		return nil, err
	}
	one := make([]parquet.Row, 1)
	if n, err := rows.ReadRows(one); n != 1 {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	var record any
	if err := p.parquet.Schema().Reconstruct(&record, one[0]); err != nil {
		return nil, err
	}
	m, ok := own(p.parquet.Schema(), record).(map[string]any) // rows are in pages that are used again
	if !ok {
		return nil, fmt.Errorf("expected a record, got %T", record)
	}
	return m, nil
}

// own copies a value of a column. Bytes that are not marked as text become a slice of bytes.
func own(node parquet.Node, value any) any {
	switch v := value.(type) {
	case string:
		if node != nil && node.Leaf() && node.Type().LogicalType() == nil {
			return []byte(v)
		}
		return strings.Clone(v)
	case []byte:
		return bytes.Clone(v)
	case []any:
		for node != nil && !node.Leaf() && len(node.Fields()) == 1 { // a list is a group of a group of elements
			node = node.Fields()[0]
		}
		for i := range v {
			v[i] = own(node, v[i])
		}
	case map[string]any:
		if node == nil || node.Leaf() {
			return v
		}
		for _, f := range node.Fields() {
			v[f.Name()] = own(f, v[f.Name()])
		}
	}
	return value
}
