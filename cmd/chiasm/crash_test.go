package main

import (
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/library"
)

// crashesEnv says how often TestCrash kills, in place of a handful.
const crashesEnv = "CHIASM_CRASHES"

// TestCrash kills chiasm index, of one model and then another, two of which look at pictures by the same tower, at random moments between which
// the folder changes, and now and then the catalogue is made one of an earlier version. After each kill the
// library opens, check finds nothing wrong, searches find everything that a finished run had reported and that has not changed since,
// from the space that was complete; in the end a run goes on and completes.
func TestCrash(t *testing.T) {
	times := 5
	if testing.Short() {
		times = 2
	}
	if s := os.Getenv(crashesEnv); s != "" {
		var err error
		if times, err = strconv.Atoi(s); err != nil {
			t.Fatalf("%s: %v", crashesEnv, err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &crasher{t: t, r: rand.New(rand.NewPCG(seed, 0)), folder: t.TempDir(), library: filepath.Join(t.TempDir(), "library"), spool: t.TempDir(), done: map[string]bool{}, models: map[string]*chiasm.Model{}}
	c.names = append(slices.Clone(crashModels), c.otherEar(crashModels[1]))
	c.fill()
	c.finish()
	for c.kills < times {
		c.change()
		if c.r.IntN(6) == 0 {
			c.age()
		}
		if c.r.IntN(6) == 0 {
			c.finish()
		} else {
			c.kill()
		}
		c.verify()
	}
	c.finish()
	c.verify()
	t.Logf("%d kills, %d of them while it worked; %d runs finished, in which %d files got the vectors of another space; %d catalogues of version 4", c.kills, c.struck, c.finished, c.adopted, c.aged)
}

// seeded is for tests in which nothing depends on chance.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// A crasher keeps what is known of a library and its folder.
type crasher struct {
	t               *testing.T
	r               *rand.Rand
	folder, library string
	spool           string          // where files are made that are then moved to the folder
	names           []string        // of models
	model           int             // the one in use
	full            time.Duration   // of a run that finished
	done            map[string]bool // files that a finished run has reported and that are as they were then
	models          map[string]*chiasm.Model
	made            int // names so far
	kills, struck   int
	finished, aged  int
	adopted         int // files, in runs that finished
}

var crashModels = []string{tiny, "../../model/mini/testdata/tiny"}

// otherEar copies a model, and changes a number of its tower of sounds.
func (c *crasher) otherEar(model string) string {
	c.t.Helper()
	dir := filepath.Join(c.t.TempDir(), "another ear")
	c.must(os.CopyFS(dir, os.DirFS(model)))
	path := filepath.Join(dir, "model.safetensors")
	data, err := os.ReadFile(path)
	c.must(err)
	head := 8 + binary.LittleEndian.Uint64(data)
	var tensors map[string]struct {
		Offsets []int `json:"data_offsets"`
	}
	c.must(json.Unmarshal(data[8:head], &tensors))
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		if strings.HasPrefix(name, "sound.") {
			data[int(head)+tensors[name].Offsets[0]] ^= 1
			break
		}
	}
	c.must(os.WriteFile(path, data, 0o644))
	return dir
}

// age makes the catalogue one of version 4, which knew no towers.
func (c *crasher) age() {
	c.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(c.library, "catalogue.db"))
	c.must(err)
	var version int
	c.must(db.QueryRow("PRAGMA user_version").Scan(&version))
	if version > 4 {
		_, err = db.Exec(`BEGIN; ALTER TABLE spaces DROP COLUMN image; ALTER TABLE spaces DROP COLUMN audio; DROP TABLE unread; DROP TABLE damages; DROP TABLE sidecars;
			PRAGMA user_version = 4; COMMIT`)
		c.aged++
	}
	c.must(errors.Join(err, db.Close()))
}

func (c *crasher) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// fill makes pictures, sounds and, if they can be read here, a video.
func (c *crasher) fill() {
	for range 24 {
		c.picture()
	}
	for i := range 3 {
		c.copy("../../model/vad/testdata/voice.wav", fmt.Sprintf("sound-%d.wav", i))
	}
	if _, err := exec.LookPath("ffmpeg"); err == nil {
		videos, err := filepath.Glob("../../media/video/testdata/*.mp4")
		c.must(err)
		if len(videos) > 0 {
			c.copy(videos[0], "film.mp4")
		}
	}
}

// copy puts a file there whole or not at all.
func (c *crasher) copy(from, name string) {
	c.t.Helper()
	data, err := os.ReadFile(from)
	c.must(err)
	c.put(filepath.Join(c.folder, name), func(w io.Writer) error { _, err := w.Write(append(data, byte(c.made))); return err })
}

func (c *crasher) put(path string, write func(io.Writer) error) {
	c.t.Helper()
	f, err := os.CreateTemp(c.spool, "whole-*")
	c.must(err)
	c.must(write(f))
	c.must(f.Close())
	c.must(os.Rename(f.Name(), path))
	delete(c.done, path)
}

// picture makes a new one, or a new content of an old one.
func (c *crasher) picture() {
	c.made++
	c.paint(filepath.Join(c.folder, fmt.Sprintf("picture-%d.png", c.made)))
}

func (c *crasher) paint(path string) {
	m := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range m.Pix {
		m.Pix[i] = byte(c.r.Uint32())
	}
	m.Set(0, 0, color.White)
	c.put(path, func(w io.Writer) error { return png.Encode(w, m) })
}

// change adds, rewrites, renames and removes some pictures.
func (c *crasher) change() {
	files, err := filepath.Glob(filepath.Join(c.folder, "picture-*.png"))
	c.must(err)
	for range c.r.IntN(6) {
		path := files[c.r.IntN(len(files))]
		switch c.r.IntN(4) {
		case 0:
			c.picture()
		case 1:
			if _, err := os.Stat(path); err == nil {
				c.paint(path)
			}
		case 2:
			c.made++
			_ = os.Rename(path, filepath.Join(c.folder, fmt.Sprintf("picture-%d.png", c.made))) // it may be gone
			delete(c.done, path)
		case 3:
			if len(files) > 12 {
				_ = os.Remove(path) // it may be gone
				delete(c.done, path)
			}
		}
	}
	if c.r.IntN(4) == 0 {
		c.model = c.r.IntN(len(c.names))
	}
}

func (c *crasher) run() *exec.Cmd {
	return program(c.t, "index", "--json", "--library", c.library, "--model", c.names[c.model], c.folder)
}

// finish lets a run come to its end.
func (c *crasher) finish() {
	c.t.Helper()
	start := time.Now()
	cmd := c.run()
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("%v: %s", err, out)
	}
	c.full = time.Since(start)
	s := objects[library.Summary](c.t, result{out: string(out)})
	if len(s) != 1 || !s[0].Complete || s[0].Failed > 0 {
		c.t.Fatalf("%s", out)
	}
	files, err := filepath.Glob(filepath.Join(c.folder, "*.*"))
	c.must(err)
	for _, f := range files {
		c.done[f] = true
	}
	c.finished++
	c.adopted += s[0].Adopted
}

// kill ends a run at a random moment.
func (c *crasher) kill() {
	cmd := c.run()
	c.must(cmd.Start())
	time.Sleep(time.Duration(c.r.Float64() * float64(c.full)))
	_ = cmd.Process.Kill() // it may have ended
	if cmd.Wait() != nil {
		c.struck++
	}
	c.kills++
}

// verify looks at the library as a reader first, who repairs nothing, then as a writer.
func (c *crasher) verify() {
	c.t.Helper()
	for _, o := range []library.Options{{ReadOnly: true}, {}} {
		l, err := library.Open(c.library, o)
		c.must(err)
		found, seen := c.found(l)
		c.must(l.Close())
		for path := range c.done {
			if !found[path] {
				c.t.Fatalf("kill %d: %s was reported done and is not in the catalogue (read only: %v)", c.kills, path, o.ReadOnly)
			}
			if filepath.Ext(path) == ".png" && !seen[path] {
				c.t.Fatalf("kill %d: %s was reported done and is not found by what is in it (read only: %v)", c.kills, path, o.ReadOnly)
			}
		}
	}
	if r := runChiasm(c.t, "", "library", "check", "--library", c.library); r.code != exitOK {
		c.t.Fatalf("kill %d: %s%s", c.kills, r.out, r.err)
	}
}

// found is the files of the catalogue, and those that a search by vectors finds.
func (c *crasher) found(l *library.Library) (listed, seen map[string]bool) {
	c.t.Helper()
	s, ok, err := l.Current(c.t.Context())
	c.must(err)
	if !ok {
		c.t.Fatal("no space answers")
	}
	m := c.open(s.Model)
	paths := func(q library.Query) map[string]bool {
		q.Limit = 10000
		r, err := l.Search(c.t.Context(), m, q)
		c.must(err)
		out := map[string]bool{}
		for _, h := range r.Hits {
			out[h.Path] = true
		}
		return out
	}
	return paths(library.Query{}), paths(library.Query{Terms: []library.Term{{Text: "x", Weight: 1}}, NoWords: true})
}

// open opens a model once for the whole test: that takes longer than to search.
func (c *crasher) open(name string) *chiasm.Model {
	c.t.Helper()
	if m := c.models[name]; m != nil {
		return m
	}
	i := slices.IndexFunc(c.names, func(m string) bool { return filepath.Base(m) == filepath.Base(name) })
	if i < 0 {
		c.t.Fatalf("the library names the model %q", name)
	}
	m, err := chiasm.Open(c.t.Context(), c.names[i], nil)
	c.must(err)
	c.t.Cleanup(func() { m.Close() })
	c.models[name] = m
	return m
}
