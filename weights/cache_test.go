package weights_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/internal/cpu"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
	"github.com/gofrs/flock"
)

// A matrix is a parameter and its name.
type matrix struct {
	name string
	t    *tensor.Tensor
}

// matrices makes parameters of a few sizes, of which one has an image in several pieces.
func matrices(f tensor.Format, seed uint32) (m []matrix) {
	for i, shape := range [][2]int{{37, 19}, {64, 64}, {300, 320}} {
		t := tensor.Param(shape[0], shape[1])
		data := make([]byte, 0, 4*t.Len())
		for range t.Len() {
			seed = seed*1664525 + 1013904223
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(int32(seed))/(1<<31)))
		}
		t.Store(tensor.F32, data, nil)
		t.SetFormat(f)
		m = append(m, matrix{string(rune('a' + i)), t})
	}
	return m
}

func all(m []matrix) iter.Seq2[string, *tensor.Tensor] {
	return func(yield func(string, *tensor.Tensor) bool) {
		for _, p := range m {
			if !yield(p.name, p.t) {
				return
			}
		}
	}
}

// products multiplies something with each parameter and says which of them had to be packed for it.
func products(m []matrix) (y [][]float32, packed string) {
	for _, p := range m {
		pass := tensor.NewPass(context.Background(), 2)
		x := make([]float32, 3*p.t.Dim(1))
		for i := range x {
			x[i] = float32(i%13) - 6
		}
		y = append(y, slices.Clone(pass.Input(x, 3, p.t.Dim(1)).Linear(p.t, nil, tensor.None).Floats()))
		if _, fresh := p.t.Image(); fresh {
			packed += p.name
		}
	}
	return y, packed
}

// use opens a cache, multiplies, saves and closes as a model does.
func use(t testing.TB, path, source string, m []matrix) (y [][]float32, packed string) {
	t.Helper()
	c := weights.OpenCache(path, source)
	for _, p := range m {
		c.Attach(p.name, p.t)
	}
	y, packed = products(m)
	err := c.Save(path, all(m), 0o640, 2)
	for _, p := range m {
		p.t.Release()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return y, packed
}

func eachFormat(t *testing.T, test func(t *testing.T, f tensor.Format)) {
	for _, f := range []tensor.Format{tensor.FormatF32, tensor.FormatBF16, tensor.FormatW8, tensor.FormatI8} {
		t.Run(f.String(), func(t *testing.T) { test(t, f) })
	}
}

// What comes from the cache gives the bits that packing gives, is not written again, and is for those who may read the weights.
func TestCache(t *testing.T) {
	eachFormat(t, func(t *testing.T, f tensor.Format) {
		want, _ := products(matrices(f, 1))
		path := filepath.Join(t.TempDir(), "cache")
		for i, packs := range []string{"abc", "", ""} {
			before, _ := os.Stat(path)
			y, packed := use(t, path, "s", matrices(f, 1))
			if packed != packs || !equal(y, want) {
				t.Errorf("time %d: %q was packed, want %q; same bits: %v", i, packed, packs, equal(y, want))
			}
			after, err := os.Stat(path)
			if err != nil || i > 0 && !os.SameFile(before, after) || after.Mode().Perm() != 0o640 {
				t.Errorf("time %d: %v, mode %v", i, err, after.Mode())
			}
		}
		only(t, filepath.Dir(path), "cache", "lock")
	})
}

func equal(a, b [][]float32) bool { return slices.EqualFunc(a, b, slices.Equal) }

// only checks what a folder holds.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if err != nil || !slices.Equal(got, names) {
		t.Errorf("the folder holds %q, want %q (%v)", got, names, err)
	}
}

// Weights that were used in different runs come together.
func TestCacheGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	m := matrices(tensor.FormatI8, 1)
	want, _ := products(m)
	for i, packs := range []string{"a", "b", "c"} {
		part := matrices(tensor.FormatI8, 1)
		c := weights.OpenCache(path, "s")
		for _, p := range part {
			c.Attach(p.name, p.t)
		}
		if _, packed := products(part[i : i+1]); packed != packs {
			t.Errorf("%q was packed, want %q", packed, packs)
		}
		if err := c.Save(path, all(part), 0o600, 1); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if y, packed := use(t, path, "s", matrices(tensor.FormatI8, 1)); packed != "" || !equal(y, want) {
		t.Errorf("%q was packed; same bits: %v", packed, equal(y, want))
	}
}

// Nothing that differs in what a cache depends on is taken from it, and the cache is replaced.
func TestCacheStale(t *testing.T) {
	last := func(m []matrix, change func(b []byte)) []matrix { // of the values of a
		b := m[0].t.Bytes()
		change(b)
		return m
	}
	for name, c := range map[string]struct {
		source string
		m      []matrix
		packs  string
	}{
		"nothing":      {"s", matrices(tensor.FormatBF16, 1), ""},
		"source":       {"other", matrices(tensor.FormatBF16, 1), "abc"},
		"precision":    {"s", matrices(tensor.FormatI8, 1), "abc"},
		"values":       {"s", matrices(tensor.FormatBF16, 2), "abc"},
		"first value":  {"s", last(matrices(tensor.FormatBF16, 1), func(b []byte) { b[0] ^= 1 }), "a"},
		"last value":   {"s", last(matrices(tensor.FormatBF16, 1), func(b []byte) { b[len(b)-1] ^= 1 }), "a"},
		"shape":        {"s", transposed(matrices(tensor.FormatBF16, 1)), "a"},
		"another name": {"s", renamed(matrices(tensor.FormatBF16, 1)), "z"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cache")
			use(t, path, "s", matrices(tensor.FormatBF16, 1))
			again := copies(c.m)
			want, _ := products(copies(c.m))
			y, packed := use(t, path, c.source, c.m)
			if packed != c.packs || !equal(y, want) {
				t.Errorf("%q was packed, want %q; same bits: %v", packed, c.packs, equal(y, want))
			}
			if y, packed := use(t, path, c.source, again); packed != "" || !equal(y, want) {
				t.Errorf("after that %q was packed; same bits: %v", packed, equal(y, want))
			}
		})
	}
}

// copies makes parameters that nobody has used of others.
func copies(m []matrix) (out []matrix) {
	for _, p := range m {
		t := tensor.Param(p.t.Shape()...)
		t.Store(tensor.F32, bytes.Clone(p.t.Bytes()), nil)
		t.SetFormat(p.t.Format())
		out = append(out, matrix{p.name, t})
	}
	return out
}

func transposed(m []matrix) []matrix {
	t := tensor.Param(m[0].t.Dim(1), m[0].t.Dim(0))
	t.Store(tensor.F32, m[0].t.Bytes(), nil)
	t.SetFormat(m[0].t.Format())
	m[0].t = t
	return m
}

func renamed(m []matrix) []matrix {
	m[0].name = "z"
	return m
}

// What one set of kernels has packed, another does not read.
func TestCacheOfOtherKernels(t *testing.T) {
	if kernel.Tier() == cpu.Generic {
		t.Skip("there is only one")
	}
	eachFormat(t, func(t *testing.T, f tensor.Format) {
		path := filepath.Join(t.TempDir(), "cache")
		use(t, path, "s", matrices(f, 1))
		defer kernel.Use(cpu.Generic)()
		if _, packed := use(t, path, "s", matrices(f, 1)); packed != "abc" {
			t.Errorf("%q was packed", packed)
		}
	})
}

// Whichever byte is damaged, and wherever the file is cut off, results are as if there were no cache.
func TestCacheDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cache")
	use(t, path, "s", matrices(tensor.FormatI8, 1))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := products(matrices(tensor.FormatI8, 1))
	check := func(what string, at int, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c := weights.OpenCache(path, "s")
		m := matrices(tensor.FormatI8, 1)
		for _, p := range m {
			c.Attach(p.name, p.t)
		}
		if y, _ := products(m); !equal(y, want) {
			t.Fatalf("%s %d: other bits", what, at)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for at := 0; at < len(good); at++ {
		bad := bytes.Clone(good)
		bad[at] ^= 1 << (at % 8)
		check("byte", at, bad)
		if at > 200 { // behind the index
			at += 1009
		}
	}
	for n := 0; n < len(good); n += 1 + n/3 {
		check("cut at", n, good[:n])
	}
	check("longer by", 1, append(bytes.Clone(good), 0))

	for _, at := range []int{0, 16, 24, 40, 4096, len(good) - 4096} { // it is mended
		bad := bytes.Clone(good)
		bad[at] ^= 0x80
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, packed := use(t, path, "s", matrices(tensor.FormatI8, 1)); packed == "" {
			t.Errorf("byte %d is damaged and nothing was packed", at)
		}
		if _, packed := use(t, path, "s", matrices(tensor.FormatI8, 1)); packed != "" {
			t.Errorf("byte %d was not mended: %q was packed", at, packed)
		}
	}
}

// While another process writes, nothing is written; what a killed one left goes away.
func TestCacheWriters(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cache")
	other := flock.New(filepath.Join(dir, "lock"))
	if ok, err := other.TryLock(); !ok || err != nil {
		t.Skipf("no locks here: %v", err)
	}
	use(t, path, "s", matrices(tensor.FormatF32, 1))
	only(t, dir, "lock")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".123.tmp", []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	use(t, path, "s", matrices(tensor.FormatF32, 1))
	only(t, dir, "cache", "lock")
}

// New values end what a cache had for the old ones.
func TestCacheAndStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	use(t, path, "s", matrices(tensor.FormatF32, 1))
	m, other := matrices(tensor.FormatF32, 1), matrices(tensor.FormatF32, 2)
	want, _ := products(matrices(tensor.FormatF32, 2))
	c := weights.OpenCache(path, "s")
	for i, p := range m {
		c.Attach(p.name, p.t)
		p.t.Store(tensor.F32, other[i].t.Bytes(), nil)
	}
	if y, packed := products(m); packed != "abc" || !equal(y, want) {
		t.Errorf("%q was packed; same bits: %v", packed, equal(y, want))
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// A folder where a cache should be, or no folder to put it in, is no cache.
func TestCacheNowhere(t *testing.T) {
	m := matrices(tensor.FormatF32, 1)
	c := weights.OpenCache(t.TempDir(), "s")
	products(m)
	if err := c.Save(filepath.Join(t.TempDir(), "missing", "cache"), all(m), 0o600, 1); err == nil {
		t.Error("it was saved in a folder that is not there")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzCache wants neither a crash nor memory beyond the file, whatever it holds.
func FuzzCache(f *testing.F) {
	path := filepath.Join(f.TempDir(), "cache")
	m := matrices(tensor.FormatI8, 1)[:2]
	use(f, path, "s", m)
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:200])
	f.Fuzz(func(t *testing.T, data []byte) {
		const head = 28 // of which the last four bytes are the checksum of the index, which is set right so that the index is read
		if len(data) >= head {
			if n := uint64(binary.LittleEndian.Uint32(data[head-8:])); head+n <= uint64(len(data)) {
				data = bytes.Clone(data)
				binary.LittleEndian.PutUint32(data[head-4:], crc32.Checksum(data[head:head+n], crc32.MakeTable(crc32.Castagnoli)))
			}
		}
		path := filepath.Join(t.TempDir(), "cache")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c := weights.OpenCache(path, "s")
		m := matrices(tensor.FormatI8, 1)[:2]
		for _, p := range m {
			c.Attach(p.name, p.t)
		}
		products(m)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
