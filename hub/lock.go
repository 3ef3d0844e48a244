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

// lock takes the lock of a blob as huggingface_hub does, waiting while another process holds it. On a file system without locks it goes on
// alone: held is false, and the caller must not share its part with others.
func (c *Client) lock(ctx context.Context, cache string, id ID, etag string) (unlock func(), held bool, err error) {
	path := filepath.Join(cache, ".locks", id.folder(), etag+".lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, false, err
	}
	l := flock.New(path, flock.SetPermissions(0o664))
	_, err = l.TryLockContext(ctx, 100*time.Millisecond)
	if err != nil {
		l.Close()
		if ctx.Err() != nil {
			return nil, false, context.Cause(ctx)
		}
		if errors.Is(err, errors.ErrUnsupported) {
			return func() {}, false, nil
		}
		return nil, false, fmt.Errorf("lock: %w", err)
	}
	return func() { l.Close() }, true, nil
}
