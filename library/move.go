package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

// Move has the library take what lay at a path, or below it, for lying at another one, as after an import on another machine or where a
// drive has another name now. Nothing is looked at: what is not there the next Index finds out. At least one root has to lie there.
func (l *Library) Move(ctx context.Context, from, to string) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if !filepath.IsAbs(from) || !filepath.IsAbs(to) {
		return fmt.Errorf("library: moving %s to %s: want whole paths, from the root of the file system on", from, to)
	}
	from, to = filepath.Clean(from), filepath.Clean(to)
	err := l.change(ctx, func(tx *sql.Tx) error {
		moved := 0
		for _, table := range []string{"roots", "files", "faults", "links", "sidecars"} {
			n, err := movePaths(ctx, tx, table, from, to)
			if err != nil {
				return err
			}
			if table == "roots" {
				moved = n
			}
		}
		if moved == 0 {
			return errors.New("no root lies there")
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM facts WHERE name GLOB ?", mountFact+"*"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE roots SET device = NULL")
		return err
	})
	if err != nil {
		return fmt.Errorf("library: moving %s to %s: %w", from, to, err)
	}
	return nil
}

// movePaths changes the paths of a table, and the words of the folders that files lie in.
func movePaths(ctx context.Context, tx *sql.Tx, table, from, to string) (moved int, err error) {
	var old [][]byte
	if err := each(ctx, tx, func(scan func(...any) error) error {
		var path []byte
		err := scan(&path)
		if contains(from, string(path)) {
			old = append(old, path)
		}
		return err
	}, "SELECT path FROM "+table); err != nil {
		return 0, err
	}
	for _, path := range old {
		path, next := string(path), filepath.Join(to, string(path)[len(from):])
		if _, err := tx.ExecContext(ctx, "UPDATE "+table+" SET path = ? WHERE path = ?", []byte(next), []byte(path)); err != nil {
			return 0, err
		}
		if table != "files" {
			continue
		}
		var id int64
		var root []byte
		if err := tx.QueryRowContext(ctx, "SELECT f.id, r.path FROM files f JOIN roots r ON r.id = f.root WHERE f.path = ?", []byte(next)).Scan(&id, &root); err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE words SET name = ?, folder = ? WHERE rowid = ?", separate(filepath.Base(next)), separate(folderWords(string(root), next)), id); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}
