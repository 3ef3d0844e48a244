package library

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A renewal makes chunks of columns of what the tables hold.
type renewal struct {
	tx         *sql.Tx
	generation int64
	reading    bool            // only to compare
	words      []string        // the columns of words
	terms      map[term]uint32 // their ids, by what else is known of them
}

// renewed are the tables that columns are made of, where it is noted which chunks they left behind, and how these are made.
var renewed = []struct {
	stale, table string
	make         func(*renewal, context.Context, int64) (map[string][]byte, error)
}{{"stale_files", "files", (*renewal).files}, {"stale_pieces", "pieces", (*renewal).pieces}}

// renew makes the chunks anew that the tables have left behind. tell, if it is set, is told how far it is, and may end it by an error.
func renew(ctx context.Context, tx *sql.Tx, tell func(done, total int) error) error {
	var r *renewal
	done, total := 0, 0
	if tell != nil {
		if err := tx.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM stale_files) + (SELECT count(*) FROM stale_pieces)").Scan(&total); err != nil {
			return err
		}
	}
	for _, of := range renewed {
		for {
			var n int64
			err := tx.QueryRowContext(ctx, "SELECT chunk FROM "+of.stale+" LIMIT 1").Scan(&n)
			if errors.Is(err, sql.ErrNoRows) {
				break
			}
			if err == nil && r == nil {
				r, err = newRenewal(ctx, tx)
			}
			if err != nil {
				return err
			}
			parts, err := of.make(r, ctx, n)
			if err != nil {
				return err
			}
			for what, blob := range parts {
				if err := r.put(ctx, what, n, blob); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+of.stale+" WHERE chunk = ?", n); err != nil {
				return err
			}
			if done++; tell != nil {
				if err := tell(done, total); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// agreed reports the first chunk that says something else than the tables do.
func agreed(ctx context.Context, l *Library) error {
	tx, err := l.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	r, err := newRenewal(ctx, tx)
	if err != nil {
		return err
	}
	r.reading = true
	for _, of := range renewed {
		var chunks []int64
		if err := each(ctx, tx, func(scan func(...any) error) error {
			chunks = append(chunks, 0)
			return scan(&chunks[len(chunks)-1])
		}, fmt.Sprintf("SELECT DISTINCT id / %d FROM %s UNION SELECT id & 4294967295 FROM columns WHERE (id >> 32 IN (10, 11)) = ?", chunkRows, of.table), of.table == "pieces"); err != nil {
			return err
		}
		for _, n := range chunks {
			parts, err := of.make(r, ctx, n)
			if err != nil {
				return err
			}
			for what, blob := range parts {
				had, err := r.had(ctx, what, n)
				if err != nil {
					return err
				}
				if !bytes.Equal(had, blob) {
					return fmt.Errorf("catalogue.db: chunk %d of the column %q says something else than the tables do: repair the library", n, what)
				}
			}
		}
	}
	return nil
}

func newRenewal(ctx context.Context, tx *sql.Tx) (*renewal, error) {
	r := &renewal{tx: tx, terms: map[term]uint32{}}
	if err := tx.QueryRowContext(ctx, generationQuery).Scan(&r.generation); err != nil {
		return nil, err
	}
	return r, each(ctx, tx, func(scan func(...any) error) error {
		var space int64
		err := scan(&space)
		r.words = append(r.words, wordColumn(space))
		return err
	}, "SELECT id FROM spaces")
}

// had is a chunk as it is.
func (r *renewal) had(ctx context.Context, what string, n int64) (blob []byte, err error) {
	err = r.tx.QueryRowContext(ctx, "SELECT data FROM columns WHERE id = ?", chunkID(what, n)).Scan(&blob)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return blob, err
}

// put writes a chunk if it is another one than that which is there.
func (r *renewal) put(ctx context.Context, what string, n int64, blob []byte) error {
	had, err := r.had(ctx, what, n)
	if err != nil || bytes.Equal(had, blob) {
		return err
	}
	_, err = r.tx.ExecContext(ctx, "INSERT INTO columns VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET generation = excluded.generation, data = excluded.data",
		chunkID(what, n), r.generation, blob)
	return err
}

// term is the id of a term, 0 of one without a value.
func (r *renewal) term(ctx context.Context, t term) (uint32, error) {
	if t.value == "" {
		return 0, nil
	}
	if id := r.terms[t]; id > 0 {
		return id, nil
	}
	var id int64
	err := r.tx.QueryRowContext(ctx, "SELECT id FROM terms WHERE what = ? AND value = ?", t.what, []byte(t.value)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) && r.reading {
		return mostTerms + 1, nil // no column can have it
	}
	if errors.Is(err, sql.ErrNoRows) {
		var made sql.Result
		if made, err = r.tx.ExecContext(ctx, "INSERT INTO terms(what, value) VALUES(?, ?)", t.what, []byte(t.value)); err == nil {
			id, err = made.LastInsertId()
		}
	}
	if err == nil && (id < 1 || id > mostTerms) {
		err = fmt.Errorf("catalogue.db: a term with the id %d, want 1 to %d", id, mostTerms)
	}
	r.terms[t] = uint32(id)
	return uint32(id), err
}

// files makes chunk n of the columns of files.
func (r *renewal) files(ctx context.Context, n int64) (map[string][]byte, error) {
	first, last, err := idsOf(n)
	if err != nil {
		return nil, err
	}
	small := map[string][]uint32{"file": make([]uint32, chunkRows), "camera": make([]uint32, chunkRows), "place": make([]uint32, chunkRows), "folder": make([]uint32, chunkRows)}
	large := map[string][]uint64{"date": make([]uint64, chunkRows), "size": make([]uint64, chunkRows), "duration": make([]uint64, chunkRows)}
	lists := map[string][][]byte{"name": make([][]byte, chunkRows), "tag": make([][]byte, chunkRows)}
	for _, what := range r.words {
		lists[what] = make([][]byte, chunkRows)
	}
	if err := each(ctx, r.tx, func(scan func(...any) error) error {
		var id, root, size, date int64
		var path []byte
		var kind, camera, place string
		var failed bool
		var duration sql.NullFloat64
		if err := scan(&id, &root, &path, &kind, &failed, &size, &date, &duration, &camera, &place); err != nil {
			return err
		}
		i := id - first
		slash := bytes.LastIndexAny(path, `/\`) + 1
		lists["name"][i] = path[slash:]
		large["date"][i], large["size"][i], large["duration"][i] = uint64(date), uint64(size), durationBits(duration)
		for _, value := range [...]term{{what: "file", value: kind}, {what: "camera", value: camera}, {what: "place", value: place},
			{what: "folder", value: strconv.FormatInt(root, 10) + " " + string(path[:slash])}} {
			id, err := r.term(ctx, value)
			if err != nil {
				return err
			}
			small[value.what][i] = id
		}
		small["file"][i] = small["file"][i]<<2 | 1
		if failed {
			small["file"][i] |= 2
		}
		return nil
	}, `SELECT id, root, path, kind, error IS NOT NULL, size, coalesce(taken, modified / 1000000000), duration, coalesce(camera, ''), coalesce(place, '')
		FROM files WHERE id BETWEEN ? AND ?`, first, last); err != nil {
		return nil, err
	}
	if err := r.lists(ctx, lists, first, "SELECT file, 'tag', tag FROM tags WHERE file BETWEEN ? AND ? ORDER BY file, tag", first, last); err != nil {
		return nil, err
	}
	if err := r.lists(ctx, lists, first, "SELECT file, 'word ' || space, word FROM seen WHERE file BETWEEN ? AND ? ORDER BY file, word", first, last); err != nil {
		return nil, err
	}
	parts := map[string][]byte{}
	for what, values := range small {
		parts[what] = numberBlob(values)
	}
	for what, values := range large {
		parts[what] = numberBlob(values)
	}
	for what, values := range lists {
		parts[what] = listBlob(values)
	}
	return parts, nil
}

// lists adds the terms that a query gives for files.
func (r *renewal) lists(ctx context.Context, lists map[string][][]byte, first int64, query string, args ...any) error {
	return each(ctx, r.tx, func(scan func(...any) error) error {
		var file int64
		var what, value string
		if err := scan(&file, &what, &value); err != nil {
			return err
		}
		list := lists[what]
		if list == nil {
			return nil // of a space that is gone
		}
		sort, _, _ := strings.Cut(what, " ")
		id, err := r.term(ctx, term{what: sort, value: value})
		list[file-first] = binary.LittleEndian.AppendUint32(list[file-first], id)
		return err
	}, query, args...)
}

// pieces makes chunk n of the column of pieces.
func (r *renewal) pieces(ctx context.Context, n int64) (map[string][]byte, error) {
	first, last, err := idsOf(n)
	if err != nil {
		return nil, err
	}
	files, spaces := make([]uint32, chunkRows), make([]uint32, chunkRows)
	err = each(ctx, r.tx, func(scan func(...any) error) error {
		var id, file, space int64
		var sound bool
		if err := scan(&id, &file, &space, &sound); err != nil {
			return err
		}
		if file < 0 || file > math.MaxUint32 || space < 0 || space > math.MaxInt32 {
			return fmt.Errorf("catalogue.db: the piece %d is of the file %d and the space %d, want less", id, file, space)
		}
		files[id-first], spaces[id-first] = uint32(file), uint32(space)<<1
		if sound {
			spaces[id-first] |= 1
		}
		return nil
	}, "SELECT id, file, space, sound FROM pieces WHERE id BETWEEN ? AND ?", first, last)
	return map[string][]byte{"piece": numberBlob(files), "space": numberBlob(spaces)}, err
}

// idsOf is the first and the last id of a chunk.
func idsOf(n int64) (first, last int64, err error) {
	if n < 0 || n >= mostChunks {
		return 0, 0, fmt.Errorf("catalogue.db: an id of about %d, want 0 to %d", n*chunkRows, int64(mostChunks*chunkRows-1))
	}
	return n * chunkRows, (n+1)*chunkRows - 1, nil
}

// numberBlob writes numbers, each in as many bytes as the largest needs.
func numberBlob[T uint32 | uint64](values []T) (blob []byte) {
	most := uint64(slices.Max(values))
	for _, v := range values {
		switch {
		case most == 0:
			return []byte{}
		case most < 1<<8:
			blob = append(blob, byte(v))
		case most < 1<<16:
			blob = binary.LittleEndian.AppendUint16(blob, uint16(v))
		case most < 1<<32:
			blob = binary.LittleEndian.AppendUint32(blob, uint32(v))
		default:
			blob = binary.LittleEndian.AppendUint64(blob, uint64(v))
		}
	}
	return blob
}

func listBlob(values [][]byte) (blob []byte) {
	end := 0
	for _, v := range values {
		end += len(v)
		blob = binary.LittleEndian.AppendUint32(blob, uint32(end))
	}
	if end == 0 {
		return []byte{}
	}
	return append(blob, bytes.Join(values, nil)...)
}
