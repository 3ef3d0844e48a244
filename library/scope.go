package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A scope is a part of a root to look at.
type scope struct {
	root Root
	path string
}

// scopes adds roots for the paths, and lists what is to be looked at.
func (l *Library) scopes(ctx context.Context, o IndexOptions) ([]scope, error) {
	roots, err := l.Roots(ctx)
	if err != nil {
		return nil, err
	}
	within := func(path string) (r *Root) {
		for i := range roots { // the innermost: that of uploads may lie in another
			if contains(roots[i].Path, path) && (r == nil || len(roots[i].Path) > len(r.Path)) {
				r = &roots[i]
			}
		}
		return r
	}
	var out []scope
	for _, p := range o.Paths {
		absolute, err := filepath.Abs(p)
		if err != nil {
			return nil, err
		}
		if r := within(absolute); r != nil && r.Path != absolute {
			r.Hidden = r.Hidden || o.Hidden
			if err := r.covers(absolute, o); err != nil {
				return nil, err
			}
		} else if r == nil || r.Path == absolute && len(o.Include)+len(o.Exclude) > 0 {
			if err := l.addRoot(ctx, absolute, o.Include, o.Exclude); err != nil {
				return nil, err
			}
			if roots, err = l.Roots(ctx); err != nil {
				return nil, err
			}
		}
		if r := within(absolute); r != nil {
			out = append(out, scope{*r, absolute})
		}
	}
	if len(o.Paths) == 0 {
		for _, r := range roots {
			out = append(out, scope{r, r.Path})
		}
	}
	for i := range out {
		if r := &out[i].root; o.Hidden && !r.Hidden {
			if err := l.setFact(ctx, hiddenFact+strconv.FormatInt(r.id, 10), "1"); err != nil {
				return nil, err
			}
			r.Hidden = true
		}
	}
	if len(out) == 0 {
		return nil, errors.New("the library covers no folder yet: name one to index")
	}
	return out, nil
}

// covers reports why a path below a root cannot be taken in by itself: the next look at the whole root would undo it.
func (r *Root) covers(path string, o IndexOptions) error {
	if len(o.Include)+len(o.Exclude) > 0 {
		pattern := r.below(path)
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			pattern += "/**"
		}
		return fmt.Errorf("%s lies in %s, which is covered with its own patterns: name that folder, with patterns such as %s", path, r.Path, pattern)
	}
	if r.leavesOut(path) {
		return fmt.Errorf("%s is left out of %s, by a pattern or as hidden: name that folder, with all patterns that it should have and perhaps --hidden", path, r.Path)
	}
	return nil
}

// leavesOut reports whether a path below a root, or a folder that it lies in, is hidden or excluded.
func (r *Root) leavesOut(path string) bool {
	for ; path != r.Path && contains(r.Path, path); path = filepath.Dir(path) {
		if r.hides(path) {
			return true
		}
	}
	return false
}

// hides reports whether a file or folder is left out by its own name or path.
func (r *Root) hides(path string) bool {
	return strings.HasPrefix(filepath.Base(path), ".") && !r.Hidden || r.exclude.match(r.below(path))
}

// below is a path as patterns see it.
func (r *Root) below(path string) string {
	if below, err := filepath.Rel(r.Path, path); err == nil {
		return below
	}
	return path
}

// walk finds files that have to be read.
func (run *ingest) walk(scopes []scope) error {
	defer run.tell(func(p *Progress) { p.Walking = false })
	for i := range scopes {
		if err := run.clear(scopes[i], "faults"); err != nil {
			return err
		}
		if err := run.clear(scopes[i], "links"); err != nil {
			return err
		}
		var failed error
		w := &walk{root: &scopes[i].root, own: run.dir, unread: map[string]int{},
			give:   func(f found) bool { failed = run.consider(f); return failed == nil },
			beside: func(path string, info fs.FileInfo) bool { failed = run.beside(path, info); return failed == nil },
			link: func(path, real string) {
				if _, err := run.db.ExecContext(run.ctx, "INSERT OR REPLACE INTO links VALUES(?, ?, ?)", []byte(path), scopes[i].root.id, []byte(real)); err != nil {
					failed = err
				}
			},
			fault: func(path string, err error) {
				run.broken = append(run.broken, path)
				run.fault(scopes[i].root, path, err)
			},
		}
		w.mount = func(path string, device int64) {
			if err := run.mounted(path, device); err != nil && failed == nil {
				failed = err
			}
		}
		before := run.met
		err := w.from(run.ctx, scopes[i].path)
		if failed != nil {
			return failed
		}
		if run.ctx.Err() != nil {
			return context.Cause(run.ctx)
		}
		if err := run.visited(&scopes[i], run.met > before, err); err != nil {
			return err
		}
		if !scopes[i].root.Missing {
			if err := run.passedBy(&scopes[i], w.unread); err != nil {
				return err
			}
		}
	}
	return nil
}

// visited notes whether a root is there. One that is away keeps what it held, and so does one that lies on another device now, as the place where a
// drive was, if none of its files were met in it.
func (run *ingest) visited(s *scope, met bool, err error) error {
	now := device(s.root.Path)
	gone := err != nil
	if _, rootErr := os.Lstat(s.root.Path); gone && rootErr == nil && errors.Is(err, fs.ErrNotExist) {
		gone = false // the root is there, what was named below it is not
	}
	if !gone && !met && s.path == s.root.Path && s.root.Files > 0 && (now == 0 || now != s.root.device) {
		if info, err := os.Stat(s.root.Path); err == nil && info.IsDir() {
			gone = true
		}
	}
	s.root.Missing = gone
	if gone {
		run.summary.Missing = append(run.summary.Missing, s.root.Path)
		now = s.root.device
	}
	_, err = run.db.ExecContext(run.ctx, "UPDATE roots SET missing = ?, device = ? WHERE id = ?", gone, now, s.root.id)
	return err
}

// passedBy counts the files that were passed by; those of a whole root are remembered.
func (run *ingest) passedBy(s *scope, unread map[string]int) error {
	run.count(func(all *Summary) {
		for ext, n := range unread {
			if all.Unsupported == nil {
				all.Unsupported = map[string]int{}
			}
			all.Unsupported[ext] += n
		}
	})
	if s.path != s.root.Path {
		return nil
	}
	return inTransaction(run.ctx, run.db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(run.ctx, "DELETE FROM unread WHERE root = ?", s.root.id); err != nil {
			return err
		}
		for ext, n := range unread {
			if _, err := tx.ExecContext(run.ctx, "INSERT INTO unread VALUES(?, ?, ?)", s.root.id, ext, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// fault records what of a root could not be read.
func (run *ingest) fault(r Root, path string, err error) {
	run.count(func(s *Summary) { s.Failed++ })
	_, _ = run.db.ExecContext(run.ctx, "INSERT OR REPLACE INTO faults VALUES(?, ?, ?)", []byte(path), r.id, plain(err)) // it is said again next time
}

// clear forgets what a table says of a scope, which is about to be seen anew.
func (run *ingest) clear(s scope, table string) error {
	return inTransaction(run.ctx, run.db, func(tx *sql.Tx) error {
		var old [][]byte
		if err := each(run.ctx, tx, func(scan func(...any) error) error {
			var path []byte
			err := scan(&path)
			if contains(s.path, string(path)) {
				old = append(old, path)
			}
			return err
		}, "SELECT path FROM "+table+" WHERE root = ?", s.root.id); err != nil {
			return err
		}
		for _, path := range old {
			if _, err := tx.ExecContext(run.ctx, "DELETE FROM "+table+" WHERE path = ?", path); err != nil {
				return err
			}
		}
		return nil
	})
}

// consider takes a file that is new or changed, or lacks vectors.
func (run *ingest) consider(f found) error {
	j := &job{found: f}
	var size, modified int64
	var failed sql.NullString
	var embedded bool
	err := run.statements.scan(run.ctx, `SELECT id, size, modified, kind, error, EXISTS (SELECT 1 FROM embedded WHERE file = files.id AND space = ?)
		FROM files WHERE path = ?`, []any{run.space.id, []byte(f.path)}, &j.file, &size, &modified, &j.kind, &failed, &embedded)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	default:
		run.mu.Lock()
		run.seen[j.file] = true
		run.met++
		for dir, m := range run.drives {
			m.there = m.there || contains(dir, f.path)
		}
		run.mu.Unlock()
		j.known = size == f.size && modified == f.modified
		if j.known && (embedded || failed.Valid && !run.o.Retry || !failed.Valid && !run.kinds[j.kind]) {
			run.count(func(s *Summary) { s.Unchanged++ })
			return nil
		}
		j.done = embedded
	}
	return run.send(j)
}

// send has a file read.
func (run *ingest) send(j *job) error {
	run.tell(func(p *Progress) { p.Found++ })
	select {
	case run.todo <- j:
		return nil
	case <-run.ctx.Done():
		return context.Cause(run.ctx)
	}
}
