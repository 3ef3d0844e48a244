package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
)

// With nothing but the program, everything works: without a home, a cache, a network or a word about a model.
func TestShippedByDefault(t *testing.T) {
	if !chiasm.Ships() {
		t.Skip("no model ships with this build")
	}
	picture, err := filepath.Abs(tinyWide)
	if err != nil {
		t.Fatal(err)
	}
	sound, err := filepath.Abs(voice)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, c := range []struct{ args, want string }{
		{"similarity --json --text cat --text 猫 " + picture + " " + sound, `"model":"mini"`},
		{"similarity --text cat " + picture, "probability"},
		{"classify --labels cat,dog --json " + picture + " " + sound, `"label":"cat"`},
		{"embed --text cat " + picture + " " + sound, `"space":"mini@`},
		{"embed --precision auto --text cat", `"space":"mini@`},
		{"tokenize cat", "cat"},
		{"show", "path          inside the program"},
	} {
		cmd := program(t, strings.Fields(c.args)...)
		cmd.Dir, cmd.Env = dir, []string{asProgram + "=1", "HF_ENDPOINT=http://127.0.0.1:1"}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil || !strings.Contains(out.String(), c.want) {
			t.Errorf("chiasm %s: %v\n%s%s", c.args, err, &out, &errs)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind, %v", left, err)
	}
}

func TestShippedVerbs(t *testing.T) {
	runChiasm(t, "", "pull", "mini").want(t, 0, "mini is part of the program: there is nothing to download")
	runChiasm(t, "", "rm", "--yes", "mini").want(t, 2, "mini is part of the program and cannot be removed")
	runChiasm(t, "", "train", "--model.from", "mini", "--data.train", "x.csv", "--output", filepath.Join(t.TempDir(), "out")).
		want(t, 1, "mini stays as it is: want model.way probe or cache for it, or a CLIP, SigLIP or CLAP")
	if !chiasm.Ships() {
		runChiasm(t, "", "tokenize", "a").want(t, 1, "open mini: this build of chiasm has no model inside: name another")
		return
	}
	first := listing(t)[0]
	if first.Name != chiasm.Shipped || !first.Shipped || !first.Runs || len(first.Revision) != 64 || first.Size < 100_000 || first.Path != "" {
		t.Errorf("list gives %+v", first)
	}
	runChiasm(t, "", "transcribe", "-m", "mini", voice).want(t, 1, "mini cannot transcribe, it takes text and image and audio; openai/whisper-base can")
	runChiasm(t, "", "embed", "--kind", "video", voice).want(t, 1, "an EmbeddingGemma 2 can", "1 of 1 input failed")
	data := filepath.Join(t.TempDir(), "pairs.csv")
	picture, err := filepath.Abs(tinyWide)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(data, []byte("filepath,title\n"+picture+",a cat\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := runChiasm(t, "", "eval", "--json", data).want(t, 0).out; !strings.Contains(out, "mini@") {
		t.Errorf("eval says %s", out)
	}
	examples, head := "filepath,label\n", filepath.Join(t.TempDir(), "head")
	for _, name := range []string{"cat,animal", "dogs,animal", "horse,animal", "mountains,place", "louvre,place", "great-wall,place"} {
		examples += strings.Replace(name, ",", ".jpg,", 1) + "\n"
	}
	pictures, err := filepath.Abs("../../examples/collection/pictures")
	if err != nil {
		t.Fatal(err)
	}
	examples = strings.NewReplacer("\n", "\n"+pictures+"/").Replace(strings.TrimSpace(examples))
	if err := os.WriteFile(data, []byte(examples), 0o644); err != nil {
		t.Fatal(err)
	}
	runChiasm(t, "", "train", "--model.way", "probe", "--data.train", data, "--output", head).want(t, 0, "the strength of the probe")
	r := runChiasm(t, "", "classify", "--head", head, "--top", "1", filepath.Join(pictures, "moose.jpg"), filepath.Join(pictures, "pisa.jpg"))
	if lines := strings.Fields(r.want(t, 0).out); len(lines) != 6 || lines[2] != "animal" || lines[5] != "place" {
		t.Errorf("an elk and a tower are %q", r.out)
	}
}

// Without a home there is no place for a library but one that is named.
func TestLibraryWithoutHome(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_DATA_HOME", libraryEnv} {
		t.Setenv(name, "")
	}
	runChiasm(t, "", "index", t.TempDir()).want(t, exitUsage, "want --library DIR, $CHIASM_LIBRARY, or a home folder")
}

// A search for what is not there says so, and shows what is closest to people only.
func TestSearchForWhatIsNotThere(t *testing.T) {
	if !chiasm.Ships() {
		t.Skip("no model ships with this build")
	}
	library := "--library=" + filepath.Join(t.TempDir(), "library")
	runChiasm(t, "", "index", library, "../../examples/pictures").want(t, exitOK, "searches answer from mini")
	if r := runChiasm(t, "", "search", library, "--no-words", "a red apple").want(t, exitOK); !strings.Contains(r.out, "apple.png") {
		t.Errorf("a red apple: %q, %s", r.out, r.err)
	}
	r := runChiasm(t, "", "search", library, "--no-words", "a steam locomotive")
	if more := runChiasm(t, "", "search", library, "--no-words", "a steam locomotive", "--offset", "10"); more.code != exitOK || more.err != "chiasm: nothing more was found\n" {
		t.Errorf("beyond the end: %+v", more)
	}
	if r.code != exitOK || r.out != "" || !strings.Contains(r.err, "nothing that is probably meant") || strings.Count(r.err, ".png") != 3 {
		t.Errorf("a steam locomotive: exit code %d, %q, %s", r.code, r.out, r.err)
	}
}
