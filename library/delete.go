package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// DeleteSame removes, from the disk and from the library, what groups hold besides the files that they keep. Only what lies there as it
// was indexed is removed, and only while the kept file does: what has changed since stays, and so does another name of the kept file. Those
// that stay are the error.
func (l *Library) DeleteSame(ctx context.Context, groups []Group) error {
	if l.opts.ReadOnly {
		return fmt.Errorf("library: %w", ErrReadOnly)
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	var gone []int64
	var failed []error
	for _, g := range groups {
		kept, err := unchanged(g.Keep)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, it := range g.Same {
			info, err := unchanged(it)
			switch {
			case err == nil && os.SameFile(kept, info):
				err = fmt.Errorf("%s is %s by another name", it.Path, g.Keep.Path)
			case err == nil:
				err = os.Remove(it.Path)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				failed = append(failed, err)
				continue
			}
			gone = append(gone, it.ID)
		}
	}
	if err := l.forget(ctx, gone, func(*sql.Tx) error { return nil }); err != nil {
		failed = append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("library: %w", err)
	}
	return nil
}

// unchanged is what the file system says of a file, which must be as the catalogue says.
func unchanged(it Item) (fs.FileInfo, error) {
	info, err := os.Stat(it.Path)
	if err == nil && (info.Size() != it.Size || info.ModTime().UnixNano() != it.Modified.UnixNano()) {
		err = fmt.Errorf("%s has changed since it was indexed: index it, then look for duplicates again", it.Path)
	}
	return info, err
}
