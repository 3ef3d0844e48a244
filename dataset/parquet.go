package dataset

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
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

// Bounds of a page: what a file claims is believed only so far.
const (
	mostPage   = 1 << 30 // bytes unpacked
	mostPacked = 4096    // bytes unpacked of each packed one, beyond the first 64 KiB
	mostValues = 1 << 24
)

// pages looks at the heads of a column's pages: none may claim more than could be in it.
func (p *parquetFile) pages(c *format.ColumnMetaData) error {
	at := c.DataPageOffset
	if d := c.DictionaryPageOffset; d > 0 && d < at {
		at = d
	}
	end := at + c.TotalCompressedSize
	if at < 0 || c.TotalCompressedSize < 0 || end > p.file.size || end < at {
		return fmt.Errorf("expected pages within %d bytes, got %d to %d", p.file.size, at, end)
	}
	for at < end {
		h, read, err := p.head(at, end)
		if err != nil {
			return fmt.Errorf("page at byte %d: %w", at, err)
		}
		values := max(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues, h.DictionaryPageHeader.V.NumValues)
		packed, size := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
		if read <= 0 || packed < 0 || packed > end-at-read || size < 0 || size > min(mostPage, 1<<16+mostPacked*packed) || values < 0 || values > mostValues {
			return fmt.Errorf("page at byte %d: claims %d bytes, %d unpacked, of %d values, in %d bytes", at, packed, size, values, end-at)
		}
		at += read + packed
	}
	return nil
}

// head reads the head of a page, of a few bytes as a rule, and tells how many.
func (p *parquetFile) head(at, end int64) (h format.PageHeader, read int64, err error) {
	for _, most := range []int64{1 << 12, longestRecord} { // where it holds the least and the largest value, it is long
		b := make([]byte, min(end-at, most))
		if _, err = p.file.ReadAt(b, at); err != nil {
			return h, 0, err
		}
		if err = soundThrift(b); err == nil {
			r := new(thrift.CompactProtocol).NewReaderFromBytes(b)
			err = thrift.NewDecoder(r).Decode(&h)
			return h, int64(r.BytesRead()), err
		}
	}
	return h, 0, err
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

// footer reads the description at the end of the file and looks at all that it points at.
func (p *parquetFile) footer() error {
	if p.file.size < 12 {
		return errFooter
	}
	tail := make([]byte, 8)
	if _, err := p.file.ReadAt(tail, p.file.size-8); err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint32(tail))
	if string(tail[4:]) != "PAR1" {
		return errFooter
	}
	b, err := p.piece(p.file.size-8-n, n)
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	var meta format.FileMetaData
	if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReaderFromBytes(b)).Decode(&meta); err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	total := 0
	for i, g := range meta.RowGroups {
		if g.NumRows < 0 || g.NumRows > 1<<31 {
			return fmt.Errorf("group %d: expected a number of rows, got %d", i, g.NumRows)
		}
		for c := range g.Columns {
			if err := p.column(&g.Columns[c]); err != nil {
				return fmt.Errorf("group %d, column %q: %w", i, strings.Join(g.Columns[c].MetaData.PathInSchema, "."), err)
			}
		}
		total += int(g.NumRows)
		p.ends = append(p.ends, total)
	}
	return nil
}

// column looks at what a column's description points at.
func (p *parquetFile) column(c *format.ColumnChunk) error {
	for _, index := range [][2]int64{{c.OffsetIndexOffset, int64(c.OffsetIndexLength)}, {c.ColumnIndexOffset, int64(c.ColumnIndexLength)}} {
		if index[1] == 0 {
			continue
		}
		if _, err := p.piece(index[0], index[1]); err != nil {
			return fmt.Errorf("index of pages: %w", err)
		}
	}
	return p.pages(&c.MetaData)
}
