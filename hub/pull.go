package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

const streams = 4 // files downloaded at once

// Pull brings files of a model into the cache and returns the snapshot's folder. want chooses among the repository's files; nil takes all.
// What the cache has is not fetched again, what a broken download left is resumed, and sizes and hashes are verified. A reference such as
// main moves to the new commit only when every wanted file is there. An offline client returns what [Client.Find] finds.
//
// It errs with [ErrOffline], [ErrNotFound] or [ErrUnauthorized], with the context's error, or with what went wrong on the network or the disk;
// downloaded parts then stay for the next Pull.
func (c *Client) Pull(ctx context.Context, id ID, want func(files []File) []File) (dir string, err error) {
	if err := id.check(); err != nil {
		return "", err
	}
	cache, err := c.cacheDir()
	if err != nil {
		return "", err
	}
	if c.Offline {
		if dir, ok := c.Find(id); ok {
			return dir, nil
		}
		return "", fmt.Errorf("hub: pull %s: expected it in the cache %s, got nothing: %w", id, cache, ErrOffline)
	}
	dir, err = c.pull(ctx, cache, id, want)
	if err != nil {
		return "", fmt.Errorf("hub: pull %s: %w", id, err)
	}
	return dir, nil
}

func (c *Client) pull(ctx context.Context, cache string, id ID, want func(files []File) []File) (string, error) {
	info, err := c.info(ctx, id)
	if err != nil {
		return "", err
	}
	if isCommit(id.Revision) && info.commit != id.Revision {
		return "", fmt.Errorf("expected commit %s, got %s", id.Revision, info.commit)
	}
	files, err := choose(id, info.files, want)
	if err != nil {
		return "", err
	}
	repo := filepath.Join(cache, id.folder())
	dir := filepath.Join(repo, "snapshots", info.commit)
	for _, d := range []string{dir, filepath.Join(repo, "blobs"), filepath.Join(repo, "refs")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			return "", err
		}
	}
	t := newTally(c.Progress, files)
	err = each(ctx, len(files), func(ctx context.Context, i int) error {
		if err := c.place(ctx, cache, id, info.commit, files[i], t); err != nil {
			return fmt.Errorf("%s: %w", files[i].name, err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if !isCommit(id.revision()) {
		if err := writeRef(filepath.Join(repo, "refs", filepath.FromSlash(id.revision())), info.commit); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// choose lets want pick and refuses names that would leave the snapshot.
func choose(id ID, all []remote, want func(files []File) []File) ([]remote, error) {
	byName := map[string]remote{}
	var offered []File
	for _, f := range all {
		if _, twice := byName[f.name]; !twice {
			offered = append(offered, File{f.name, f.size})
		}
		byName[f.name] = f
	}
	if want != nil {
		offered = want(offered)
	}
	var chosen []remote
	for _, o := range offered {
		f, ok := byName[o.Name]
		if !ok {
			return nil, refuse([]error{ErrNotFound}, "expected file %s in %s, got none of that name", o.Name, id)
		}
		if !isLocal(f.name) {
			return nil, fmt.Errorf("expected file names inside the repository, got %q", printable(f.name))
		}
		chosen = append(chosen, f)
	}
	return chosen, nil
}

// each calls do for 0..n-1, a few at once, and returns the first error, which stops the others.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(streams, n) {
		wg.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err) // the first counts
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// place makes one file of a snapshot: it links the blob, and downloads it first if the cache lacks it.
func (c *Client) place(ctx context.Context, cache string, id ID, commit string, f remote, t *tally) error {
	repo := filepath.Join(cache, id.folder())
	target := filepath.Join(repo, "snapshots", commit, filepath.FromSlash(f.name))
	if isFile(target, f.size) {
		t.moved(f.name, f.size, f.size)
		return nil
	}
	if err := c.complete(ctx, id, commit, &f); err != nil {
		return err
	}
	t.resize(f.name, f.size)
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return err
	}
	unlock, held, err := c.lock(ctx, cache, id, f.etag)
	if err != nil {
		return err
	}
	defer unlock()
	blob := filepath.Join(repo, "blobs", f.etag)
	fresh := false
	if !isFile(target, f.size) && !isFile(blob, f.size) {
		part := blob + partial
		if !held {
			part = blob + "." + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36) + partial
		}
		err := c.download(ctx, id, commit, f, blob, part, func(done int64) { t.moved(f.name, done, f.size) })
		if err != nil {
			return err
		}
		fresh = true
	}
	t.moved(f.name, f.size, f.size)
	if isFile(target, f.size) && !fresh {
		return nil
	}
	return c.point(blob, target, fresh)
}

// isFile reports whether path leads to a file of that size.
func isFile(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// point puts a link to the blob, relative as huggingface_hub's, at path. Where the system has no links, a fresh blob moves there and one
// that other snapshots may use is copied.
func (c *Client) point(blob, path string, fresh bool) error {
	relative, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return err
	}
	temp := path + "." + strconv.FormatInt(time.Now().UnixNano(), 36) + ".tmp"
	err = c.link(relative, temp)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrExist):
		return err
	case fresh:
		return os.Rename(blob, path)
	default:
		if err := copyFile(blob, temp); err != nil {
			os.Remove(temp)
			return err
		}
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

func copyFile(from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Sync(), w.Close())
}

// writeRef records a reference's commit in one step, so that no reader sees half of it.
func writeRef(path, commit string) error {
	if data, err := readSmall(path, 256); err == nil && string(data) == commit {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	temp := path + "." + strconv.FormatInt(time.Now().UnixNano(), 36) + ".tmp"
	if err := os.WriteFile(temp, []byte(commit), 0o666); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}
