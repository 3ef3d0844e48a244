package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A library is made, asked and looked after from the command line.
func TestLibrary(t *testing.T) {
	dir, photos := filepath.Join(t.TempDir(), "library"), t.TempDir()
	files, err := filepath.Glob(gallery + "*.png")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(photos, filepath.Base(f)), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(photos, "broken.jpg"), []byte("\xff\xd8\xff"), 0o644); err != nil {
		t.Fatal(err)
	}
	l := "--library=" + dir
	runChiasm(t, "", "search", l, "-m", tiny, "x").want(t, exitFailure, "there is no library")
	runChiasm(t, "", "index", l, "-m", tiny).want(t, exitFailure, "covers no folder")
	type summary struct {
		Added, Changed, Moved, Removed, Failed, Unchanged, Embedded *int
		Missing                                                     []string
		Space                                                       string
		Complete, Switched                                          bool
	}
	s := objects[summary](t, runChiasm(t, "", "index", l, "-m", tiny, "--json", photos).want(t, exitOK, "library errors"))
	if len(s) != 1 || *s[0].Added != len(files) || *s[0].Failed != 1 || *s[0].Changed+*s[0].Moved+*s[0].Removed != 0 {
		t.Fatalf("%+v", s)
	}
	s = objects[summary](t, runChiasm(t, "", "index", l, "--json").want(t, exitOK))
	if *s[0].Unchanged != len(files)+1 {
		t.Fatalf("%+v", s)
	}
	type hit struct {
		Path, Kind string
		Score      float64
		Start, End *float64
		ID         int64
	}
	for _, args := range [][]string{
		{"search", l, "--json", "--image", files[1]},
		{"search", l, "--json", "--no-words", "--limit=3", "--", "--image", files[1]},
	} {
		hits := objects[hit](t, runChiasm(t, "", append(args, "type:image")...))
		if len(hits) == 0 || filepath.Base(hits[0].Path) != filepath.Base(files[1]) || hits[0].Score < 0.999 || hits[0].Kind != "image" || hits[0].ID == 0 {
			t.Errorf("%v: %+v", args, hits)
		}
	}
	if hits := objects[hit](t, runChiasm(t, "", "search", "x", "--", "-y", l, "--limit", "1", "--strictness=0", "--json").want(t, exitOK, "there is more")); len(hits) != 1 {
		t.Errorf("flags after --: %+v", hits)
	}
	runChiasm(t, "", "search", l, "x", "--", "--lines").want(t, exitUsage, "unknown flag: --lines")
	runChiasm(t, "", "search", l, "x", "--", "--limit").want(t, exitUsage, "needs an argument: --limit")
	if r := runChiasm(t, "", "search", l, "--json", "type:video", "x").want(t, exitOK, "nothing was found"); r.out != "" {
		t.Errorf("%q", r.out)
	}
	runChiasm(t, "", "search", l, "size:huge").want(t, exitUsage, "size:huge")
	runChiasm(t, "", "search", l).want(t, exitUsage, "what is to be found")
	runChiasm(t, "", "library", "check", l).want(t, exitOK, "all is well")
	type failure struct{ Path, Error string }
	f := objects[failure](t, runChiasm(t, "", "library", "errors", l, "--json").want(t, exitOK))
	if len(f) != 1 || filepath.Base(f[0].Path) != "broken.jpg" || f[0].Error == "" {
		t.Errorf("%+v", f)
	}
	again := filepath.Join(photos, "again.png")
	data, err := os.ReadFile(files[0])
	if err == nil {
		err = os.WriteFile(again, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	runChiasm(t, "", "index", l).want(t, exitOK)
	runChiasm(t, "no\n", "duplicates", l, "--delete").want(t, exitFailure, "beside", "delete 1 file", "nothing was deleted")
	runChiasm(t, "yes\n", "duplicates", l, "--delete").want(t, exitOK, "beside", "delete 1 file")
	left, err := filepath.Glob(filepath.Join(photos, "*.png"))
	if err != nil || len(left) != len(files) || slices.Contains(left, again) && slices.Contains(left, filepath.Join(photos, filepath.Base(files[0]))) {
		t.Errorf("%v, %v", left, err)
	}
	tar := filepath.Join(t.TempDir(), "library.tar")
	runChiasm(t, "", "library", "export", l, tar).want(t, exitOK)
	runChiasm(t, "", "library", "import", "--library="+dir+"2", tar).want(t, exitOK)
	runChiasm(t, "", "library", "check", "--library="+dir+"2").want(t, exitOK, "all is well")
	runChiasm(t, "", "library", "forget", l, photos).want(t, exitOK)
}
