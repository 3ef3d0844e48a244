package library

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Root is a folder, or a file, that the library covers.
type Root struct {
	Path    string   `json:"path"`
	Include []string `json:"include,omitempty"` // patterns of files, all if there are none
	Exclude []string `json:"exclude,omitempty"` // patterns of files and folders
	Hidden  bool     `json:"hidden,omitempty"`  // files and folders that begin with a dot count too
	Missing bool     `json:"missing,omitempty"` // it was not there when it was last looked at: what it held is kept
	Files   int      `json:"files"`

	id               int64
	device           int64
	include, exclude globs
}

// hiddenFact and the id of a root name the fact that hidden files of it count.
const hiddenFact = "hidden "

// Roots lists what the library covers.
func (l *Library) Roots(ctx context.Context) (out []Root, err error) {
	err = each(ctx, l.db, func(scan func(...any) error) error {
		var r Root
		var path []byte
		var include, exclude string
		var device sql.NullInt64
		if err := scan(&r.id, &path, &include, &exclude, &device, &r.Missing, &r.Files, &r.Hidden); err != nil {
			return err
		}
		r.Path, r.device = string(path), device.Int64
		if err := json.Unmarshal([]byte(include), &r.Include); err != nil {
			return fmt.Errorf("patterns of %s: %w", r.Path, err)
		}
		if err := json.Unmarshal([]byte(exclude), &r.Exclude); err != nil {
			return fmt.Errorf("patterns of %s: %w", r.Path, err)
		}
		if r.include, err = newGlobs(r.Include); err == nil {
			r.exclude, err = newGlobs(r.Exclude)
		}
		out = append(out, r)
		return err
	}, `SELECT id, path, include, exclude, device, missing, (SELECT count(*) FROM files WHERE root = roots.id),
		EXISTS (SELECT 1 FROM facts WHERE name = '`+hiddenFact+`' || roots.id) FROM roots ORDER BY path`)
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	return out, nil
}

// contains reports whether path is dir or lies below it.
func contains(dir, path string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == filepath.Separator || strings.HasSuffix(dir, string(filepath.Separator)))
}

// AddRoot makes the library cover a folder or a file, with patterns in place of those it had, and without what is hidden. A root that contains others takes their place.
func (l *Library) AddRoot(ctx context.Context, path string, include, exclude []string) error {
	if err := l.addRoot(ctx, path, include, exclude); err != nil {
		return fmt.Errorf("library: %w", err)
	}
	return nil
}

func (l *Library) addRoot(ctx context.Context, path string, include, exclude []string) error {
	absolute, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(absolute)
	}
	if err == nil {
		_, err = newGlobs(append(include[:len(include):len(include)], exclude...))
	}
	if err != nil {
		return err
	}
	if absolute == l.dir {
		return fmt.Errorf("%s is the library's own folder", path)
	}
	all, err := l.Roots(ctx)
	if err != nil {
		return err
	}
	if include == nil {
		include = []string{}
	}
	if exclude == nil {
		exclude = []string{}
	}
	in, _ := json.Marshal(include) // strings can be
	out, _ := json.Marshal(exclude)
	return l.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO roots(path, include, exclude) VALUES(?, ?, ?)
			ON CONFLICT(path) DO UPDATE SET include = excluded.include, exclude = excluded.exclude`, []byte(absolute), string(in), string(out)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM facts WHERE name = (SELECT ? || id FROM roots WHERE path = ?)", hiddenFact, []byte(absolute)); err != nil {
			return err
		}
		for _, r := range all {
			if r.Path == absolute || !contains(absolute, r.Path) || r.Path == l.Uploads() {
				continue
			}
			if _, err := tx.ExecContext(ctx, "UPDATE files SET root = (SELECT id FROM roots WHERE path = ?) WHERE root = ?", []byte(absolute), r.id); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM roots WHERE id = ?", r.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveRoot makes the library forget a root, or a drive below one that is not there now, and what it holds; the files stay as they are.
func (l *Library) RemoveRoot(ctx context.Context, path string) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	all, err := l.Roots(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Path != absolute {
			continue
		}
		var ids []int64
		if err := each(ctx, l.db, func(scan func(...any) error) error {
			ids = append(ids, 0)
			return scan(&ids[len(ids)-1])
		}, "SELECT id FROM files WHERE root = ?", r.id); err != nil {
			return fmt.Errorf("library: %w", err)
		}
		if err := l.forget(ctx, ids, func(tx *sql.Tx) error {
			for _, table := range []string{"faults", "links", "unread"} {
				if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE root = ?", r.id); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM sidecars WHERE path >= ? AND path < ?", []byte(r.Path+string(filepath.Separator)), []byte(r.Path+string(filepath.Separator+1))); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "DELETE FROM roots WHERE id = ?", r.id)
			return err
		}); err != nil {
			return fmt.Errorf("library: %w", err)
		}
		return nil
	}
	drives, err := l.mounts(ctx)
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	if m := drives[absolute]; m != nil && m.away(absolute) {
		return l.forgetMount(ctx, absolute)
	}
	return fmt.Errorf("library: %s is no root of this library", path)
}

// forget takes files out of the catalogue, and their vectors away; also does what f does.
func (l *Library) forget(ctx context.Context, ids []int64, f func(*sql.Tx) error) error {
	spaces, err := l.spaces(ctx)
	if err != nil {
		return err
	}
	pieces := map[int64][]uint64{}
	if err := l.change(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			if err := piecesOfFile(ctx, tx, id, pieces); err != nil {
				return err
			}
			for _, statement := range []string{
				"DELETE FROM pieces WHERE file = ?", "DELETE FROM embedded WHERE file = ?", "DELETE FROM tags WHERE file = ?", "DELETE FROM seen WHERE file = ?",
				"DELETE FROM words WHERE rowid = ?", "DELETE FROM files WHERE id = ?",
			} {
				if _, err := tx.ExecContext(ctx, statement, id); err != nil {
					return err
				}
			}
		}
		return f(tx)
	}); err != nil {
		return err
	}
	return l.deleteVectors(ctx, spaces, pieces)
}

// piecesOfFile adds the ids of a file's pieces, by space.
func piecesOfFile(ctx context.Context, tx *sql.Tx, file int64, pieces map[int64][]uint64) error {
	return each(ctx, tx, func(scan func(...any) error) error {
		var space int64
		var id uint64
		err := scan(&space, &id)
		pieces[space] = append(pieces[space], id)
		return err
	}, "SELECT space, id FROM pieces WHERE file = ?", file)
}

// deleteVectors takes vectors of pieces away that the catalogue no longer names.
func (l *Library) deleteVectors(ctx context.Context, spaces []Space, pieces map[int64][]uint64) error {
	for _, s := range spaces {
		if len(pieces[s.id]) == 0 {
			continue
		}
		x, err := l.vectors(ctx, s)
		if err == nil {
			err = x.Delete(pieces[s.id]...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
