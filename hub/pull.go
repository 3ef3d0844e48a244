package hub

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
)

const streams = 4 // files downloaded at once

// Pull brings files of a model into the cache and returns the snapshot's folder. want chooses among the repository's files; nil takes all.
// What the cache has is not fetched again, what a broken download left is resumed, and sizes and hashes are verified. The snapshot gets its
// files, and a reference such as main moves to it, only when every wanted file is there. An offline client returns what [Client.Find] finds.
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
		return "", fmt.Errorf("hub: pull %s: expected it in the cache %s, got nothing: %w (HF_HUB_OFFLINE is set, or the like)", id, cache, ErrOffline)
	}
	dir, err = c.pull(ctx, cache, id, want)
	if err != nil {
		return "", fmt.Errorf("hub: pull %s: %w", id, err)
	}
	return dir, nil
}

func (c *Client) pull(ctx context.Context, cache string, id ID, want func(files []File) []File) (string, error) {
	t := newTally(c.Progress)
	info, err := c.info(ctx, id, t.note(""))
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
	t.expect(files)
	repo := filepath.Join(cache, id.folder())
	dir := filepath.Join(repo, "snapshots", info.commit)
	var missing []*blob
	for _, f := range files {
		target := filepath.Join(dir, filepath.FromSlash(f.name))
		if size, ok := isFile(target, f.size); ok {
			t.moved(f.name, size, size)
			continue
		}
		missing = append(missing, &blob{remote: f, target: target})
	}
	err = each(ctx, len(missing), func(ctx context.Context, i int) error {
		if err := c.fetch(ctx, cache, id, info.commit, missing[i], t); err != nil {
			return fmt.Errorf("%s: %w", missing[i].name, err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if err := c.show(missing); err != nil {
		return "", err
	}
	if !isCommit(id.revision()) {
		err := writeRef(filepath.Join(repo, "refs", filepath.FromSlash(id.revision())), info.commit)
		if err != nil && len(missing) > 0 { // else the cache may be one that is only read
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
		delete(byName, f.name)
		chosen = append(chosen, f)
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("expected files of use in the repository, got none among %d", len(all))
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
