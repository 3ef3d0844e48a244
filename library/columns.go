package library

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math"
	bit "math/bits"
	"slices"
	"strconv"
	"strings"
)

// The catalogue also keeps what conditions, lists and facets ask about in columns, so that a question about all files reads a few bytes of each and not its
// row. A column has a number, and is cut into chunks of 448 consecutive ids, each a blob:
//
//	 1 file      of a file, 32 bits: 1 if there is one, 2 more if it could not be read, 4 times the term of its kind
//	 2 date      64 bits, seconds: when it was taken, or else last changed
//	 3 size      64 bits, bytes
//	 4 duration  64 bits of a float, seconds; 0 where it is not known: then a length of 0 is -0
//	 5 camera    32 bits, a term, as are
//	 6 place     and
//	 7 folder    of which the value is the root's id, a space and the path up to its last slash
//	 8 name      bytes, what follows that slash
//	 9 tag       terms
//	10 piece     of a piece, 32 bits: its file
//	11 space     of a piece, 32 bits: twice its space, and 1 more if it is of sound
//	256 + N      of a file, terms, what a model saw in it, for the space N
//
// A term is the id of a value in the table terms; none is 0. Numbers are little endian. A number takes 1, 2, 4 or 8 bytes, as the largest of its chunk needs,
// and a chunk of nothing but zeros is empty; two chunks of numbers of 4 bytes fit a page of the database. In names and lists, whose elements differ in length,
// the blob begins with where each of the 448 ends, in 4 bytes; a term takes 4. Triggers note in stale_files and stale_pieces which chunks the tables have left
// behind, and [Library.change] makes these anew before it commits.
const (
	chunkRows  = 448
	mostChunks = math.MaxUint32/chunkRows + 1
	mostTerms  = 1<<30 - 1
)

const columnSchema = `
DROP TRIGGER files_counted; DROP TRIGGER files_discounted; DROP TRIGGER files_found; DROP TRIGGER files_lost;
DROP TRIGGER tags_counted; DROP TRIGGER tags_discounted; DROP TRIGGER seen_counted; DROP TRIGGER seen_discounted;
DROP TABLE counts;
DROP INDEX files_date;
DROP INDEX files_kind;
DROP INDEX pieces_sound;
CREATE TABLE terms(id INTEGER PRIMARY KEY, what TEXT NOT NULL, value BLOB NOT NULL, UNIQUE(what, value));
CREATE TABLE columns(id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, data BLOB NOT NULL); -- the id is the column's number and in its last 32 bits that of the chunk
CREATE INDEX columns_new ON columns(generation);
CREATE TABLE stale_files(chunk INTEGER PRIMARY KEY);
CREATE TABLE stale_pieces(chunk INTEGER PRIMARY KEY);
CREATE TRIGGER files_new AFTER INSERT ON files BEGIN INSERT INTO stale_files VALUES(NEW.id / 448) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER files_gone AFTER DELETE ON files BEGIN INSERT INTO stale_files VALUES(OLD.id / 448) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER files_other AFTER UPDATE OF root, path, size, modified, kind, error, duration, taken, camera, place ON files BEGIN
	INSERT INTO stale_files VALUES(NEW.id / 448) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER tags_new AFTER INSERT ON tags BEGIN INSERT INTO stale_files VALUES(NEW.file / 448) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER tags_gone AFTER DELETE ON tags BEGIN INSERT INTO stale_files VALUES(OLD.file / 448) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER seen_new AFTER INSERT ON seen BEGIN INSERT INTO stale_files VALUES(NEW.file / 448) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER seen_gone AFTER DELETE ON seen BEGIN INSERT INTO stale_files VALUES(OLD.file / 448) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER pieces_new AFTER INSERT ON pieces BEGIN INSERT INTO stale_pieces VALUES(NEW.id / 448) ON CONFLICT DO NOTHING; END;
CREATE TRIGGER pieces_gone AFTER DELETE ON pieces BEGIN INSERT INTO stale_pieces VALUES(OLD.id / 448) ON CONFLICT DO NOTHING; END;
` + allStale

// allStale has every chunk made anew.
const allStale = `
INSERT INTO stale_files SELECT DISTINCT id / 448 FROM files WHERE 1 ON CONFLICT DO NOTHING;
INSERT INTO stale_files SELECT id & 4294967295 FROM columns WHERE id >> 32 = 1 ON CONFLICT DO NOTHING;
INSERT INTO stale_pieces SELECT DISTINCT id / 448 FROM pieces WHERE 1 ON CONFLICT DO NOTHING;
INSERT INTO stale_pieces SELECT id & 4294967295 FROM columns WHERE id >> 32 = 11 ON CONFLICT DO NOTHING;
`

// columnNames are those of columns by their numbers.
var columnNames = [...]string{1: "file", 2: "date", 3: "size", 4: "duration", 5: "camera", 6: "place", 7: "folder", 8: "name", 9: "tag", 10: "piece", 11: "space"}

// firstWords is the number of the columns of words, less that of the space.
const firstWords = 256

// wordColumn is the column of what a space's model saw.
func wordColumn(space int64) string { return "word " + strconv.FormatInt(space, 10) }

// chunkID is the id of a chunk of a column.
func chunkID(what string, n int64) int64 {
	number := int64(slices.Index(columnNames[:], what))
	if space, ok := strings.CutPrefix(what, "word "); ok {
		number, _ = strconv.ParseInt(space, 10, 32) // it is a number
		number += firstWords
	}
	return number<<32 | n
}

// A chunk is the part of a column for some ids. One of its fields is set, as the sort of the column has it; none where there is nothing.
type chunk struct {
	there       bool     // there is something
	small       []uint32 // [chunkRows]
	large       []uint64 // [chunkRows]
	starts      []uint32 // [chunkRows + 1], of each element in data
	data        []byte
	first, last int64 // the least and the most of large
}

// zeros is a chunk that holds nothing, of any sort.
var zeros = chunk{small: make([]uint32, chunkRows), large: make([]uint64, chunkRows), starts: make([]uint32, chunkRows+1)}

// A column is one as it was in a generation of the catalogue. It is never changed, but replaced.
type column struct {
	generation int64
	chunks     []chunk
}

// at is chunk n.
func (c *column) at(n int) *chunk {
	if n < len(c.chunks) && c.chunks[n].there {
		return &c.chunks[n]
	}
	return &zeros
}

// list is the bytes of an element.
func (c *chunk) list(i int) []byte { return c.data[c.starts[i]:c.starts[i+1]] }

// The sorts of columns.
const (
	lists = iota
	smallNumbers
	largeNumbers
)

func sortOf(what string) int {
	switch what {
	case "file", "camera", "place", "folder", "piece", "space":
		return smallNumbers
	case "date", "size", "duration":
		return largeNumbers
	}
	return lists
}

// readChunk reads a blob of a column, of which it keeps nothing.
func readChunk(what string, blob []byte) (c chunk, err error) {
	if len(blob) == 0 {
		return c, nil
	}
	c.there = true
	sort, width := sortOf(what), len(blob)/chunkRows
	switch {
	case sort == lists && len(blob) >= 4*chunkRows:
		c.starts, c.data = make([]uint32, chunkRows+1), bytes.Clone(blob[4*chunkRows:])
		for i := range chunkRows {
			c.starts[i+1] = binary.LittleEndian.Uint32(blob[4*i:])
		}
		if !slices.IsSorted(c.starts) || int(c.starts[chunkRows]) != len(c.data) {
			return chunk{}, fmt.Errorf("catalogue.db: a chunk of the column %q has elements up to byte %d, and %d bytes: repair the library", what, c.starts[chunkRows], len(c.data))
		}
		return c, nil
	case len(blob) != width*chunkRows || bit.OnesCount(uint(width)) != 1 || sort == smallNumbers && width > 4 || sort == largeNumbers && width > 8 || sort == lists:
		return chunk{}, fmt.Errorf("catalogue.db: a chunk of the column %q has %d bytes, want some for each of %d elements: repair the library", what, len(blob), chunkRows)
	case sort == smallNumbers:
		c.small = make([]uint32, chunkRows)
		numbers(c.small, blob, width)
	default:
		c.large = make([]uint64, chunkRows)
		numbers(c.large, blob, width)
		c.first, c.last = math.MaxInt64, math.MinInt64
		for _, v := range c.large {
			c.first, c.last = min(c.first, int64(v)), max(c.last, int64(v))
		}
	}
	return c, nil
}

// numbers reads numbers of some bytes each.
func numbers[T uint32 | uint64](to []T, blob []byte, width int) {
	switch width {
	case 1:
		for i := range to {
			to[i] = T(blob[i])
		}
	case 2:
		for i := range to {
			to[i] = T(binary.LittleEndian.Uint16(blob[2*i:]))
		}
	case 4:
		for i := range to {
			to[i] = T(binary.LittleEndian.Uint32(blob[4*i:]))
		}
	default:
		for i := range to {
			to[i] = T(binary.LittleEndian.Uint64(blob[8*i:]))
		}
	}
}

// A table is some columns, all of one generation.
type table map[string]*column

// columns reads columns, as far as they are not known yet.
func (l *Library) columns(ctx context.Context, names ...string) (t table, err error) {
	generation, err := l.generation(ctx)
	if err != nil {
		return nil, err
	}
	l.reading.Lock()
	defer l.reading.Unlock()
	t = table{}
	for _, what := range names {
		if c := l.kept[what]; c != nil && c.generation == generation {
			t[what] = c
		}
	}
	if len(t) == len(names) {
		return t, nil
	}
	tx, err := l.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // all that is read is of one moment
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	if err := tx.QueryRowContext(ctx, generationQuery).Scan(&generation); err != nil {
		return nil, err
	}
	for _, what := range names {
		c := l.kept[what]
		if c == nil || c.generation > generation {
			c = &column{generation: -1}
		}
		if c.generation < generation {
			if c, err = c.next(ctx, tx, what, generation); err != nil {
				return nil, err
			}
			l.kept[what] = c
		}
		t[what] = c
	}
	return t, l.readTerms(ctx, tx)
}

// next is a column with what has changed since.
func (c *column) next(ctx context.Context, tx *sql.Tx, what string, generation int64) (*column, error) {
	out := &column{generation: generation, chunks: slices.Clone(c.chunks)}
	query := "SELECT id & 4294967295, data FROM columns WHERE id BETWEEN ? AND ?"
	var since []any
	if c.generation >= 0 {
		since = []any{c.generation}
		query = "SELECT id & 4294967295, data FROM columns INDEXED BY columns_new WHERE id BETWEEN ? AND ? AND generation > ?"
	}
	return out, each(ctx, tx, func(scan func(...any) error) error {
		var n int
		var blob sql.RawBytes
		if err := scan(&n, &blob); err != nil {
			return err
		}
		if n < 0 || n >= mostChunks {
			return fmt.Errorf("catalogue.db: the column %q has a chunk %d, want 0 to %d: repair the library", what, n, mostChunks-1)
		}
		part, err := readChunk(what, blob)
		if n >= len(out.chunks) {
			out.chunks = append(out.chunks, make([]chunk, n+1-len(out.chunks))...)
		}
		out.chunks[n] = part
		return err
	}, query, append([]any{chunkID(what, 0), chunkID(what, math.MaxUint32)}, since...)...)
}

// A term is a value that files have.
type term struct{ what, value string }

// A numbered term is a value with its id.
type numbered struct {
	id    uint32
	value string
}

// readTerms reads the terms that are not known yet: they never change.
func (l *Library) readTerms(ctx context.Context, tx *sql.Tx) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return each(ctx, tx, func(scan func(...any) error) error {
		var t numbered
		var what string
		var value []byte
		if err := scan(&t.id, &what, &value); err != nil {
			return err
		}
		if t.id > mostTerms {
			return fmt.Errorf("catalogue.db: a term with the id %d, want 1 to %d", t.id, mostTerms)
		}
		t.value = string(value)
		l.terms[what] = append(l.terms[what], t)
		l.lastTerm = max(l.lastTerm, t.id)
		return nil
	}, "SELECT id, what, value FROM terms WHERE id > ? ORDER BY id", l.lastTerm)
}

// termsOf is the terms of one sort, by their ids.
func (l *Library) termsOf(what string) []numbered {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.terms[what][:len(l.terms[what]):len(l.terms[what])]
}

// meant is the terms of one sort for which f holds; 0 too if it holds for "".
func (l *Library) meant(what string, f func(value string) bool) bits {
	b := bits{}
	if f("") {
		b.add(0)
	}
	for _, t := range l.termsOf(what) {
		if f(t.value) {
			b.add(uint64(t.id))
		}
	}
	return b
}

// durationBits is a duration as its column has it.
func durationBits(d sql.NullFloat64) uint64 {
	if !d.Valid || math.IsNaN(d.Float64) {
		return 0
	}
	if d.Float64 == 0 {
		return 1 << 63
	}
	return math.Float64bits(d.Float64)
}
