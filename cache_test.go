package chiasm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/weights"
)

// once opens a model, embeds a text and a picture, and closes it.
func once(t *testing.T, name string, o *chiasm.Options) (vectors []chiasm.Embedding, precision string) {
	t.Helper()
	m, err := chiasm.Open(context.Background(), name, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.EmbedText(context.Background(), "a cat")
	if err != nil {
		t.Fatal(err)
	}
	picture, err := m.EmbedImage(context.Background(), pictures(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return []chiasm.Embedding{text, picture}, m.Precision()
}

func sameBits(a, b []chiasm.Embedding) bool {
	return slices.EqualFunc(a, b, func(a, b chiasm.Embedding) bool { return slices.Equal(a.Values, b.Values) })
}

// holds lists the files below a folder.
func holds(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The second start gives the bits of the first, from what the first has kept.
func TestCache(t *testing.T) {
	for _, precision := range []string{"f32", "bf16", "w8", "int8"} {
		dir := t.TempDir()
		want, _ := once(t, tiny, &chiasm.Options{Precision: precision, Cache: "off"})
		for range 3 {
			if got, _ := once(t, tiny, &chiasm.Options{Precision: precision, Cache: dir}); !sameBits(got, want) {
				t.Errorf("%s: other bits", precision)
			}
			file := "packed-" + kernel.Tier().String() + "-" + precision + ".bin"
			if got := holds(t, dir); !slices.Equal(got, []string{".gitignore", "CACHEDIR.TAG", "lock", file}) {
				t.Fatalf("the folder holds %q", got)
			}
		}
	}
}

// Measuring other precisions in between leaves the cache and the results alone.
func TestCacheAndMeasure(t *testing.T) {
	dir := t.TempDir()
	want, _ := once(t, tiny, &chiasm.Options{Precision: "int8", Cache: dir})
	m, err := chiasm.Open(context.Background(), tiny, &chiasm.Options{Precision: "int8", Cache: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, precision := range []string{"w8", "int8"} {
		if _, err := m.Measure(context.Background(), precision); err != nil {
			t.Fatal(err)
		}
	}
	got, err := m.EmbedText(context.Background(), "a cat")
	if err != nil || !slices.Equal(got.Values, want[0].Values) {
		t.Errorf("other bits: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if again, _ := once(t, tiny, &chiasm.Options{Precision: "int8", Cache: dir}); !sameBits(again, want) {
		t.Error("other bits")
	}
}

// Closing a model that has done nothing keeps nothing, and so does one that is told to.
func TestCacheOff(t *testing.T) {
	dir := t.TempDir()
	m, err := chiasm.Open(context.Background(), tiny, &chiasm.Options{Cache: dir})
	if err == nil {
		err = m.Close()
	}
	if err != nil || len(holds(t, dir)) > 0 {
		t.Errorf("%v, and the folder holds %q", err, holds(t, dir))
	}
	t.Setenv("CHIASM_CACHE", dir)
	once(t, tiny, &chiasm.Options{Cache: "off"})
	if got := holds(t, dir); len(got) > 0 {
		t.Errorf("the folder holds %q", got)
	}
	once(t, tiny, nil)
	if got := holds(t, dir); len(got) != 4 {
		t.Errorf("the folder that the environment names holds %q", got)
	}
	t.Setenv("CHIASM_CACHE", "")
	small := model(t, nil)
	once(t, small, nil)
	if _, err := os.Stat(filepath.Join(small, ".chiasm")); err == nil {
		t.Error("a tiny model was kept")
	}
}

// What the gate let pass is not tried again, unless circumstances differ.
func TestCacheOfAuto(t *testing.T) {
	dir, path := t.TempDir(), model(t, nil)
	o := &chiasm.Options{Precision: "auto", Cache: dir}
	want, precision := once(t, path, o)
	files, _ := filepath.Glob(filepath.Join(dir, "*", "auto-*"))
	if len(files) == 0 {
		if precision != "f32" {
			t.Error("the choice was not kept")
		}
		t.Skip("there is no choice here")
	}
	kept, err := os.ReadFile(files[0])
	if err != nil || !strings.HasSuffix(string(kept), " "+precision+"\n") {
		t.Fatalf("kept %q, %v", kept, err)
	}
	if got, p := once(t, path, o); p != precision || !sameBits(got, want) {
		t.Errorf("then it chose %s", p)
	}
	hash, _, _ := strings.Cut(string(kept), " ")
	other := "w8" // the gate never chooses it
	for _, c := range []struct{ text, want string }{
		{hash + " " + other + "\n", other}, {strings.Repeat("0", 64) + " " + other + "\n", precision}, {"", precision}, {hash, precision},
		{hash + " fp4\n", precision}, {strings.Repeat("x", 5000), precision},
	} {
		if err := os.WriteFile(files[0], []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, p := once(t, path, o); p != c.want {
			t.Errorf("%.80q made it choose %s, want %s", c.text, p, c.want)
		}
		if c.want != precision {
			continue
		}
		if now, err := os.ReadFile(files[0]); err != nil || !bytes.Equal(now, kept) {
			t.Errorf("%.80q was not replaced: %.80q, %v", c.text, now, err)
		}
	}
	if err := os.WriteFile(files[0], []byte(hash+" "+other+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(path, "model.safetensors"), time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	if _, p := once(t, path, o); p != precision {
		t.Errorf("for weights that are newer it chose %s", p)
	}
}

// A model whose files change is packed anew, whether they look new or not.
func TestCacheOfChangedModel(t *testing.T) {
	dir, path := t.TempDir(), model(t, nil)
	file := filepath.Join(path, "model.safetensors")
	o := &chiasm.Options{Precision: "int8", Cache: dir}
	before, _ := once(t, path, o)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	set, err := weights.Open("model/clip/testdata/transformers/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := set.Get("vision_model.encoder.layers.0.mlp.fc1.weight")
	at := bytes.Index(data, e.Data)
	for i := range 200 {
		data[at+4*i+2] ^= 0x40
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	want, _ := once(t, path, &chiasm.Options{Precision: "int8", Cache: "off"})
	got, _ := once(t, path, o)
	if !sameBits(got, want) || sameBits(got, before) {
		t.Error("the old weights were used")
	}
}

// midsize writes a model that is just large enough to be kept.
func midsize(t *testing.T) string {
	t.Helper()
	dir := model(t, map[string]func([]byte) []byte{"model.safetensors": func([]byte) []byte { return nil }})
	path := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	config["vision_config"].(map[string]any)["intermediate_size"] = 9000
	if data, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	parsed, err := clip.ParseConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := clip.New(*parsed)
	if err != nil {
		t.Fatal(err)
	}
	nn.Init(m, 1)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := weights.Save(filepath.Join(dir, "model.safetensors"), nn.Entries(m), nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A model's cache lies beside it, does not belong to it, moves with it and is removed alone.
func TestCacheBeside(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	path := midsize(t)
	space := func() chiasm.Space {
		m := open(t, path, nil)
		return m.Space()
	}
	before := space()
	want, _ := once(t, path, nil)
	if space() != before {
		t.Error("what is kept changes the model's space")
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	m := open(t, moved, nil)
	if got, err := m.EmbedText(context.Background(), "a cat"); err != nil || !slices.Equal(got.Values, want[0].Values) {
		t.Errorf("other bits: %v", err)
	}
	info := m.Info()
	if len(info.Kept) != 1 || filepath.Dir(info.Kept[0].Name) != filepath.Join(moved, ".chiasm") || info.Kept[0].Size < 1<<20 || len(info.Files) != 5 {
		t.Errorf("kept %+v, files %+v", info.Kept, info.Files)
	}
	freed, err := chiasm.RemoveKept(moved)
	if _, gone := os.Stat(filepath.Join(moved, ".chiasm")); err != nil || freed != info.Kept[0].Size || !os.IsNotExist(gone) {
		t.Errorf("freed %d, %v, %v", freed, err, gone)
	}
}

// Where nothing can be written beside the model, or a link would lead away from it, the user's cache folder takes it.
func TestCacheElsewhere(t *testing.T) {
	for name, block := range map[string]func(path string) error{
		"a file in the way": func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"a link":            func(path string) error { return os.Symlink(t.TempDir(), path) },
	} {
		t.Run(name, func(t *testing.T) {
			user := t.TempDir()
			t.Setenv("XDG_CACHE_HOME", user)
			t.Setenv("HOME", user)         // where macOS looks
			t.Setenv("LocalAppData", user) // Windows
			path := midsize(t)
			if err := block(filepath.Join(path, ".chiasm")); err != nil {
				t.Skip(err)
			}
			want, _ := once(t, path, nil)
			got, _ := once(t, path, nil)
			if !sameBits(got, want) || len(holds(t, user)) != 4 {
				t.Errorf("same bits: %v; the user's folder holds %q", sameBits(got, want), holds(t, user))
			}
			if inside, _ := os.ReadDir(filepath.Join(path, ".chiasm")); len(inside) > 0 {
				t.Errorf("beside the model there are %v", inside)
			}
			if freed, err := chiasm.RemoveKept(path); err != nil || freed < 1<<20 || len(holds(t, user)) > 0 {
				t.Errorf("freed %d, %v, and the user's folder holds %q", freed, err, holds(t, user))
			}
		})
	}
}
