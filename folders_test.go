package chiasm

import (
	"path/filepath"
	"testing"
)

// A folder's cache lies in it, a file's beside it, and where a folder is named each model has one of its own.
func TestCacheFolders(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "model.pt") // nothing there need exist
	if got := cacheFolders(dir, "")[0]; got != filepath.Join(dir, ".chiasm") {
		t.Errorf("of a folder: %s", got)
	}
	if got := cacheFolders(file, "")[0]; got != filepath.Join(dir, ".chiasm", "model.pt") {
		t.Errorf("of a file: %s", got)
	}
	if got := cacheFolders(file, "off"); got != nil {
		t.Errorf("off: %q", got)
	}
	a, b := cacheFolders(file, "x"), cacheFolders(filepath.Join(dir, "other", "model.pt"), "x")
	if len(a) != 1 || len(b) != 1 || a[0] == b[0] || filepath.Dir(a[0]) != "x" {
		t.Errorf("named: %q and %q", a, b)
	}
}
