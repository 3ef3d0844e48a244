package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Find returns the folder of a snapshot in the cache, made by [Client.Pull] or by Python. It never touches the network. An empty revision
// means main. A snapshot holds what was once asked for, which need not be all that its repository has.
func (c *Client) Find(id ID) (dir string, ok bool) {
	if id.check() != nil {
		return "", false
	}
	cache, err := c.cacheDir()
	if err != nil {
		return "", false
	}
	commit, ok := resolve(os.DirFS(filepath.Join(cache, id.folder())), id.revision())
	if !ok {
		return "", false
	}
	dir = filepath.Join(cache, id.folder(), "snapshots", commit)
	info, err := os.Stat(dir)
	return dir, err == nil && info.IsDir()
}

// resolve finds the commit of a revision in a repository's folder: it is one itself, or a file under refs holds it.
func resolve(repo fs.FS, revision string) (commit string, ok bool) {
	if f, err := repo.Open("refs/" + revision); err == nil {
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, 256))
		if commit := strings.TrimSpace(string(data)); err == nil && isCommit(commit) && !isCommit(revision) {
			return commit, true
		}
	}
	return revision, isCommit(revision)
}

// A Repo is a model in the cache.
type Repo struct {
	ID        ID // without a revision
	Revisions []Revision
	Size      int64     // bytes on disk, files on their way included
	Modified  time.Time // when its newest file was written
}

// A Revision is one snapshot of a [Repo].
type Revision struct {
	Commit string
	Refs   []string // branches, tags and pull requests that point to it, sorted
	Dir    string
}

// List returns the models of the cache, sorted by name. A cache that does not exist yet is empty.
func (c *Client) List() ([]Repo, error) {
	cache, err := c.cacheDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(cache)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("hub: list: %w", err)
	}
	var repos []Repo
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), folderPrefix)
		id := ID{Repo: strings.Replace(name, "--", "/", 1)}
		dir := filepath.Join(cache, e.Name())
		if info, err := os.Stat(dir); !ok || id.check() != nil || err != nil || !info.IsDir() {
			continue
		}
		r := Repo{ID: id}
		if err := r.read(dir); err != nil {
			return nil, fmt.Errorf("hub: list: %s: %w", id, err)
		}
		repos = append(repos, r)
	}
	slices.SortFunc(repos, func(a, b Repo) int { return cmp.Compare(a.ID.Repo, b.ID.Repo) })
	return repos, nil
}

// read fills r from the repository's folder. Whatever vanishes meanwhile, since another process removes it, counts as not there.
func (r *Repo) read(dir string) error {
	refs, err := readRefs(os.DirFS(dir))
	if err != nil {
		return err
	}
	snapshots, err := os.ReadDir(filepath.Join(dir, "snapshots"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, s := range snapshots {
		if !isCommit(s.Name()) || !s.IsDir() {
			continue
		}
		v := Revision{Commit: s.Name(), Dir: filepath.Join(dir, "snapshots", s.Name())}
		for ref, commit := range refs {
			if commit == v.Commit {
				v.Refs = append(v.Refs, ref)
			}
		}
		slices.Sort(v.Refs)
		r.Revisions = append(r.Revisions, v)
	}
	count := func(_ string, info fs.FileInfo) {
		r.Size += info.Size()
		if info.ModTime().After(r.Modified) {
			r.Modified = info.ModTime()
		}
	}
	for _, part := range []string{"blobs", "snapshots"} { // files lie in snapshots where there are no links
		if err := walkFiles(os.DirFS(dir), part, count); err != nil {
			return err
		}
	}
	// Recent versions of huggingface_hub keep some blobs in a store of the whole cache and link to them.
	blobs, _ := os.ReadDir(filepath.Join(dir, "blobs"))
	for _, b := range blobs {
		if b.Type()&fs.ModeSymlink == 0 {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, "blobs", b.Name())); err == nil && info.Mode().IsRegular() {
			count("", info)
		}
	}
	return nil
}

// readRefs maps every reference of a repository's folder to its commit.
func readRefs(repo fs.FS) (map[string]string, error) {
	refs := map[string]string{}
	err := walkFiles(repo, "refs", func(path string, _ fs.FileInfo) {
		ref := strings.TrimPrefix(path, "refs/")
		if commit, ok := resolve(repo, ref); ok && commit != ref {
			refs[ref] = commit
		}
	})
	return refs, err
}

// walkFiles visits the regular files under a folder, which may be missing. Links are not files.
func walkFiles(fsys fs.FS, folder string, visit func(path string, info fs.FileInfo)) error {
	return fs.WalkDir(fsys, folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			visit(path, info)
		}
		return err
	})
}

// readSmall reads a file and refuses one larger than limit.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: expected at most %d bytes, got more", path, limit)
	}
	return data, err
}
