package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// On a file system that is really full, for the catalogue as for the vectors, a run fails with a clear word, what was there is found, and
// with room again it goes on. It needs leave to mount a file system in memory.
func TestLibraryOnAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=16m"); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENODEV) {
		t.Skipf("no file system may be mounted here: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	c := &crasher{t: t, r: seeded(), folder: t.TempDir(), library: filepath.Join(disk, "library"), spool: t.TempDir(), names: crashModels, done: map[string]bool{}}
	for range 5 {
		c.picture()
	}
	index := func(args ...string) result {
		return runChiasm(t, "", append([]string{"index", "--model", tiny, "--library", c.library}, args...)...)
	}
	index(c.folder).want(t, exitOK, "searches answer from")
	full := 0
	for _, room := range []int64{0, 4, 12, 24, 40, 64, 100, 160} { // kilobytes
		for range 3 {
			c.picture()
		}
		ballast := filepath.Join(disk, "ballast")
		occupy(t, ballast, room<<10)
		r := index()
		if r.code != exitOK {
			full++
			if r.code != exitFailure || !strings.Contains(r.err, "no space left") && !strings.Contains(r.err, "full") {
				t.Errorf("%d kB left: exit code %d: %s", room, r.code, r.err)
			}
		}
		if r := runChiasm(t, "", "search", "--library", c.library, "--strictness=0", "--no-words", "x"); r.code != exitOK || strings.Count(r.out, "\n") < 5 {
			t.Errorf("%d kB left: search: exit code %d: %s%s", room, r.code, r.out, r.err)
		}
		check := func(when string) {
			t.Helper()
			if r := runChiasm(t, "", "library", "check", "--library", c.library); r.code != exitOK {
				t.Errorf("%d kB left, %s: check: %s%s", room, when, r.out, r.err)
			}
		}
		check("full")
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		check("with room again")
		index().want(t, exitOK)
		check("indexed")
	}
	if full == 0 {
		t.Error("the disk was never full")
	}
}

// occupy fills a file system until so many bytes are free.
func occupy(t *testing.T, path string, room int64) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &s); err != nil {
		t.Fatal(err)
	}
	free := int64(s.Bfree) * s.Bsize
	if err := os.WriteFile(path, make([]byte, max(0, free-room)), 0o644); err != nil {
		t.Fatal(fmt.Errorf("%d bytes free: %w", free, err))
	}
}
