package main

import (
	"bytes"
	"compress/zlib"
	"database/sql"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chiasm/chiasm/library"
)

// pngOf is a PNG file of so many pixels, one bit each, whose lines are all black; claimed is what its header says of its size.
func pngOf(w, h, claimed uint32) []byte {
	var out bytes.Buffer
	chunk := func(kind string, data []byte) {
		binary.Write(&out, binary.BigEndian, uint32(len(data)))
		body := append([]byte(kind), data...)
		out.Write(body)
		binary.Write(&out, binary.BigEndian, crc32.ChecksumIEEE(body))
	}
	out.WriteString("\x89PNG\r\n\x1a\n")
	header := make([]byte, 13)
	binary.BigEndian.PutUint32(header, max(w, claimed))
	binary.BigEndian.PutUint32(header[4:], max(h, claimed))
	header[8] = 1
	chunk("IHDR", header)
	var lines bytes.Buffer
	z := zlib.NewWriter(&lines)
	line := make([]byte, 1+(w+7)/8)
	for range h {
		z.Write(line)
	}
	z.Close()
	chunk("IDAT", lines.Bytes())
	chunk("IEND", nil)
	return out.Bytes()
}

// wavOf is a WAV file of 16-bit samples whose header says what it likes.
func wavOf(claimed, rate uint32, samples int) []byte {
	var out bytes.Buffer
	out.WriteString("RIFF")
	binary.Write(&out, binary.LittleEndian, claimed)
	out.WriteString("WAVEfmt ")
	binary.Write(&out, binary.LittleEndian, []uint32{16, 1 | 1<<16, rate, 2 * rate, 2 | 16<<16})
	out.WriteString("data")
	binary.Write(&out, binary.LittleEndian, claimed)
	for i := range samples {
		binary.Write(&out, binary.LittleEndian, int16(i%100*200))
	}
	return out.Bytes()
}

// What a folder may hold that is not in order: each has its line in the list of errors, and everything else goes on.
func TestHostileFolder(t *testing.T) {
	folder, lib := t.TempDir(), filepath.Join(t.TempDir(), "library")
	good, err := os.ReadFile(tinyWide)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{ // those that are read
		"fine.png": good, "mislabelled.jpg": append(bytes.Clone(good), 1), "-dash.png": append(bytes.Clone(good), 2), "two\nlines.png": append(bytes.Clone(good), 3),
		"latin\xe9.png": append(bytes.Clone(good), 4), "lies.wav": wavOf(0xfffffff0, 16000, 16000), "long.wav": wavOf(32000, 16000, 16000),
	}
	bad := map[string][]byte{
		"bomb.png": pngOf(8, 8, 60000), "cut.png": good[:len(good)/2], "empty.png": nil, "zeros.jpg": make([]byte, 5000), "page.png": []byte("<!doctype html>"),
		"empty.mp4": nil, "head.mp4": []byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42"), "still.wav": wavOf(0, 0, 0), "note.flac": []byte("fLaC"),
	}
	if !testing.Short() {
		files["enormous.png"] = pngOf(20000, 10000, 0) // 200 megapixels in 25 kB
	}
	for _, set := range []map[string][]byte{files, bad} {
		for name, data := range set {
			if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
				t.Skipf("this file system takes no %q: %v", name, err)
			}
		}
	}
	l := "--library=" + lib
	const hears = "../../model/mini/testdata/tiny"
	r := runChiasm(t, "", "index", l, "-m", hears, "--json", folder)
	s := objects[library.Summary](t, r)
	if r.code != exitOK || len(s) != 1 || s[0].Added != len(files) || s[0].Failed != len(bad) {
		t.Fatalf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	if s[0].Damaged != 1 {
		t.Errorf("%d damaged files, want lies.wav alone", s[0].Damaged)
	}
	bad["lies.wav"] = nil // it is found by what there is of it, and listed
	errs := runChiasm(t, "", "library", "errors", l).want(t, exitOK)
	for name := range bad {
		if !strings.Contains(errs.out, name+": ") {
			t.Errorf("%s is not in the list:\n%s", name, errs.out)
		}
	}
	if n := strings.Count(errs.out, "\n"); n != len(bad) {
		t.Errorf("%d lines of errors, want %d:\n%s", n, len(bad), errs.out)
	}
	found := runChiasm(t, "", "search", l, "--strictness=0", "--no-words", "-n", "100", "x").want(t, exitOK)
	if n := strings.Count(found.out, "\n"); n != len(files) {
		t.Errorf("%d lines of hits, want %d:\n%s", n, len(files), found.out)
	}
	runChiasm(t, "", "library", "check", l).want(t, exitOK, "all is well")

	// Clocks that go back: a file that is newer by its content and older by its date is read again.
	path := filepath.Join(folder, "fine.png")
	err = os.WriteFile(path, append(bytes.Clone(good), 9), 0o644)
	if err == nil {
		err = os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0))
	}
	if err != nil {
		t.Fatal(err)
	}
	s = objects[library.Summary](t, runChiasm(t, "", "index", l, "--json").want(t, exitOK))
	if len(s) != 1 || s[0].Changed != 1 || s[0].Failed != 0 {
		t.Errorf("after the clock went back: %+v", s)
	}
	newer(t, lib)
}

// newer spoils a library: a later version has made it.
func newer(t *testing.T, lib string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(lib, "catalogue.db"))
	if err == nil {
		_, err = db.Exec("PRAGMA user_version = 999")
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"search", "x"}, {"index"}, {"library", "info"}, {"library", "check"}} {
		runChiasm(t, "", append(args, "--library", lib)...).want(t, exitFailure, "newer version")
	}
}

// A segment that is damaged is said, what is in others is found, and repair and another run bring it back.
func TestDamagedSegment(t *testing.T) {
	c := &crasher{t: t, r: seeded(), folder: t.TempDir(), library: filepath.Join(t.TempDir(), "library"), spool: t.TempDir(), names: crashModels, done: map[string]bool{}}
	for range 6 {
		c.picture()
	}
	l := "--library=" + c.library
	runChiasm(t, "", "index", l, "-m", tiny, c.folder).want(t, exitOK, "searches answer from")
	segments, err := filepath.Glob(filepath.Join(c.library, "vectors", "*", "*.vectors"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	change(t, segments[0], func(b []byte) []byte {
		b[len(b)/2] ^= 0x10
		return b
	})
	if r := runChiasm(t, "", "library", "check", l); r.code != exitFailure || r.out == "" {
		t.Errorf("check: exit code %d: %s%s", r.code, r.out, r.err)
	}
	if r := runChiasm(t, "", "search", l, "--strictness=0", "--no-words", "x"); r.code != exitOK {
		t.Errorf("search: exit code %d: %s", r.code, r.err)
	}
	runChiasm(t, "", "library", "repair", l).want(t, exitOK, "all is well")
	runChiasm(t, "", "index", l).want(t, exitOK)
	if r := runChiasm(t, "", "search", l, "--strictness=0", "--no-words", "x"); strings.Count(r.out, "\n") != 6 {
		t.Errorf("afterwards: %s%s", r.out, r.err)
	}
	runChiasm(t, "", "library", "check", l).want(t, exitOK, "all is well")
}

// A folder that vanishes while it is read: the run ends in order, and what is left is what is there.
func TestFolderVanishes(t *testing.T) {
	c := &crasher{t: t, r: seeded(), folder: t.TempDir(), library: filepath.Join(t.TempDir(), "library"), spool: t.TempDir(), names: crashModels, done: map[string]bool{}}
	kept := filepath.Join(c.folder, "kept")
	if err := os.Mkdir(kept, 0o755); err != nil {
		t.Fatal(err)
	}
	c.paint(filepath.Join(kept, "here.png"))
	gone := filepath.Join(c.folder, "gone")
	if err := os.Mkdir(gone, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		c.paint(filepath.Join(gone, string(rune('a'+i%26))+strings.Repeat("x", i/26)+".png"))
	}
	cmd := program(t, "index", "--library", c.library, "-m", tiny, c.folder)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(150 * time.Millisecond)
	if err := os.RemoveAll(gone); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || strings.Contains(errs.String(), "goroutine") {
		t.Fatalf("%v: %s", err, &errs)
	}
	l := "--library=" + c.library
	runChiasm(t, "", "index", l).want(t, exitOK)
	if r := runChiasm(t, "", "search", l, "--strictness=0", "x"); strings.Count(r.out, "\n") != 1 || !strings.Contains(r.out, "here.png") {
		t.Errorf("found %s%s", r.out, r.err)
	}
	runChiasm(t, "", "library", "check", l).want(t, exitOK, "all is well")
}
