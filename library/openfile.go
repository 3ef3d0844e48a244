package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OpenFile opens the file of an item to read it: only where it lay when it was indexed. A link that took its place, or that of a folder on
// the way, is not followed out of the root, nor elsewhere than it led then. The error wraps [fs.ErrNotExist] where that gives no regular file.
func (l *Library) OpenFile(ctx context.Context, id int64) (it Item, f *os.File, err error) {
	if it, err = l.Item(ctx, id); err != nil {
		return it, nil, err
	}
	dir, name, err := l.within(ctx, it)
	if err == nil {
		f, err = openRegular(dir, name)
	}
	if err != nil {
		return it, nil, fmt.Errorf("library: item %d: %w: %w", id, err, fs.ErrNotExist)
	}
	return it, f, nil
}

// within is a folder, and the name below it that must not lead out of it: that of the root, or where a followed link leads on the way.
func (l *Library) within(ctx context.Context, it Item) (dir, name string, err error) {
	for path := it.Path; path != it.Root && len(path) > len(it.Root); path = filepath.Dir(path) {
		var target []byte
		err := l.db.QueryRowContext(ctx, "SELECT target FROM links WHERE path = ?", []byte(path)).Scan(&target)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return "", "", err
		}
		if path == it.Path { // it is a link itself
			return filepath.Dir(string(target)), filepath.Base(string(target)), nil
		}
		name, err = filepath.Rel(path, it.Path)
		return string(target), name, err
	}
	dir = it.Root
	if it.Path == it.Root {
		dir = filepath.Dir(dir)
	}
	name, err = filepath.Rel(dir, it.Path)
	return dir, name, err
}

// openRegular opens a regular file below a folder: a pipe would make the opening wait.
func openRegular(dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("it is not a regular file any more"))
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, errors.New("it is not a regular file any more"), f.Close())
	}
	return f, nil
}
