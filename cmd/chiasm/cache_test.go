package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
)

// Models that are kept are shown, counted and removed with the rest.
func TestKeptModel(t *testing.T) {
	testHub(t)
	dir := t.TempDir()
	t.Setenv("CHIASM_CACHE", dir)
	first := runChiasm(t, "", "embed", "-m", hubModel, "-t", "cat", tinyWide).want(t, 0)
	if again := runChiasm(t, "", "embed", "-m", hubModel, "-t", "cat", tinyWide).want(t, 0); again.out != first.out {
		t.Error("the second start gives other vectors")
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*", "packed-*-f32.bin"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %q, %v", kept, err)
	}
	info, err := os.Stat(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	if shown := runChiasm(t, "", "show", hubModel).want(t, 0).out; !strings.Contains(shown, "\npacked        "+kept[0]+", ") {
		t.Errorf("show gave\n%s", shown)
	}
	shown := objects[chiasm.Info](t, runChiasm(t, "", "show", "--json", hubModel).want(t, 0))[0]
	if len(shown.Kept) != 1 || shown.Kept[0] != (chiasm.File{Name: kept[0], Size: info.Size()}) {
		t.Errorf("show --json gave %+v", shown.Kept)
	}
	line := objects[rmLine](t, runChiasm(t, "", "rm", "--yes", "--json", hubModel).want(t, 0))[0]
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 || line.Freed < info.Size()+200_000 {
		t.Errorf("rm freed %d and left %v, %v", line.Freed, left, err)
	}
}

// What lies in a snapshot is counted with it.
func TestKeptInSnapshot(t *testing.T) {
	testHub(t)
	dir := strings.TrimSpace(runChiasm(t, "", "pull", hubModel).want(t, 0).out)
	before := inCache(t)[0]
	if err := os.MkdirAll(filepath.Join(dir, ".chiasm"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".chiasm", "packed-x.bin"), make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	after := inCache(t)[0]
	if after.Size != before.Size+1<<20 || !after.Modified.Equal(before.Modified) || !after.Runs {
		t.Errorf("before %+v, after %+v", before, after)
	}
	freed := objects[rmLine](t, runChiasm(t, "", "rm", "--yes", "--json", hubModel).want(t, 0))[0].Freed
	if _, err := os.Stat(dir); freed < after.Size || !os.IsNotExist(err) {
		t.Errorf("rm freed %d of %d: %v", freed, after.Size, err)
	}
}

// Processes that start together give the same answer, and leave one whole cache and nothing else.
func TestKeepingTogether(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CHIASM_CACHE", dir)
	args := []string{"embed", "-m", tiny, "--precision", "int8", "-t", "cat", tinyWide}
	var outs [4]bytes.Buffer
	var running []*exec.Cmd
	for i := range outs {
		cmd := program(t, args...)
		cmd.Stdout = &outs[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	for i, cmd := range running {
		if err := cmd.Wait(); err != nil || outs[i].Len() == 0 || outs[i].String() != outs[0].String() {
			t.Errorf("process %d: %v, %q", i, err, &outs[i])
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "*")) // two notes, the lock and the cache
	if err != nil || len(left) != 4 {
		t.Errorf("the folder holds %q, %v", left, err)
	}
	if again := runChiasm(t, "", args...).want(t, 0); again.out != outs[0].String() {
		t.Errorf("then: %q", again.out)
	}
}
