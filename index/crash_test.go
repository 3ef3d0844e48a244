package index

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Wherever a write is torn, what was added before is there, and adding goes on.
func TestTorn(t *testing.T) {
	t.Run("plain", func(t *testing.T) { torn(t, false) })
	t.Run("framed", func(t *testing.T) { torn(t, true) })
}

func torn(t *testing.T, framed bool) {
	dir, d, step := t.TempDir(), 3, 7
	if testing.Short() {
		step = 29
	}
	r := rand.New(rand.NewPCG(3, 2))
	v := vectors(r, 30, d, 3)
	x := open(t, dir, Options{Dimension: d})
	must(t, x.Add(numbers(0, 10), v[:10*d]))
	if framed {
		x.clusterAt = 5
		must(t, x.Compact(context.Background()))
		if x.newest().rows == nil || x.now.Load().cells == 0 {
			t.Fatal("nothing was sorted")
		}
	}
	path := x.segments[len(x.segments)-1].path
	before, err := os.ReadFile(path)
	must(t, err)
	must(t, x.Add(numbers(5, 15), v[10*d:25*d])) // five replaced
	after, err := os.ReadFile(path)
	must(t, err)
	must(t, x.Close())
	for cut := len(before); cut <= len(after); cut = min(cut+step, max(len(after), cut+1)) {
		for _, zeros := range []bool{false, true} { // a file system may have made the file longer before it wrote the bytes
			torn := after[:cut:cut]
			if zeros {
				torn = append(torn, make([]byte, len(after)-cut)...)
			}
			must(t, os.WriteFile(path, torn, 0o644))
			x := open(t, dir, Options{})
			want, nine := 10, v[9*d:10*d]
			if whole := slices.Equal(torn, after); whole {
				want, nine = 20, v[14*d:15*d]
			}
			if x.Len() != want || !slices.Equal(x.Get(9), nine) || len(x.Damages()) > 0 {
				t.Fatalf("cut at %d of %d: %d vectors, want %d; %v", cut, len(after), x.Len(), want, x.Damages())
			}
			must(t, x.Add([]uint64{100}, v[:d]))
			must(t, x.Close())
			x = open(t, dir, Options{})
			if x.Len() != want+1 {
				t.Fatalf("cut at %d: %d vectors after adding, want %d", cut, x.Len(), want+1)
			}
			must(t, x.Check(context.Background()))
			must(t, x.Close())
		}
	}
}

// A broken block is named, and everything else goes on.
func TestDamage(t *testing.T) {
	dir, d := t.TempDir(), 16
	r := rand.New(rand.NewPCG(4, 2))
	v := vectors(r, 100, d, 3)
	x := open(t, dir, Options{Dimension: d})
	var ends []int64
	for i := 0; i < 100; i += 10 {
		must(t, x.Add(numbers(i, 10), v[i*d:(i+10)*d]))
		ends = append(ends, x.segments[0].size)
	}
	must(t, x.Close())
	path := segmentPath(dir, 1)
	data, err := os.ReadFile(path)
	must(t, err)
	broken := slices.Clone(data)
	broken[ends[3]+5] ^= 1 // in the header of the fifth block
	must(t, os.WriteFile(path, broken, 0o644))
	x = open(t, dir, Options{})
	if len(x.Damages()) != 1 || x.Len() != 90 || x.Get(45) != nil || !slices.Equal(x.Get(55), v[55*d:56*d]) {
		t.Fatalf("%d vectors, %v", x.Len(), x.Damages())
	}
	must(t, x.Add(numbers(40, 10), v[40*d:50*d]))
	if x.Len() != 100 || len(x.segments) != 2 {
		t.Fatalf("%d vectors in %d segments after mending, want 100 in 2", x.Len(), len(x.segments))
	}
	if x.Check(context.Background()) == nil {
		t.Fatal("the check finds nothing")
	}
	must(t, x.Close())
	broken = slices.Clone(data)
	broken[ends[3]+headerBytes+500] ^= 1 // in its body, which only the check reads
	must(t, os.WriteFile(path, broken, 0o644))
	x = open(t, dir, Options{})
	if x.Check(context.Background()) == nil {
		t.Fatal("the check does not read bodies")
	}
	must(t, x.Close())
	must(t, os.Remove(path))
	x = open(t, dir, Options{})
	if len(x.Damages()) != 1 || x.Len() != 10 {
		t.Fatalf("without the first segment: %d vectors, %v", x.Len(), x.Damages())
	}
}

// A failing is a file system that fails after so many calls that change something, tearing the write it fails at.
type failing struct {
	left int
}

var errDisk = errors.New("no space left on device")

func (f *failing) fail() bool {
	f.left--
	return f.left < 0
}

func (f *failing) OpenFile(name string, flag int, perm os.FileMode) (File, error) {
	if f.fail() {
		return nil, errDisk
	}
	file, err := Disk.OpenFile(name, flag, perm)
	return &failingFile{file, f}, err
}

func (f *failing) Rename(from, to string) error {
	if f.fail() {
		return errDisk
	}
	return Disk.Rename(from, to)
}

func (f *failing) Remove(name string) error {
	if f.fail() {
		return errDisk
	}
	return Disk.Remove(name)
}

func (f *failing) SyncDir(name string) error {
	if f.fail() {
		return errDisk
	}
	return Disk.SyncDir(name)
}

type failingFile struct {
	File
	fs *failing
}

func (f *failingFile) Write(b []byte) (int, error) {
	if f.fs.fail() {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, errDisk
	}
	return f.File.Write(b)
}

func (f *failingFile) Sync() error {
	if f.fs.fail() {
		return errDisk
	}
	return f.File.Sync()
}

func (f *failingFile) Truncate(n int64) error {
	if f.fs.fail() {
		return errDisk
	}
	return f.File.Truncate(n)
}

// Whichever call fails, and from then on every one, what was reported done is there.
func TestFailing(t *testing.T) {
	d := 8
	v := vectors(rand.New(rand.NewPCG(6, 2)), 200, d, 3)
	for left := 0; ; left += 1 + left/20 {
		clusterAt := clusterAt
		if left%2 == 1 {
			clusterAt = 30
		}
		dir := t.TempDir()
		fs := &failing{left: left}
		want, gone := map[uint64][]float32{}, map[uint64]bool{} // reported done; of unknown state
		x, err := Open(dir, Options{Dimension: d, SegmentBytes: 3000, FS: fs})
		if err == nil {
			x.clusterAt = clusterAt
			for i := range 20 {
				ids := numbers(i*8, 10) // two replaced each time
				if err = x.Add(ids, v[i*8*d:(i*8+10)*d]); err != nil {
					for _, id := range ids {
						gone[id] = true
					}
					break
				}
				for k, id := range ids {
					want[id] = v[(i*8+k)*d : (i*8+k+1)*d]
				}
				if i%4 == 3 {
					id := uint64(i * 4)
					if err = x.Delete(id); err != nil {
						gone[id] = true
						break
					}
					delete(want, id)
				}
				if i%7 == 6 {
					if err = x.Compact(context.Background()); err != nil {
						break
					}
				}
			}
			_ = x.Close()
		}
		x, opening := Open(dir, Options{Dimension: d})
		must(t, opening)
		for id, vector := range want {
			if got := x.Get(id); !gone[id] && !slices.Equal(got, vector) {
				t.Fatalf("after %d calls (%v): vector %d is %v, want %v", left, err, id, got, vector)
			}
		}
		if n := x.Len(); n > len(want)+len(gone) || len(x.Damages()) > 0 {
			t.Fatalf("after %d calls (%v): %d vectors, want at most %d; %v", left, err, n, len(want)+len(gone), x.Damages())
		}
		must(t, x.Add([]uint64{9999}, v[:d]))
		must(t, x.Check(context.Background()))
		must(t, x.Close())
		if err == nil {
			return
		}
	}
}

// No bytes of a segment crash the reader or make it allocate more than they are.
func FuzzLoad(f *testing.F) {
	dir := f.TempDir()
	x, err := Open(dir, Options{Dimension: 3})
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(x.Add([]uint64{1, 2}, []float32{1, 0, 0, 0, 1, 0}), x.Delete(1), x.Close()); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(segmentPath(dir, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:100])
	x, err = Open(f.TempDir(), Options{Dimension: 3})
	if err != nil {
		f.Fatal(err)
	}
	x.clusterAt = 2
	if err := errors.Join(x.Add([]uint64{1, 2, 3}, []float32{1, 0, 0, 0, 1, 0, 0, 0, 1}), x.Compact(context.Background()), x.Close()); err != nil {
		f.Fatal(err)
	}
	if data, err = os.ReadFile(segmentPath(x.dir, 3)); err != nil || data[16] != 1 {
		f.Fatal(err, "not in cells")
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(segmentPath(dir, 1), data, 0o644); err != nil {
			t.Fatal(err)
		}
		text := `{"version":1,"dimension":3,"space":"","segments":[1],"next":2,"sounding":{"glance":0.5,"depths":[{"recall":0.5,"cells":1}]}}`
		if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		x, err := Open(dir, Options{})
		if err != nil {
			return
		}
		defer x.Close()
		for _, recall := range []float64{0, 0.5} {
			if hits, err := x.Search(context.Background(), Query{Vector: []float32{1, 2, 3}, K: 5, Recall: recall}); err == nil && len(hits) > x.Len() {
				t.Fatalf("%d hits of %d vectors", len(hits), x.Len())
			}
		}
		if err := x.Add([]uint64{77}, []float32{0, 0, 1}); err == nil && x.Get(77) == nil {
			t.Fatal("what was added is not there")
		}
	})
}
