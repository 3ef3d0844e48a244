package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Remove deletes a model from the cache and returns the bytes freed. Without a revision the whole repository goes; with one, its snapshot,
// the references to it, and the blobs that no other snapshot refers to; the last snapshot takes the repository along. Nothing outside the
// cache is ever deleted, wherever links point. What is not there gives [ErrNotFound].
func (c *Client) Remove(id ID) (freed int64, err error) {
	if err := id.check(); err != nil {
		return 0, err
	}
	cache, err := c.cacheDir()
	if err != nil {
		return 0, err
	}
	missing := fmt.Errorf("hub: remove %s: expected it in the cache %s, got nothing: %w", id, cache, ErrNotFound)
	root, err := os.OpenRoot(cache) // follows no link out of the cache
	if errors.Is(err, fs.ErrNotExist) {
		return 0, missing
	}
	if err != nil {
		return 0, fmt.Errorf("hub: remove %s: %w", id, err)
	}
	defer root.Close()
	if _, err := root.Lstat(id.folder()); err != nil {
		return 0, missing
	}
	if id.Revision == "" {
		freed, err = removeAll(root, id.folder())
	} else {
		var repo *os.Root
		if repo, err = root.OpenRoot(id.folder()); err != nil {
			return 0, fmt.Errorf("hub: remove %s: %w", id, err)
		}
		commit, ok := resolve(repo.FS(), id.Revision)
		if _, err := repo.Lstat("snapshots/" + commit); !ok || err != nil {
			repo.Close()
			return 0, missing
		}
		var left int
		freed, left, err = removeSnapshot(repo, commit)
		repo.Close()
		if err == nil && left == 0 {
			var rest int64
			rest, err = removeAll(root, id.folder())
			freed += rest
		}
	}
	if err != nil {
		return freed, fmt.Errorf("hub: remove %s: %w", id, err)
	}
	return freed, nil
}

// removeAll deletes a folder, or the link in its place, and counts the bytes of its files.
func removeAll(root *os.Root, folder string) (freed int64, err error) {
	if info, err := root.Lstat(folder); err == nil && info.IsDir() {
		if err := walkFiles(root.FS(), folder, func(_ string, info fs.FileInfo) { freed += info.Size() }); err != nil {
			return 0, err
		}
	}
	if err := root.RemoveAll(folder); err != nil {
		return 0, err
	}
	return freed, nil
}

// removeSnapshot deletes a snapshot and what only it needs, and says how many snapshots are left.
func removeSnapshot(repo *os.Root, commit string) (freed int64, left int, err error) {
	blobs, err := blobsOf(repo, "snapshots/"+commit)
	if err != nil {
		return 0, 0, err
	}
	snapshots, err := fs.ReadDir(repo.FS(), "snapshots")
	if err != nil {
		return 0, 0, err
	}
	for _, s := range snapshots {
		if s.Name() == commit {
			continue
		}
		left++
		others, err := blobsOf(repo, "snapshots/"+s.Name())
		if err != nil {
			return 0, 0, err
		}
		for blob := range others {
			delete(blobs, blob)
		}
	}
	refs, err := readRefs(repo.FS())
	if err != nil {
		return 0, 0, err
	}
	// References first, blobs last: broken off anywhere, no reference leads to a snapshot that lacks files.
	for ref, to := range refs {
		if to != commit {
			continue
		}
		if err := repo.Remove("refs/" + ref); err != nil {
			return 0, 0, err
		}
	}
	if freed, err = removeAll(repo, "snapshots/"+commit); err != nil {
		return 0, 0, err
	}
	for blob := range blobs {
		info, err := repo.Lstat(blob)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = repo.Remove(blob)
		}
		if err != nil {
			return freed, 0, err
		}
		if info.Mode().IsRegular() {
			freed += info.Size()
		}
	}
	return freed, left, nil
}

// blobsOf returns the blobs (as blobs/name) that the links of a snapshot lead to. Links to elsewhere do not count.
func blobsOf(repo *os.Root, snapshot string) (map[string]bool, error) {
	blobs := map[string]bool{}
	err := fs.WalkDir(repo.FS(), snapshot, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		target, err := repo.Readlink(name)
		if err != nil {
			return err
		}
		target = filepath.ToSlash(target)
		if rel, err := filepath.Rel(repo.Name(), target); filepath.IsAbs(target) && err == nil {
			target = filepath.ToSlash(rel)
		} else {
			target = path.Join(path.Dir(name), target)
		}
		if blob, ok := strings.CutPrefix(target, "blobs/"); ok && isLocal(blob) && !strings.Contains(blob, "/") {
			blobs[target] = true
		}
		return nil
	})
	return blobs, err
}
