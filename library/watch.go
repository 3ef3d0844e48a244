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
// covers nothing or cannot be written.
func (l *Library) Watch(ctx context.Context, m Model, o WatchOptions) error {
	if _, err := l.scopes(ctx, o.IndexOptions); err != nil {
		return fmt.Errorf("library: %w", err)
	}
	return l.Follow(ctx, o.Every, o.Settle, func(paths []string) error {
		run := o.IndexOptions
		run.Paths, run.Include, run.Exclude = paths, nil, nil
		s, err := l.Index(ctx, m, run)
		if o.Report != nil && ctx.Err() == nil {
			o.Report(s, err)
		}
		if errors.Is(err, ErrReadOnly) {
			return err
		}
		return nil // the next look may do better
	})
}

// Follow tells look which folders of the roots have changed, none for all of them: at once, whenever something happens in them and settles,
// and every so often besides; see [WatchOptions]. It ends with ctx, or with look's error.
func (l *Library) Follow(ctx context.Context, every, settle time.Duration, look func(paths []string) error) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	defer watcher.Close()
	if every <= 0 {
		every = 10 * time.Minute
	}
	if settle <= 0 {
		settle = 2 * time.Second
	}
	f := follower{Library: l, watcher: watcher, known: map[string]bool{}, waiting: map[string]bool{}, look: look}
	again, quiet, fresh := time.NewTicker(every), time.NewTimer(time.Hour), time.NewTicker(settle)
	defer again.Stop()
	defer quiet.Stop()
	defer fresh.Stop()
	quiet.Stop()
	if err := f.all(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-watcher.Events:
			if !ok {
				return errors.New("library: the watching of files ended")
			}
			if f.event(ctx, e) {
				quiet.Reset(settle)
			}
		case <-watcher.Errors: // as when too many came at once
			f.lost = true
			quiet.Reset(settle)
		case <-quiet.C:
			err = f.settled(ctx)
		case <-fresh.C:
			err = f.roots(ctx) // others may have been added
		case <-again.C:
			clear(f.known)
			err = f.all(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// A follower knows what has changed and was not looked at yet.
type follower struct {
	*Library
	watcher *fsnotify.Watcher
	known   map[string]bool // roots that are watched
	waiting map[string]bool // folders that changed
	lost    bool            // there were more
	look    func([]string) error
}

// all looks at everything.
func (f *follower) all(ctx context.Context) error {
	if err := f.roots(ctx); err != nil {
		return err
	}
	return f.look(nil)
}

// roots watches the folders of roots that are not watched yet.
func (f *follower) roots(ctx context.Context) error {
	roots, err := f.Roots(ctx)
	if err != nil {
		return err
	}
	for _, r := range roots {
		if !f.known[r.Path] {
			f.known[r.Path] = true
			_ = addFolders(ctx, f.watcher, r.Path) // what cannot be watched is looked at now and then
		}
	}
	return ctx.Err()
}

// event notes a change, and reports whether it counts.
func (f *follower) event(ctx context.Context, e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod || contains(f.dir, e.Name) && !contains(f.Uploads(), e.Name) {
		return false
	}
	if info, err := os.Lstat(e.Name); err == nil && info.IsDir() && e.Has(fsnotify.Create) {
		_ = addFolders(ctx, f.watcher, e.Name) // as above
	}
	if len(f.waiting) < mostWaiting {
		f.waiting[filepath.Dir(e.Name)] = true
	} else {
		f.lost = true
	}
	return true
}

// settled looks at what changed.
func (f *follower) settled(ctx context.Context) error {
	var paths []string
	if !f.lost {
		paths = f.covered(ctx, f.waiting)
	}
	lost := f.lost
	f.lost = false
	clear(f.waiting)
	if !lost && len(paths) == 0 {
		return nil
	}
	return f.look(paths)
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
			if !r.leavesOut(path) {
				folders[path] = true
			}
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
