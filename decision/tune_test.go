package decision_test

import (
	"bytes"
	"context"
	"fmt"
	stdimage "image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// blind is a copy of a tiny model whose attention brings nothing to the token that becomes the vector: all pictures have one vector, and all
// texts that end alike.
func blind(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	set, err := weights.Open(filepath.Join(from, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var entries []tensor.Entry
	n := 0
	for _, name := range set.Names() {
		e, _ := set.Get(name)
		values := slices.Clone(e.Floats())
		if strings.HasSuffix(name, "v_proj.weight") || strings.HasSuffix(name, "value.weight") {
			clear(values)
			n++
		}
		if e.DType.Float() {
			e = tensor.EntryOf(name, values, e.Shape...)
		}
		entries = append(entries, e)
	}
	if n == 0 {
		t.Fatal("the model has no attention")
	}
	if err := weights.Save(filepath.Join(dir, "model.safetensors"), entries, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// shades is a table of pictures that are dark or bright, and a number that says nothing.
func shades(t *testing.T, rows int) *decision.Table {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(3, 3))
	var b strings.Builder
	b.WriteString("picture,chance,label,split\n")
	for i := range rows {
		img := stdimage.NewGray(stdimage.Rect(0, 0, 32, 32))
		for p := range img.Pix {
			img.Pix[p] = uint8(60 + 100*(i%2) + r.IntN(90))
		}
		img.SetGray(0, 0, color.Gray{uint8(i)})
		var file bytes.Buffer
		if err := png.Encode(&file, img); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%d.png", i)
		if err := os.WriteFile(filepath.Join(dir, name), file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s,%.4f,%s,%s\n", name, r.NormFloat64(), []string{"dark", "bright"}[i%2], []string{"train", "train", "train", "valid", "test"}[i/2%5])
	}
	return tableOf(t, dir, b.String(), nil)
}

func tableOf(t *testing.T, dir, csv string, o *decision.Options) *decision.Table {
	t.Helper()
	path := filepath.Join(dir, "t.csv")
	if err := os.WriteFile(path, []byte(csv), 0o644); err != nil {
		t.Fatal(err)
	}
	if o == nil {
		o = &decision.Options{Number: []string{"chance"}, Image: []string{"picture"}}
	}
	table, err := decision.OpenTable(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// opens opens an encoder that the test closes.
func opens(t *testing.T, name string) func(context.Context) (*chiasm.Model, error) {
	return func(ctx context.Context) (*chiasm.Model, error) {
		m, err := chiasm.Open(ctx, name, nil)
		if err == nil {
			t.Cleanup(func() { m.Close() })
		}
		return m, err
	}
}

// Where frozen vectors cannot tell classes apart a tuned encoder can. What is saved measures the same when it is opened again, elsewhere too, and
// every number of workers makes the same bytes.
func TestTunedBeatsFrozen(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches towers")
	}
	encoder, table := blind(t, "../model/clip/testdata/transformers"), shades(t, 60)
	only := *table
	only.Rows = slices.DeleteFunc(slices.Clone(table.Rows), func(r decision.Row) bool { return r.Split != "test" })
	for _, way := range []string{decision.Frozen, decision.LoRA, decision.All} {
		var first map[string][]byte
		for _, workers := range []int{1, 3} {
			dir := filepath.Join(t.TempDir(), "model")
			training := decision.Training{
				Study:  decision.Study{Table: table, Open: opens(t, encoder), Workers: workers, Seed: 4},
				Method: "concat", Learning: fusion.Training{Steps: 30, BatchSize: 12, Rate: 0.01}, Boot: metric.Bootstrap{Draws: 20}, Output: dir,
				Encoder: decision.Tuning{Way: way, Rate: 0.01, Part: 5, Recompute: way == decision.All},
			}
			taught, err := training.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			acc := *taught.Report.All.Accuracy
			t.Logf("%s: accuracy %.3f", way, acc)
			if (way == decision.Frozen) != (acc < 0.75) || (taught.Tuned == 0) != (way == decision.Frozen) {
				t.Errorf("%s: accuracy %.2f, %d values of the encoder learnt", way, acc, taught.Tuned)
			}
			files := map[string][]byte{}
			for _, name := range []string{"model.safetensors", "encoder/model.safetensors"} {
				if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
					files[name] = b
				}
			}
			if len(files) != 1 && way == decision.Frozen || len(files) != 2 && way != decision.Frozen {
				t.Errorf("%s: weights %v", way, slices.Collect(maps.Keys(files)))
			}
			if first == nil {
				first = files
			}
			for name, b := range files {
				if !bytes.Equal(b, first[name]) {
					t.Errorf("%s: %d workers make another %s than one", way, workers, name)
				}
			}
			moved := filepath.Join(t.TempDir(), "elsewhere")
			if err := os.Rename(dir, moved); err != nil {
				t.Fatal(err)
			}
			m, err := decision.Open(t.Context(), moved, nil)
			if err != nil {
				t.Fatal(err)
			}
			report, _, err := m.Evaluate(t.Context(), &only, metric.Bootstrap{Draws: 20}, 4, nil)
			if err != nil {
				t.Fatal(err)
			}
			if *report.All.Accuracy != *taught.Report.All.Accuracy || math.Abs(*report.All.ECE-*taught.Report.All.ECE) > 1e-9 {
				t.Errorf("%s: reopened %v, taught %v", way, report.All.Main(), taught.Report.All.Main())
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// What cannot be tuned is refused before anything is computed.
func TestTuneRefuses(t *testing.T) {
	table := shades(t, 20)
	numbers := tableOf(t, t.TempDir(), "chance,label\n1,a\n2,a\n3,b\n4,b\n", &decision.Options{Number: []string{"chance"}})
	for _, c := range []struct {
		table       *decision.Table
		encoder     string
		way, reason string
	}{
		{table, chiasm.Shipped, decision.LoRA, "cannot be tuned: want a CLIP, SigLIP or CLAP, or leave it frozen"},
		{table, "../model/chineseclip/testdata/old", decision.All, "want CLIP, SigLIP or CLAP, which can be taught"},
		{numbers, "../model/clip/testdata/transformers", decision.All, "there is no encoder to tune"},
		{table, "../model/clip/testdata/transformers", "some", "want frozen, lora or all"},
	} {
		if c.encoder == chiasm.Shipped && !chiasm.Ships() {
			continue
		}
		training := decision.Training{Study: decision.Study{Table: c.table, Open: opens(t, c.encoder)}, Method: "concat", Output: filepath.Join(t.TempDir(), "model"), Encoder: decision.Tuning{Way: c.way}}
		if _, err := training.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s, %s: %v, want %q", c.encoder, c.way, err, c.reason)
		}
	}
}

// kindsOf is tables of pictures with texts, of sounds with texts, and of videos.
func kindsOf(t *testing.T) (pairs, sounds, clips *decision.Table) {
	t.Helper()
	dir := t.TempDir()
	beeps, err := filepath.Abs("../recipes/beeps")
	if err != nil {
		t.Fatal(err)
	}
	var p, s, v strings.Builder
	p.WriteString("picture,words\n")
	s.WriteString("sound,words,label\n")
	v.WriteString("clip,chance,label\n")
	for i := range 20 {
		file, err := filepath.Abs(fmt.Sprintf("../recipes/shapes/train-%s-%s-%d.png", []string{"red", "blue"}[i%2], []string{"disc", "bar"}[i/2%2], i/4))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&p, "%s,a %s thing %d\n", file, []string{"red", "blue"}[i%2], i)
		fmt.Fprintf(&s, "%s/%02d.wav,sound %d,%s\n", beeps, i, i, []string{"a", "b"}[i/5%2])
		if i < 6 {
			clip, err := filepath.Abs("../media/video/testdata/" + []string{"counting.mp4", "counting.webm"}[i%2])
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(clip)
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprint(i, filepath.Ext(clip))
			if err := os.WriteFile(filepath.Join(dir, name), append(b, make([]byte, i+1)...), 0o644); err != nil { // another content
				t.Fatal(err)
			}
			fmt.Fprintf(&v, "%s,%d,%s\n", name, i, []string{"a", "b"}[i%2])
		}
	}
	pairs = tableOf(t, dir, p.String(), &decision.Options{Image: []string{"picture"}, Text: []string{"words"}, Unlabelled: true})
	sounds = tableOf(t, dir, s.String(), &decision.Options{Audio: []string{"sound"}, Text: []string{"words"}})
	clips = tableOf(t, dir, v.String(), &decision.Options{Video: []string{"clip"}, Number: []string{"chance"}})
	return pairs, sounds, clips
}

// Texts, sounds and videos go through learning encoders too, and pairs that belong together. At a rate of next to nothing a learning
// encoder is the frozen one.
func TestTuneEveryKind(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches towers")
	}
	pairs, sounds, clips := kindsOf(t)
	const clip, clap = "../model/clip/testdata/transformers", "../model/clap/testdata/unfused"
	for name, c := range map[string]struct {
		table         *decision.Table
		encoder, task string
		way           string
	}{
		"match":  {pairs, clip, "match", decision.All},
		"sounds": {sounds, clap, "", decision.LoRA},
		"videos": {clips, clip, "", decision.All},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "videos" {
				for _, program := range []string{"ffmpeg", "ffprobe"} {
					if _, err := exec.LookPath(program); err != nil {
						t.Skipf("%s is not installed", program)
					}
				}
			}
			cache := t.TempDir()
			var losses []float64 // on the part that is looked at
			for _, way := range []string{decision.Frozen, c.way} {
				batch := 4
				if c.task == "match" && way != decision.Frozen {
					batch = 4 * 9 // rows: an encoder that learns takes them one by one, not lists of nine
				}
				training := decision.Training{
					Study:  decision.Study{Table: c.table, Open: opens(t, c.encoder), Task: c.task, Cache: cache},
					Method: "gmu", Learning: fusion.Training{Steps: 1, BatchSize: batch}, Boot: metric.Bootstrap{Draws: 5}, Output: filepath.Join(t.TempDir(), "model"),
					Encoder: decision.Tuning{Way: way, Rate: 1e-12, Part: 3},
				}
				taught, err := training.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				losses = append(losses, -taught.Curve[len(taught.Curve)-1].Score)
			}
			if !(math.Abs(losses[0]-losses[1]) <= 1e-3*math.Abs(losses[0])) {
				t.Errorf("losses %v of the frozen encoder and of one that hardly learns", losses)
			}
		})
	}
}
