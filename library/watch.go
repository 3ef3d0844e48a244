package library

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// WatchOptions say how [Library.Watch] follows folders.
type WatchOptions struct {
	IndexOptions
	Every  time.Duration        // between looks at everything, since notifications get lost and network shares send none; 0 for 10 minutes
	Settle time.Duration        // of quiet after a change before it is looked at, so that files are written to their end; 0 for 2 seconds
	Report func(Summary, error) // told of each run
}

// mostWaiting is how many changed paths are kept apart: beyond them everything is looked at.
const mostWaiting = 512

// Watch brings the library up to date, and again whenever something changes, until ctx ends. Its error is ctx's, or that of a library that
// cannot be written.
func (l *Library) Watch(ctx context.Context, m Model, o WatchOptions) error {
	if o.Every <= 0 {
		o.Every = 10 * time.Minute
	}
	if o.Settle <= 0 {
		o.Settle = 2 * time.Second
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	defer watcher.Close()
	look := func(paths []string) error {
		run := o.IndexOptions
		run.Paths, run.Include, run.Exclude = paths, nil, nil
		s, err := l.Index(ctx, m, run)
		if o.Report != nil && ctx.Err() == nil {
			o.Report(s, err)
		}
		if errors.Is(err, ErrReadOnly) || ctx.Err() != nil {
			return err
		}
		return nil // the next look may do better
	}
	if len(o.Paths) > 0 {
		if _, err := l.scopes(ctx, o.IndexOptions); err != nil {
			return fmt.Errorf("library: %w", err)
		}
	}
	if err := l.follow(ctx, watcher); err != nil {
		return err
	}
	if err := look(nil); err != nil {
		return err
	}
	every := time.NewTicker(o.Every)
	defer every.Stop()
	waiting := map[string]bool{}
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-watcher.Events:
			if !ok {
				return errors.New("library: the watching of files ended")
			}
			if e.Op == fsnotify.Chmod || contains(l.dir, e.Name) {
				continue
			}
			if info, err := os.Lstat(e.Name); err == nil && info.IsDir() && e.Has(fsnotify.Create) {
				_ = addFolders(ctx, watcher, e.Name) // what cannot be watched is looked at now and then
			}
			if len(waiting) < mostWaiting {
				waiting[filepath.Dir(e.Name)] = true
			}
			quiet.Reset(o.Settle)
		case <-watcher.Errors: // as when too many came at once
			waiting = map[string]bool{}
			for range mostWaiting {
				waiting[fmt.Sprint(len(waiting))] = true
			}
			quiet.Reset(o.Settle)
		case <-quiet.C:
			var paths []string
			if len(waiting) < mostWaiting {
				paths = l.covered(ctx, waiting)
				if len(paths) == 0 {
					waiting = map[string]bool{}
					continue
				}
			}
			waiting = map[string]bool{}
			if err := look(paths); err != nil {
				return err
			}
		case <-every.C:
			if err := l.follow(ctx, watcher); err != nil {
				return err
			}
			if err := look(nil); err != nil {
				return err
			}
		}
	}
}

// covered is the folders among those that changed which roots cover and which are there; of one that is gone the folder above.
func (l *Library) covered(ctx context.Context, changed map[string]bool) (out []string) {
	roots, err := l.Roots(ctx)
	if err != nil {
		return nil
	}
	folders := map[string]bool{}
	for path := range changed {
		for _, r := range roots {
			if !contains(r.Path, path) {
				continue
			}
			for path != r.Path {
				if _, err := os.Stat(path); err == nil {
					break
				}
				path = filepath.Dir(path)
			}
			folders[path] = true
		}
	}
	for path := range folders {
		above := filepath.Dir(path)
		for !folders[above] && above != filepath.Dir(above) {
			above = filepath.Dir(above)
		}
		if !folders[above] || above == path {
			out = append(out, path)
		}
	}
	return out
}

// follow watches the folders of all roots.
func (l *Library) follow(ctx context.Context, w *fsnotify.Watcher) error {
	roots, err := l.Roots(ctx)
	if err != nil {
		return err
	}
	for _, r := range roots {
		_ = addFolders(ctx, w, r.Path) // what cannot be watched is looked at now and then
	}
	return ctx.Err()
}

// addFolders watches a folder and those below.
func addFolders(ctx context.Context, w *fsnotify.Watcher, dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return ctx.Err() // the walk of Index says what could not be read
		}
		if e.IsDir() || path == dir {
			return w.Add(path)
		}
		return nil
	})
}
