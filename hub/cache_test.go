package hub

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// write makes a file and the folders above it.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
		t.Fatal(err)
	}
}

func symlink(t testing.TB, target, path string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.Symlink(target, path)); err != nil {
		t.Skip("no links here:", err)
	}
}

// pythonCache is what huggingface_hub leaves after pulling two revisions of one model, with a part of a third, and another old model whose
// large file lies in the store that recent versions share between models.
func pythonCache(t testing.TB) *Client {
	c := &Client{Cache: t.TempDir(), Offline: true}
	repo := filepath.Join(c.Cache, "models--org--model")
	write(t, filepath.Join(repo, "refs", "main"), commitA)
	write(t, filepath.Join(repo, "refs", "refs", "pr", "7"), commitB)
	write(t, filepath.Join(repo, "refs", "v1"), commitB+"\n")
	write(t, filepath.Join(repo, "blobs", "shared"), "12345")
	write(t, filepath.Join(repo, "blobs", "a"), "1234567")
	write(t, filepath.Join(repo, "blobs", "b"), "123456789")
	write(t, filepath.Join(repo, "blobs", "c.incomplete"), "1")
	write(t, filepath.Join(repo, ".no_exist", commitA, "adapter_config.json"), "")
	for link, blob := range map[string]string{commitA + "/config.json": "shared", commitA + "/model.bin": "a", commitB + "/config.json": "shared", commitB + "/sub/model.bin": "b"} {
		up := strings.Repeat("../", strings.Count(link, "/")+1)
		symlink(t, up+"blobs/"+blob, filepath.Join(repo, "snapshots", filepath.FromSlash(link)))
	}
	write(t, filepath.Join(c.Cache, "blobs", "ab", "store"), "123")
	symlink(t, "../../blobs/ab/store", filepath.Join(c.Cache, "models--gpt2", "blobs", "x"))
	symlink(t, "../../blobs/x", filepath.Join(c.Cache, "models--gpt2", "snapshots", commitA, "model.bin"))
	write(t, filepath.Join(c.Cache, "models--gpt2", "refs", "main"), commitA)
	write(t, filepath.Join(c.Cache, "datasets--org--data", "refs", "main"), commitA)
	write(t, filepath.Join(c.Cache, "version.txt"), "1")
	write(t, filepath.Join(c.Cache, ".locks", "models--org--model", "a.lock"), "")
	return c
}

func TestFind(t *testing.T) {
	c := pythonCache(t)
	for id, commit := range map[ID]string{
		{"org/model", ""}: commitA, {"org/model", "main"}: commitA, {"org/model", "refs/pr/7"}: commitB, {"org/model", "v1"}: commitB,
		{"org/model", commitB}: commitB, {"gpt2", ""}: commitA, {"org/model", "v2"}: "", {"org/none", ""}: "", {"model", ""}: "",
		{"org/model", strings.Repeat("0", 40)}: "", {"org/model", "../../../etc"}: "", {"../org", ""}: "", {"org/data", ""}: "",
	} {
		dir, ok := c.Find(id)
		if ok != (commit != "") || ok && dir != filepath.Join(c.Cache, id.folder(), "snapshots", commit) {
			t.Errorf("%v is %q, %v, want %s", id, dir, ok, commit)
		}
		if ok {
			if _, err := os.ReadFile(filepath.Join(dir, "model.bin")); err != nil && commit == commitA {
				t.Error(err)
			}
		}
	}
	// A damaged reference is none.
	write(t, filepath.Join(c.Cache, "models--org--model", "refs", "main"), "../../../../etc")
	if dir, ok := c.Find(model); ok {
		t.Errorf("found %s", dir)
	}
}

func TestList(t *testing.T) {
	c := pythonCache(t)
	repos, err := c.List()
	if err != nil || len(repos) != 2 {
		t.Fatalf("got %+v, %v", repos, err)
	}
	old, r := repos[0], repos[1]
	if old.ID.Repo != "gpt2" || old.Size != 3 || len(old.Revisions) != 1 {
		t.Errorf("got %+v", old)
	}
	if r.ID.Repo != "org/model" || r.Size != 22 || r.Modified.IsZero() || len(r.Revisions) != 2 {
		t.Fatalf("got %+v", r)
	}
	v := r.Revisions[1]
	if v.Commit != commitB || !slices.Equal(v.Refs, []string{"refs/pr/7", "v1"}) || v.Dir != filepath.Join(c.Cache, "models--org--model", "snapshots", commitB) {
		t.Errorf("got %+v", v)
	}
	if repos, err := (&Client{Cache: filepath.Join(c.Cache, "none")}).List(); err != nil || len(repos) != 0 {
		t.Errorf("got %v, %v", repos, err)
	}
}

// tree is the names below dir, sorted.
func tree(dir string) (out []string) {
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			out = append(out, filepath.ToSlash(rel))
		}
		return nil
	})
	return out
}

func TestRemove(t *testing.T) {
	c := pythonCache(t)
	repo := filepath.Join(c.Cache, "models--org--model")
	freed, err := c.Remove(ID{"org/model", "v1"})
	if err != nil || freed != 9 {
		t.Fatalf("freed %d, %v", freed, err)
	}
	want := []string{".no_exist/" + commitA + "/adapter_config.json", "blobs/a", "blobs/c.incomplete", "blobs/shared", "refs/main",
		"snapshots/" + commitA + "/config.json", "snapshots/" + commitA + "/model.bin"}
	if got := tree(repo); !slices.Equal(got, want) {
		t.Errorf("left %v", got)
	}
	if _, err := c.Remove(ID{"org/model", "v1"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if freed, err := c.Remove(ID{"org/model", commitA}); err != nil || freed != 13 {
		t.Errorf("freed %d, %v", freed, err)
	}
	if _, err := os.Lstat(repo); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the last revision left %v", tree(repo))
	}
	for _, id := range []ID{{"org/model", ""}, {"org/none", "main"}, {"gpt2", "v7"}} {
		if _, err := c.Remove(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v: %v", id, err)
		}
	}
	if _, err := c.Remove(ID{"gpt2", ""}); err != nil {
		t.Error(err)
	}
	if got := tree(c.Cache); !slices.Contains(got, "datasets--org--data/refs/main") || !slices.Contains(got, "blobs/ab/store") {
		t.Errorf("too much went: %v", got)
	}
	for _, id := range []ID{{"..", ""}, {"../x", ""}, {"", ""}, {"org/model", "../.."}} {
		if _, err := c.Remove(id); err == nil {
			t.Errorf("%v was removed", id)
		}
	}
}

// Links that lead out of the cache are removed as links; what they lead to stays.
func TestRemoveStaysInside(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "precious"), "x")
	write(t, filepath.Join(outside, "snapshots", commitA, "precious"), "x")
	write(t, filepath.Join(outside, "refs", "main"), commitA)
	c := &Client{Cache: t.TempDir()}
	symlink(t, outside, filepath.Join(c.Cache, "models--org--linked"))
	repo := filepath.Join(c.Cache, "models--org--model")
	for _, commit := range []string{commitA, commitB} {
		symlink(t, filepath.Join(outside, "precious"), filepath.Join(repo, "snapshots", commit, "config.json"))
		symlink(t, "../../../../"+filepath.Base(outside)+"/precious", filepath.Join(repo, "snapshots", commit, "b"))
		symlink(t, outside, filepath.Join(repo, "snapshots", commit, "folder"))
	}
	symlink(t, filepath.Join(outside, "precious"), filepath.Join(repo, "blobs", "z"))
	symlink(t, "../../blobs/z", filepath.Join(repo, "snapshots", commitA, "z"))
	if _, err := c.Remove(ID{"org/linked", "main"}); err == nil {
		t.Error("a snapshot outside of the cache was removed")
	}
	for _, id := range []ID{{"org/model", commitA}, {"org/model", commitB}, {"org/linked", ""}} {
		if _, err := c.Remove(id); err != nil {
			t.Errorf("%v: %v", id, err)
		}
	}
	if got := tree(outside); len(got) != 3 {
		t.Errorf("outside is left %v", got)
	}
	if got := tree(c.Cache); len(got) != 0 {
		t.Errorf("inside is left %v", got)
	}
}

// A cache that may only be read serves what it holds.
func TestReadOnlyCache(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("permissions do not bind here")
	}
	f := newFake(t)
	c := f.client(t)
	if _, err := c.Pull(t.Context(), model, nil); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(c.Cache, "models--org--model", "refs", "main"))
	readOnly := func(mode os.FileMode) {
		filepath.WalkDir(c.Cache, func(p string, d os.DirEntry, _ error) error {
			if d.IsDir() {
				os.Chmod(p, mode)
			}
			return nil
		})
	}
	readOnly(0o555)
	defer readOnly(0o755)
	if _, err := c.Pull(t.Context(), model, nil); err != nil {
		t.Error(err)
	}
}
