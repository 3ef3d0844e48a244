package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/study"
)

const (
	tinyEyes   = "../../model/clip/testdata/transformers"
	benchmarks = "../../study/testdata/benchmark/"
)

func TestEval(t *testing.T) {
	r := runChiasm(t, "", "eval", tinyEyes, benchmarks+"captions", "--json").want(t, 0)
	f := objects[study.Figures](t, r)[0]
	if len(f.Retrieval) != 2 || f.Retrieval[0].Queries != 75 || f.Model != tinyEyes || f.Draws != 1000 || f.Level != 0.95 {
		t.Errorf("got %+v", f)
	}
	out := filepath.Join(t.TempDir(), "figures.csv")
	r = runChiasm(t, "", "eval", "-m", tinyEyes, benchmarks+"classes", "-o", out, "--draws", "50", "--template", "a {}").want(t, 0)
	for _, part := range []string{"36 items, 36 pictures", "top 1", "per class", "95 % confidence by 50 draws"} {
		if !strings.Contains(r.out, part) {
			t.Errorf("there is no %q in %s", part, r.out)
		}
	}
	if strings.Contains(r.out, "mAP") {
		t.Errorf("an empty column in %s", r.out)
	}
	if data, err := os.ReadFile(out); err != nil || !strings.HasPrefix(string(data), "task,language,") {
		t.Errorf("%v, %q", err, data)
	}
}

// A sound without samples, as of a recording that never began, is counted and left out.
func TestEvalOfEmptySound(t *testing.T) {
	if !chiasm.Ships() {
		t.Skip("no model ships with this build")
	}
	dir := t.TempDir()
	tone := make([]byte, 2*16000)
	for i := range tone {
		tone[i] = byte(i * i >> 9)
	}
	for name, samples := range map[string][]byte{"a": tone, "b": tone[4000:], "c": nil} {
		wav := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data"), binary.LittleEndian.AppendUint32(nil, uint32(len(samples)))...)
		for file, data := range map[string][]byte{name + ".wav": append(wav, samples...), name + ".txt": []byte("the sound " + name)} {
			if err := os.WriteFile(filepath.Join(dir, file), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := runChiasm(t, "", "eval", dir, "--json").want(t, exitFailure, "c.wav: chiasm: the sound has no samples", "1 of 3 items")
	if f := objects[study.Figures](t, r); len(f) != 1 || f[0].Broken != 1 || f[0].Retrieval[0].Gallery != 2 {
		t.Errorf("got %+v", f)
	}
}

func TestEvalOfTable(t *testing.T) {
	table := write(t, "pairs.tsv", "")
	pictures, err := filepath.Abs("../../model/clip/testdata/pictures")
	if err != nil {
		t.Fatal(err)
	}
	lines := "filepath\ttitle\n"
	for _, name := range []string{"tall", "wide", "gone"} {
		lines += filepath.Join(pictures, name+".png") + "\ta " + name + " thing\n"
	}
	if err := os.WriteFile(table, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	r := runChiasm(t, "", "eval", tinyEyes, table).want(t, 1, "gone.png", "1 of 3 items could not be read")
	if !strings.Contains(r.out, "text → image") {
		t.Errorf("what could be measured is missing from %s", r.out)
	}
	for _, c := range []struct{ args, want string }{
		{"eval", "there are no data"},
		{"eval a b c", "got 3 arguments"},
		{"eval -m a b c", "two models are given"},
		{"eval a b --task guessing", "want retrieval or classification"},
		{"eval a b -o x.txt", "want a .json or a .csv"},
		{"eval a b --draws 0", "--draws 0"},
		{"eval a b --confidence 1", "--confidence 1"},
		{"eval a b --template photo", "no {}"},
	} {
		runChiasm(t, "", strings.Fields(c.args)...).want(t, 2, c.want)
	}
	runChiasm(t, "", "eval", tinyEyes, "no-such-data.csv").want(t, 1, "no-such-data.csv")
}
