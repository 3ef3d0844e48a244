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
	"time"
)

// A blob is a file on its way into a snapshot.
type blob struct {
	remote
	target string // path in the snapshot
	path   string // of the blob
	fresh  bool   // it was not in the cache before
}

// fetch makes sure that a file's blob is in the cache, and downloads it if not.
func (c *Client) fetch(ctx context.Context, cache string, id ID, commit string, b *blob, t *tally) error {
	note := t.note(b.name)
	if err := c.complete(ctx, id, commit, &b.remote, note); err != nil {
		return err
	}
	t.resize(b.name, b.size)
	blobs := filepath.Join(cache, id.folder(), "blobs")
	b.path = filepath.Join(blobs, b.etag)
	there := func() bool {
		_, ok := isFile(b.path, b.size)
		if ok {
			t.moved(b.name, b.size, b.size)
		}
		return ok
	}
	if there() {
		return nil
	}
	if err := os.MkdirAll(blobs, 0o777); err != nil {
		return err
	}
	unlock, held, err := c.lock(ctx, cache, id, b.etag, note)
	if err != nil {
		return err
	}
	defer unlock()
	if there() { // another process was faster
		return nil
	}
	part := b.path + partial
	if !held {
		part = b.path + "." + unique() + partial
	}
	b.fresh = true
	return c.download(ctx, id, commit, b.remote, b.path, part, t)
}

// show puts blobs where the snapshot wants them.
func (c *Client) show(blobs []*blob) error {
	moved := map[string]string{} // where a blob went that could not be linked to
	for _, b := range blobs {
		if _, ok := isFile(b.target, b.size); ok {
			continue // another process was faster
		}
		from, ok := moved[b.path]
		if !ok {
			from = b.path
		}
		gone, err := c.point(from, b.target, b.fresh && !ok)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		if gone {
			moved[b.path] = b.target
		}
	}
	return nil
}

// isFile reports whether path leads to a file of a size, or of any if size is -1, and which it is.
func isFile(path string, size int64) (int64, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || size >= 0 && info.Size() != size {
		return 0, false
	}
	return info.Size(), true
}

// unique is a part of a file name that no other process or goroutine makes.
func unique() string {
	return strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
}

// point puts a link to the blob, relative as huggingface_hub's, at path. Where the system has no links, a fresh blob moves there and one
// that other snapshots may use is copied.
func (c *Client) point(blob, path string, fresh bool) (moved bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return false, err
	}
	relative, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return false, err
	}
	temp := path + "." + unique() + ".tmp"
	err = c.link(relative, temp)
	switch {
	case err == nil:
		if _, err := os.Stat(temp); err != nil { // somebody removed the model meanwhile
			return false, errors.Join(err, os.Remove(temp))
		}
	case errors.Is(err, fs.ErrExist):
		return false, err
	case fresh:
		return true, os.Rename(blob, path)
	default:
		if err := copyFile(blob, temp); err != nil {
			return false, errors.Join(err, os.Remove(temp))
		}
	}
	if err := os.Rename(temp, path); err != nil {
		return false, errors.Join(err, os.Remove(temp))
	}
	return false, nil
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
	temp := path + "." + unique() + ".tmp"
	if err := os.WriteFile(temp, []byte(commit), 0o666); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}
