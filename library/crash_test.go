package library

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/index"
)

// The environment by which this test runs itself as the process that is killed.
const (
	childLibrary = "CHIASM_TEST_LIBRARY"
	childPhotos  = "CHIASM_TEST_PHOTOS"
)

func TestMain(m *testing.M) {
	if os.Getenv(childLibrary) != "" {
		child()
	}
	os.Exit(m.Run())
}

// ear is a release of a model whose pictures are those of all others, and whose sounds are not: its space adopts the vectors of pictures.
func ear(m *chiasm.Model, n int) release {
	return release{m, "of ear " + strconv.Itoa(n), "eye", "ear " + strconv.Itoa(n), new(int), new(int)}
}

const ears = 3

// child indexes and changes folders over and over, by one release of a model and then another, and says what was reported as done.
func child() {
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
	}
	m, err := chiasm.Open(ctx, seer, nil)
	fail(err)
	photos := os.Getenv(childPhotos)
	l, err := Open(os.Getenv(childLibrary), Options{SegmentBytes: 20000})
	fail(err)
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	data, err := os.ReadFile(pictures + "bilevel.bmp")
	fail(err)
	fmt.Println("ready")
	now := r.IntN(ears)
	for n := 0; ; n++ {
		if r.IntN(3) == 0 {
			now = r.IntN(ears)
		}
		for range 6 {
			path := filepath.Join(photos, strconv.Itoa(r.IntN(60))+".bmp")
			switch r.IntN(4) {
			case 0:
				_ = os.Remove(path) // it may not be there
			case 1:
				_ = os.Rename(path, filepath.Join(photos, strconv.Itoa(r.IntN(60))+".bmp"))
			default:
				fail(swap(path, append(data[:len(data):len(data)], strconv.Itoa(r.Int())...)))
			}
		}
		keep := filepath.Join(photos, fmt.Sprintf("kept-%d-%d.bmp", os.Getpid(), n))
		fail(swap(keep, append(data[:len(data):len(data)], keep...)))
		s, err := l.Index(ctx, ear(m, now), IndexOptions{Paths: []string{photos}})
		fail(err)
		if s.Failed > 0 || !s.Complete {
			fail(fmt.Errorf("%+v", s))
		}
		fmt.Println("done", keep)
		if n%5 == 4 {
			fail(l.Compact(ctx))
		}
	}
}

// swap makes a file that is there whole or not at all, so that a kill leaves no picture that cannot be read.
func swap(path string, data []byte) error {
	whole := filepath.Dir(path) + ".new"
	if err := os.WriteFile(whole, data, 0o644); err != nil {
		return err
	}
	return os.Rename(whole, path)
}

// older4 makes a catalogue one of version 4.
func older4(t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "catalogue.db"))
	must(t, err)
	_, err = db.Exec(`BEGIN; ALTER TABLE spaces DROP COLUMN image; ALTER TABLE spaces DROP COLUMN audio; DROP TABLE unread; DROP TABLE damages; DROP TABLE sidecars;
		PRAGMA user_version = 4; COMMIT`)
	must(t, errors.Join(err, db.Close()))
}

// TestKill kills a process that indexes at random moments, while spaces are filled with vectors of others and catalogues of version 4 are brought
// up to date too: the library opens each time, is sound but for vectors that nobody was told of, has what was ever reported as done in the space
// that answers, and goes on.
func TestKill(t *testing.T) {
	times := 30
	if testing.Short() {
		times = 5
	}
	if s := os.Getenv("CHIASM_CRASHES"); s != "" {
		var err error
		times, err = strconv.Atoi(s)
		must(t, err)
	}
	dir, photos := t.TempDir(), t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	var done []string
	var opens time.Duration // to start, and to open the library
	building, fromOlder, struck := 0, 0, 0
	for i := range times {
		runs, after := r.IntN(3), time.Duration(r.IntN(100))*time.Millisecond
		if i > 0 && r.IntN(4) == 0 {
			older4(t, dir)
			fromOlder++
			if r.IntN(3) > 0 { // while it is opened
				runs, after = opening, time.Duration(float64(opens)*(0.4+0.6*r.Float64()))
			}
		}
		told, took := kill(t, dir, photos, runs, after)
		done = append(done, told...)
		if runs != opening {
			opens = cmp.Or(took, opens)
		} else if took == 0 {
			struck++
		}
		l, err := Open(dir, Options{})
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		sound(t, l)
		s, ok, err := l.Current(t.Context())
		must(t, err)
		for _, path := range done {
			var vectors int
			must(t, l.db.QueryRow("SELECT count(*) FROM pieces JOIN files ON files.id = pieces.file WHERE path = ? AND space = ?", []byte(path), s.id).Scan(&vectors))
			if vectors != 1 || !ok || s.State != Current {
				t.Fatalf("kill %d: %s was reported as done, and has %d vectors in the space %+v", i, path, vectors, s)
			}
		}
		all, err := l.spaces(t.Context())
		must(t, err)
		if slices.ContainsFunc(all, func(s Space) bool { return s.State == Building }) {
			building++
		}
		must(t, l.Close())
	}
	t.Logf("%d kills, after %d of which a space was being built; of catalogues of version 4 %d, %d of them before they were open; %d files were reported as done", times, building, fromOlder, struck, len(done))
	if len(done) == 0 {
		t.Error("nothing was reported as done")
	}
	l := open(t, dir, Options{})
	m := ear(model(t, seer), 0)
	s := run(t, l, m, IndexOptions{Paths: []string{photos}})
	if s.Failed > 0 || !s.Complete {
		t.Fatalf("%+v", s)
	}
	files, err := filepath.Glob(filepath.Join(photos, "*.bmp"))
	must(t, err)
	next := ear(m.Model, ears)
	if s := run(t, l, next, IndexOptions{}); s.Adopted != len(files) || *next.looks != 0 || !s.Switched {
		t.Errorf("%d files: %d were looked at, %+v", len(files), *next.looks, s)
	}
	m = next
	if got := find(t, l, m, "x"); len(got.Hits) != min(len(files), defaultLimit) || got.Files != len(files) {
		t.Errorf("%d hits of %d files, want %d", len(got.Hits), got.Files, len(files))
	}
	sound(t, l)
}

// opening is for a child that is killed while it opens the library.
const opening = -1

// kill starts a child, lets it do some runs and work for a while more, and kills it. What it reported done before has to be in the catalogue.
// opened is how long it took to open the library, 0 if it did not come so far.
func kill(t *testing.T, dir, photos string, runs int, after time.Duration) (told []string, opened time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childLibrary+"="+dir, childPhotos+"="+photos)
	out, err := cmd.StdoutPipe()
	must(t, err)
	start := time.Now()
	must(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // by the kill
	}()
	if runs == opening {
		time.Sleep(after)
		must(t, cmd.Process.Kill())
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if path, ok := strings.CutPrefix(lines.Text(), "done "); ok {
			told = append(told, path)
		} else if opened = time.Since(start); lines.Text() != "ready" {
			t.Fatal(lines.Text())
		}
		if runs != opening && len(told) >= runs {
			time.Sleep(after)
			must(t, cmd.Process.Kill())
			break
		}
	}
	for lines.Scan() {
		path, ok := strings.CutPrefix(lines.Text(), "done ")
		if !ok {
			t.Fatal(lines.Text())
		}
		told = append(told, path)
	}
	return told, opened
}

// A faulty file system fails from the n-th writing call on.
type faulty struct {
	index.FS
	left  atomic.Int64
	until atomic.Int64
}

var errFull = &fs.PathError{Op: "write", Path: "somewhere", Err: errors.New("no space left on device")}

func (f *faulty) fails() bool { return f.left.Add(-1) < 0 && f.until.Add(-1) >= 0 }

// OpenFile fails when it is time.
func (f *faulty) OpenFile(name string, flag int, perm os.FileMode) (index.File, error) {
	if f.fails() {
		return nil, errFull
	}
	file, err := f.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, f}, nil
}

// Rename fails when it is time.
func (f *faulty) Rename(from, to string) error {
	if f.fails() {
		return errFull
	}
	return f.FS.Rename(from, to)
}

type faultyFile struct {
	index.File
	fs *faulty
}

// Write writes a part when it is time to fail, as a disk that is full does.
func (f *faultyFile) Write(b []byte) (int, error) {
	if f.fs.fails() {
		n, _ := f.File.Write(b[:len(b)/2]) // torn
		return n, errFull
	}
	return f.File.Write(b)
}

// Sync fails when it is time.
func (f *faultyFile) Sync() error {
	if f.fs.fails() {
		return errFull
	}
	return f.File.Sync()
}

// A disk that is full, or fails, at any call costs the run and nothing that was there; with room again it goes on.
func TestFull(t *testing.T) {
	photos := collection(t)
	m := model(t, seer)
	failed, calls := 0, int64(24)
	if testing.Short() {
		calls = 6
	}
	for n := range calls {
		dir := t.TempDir()
		disk := &faulty{FS: index.Disk}
		disk.left.Store(1 << 40)
		l := open(t, dir, Options{FS: disk})
		run(t, l, m, IndexOptions{Paths: []string{filepath.Join(photos, "holiday")}})
		disk.left.Store(n)
		disk.until.Store(1 << 40)
		if _, err := l.Index(t.Context(), m, IndexOptions{Paths: []string{photos}}); err != nil {
			failed++
			if !errors.Is(err, errFull) {
				t.Fatalf("call %d: %v", n, err)
			}
		}
		if got := find(t, l, m, "path:holiday x"); len(got.Hits) != 2 {
			t.Fatalf("call %d: %d hits, want 2", n, len(got.Hits))
		}
		_ = l.Close() // it may complain of the disk
		l = open(t, dir, Options{})
		if s := run(t, l, m, IndexOptions{Paths: []string{photos}}); s.Failed > 0 {
			t.Fatalf("call %d: %+v", n, s)
		}
		if got := find(t, l, m, "x"); len(got.Hits) != 5 {
			t.Fatalf("call %d: %d hits, want 5", n, len(got.Hits))
		}
		sound(t, l)
		must(t, l.Close())
	}
	if failed == 0 {
		t.Error("nothing failed")
	}
}
