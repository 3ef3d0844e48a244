package whole

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// alone fails if a folder holds anything but the file of that name.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, text := range []string{"one", "two"} {
		if err := WriteBytes(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	alone(t, path)
}

func TestWhatFailsChangesNothing(t *testing.T) {
	path, fault := filepath.Join(t.TempDir(), "file"), errors.New("fault")
	if err := WriteBytes(path, []byte("before")); err != nil {
		t.Fatal(err)
	}
	err := Write(path, func(w io.Writer) error {
		io.WriteString(w, "half")
		return fault
	})
	if !errors.Is(err, fault) || read(t, path) != "before" {
		t.Errorf("got %q, error %v", read(t, path), err)
	}
	alone(t, path)
}

// TestPlaceTaken commits to a path that has become a folder meanwhile.
func TestPlaceTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(0o644); err == nil {
		t.Error("a folder was replaced")
	}
	f.Abort()
	alone(t, path)
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, name := range []string{"file", ".file.123", ".file.x1", ".other.123"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	Sweep(path)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("%v are left, error %v; want all but .file.123", entries, err)
	}
}

// TestErrorsNameThePath writes to a file that is closed already.
func TestErrorsNameThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	err := Write(path, func(w io.Writer) error {
		w.(*File).File.Close()
		_, err := io.WriteString(w, "late")
		return err
	})
	var at *fs.PathError
	if !errors.As(err, &at) || at.Path != path {
		t.Errorf("got %v, want an error of %s", err, path)
	}
	path = filepath.Join(path, "nowhere", "file")
	if err := Write(path, nil); !errors.As(err, &at) || at.Path != path || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want an error of %s", err, path)
	}
}

func TestPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("quick")
	if err = errors.Join(err, f.Place(0o644)); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "quick" {
		t.Error(got)
	}
	alone(t, path)
}
