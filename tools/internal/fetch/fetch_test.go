package fetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFileNames(t *testing.T) {
	for _, c := range []struct {
		pkg  Package
		want string
	}{
		{Deb("openclipart-png", "1:0.18+dfsg-19", "all", ""), "openclipart-png_1%3a0.18+dfsg-19_all.deb"},
		{NPM("@twemoji/svg", "15.0.0", ""), "twemoji-svg-15.0.0.tgz"},
		{NPM("openmoji", "17.0.0", ""), "openmoji-17.0.0.tgz"},
	} {
		if c.pkg.file != c.want {
			t.Errorf("%s %s: file %q, want %q", c.pkg.Name, c.pkg.Version, c.pkg.file, c.want)
		}
	}
}

// archive is a gzipped tar archive with a file that belongs to the package, and one that would lie outside the folder.
func archive(t *testing.T) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range []string{"package/a.txt", "../outside.txt"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: 5, Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte("hello"))
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	data, dir := archive(t), t.TempDir()
	sum := sha256.Sum256(data)
	p := NPM("thing", "1.0.0", hex.EncodeToString(sum[:]))
	if err := os.WriteFile(filepath.Join(dir, "thing-1.0.0.tgz"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	to, err := p.Unpack(dir) // what is there with the right hash is not downloaded
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(to, "package/a.txt")); err != nil || string(got) != "hello" {
		t.Errorf("unpacked %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "outside.txt")); err == nil {
		t.Error("a file was written outside of the package's folder")
	}
	if err := CheckHash(filepath.Join(dir, "thing-1.0.0.tgz"), strings.Repeat("0", 64)); err == nil {
		t.Error("a wrong hash is accepted")
	}
}
