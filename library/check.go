package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/chiasm/chiasm/index"
)

// A Failure is a file or folder that could not be read, or a part of the library itself.
type Failure struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// Errors lists what could not be read, by path.
func (l *Library) Errors(ctx context.Context) (out []Failure, err error) {
	err = each(ctx, l.db, func(scan func(...any) error) error {
		var path []byte
		var f Failure
		err := scan(&path, &f.Error)
		f.Path = string(path)
		out = append(out, f)
		return err
	}, `SELECT path, error FROM files WHERE error IS NOT NULL UNION SELECT path, error FROM faults
		UNION SELECT path, 'only in part: ' || damage FROM damages JOIN files ON files.hash = damages.hash WHERE error IS NULL ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	spaces, err := l.Spaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range spaces {
		x, err := l.vectors(ctx, s)
		if err != nil {
			out = append(out, Failure{l.folder(s), plain(err)})
			continue
		}
		for _, d := range x.Damages() {
			out = append(out, Failure{l.folder(s), plain(d)})
		}
		if n, err := l.lost(ctx, s); err != nil {
			return nil, fmt.Errorf("library: %w", err)
		} else if n > 0 {
			out = append(out, Failure{l.folder(s), fmt.Sprintf("%d vectors are missing: the next index makes them again", n)})
		}
	}
	return out, nil
}

// lost is how many vectors of a space are missing at least.
func (l *Library) lost(ctx context.Context, s Space) (n int, err error) {
	if err = l.db.QueryRowContext(ctx, "SELECT count(*) FROM pieces WHERE space = ?", s.id).Scan(&n); err != nil {
		return 0, err
	}
	x, err := l.vectors(ctx, s) // as it is now: vectors come before the catalogue names them
	if err != nil {
		return 0, err
	}
	return n - x.Len(), nil
}

// Check reads everything and lists what is wrong: damaged catalogues and segments, vectors without a file, files without their vectors.
// Vectors without a file that a run leaves which goes on, or broke off as on a full disk, are not wrong: the next one drops them.
func (l *Library) Check(ctx context.Context) ([]string, error) {
	var out []string
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		if line != "ok" {
			out = append(out, "catalogue.db: "+line)
		}
		return err
	}, "PRAGMA integrity_check"); err != nil {
		return nil, fmt.Errorf("library: catalogue.db: %w", err)
	}
	if err := agreed(ctx, l); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		out = append(out, plain(err))
	}
	dirty, err := l.fact(ctx, "dirty")
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	spaces, err := l.Spaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range spaces {
		x, err := l.vectors(ctx, s)
		if err != nil {
			out = append(out, plain(err))
			continue
		}
		for _, d := range x.Damages() {
			out = append(out, fmt.Sprintf("%s: %s", s.Name, plain(d)))
		}
		if err := x.Check(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			out = append(out, fmt.Sprintf("%s: %s", s.Name, plain(err)))
		}
		known, err := l.piecesOf(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("library: %w", err)
		}
		orphans := 0
		x.Each(func(id uint64, _ []float32) bool {
			if !known[id] {
				orphans++
			}
			delete(known, id)
			return ctx.Err() == nil
		})
		if orphans > 0 && dirty == "" {
			out = append(out, fmt.Sprintf("%s: %d vectors belong to no file", s.Name, orphans))
		}
		if len(known) > 0 {
			out = append(out, fmt.Sprintf("%s: %d vectors are missing: repair, then index again", s.Name, len(known)))
		}
	}
	return out, ctx.Err()
}

// Repair puts right what [Library.Check] finds, as far as that goes: vectors without a file are dropped, files without their vectors are
// made to get them again by the next [Library.Index]. It returns what Check still finds.
func (l *Library) Repair(ctx context.Context) ([]string, error) {
	if l.opts.ReadOnly {
		return nil, fmt.Errorf("library: %w", ErrReadOnly)
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	spaces, err := l.Spaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range spaces {
		if err := l.mend(ctx, s); err != nil {
			return nil, fmt.Errorf("library: %w", err)
		}
	}
	if err := l.change(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{"INSERT INTO words(words) VALUES('rebuild')", "DELETE FROM columns", allStale} { // the first FTS5 takes for a command
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	return l.Check(ctx)
}

// mend makes the catalogue and the vectors of a space agree, after it has written anew, without what is lost, segments that cannot be read.
func (l *Library) mend(ctx context.Context, s Space) error {
	if err := l.rewrite(ctx, s); err != nil {
		return err
	}
	return l.agree(ctx, s)
}

// agree drops vectors that the catalogue does not name, and makes it name none that are not there: their files get them again.
func (l *Library) agree(ctx context.Context, s Space) error {
	x, err := l.vectors(ctx, s)
	if err != nil {
		return err
	}
	if _, err := l.dropOrphans(ctx, s); err != nil {
		return err
	}
	lost, err := l.piecesOf(ctx, s)
	if err != nil {
		return err
	}
	x.Each(func(id uint64, _ []float32) bool {
		delete(lost, id)
		return true
	})
	if len(lost) == 0 {
		return nil
	}
	var ids []int64
	for id := range lost {
		ids = append(ids, int64(id))
	}
	slices.Sort(ids)
	rest := map[int64][]uint64{}
	if err := l.change(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			var file int64
			if err := tx.QueryRowContext(ctx, "SELECT coalesce((SELECT file FROM pieces WHERE id = ?), 0)", id).Scan(&file); err != nil {
				return err
			}
			if file == 0 {
				continue
			}
			if err := piecesOfFile(ctx, tx, file, rest); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM pieces WHERE file = ? AND space = ?", file, s.id); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM embedded WHERE file = ? AND space = ?", file, s.id); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return x.Delete(rest[s.id]...)
}

// rewriteRows is how many vectors are written together.
const rewriteRows = 1024

// rewrite writes the vectors of a space anew if some cannot be read, or differ from their checksums: without those, and without any if the
// index is damaged as a whole.
func (l *Library) rewrite(ctx context.Context, s Space) error {
	x, err := l.vectors(ctx, s)
	if err != nil && !errors.Is(err, index.ErrDamaged) {
		return err
	}
	bad := map[uint64]bool{}
	if x != nil {
		suspects, err := x.Suspects(ctx)
		if err != nil || len(suspects)+len(x.Damages()) == 0 {
			return err
		}
		for _, id := range suspects {
			bad[id] = true
		}
	}
	old, fresh := l.folder(s)+".bad", l.folder(s)+".new"
	if err := errors.Join(os.RemoveAll(old), os.RemoveAll(fresh)); err != nil {
		return err
	}
	y, err := index.Open(fresh, index.Options{Dimension: s.Dimension, Space: s.Name, SegmentBytes: l.opts.SegmentBytes, FS: l.opts.FS})
	if err != nil {
		return err
	}
	if x != nil {
		err = copyVectors(x, y, bad)
	}
	if err := errors.Join(err, ctx.Err(), y.Close()); err != nil {
		return err
	}
	if err := l.setFact(ctx, "dirty", "1"); err != nil {
		return err
	}
	l.reset(s)
	// Between the two a crash leaves none: then all are made again.
	if err := errors.Join(os.Rename(l.folder(s), old), os.Rename(fresh, l.folder(s))); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// copyVectors copies all vectors but the bad ones.
func copyVectors(from, to *index.Index, bad map[uint64]bool) error {
	var ids []uint64
	var values []float32
	var err error
	flush := func() bool {
		if len(ids) > 0 {
			err = to.Append(ids, values)
			ids, values = ids[:0], values[:0]
		}
		return err == nil
	}
	from.Each(func(id uint64, v []float32) bool {
		if bad[id] {
			return true
		}
		ids, values = append(ids, id), append(values, v...)
		return len(ids) < rewriteRows || flush()
	})
	if flush() {
		err = to.Sync()
	}
	return err
}
