package golden

import (
	"os"
	"path/filepath"
	"testing"
)

// Real is the folder of a real model, or of clips, as tools/realmodels lays them out. Where there are none the test is left out.
func Real(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("CHIASM_REALMODELS")
	if dir == "" {
		t.Skip("CHIASM_REALMODELS names no folder with real models: make real fetches them")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%v: make realmodels fetches it", err)
	}
	return path
}
