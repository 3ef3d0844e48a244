package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGenerateChangesNothing re-runs the generator into the tree and wants every file as it was. It needs the generator's modules, so
// it runs only where GENERATE is set, as make generate-check does.
func TestGenerateChangesNothing(t *testing.T) {
	if os.Getenv("GENERATE") == "" {
		t.Skip("GENERATE is not set")
	}
	files, err := filepath.Glob("*_a[mr][dm]64.s")
	if err != nil || len(files) == 0 {
		t.Fatal("no assembly", err)
	}
	files = append(files, "stubs_amd64.go", "stubs_arm64.go")
	before := map[string][]byte{}
	for _, f := range files {
		if before[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "generate", ".").CombinedOutput(); err != nil {
		t.Fatalf("go generate: %v\n%s", err, out)
	}
	for f, text := range before {
		if after, err := os.ReadFile(f); err != nil || !bytes.Equal(after, text) {
			t.Errorf("%s is not what the generator writes (%v)", f, err)
		}
	}
}
