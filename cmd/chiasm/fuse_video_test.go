package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
)

// clips is a table of short videos, red with a low tone or blue with a high one; the third is mute, the last is none.
func clips(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	dir := t.TempDir()
	args := []string{"-v", "error", "-y"}
	const n = 10
	for i := range n {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("color=c=0x%s:size=64x48:rate=4", [][]string{{"d02010", "1020d0"}, {"a04030", "3040a0"}}[i/2%2][i%2]),
			"-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=%d:sample_rate=16000", 300+20*i+i%2*2000))
	}
	table := "clip,label\n"
	for i := range n {
		name := fmt.Sprintf("%d.mkv", i)
		args = append(args, "-t", fmt.Sprintf("1.%d", i), "-map", fmt.Sprint(2*i), "-c:v", "mpeg4")
		if i != 2 {
			args = append(args, "-map", fmt.Sprint(2*i+1), "-c:a", "pcm_s16le")
		}
		args = append(args, filepath.Join(dir, name))
		table += name + "," + []string{"low", "high"}[i%2] + "\n"
	}
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Skipf("ffmpeg cannot make videos here: %v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "none.mkv"), []byte("no video"), 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "clips.csv")
	if err := os.WriteFile(path, []byte(table+"none.mkv,low\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Videos go from a table to answers: their pictures and their sound are two modalities of one column, and a file is given once.
func TestFuseVideos(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	if !chiasm.Ships() {
		t.Skip("no model is inside this build")
	}
	table := clips(t)
	dir, cache := filepath.Join(t.TempDir(), "model"), filepath.Join(t.TempDir(), "cache")
	r := runChiasm(t, "", "fuse", "train", table, "--video", "clip", "--audio", "clip", "--method", "late/product", "--steps", "40", "--draws", "10", "-o", dir, "--cache", cache, "--json")
	if r.code != 0 || !strings.Contains(r.err, `clip (audio), clip (video)`) || !strings.Contains(r.err, `2 files in column "clip (audio)" cannot be read`) ||
		!strings.Contains(r.err, `1 file in column "clip (video)" cannot be read`) {
		t.Fatalf("exit code %d, stderr %s", r.code, r.err)
	}
	report := objects[decision.Report](t, runChiasm(t, "", "fuse", "eval", dir, table, "--json", "--cache", cache, "--draws", "10", "-q"))[0]
	if *report.All.Accuracy < 0.9 || report.All.Items != 10 || len(report.Subsets) != 3 {
		t.Errorf("accuracy %s of %d in %d sets", report.All.Main(), report.All.Items, len(report.Subsets))
	}
	folder := filepath.Dir(table)
	for _, c := range []struct {
		file    string
		class   string
		missing []string
		notes   []string
	}{
		{"3.mkv", "high", []string{}, nil},
		{"2.mkv", "low", []string{"clip (audio)"}, []string{"nothing for clip (audio)"}},
	} {
		r := runChiasm(t, "", "fuse", "predict", dir, filepath.Join(folder, c.file), "--json").want(t, 0, c.notes...)
		if got := objects[fuseAnswer](t, r)[0]; got.Class != c.class || !slices.Equal(got.Missing, c.missing) {
			t.Errorf("%s: %s", c.file, r.out)
		}
	}
	runChiasm(t, "", "fuse", "predict", dir, filepath.Join(folder, "none.mkv")).want(t, 1, "none.mkv")
	rows := runChiasm(t, "", "fuse", "predict", dir, table, "--json", "--cache", cache, "-q")
	if rows.code != 1 || len(objects[fuseAnswer](t, rows)) != 10 || !strings.Contains(rows.err, "row 11: nothing of it can be read") {
		t.Errorf("exit code %d, %s%s", rows.code, rows.out, rows.err)
	}
}
