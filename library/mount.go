package library

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A mount is a folder below a root that lay on another file system than the folder above it: a drive, or where a link led. What it held is kept
// while the drive is away, as that of roots is.
type mount struct {
	Device int64 `json:"device"`
	Link   bool  `json:"link,omitempty"` // a link leads there: one that is gone was deleted

	there bool // a file that the catalogue knows was found in it
}

const mountFact = "mount "

// mounts lists the drives that were found below roots.
func (l *Library) mounts(ctx context.Context) (map[string]*mount, error) {
	out := map[string]*mount{}
	err := each(ctx, l.db, func(scan func(...any) error) error {
		var name, value string
		if err := scan(&name, &value); err != nil {
			return err
		}
		m := new(mount)
		out[strings.TrimPrefix(name, mountFact)] = m
		return json.Unmarshal([]byte(value), m)
	}, "SELECT name, value FROM facts WHERE name GLOB ?", mountFact+"*")
	return out, err
}

// mounted notes that a folder which is being walked lies on another device than the one above.
func (run *ingest) mounted(path string, now int64) error {
	if run.drives[path] != nil {
		return nil // what is another drive, or the same by another number, is known when all was seen
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil // it has just gone
	}
	return run.keepMount(run.ctx, path, &mount{Device: now, Link: info.Mode()&fs.ModeSymlink != 0, there: true})
}

func (run *ingest) keepMount(ctx context.Context, path string, m *mount) error {
	value, _ := json.Marshal(m) // numbers can be
	run.mu.Lock()
	run.drives[path] = m
	run.mu.Unlock()
	return run.setFact(ctx, mountFact+path, string(value))
}

// unmounted is the drive that a path lay on, if that is not there.
func (run *ingest) unmounted(path string) (string, *mount) {
	run.mu.Lock()
	defer run.mu.Unlock()
	for dir, m := range run.drives {
		if contains(dir, path) && m.away(dir) {
			return dir, m
		}
	}
	return "", nil
}

// away reports whether what lies at a path is not the drive that was there, as far as its number tells.
func (m *mount) away(path string) bool {
	if m.Link {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return device(path) != m.Device
}

// device is that of what lies at a path, 0 if there is nothing.
func device(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return deviceOf(info)
}

// settle has drives that came back by another number, and folders that took their place and hold their files, known as what they are now; those that
// hold nothing any more are forgotten. kept counts the files of drives that are away.
func (run *ingest) settle(ctx context.Context, scopes []scope, kept map[string]int) error {
	for path, m := range run.drives {
		var within *scope
		for i := range scopes {
			if contains(scopes[i].path, path) && !scopes[i].root.Missing {
				within = &scopes[i]
			}
		}
		if within == nil {
			continue
		}
		now := device(path)
		switch {
		case now == m.Device:
		case kept[path] > 0:
			run.summary.Missing = append(run.summary.Missing, path)
		case now != 0 && m.there && now != device(filepath.Dir(path)):
			m.Device = now
			if err := run.keepMount(ctx, path, m); err != nil {
				return err
			}
		default:
			if _, err := run.db.ExecContext(ctx, "DELETE FROM facts WHERE name = ?", mountFact+path); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetMount makes the library forget what a drive held that is away.
func (l *Library) forgetMount(ctx context.Context, path string) error {
	var ids []int64
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var id int64
		var file []byte
		err := scan(&id, &file)
		if contains(path, string(file)) {
			ids = append(ids, id)
		}
		return err
	}, "SELECT id, path FROM files"); err != nil {
		return fmt.Errorf("library: %w", err)
	}
	if err := l.forget(ctx, ids, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM facts WHERE name = ?", mountFact+path)
		return err
	}); err != nil {
		return fmt.Errorf("library: %w", err)
	}
	return nil
}
