package library

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A walk finds the files of roots.
type walk struct {
	root     *Root
	own      string           // the library's folder, which holds nothing to find
	real     string           // the root without links
	followed []string         // folders that links led to, without links
	give     func(found) bool // false ends the walk
	link     func(path, real string)
	beside   func(path string, info fs.FileInfo) bool // told of sidecars
	fault    func(string, error)                      // what could not be read
	mount    func(path string, device int64)          // a folder on another device than the one above
	unread   map[string]int                           // files that were passed by though they hold what counts, by their extensions
	stopped  bool
}

// A found is a file of a root.
type found struct {
	root           *Root
	path           string
	size, modified int64
}

// from walks from a path of the root on. The root's own absence is the error.
func (w *walk) from(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if w.real, err = filepath.EvalSymlinks(w.root.Path); err != nil {
		return err
	}
	if !info.IsDir() {
		w.file(path, info)
		return ctx.Err()
	}
	w.folder(ctx, path, device(filepath.Dir(path)))
	return ctx.Err()
}

// folder walks a folder, of which the one above lies on a device. What cannot be read is a fault, and the rest goes on.
func (w *walk) folder(ctx context.Context, dir string, above int64) {
	f, err := os.Open(dir)
	if err != nil {
		w.fault(dir, err)
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		on := deviceOf(info)
		if dir != w.root.Path && on != above {
			w.mount(dir, on)
		}
		above = on
	}
	var folders []string
	for !w.stopped && ctx.Err() == nil {
		entries, err := f.ReadDir(1024)
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if w.root.hides(path) {
				continue
			}
			if into := w.entry(path, e); into {
				folders = append(folders, path)
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				w.fault(dir, err)
			}
			break
		}
	}
	for _, path := range folders {
		if w.stopped || ctx.Err() != nil {
			return
		}
		w.folder(ctx, path, above)
	}
}

// entry takes a file, and reports whether it is a folder to go into.
func (w *walk) entry(path string, e fs.DirEntry) bool {
	if e.IsDir() {
		return path != w.own
	}
	if e.Type()&fs.ModeSymlink == 0 {
		if info, err := e.Info(); err == nil {
			w.file(path, info)
		} else if !errors.Is(err, fs.ErrNotExist) {
			w.fault(path, err)
		}
		return false
	}
	info, err := os.Stat(path)
	if err != nil {
		w.fault(path, err)
		return false
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		w.fault(path, err)
		return false
	}
	if contains(w.real, real) || contains(real, w.real) || contains(w.own, real) {
		return false // it is found where it lies, or would lead back
	}
	for _, f := range w.followed {
		if contains(f, real) || contains(real, f) && info.IsDir() {
			return false
		}
	}
	w.link(path, real)
	if !info.IsDir() {
		w.file(path, info)
		return false
	}
	w.followed = append(w.followed, real)
	return true
}

// file gives a file that may be of a kind that counts.
func (w *walk) file(path string, info fs.FileInfo) {
	if !info.Mode().IsRegular() || w.stopped {
		return
	}
	if isSidecar(path) {
		w.stopped = !w.beside(path, info)
		return
	}
	if len(w.root.include) > 0 && !w.root.include.match(w.root.below(path)) {
		return
	}
	if ext := filepath.Ext(path); ext != "" && byExtension(path) == "" {
		if ext = strings.ToLower(ext[1:]); slices.Contains(unread, ext) {
			w.unread[ext]++
		}
		return
	}
	w.stopped = !w.give(found{w.root, path, info.Size(), info.ModTime().UnixNano()})
}
