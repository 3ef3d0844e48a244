package dataset

import (
	"os"
	"path/filepath"
	"testing"
)

// walk opens bytes as a file of a format and reads all that is in it, which may fail but not otherwise.
func walk(t *testing.T, name string, data []byte) {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, &Options{Expanded: 1 << 20})
	if err != nil {
		return
	}
	defer s.Close()
	for i := range min(s.Len(), 100) {
		it, err := s.Item(i)
		if err != nil {
			continue
		}
		if it.Image != nil && it.Image.Path() == "" {
			if _, err := it.Image.Bytes(); err != nil {
				t.Errorf("an item is there and its picture is not: %v", err)
			}
		}
	}
}

func seed(f *testing.F, patterns ...string) {
	for _, p := range patterns {
		files, err := filepath.Glob(filepath.Join("testdata", p))
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds %s: %v", p, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
}

func FuzzTar(f *testing.F) {
	seed(f, "pairs-00.tar", "wds_multi/test/0.tar")
	f.Fuzz(func(t *testing.T, b []byte) { walk(t, "x.tar", b) })
}

func FuzzPacked(f *testing.F) {
	seed(f, "packed-0.tar.gz")
	f.Fuzz(func(t *testing.T, b []byte) { walk(t, "x.tar.gz", b) })
}

func FuzzParquet(f *testing.F) {
	seed(f, "hf.parquet", "*/data/*.parquet", "lz4.parquet")
	f.Fuzz(func(t *testing.T, b []byte) { walk(t, "x.parquet", b) })
}

func FuzzTables(f *testing.F) {
	f.Add([]byte("filepath\ttitle\ttitle_zh\na.jpg\t\"a\ndog\"\t狗\n"))
	f.Add([]byte(`{"image":{"path":"a.jpg"},"texts":{"en":["a"]},"labels":[1],"lang":"zh"}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		walk(t, "x.csv", b)
		walk(t, "x.jsonl", b)
	})
}

func FuzzNumPy(f *testing.F) {
	f.Add([]byte("\x93NUMPY\x01\x00\x46\x00{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }             \n\x01\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := parseNumPy(b); err == nil && len(v) > len(b) {
			t.Errorf("%d values of %d bytes", len(v), len(b))
		}
	})
}
