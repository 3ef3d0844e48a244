package dataset

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

var errFooter = errors.New("expected a footer and then PAR1")

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
	p.sound = make([]func() error, len(meta.RowGroups))
	for i, g := range meta.RowGroups {
		p.sound[i] = sync.OnceValue(func() error {
			for c := range g.Columns {
				if err := p.pages(&g.Columns[c].MetaData, true); err != nil {
					return err
				}
			}
			return nil
		})
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
	switch c.MetaData.Codec {
	case format.Uncompressed, format.Snappy, format.Gzip, format.Brotli, format.Zstd:
		return p.pages(&c.MetaData, false)
	}
	return fmt.Errorf("expected pages packed by Snappy, gzip, Brotli or Zstandard, or not at all, got %v", c.MetaData.Codec)
}

// piece is the bytes of a file that its description points at.
func (p *parquetFile) piece(at, n int64) ([]byte, error) {
	if at < 0 || n < 0 || n > p.file.size || at > p.file.size-n {
		return nil, fmt.Errorf("expected %d bytes at %d in a file of %d", n, at, p.file.size)
	}
	b := make([]byte, n)
	if _, err := p.file.ReadAt(b, at); err != nil {
		return nil, err
	}
	return b, soundThrift(b)
}

// Bounds of a page: what a file claims is believed only so far.
const (
	mostPage   = 1 << 30 // bytes unpacked
	mostPacked = 4096    // bytes unpacked of each packed one, beyond the first 64 KiB
	mostValues = 1 << 24
)

// pages looks at the heads of a column's pages: none may claim more than could be in it. With unpack it looks at what they hold too: no more
// than is claimed, since the library unpacks whatever comes.
func (p *parquetFile) pages(c *format.ColumnMetaData, unpack bool) error {
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
		if unpack {
			if err := p.unpack(c.Codec, &h, at+read); err != nil {
				return fmt.Errorf("page at byte %d: %w", at, err)
			}
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

// unpack wants a page to hold no more than it claims.
func (p *parquetFile) unpack(codec format.CompressionCodec, h *format.PageHeader, at int64) error {
	plain := 0 // levels in front of the values, in the second version of pages
	if v := h.DataPageHeaderV2; v.Valid {
		plain = int(v.V.RepetitionLevelsByteLength) + int(v.V.DefinitionLevelsByteLength)
		if v.V.IsCompressed.Valid && !v.V.IsCompressed.V {
			codec = format.Uncompressed
		}
	}
	packed := io.NewSectionReader(p.file, at+int64(plain), int64(h.CompressedPageSize)-int64(plain))
	limit := int64(h.UncompressedPageSize) - int64(plain)
	if plain < 0 || packed.Size() < 0 || limit < 0 {
		return fmt.Errorf("claims %d bytes of levels in %d", plain, h.CompressedPageSize)
	}
	if packed.Size() == 0 {
		return nil
	}
	var r io.Reader
	switch codec {
	case format.Uncompressed:
		if packed.Size() > limit {
			return fmt.Errorf("claims %d bytes, holds %d", limit, packed.Size())
		}
		return nil
	case format.Snappy: // its length stands in front
		head := make([]byte, binary.MaxVarintLen64)
		n, _ := packed.ReadAt(head, 0)
		if size, n := binary.Uvarint(head[:n]); n <= 0 || size > uint64(limit) {
			return fmt.Errorf("claims %d bytes, holds %d", limit, size)
		}
		return nil
	case format.Gzip:
		z, err := gzip.NewReader(packed)
		if err != nil {
			return err
		}
		r = z
	case format.Brotli:
		r = brotli.NewReader(packed)
	case format.Zstd:
		z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostPage))
		if err != nil {
			return err
		}
		defer z.Close()
		r = z
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("claims %d bytes, holds more", limit)
	}
	return err
}
