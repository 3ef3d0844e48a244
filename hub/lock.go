package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lock takes the lock of a blob as huggingface_hub does, waiting while another process holds it, of which note is told. On a file system
// without locks it goes on alone: held is false, and the caller must not share its part with others.
func (c *Client) lock(ctx context.Context, cache string, id ID, etag string, note func(string)) (unlock func(), held bool, err error) {
	path := filepath.Join(cache, ".locks", id.folder(), etag+".lock")
	for told := false; ; {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return nil, false, err
		}
		l := flock.New(path, flock.SetPermissions(0o664), flock.SetFlag(os.O_CREATE|os.O_RDWR))
		ok, err := l.TryLock()
		if err == nil && ok && current(l, path) {
			return func() { l.Close() }, true, nil // closing the file gives the lock back, whatever else may fail
		}
		l.Close()
		if errors.Is(err, errors.ErrUnsupported) {
			return func() {}, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("lock: %w", err)
		}
		if ok {
			continue // Python removed the file between opening and locking it
		}
		if !told {
			told = true
			note("another process is downloading it")
		}
		timer := time.NewTimer(100 * time.Millisecond) // not c.sleep, which is for the network
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, false, context.Cause(ctx)
		case <-timer.C:
		}
	}
}

// current reports whether the file that l locked is still the one at path: huggingface_hub may remove it when it is done.
func current(l *flock.Flock, path string) bool {
	ours, err := l.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && os.SameFile(ours, now)
}
