package decision_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	stdimage "image"
	"image/color"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
)

// sides is a table of pictures that are bright on one side, of texts that name a side, and whether they are right.
func sides(t *testing.T, rows int) *decision.Table {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(5, 5))
	var b strings.Builder
	b.WriteString("picture,text,label,split\n")
	for i := range rows {
		img := stdimage.NewRGBA(stdimage.Rect(0, 0, 32, 32))
		draw.Draw(img, img.Bounds(), stdimage.NewUniform(color.Gray{uint8(20 + r.IntN(40))}), stdimage.Point{}, draw.Src)
		side, says := r.IntN(2), r.IntN(2)
		draw.Draw(img, stdimage.Rect(16*side, 0, 16*side+16, 32), stdimage.NewUniform(color.Gray{uint8(200 + r.IntN(40))}), stdimage.Point{}, draw.Src)
		img.Set(0, 0, color.Gray{uint8(i)}) // no two are the same
		var file bytes.Buffer
		if err := png.Encode(&file, img); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%d.png", i)
		if err := os.WriteFile(filepath.Join(dir, name), file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s,%s,%v,%s\n", name, []string{"left", "right"}[says], side == says, []string{"train", "train", "train", "valid", "test"}[i%5])
	}
	return tableOf(t, dir, b.String(), &decision.Options{Image: []string{"picture"}, Text: []string{"text"}})
}

// Where the vector of every picture is the same, tokens still tell whether a text is right about it; whoever compares both is told so. What is
// saved decides as what was taught, with features that were kept and without, and reads no vectors in their place.
func TestTokensTellWhatVectorsCannot(t *testing.T) {
	encoder, table, cache := blind(t, "../model/clip/testdata/transformers"), sides(t, 120), t.TempDir()
	study := decision.Study{Table: table, Open: opens(t, encoder), Features: []string{decision.Vectors, decision.Tokens}, Cache: cache, Seed: 1}
	learning, sizes, boot := fusion.Training{Steps: 60}, fusion.Config{Width: 16, Layers: 1}, metric.Bootstrap{Draws: 50}
	advising := decision.Advising{Study: study, Methods: []fusion.Method{fusion.CoAttentive}, Folds: 2, Learning: learning, Model: sizes, Boot: boot}
	advice, err := advising.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := advice.Recommendation; r.Features != decision.Tokens || r.Method != "coattention" || len(advice.Candidates) != 2 {
		t.Errorf("recommended %+v of %d candidates, want tokens", r, len(advice.Candidates))
	}
	for _, c := range advice.Candidates {
		if (c.Features == decision.Tokens) != (*c.Accuracy > 0.95) || (c.Features == decision.Vectors) != (*c.Accuracy < 0.7) {
			t.Errorf("%s on %s is right about %s", c.Method, c.Features, c.Main())
		}
	}
	study.Features = []string{decision.Tokens}
	dir := filepath.Join(t.TempDir(), "model")
	training := decision.Training{Study: study, Method: "coattention", Learning: learning, Model: sizes, Boot: boot, Output: dir}
	taught, err := training.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if taught.Features != decision.Tokens || *taught.Report.All.Accuracy < 0.95 || taught.Seen.Made > 0 {
		t.Errorf("taught on %s with %d features made anew, it is right about %s", taught.Features, taught.Seen.Made, taught.Report.All.Main())
	}
	for _, folder := range []string{cache, ""} {
		m, err := decision.Open(t.Context(), dir, &decision.OpenOptions{Cache: folder})
		if err != nil {
			t.Fatal(err)
		}
		answers, seen, err := m.Answers(t.Context(), table, nil)
		if err != nil {
			t.Fatal(err)
		}
		if (seen.Made == 0) != (folder != "") {
			t.Errorf("with the cache %q %d features were made", folder, seen.Made)
		}
		right := 0
		for i, row := range table.Rows {
			if answers[i].Class == row.Label {
				right++
			}
			if i > 2 {
				continue
			}
			part, err := m.Read(t.Context(), "picture", row.Cells[0])
			if err != nil {
				t.Fatal(err)
			}
			one, err := m.Decide(t.Context(), map[string]chiasm.Part{"picture": part, "text": {Text: row.Cells[1]}})
			if err != nil {
				t.Fatal(err)
			}
			if *one.Probability != *answers[i].Probability {
				t.Errorf("row %d alone: %v, in the table %v", i, *one.Probability, *answers[i].Probability)
			}
		}
		if 20*right < 19*len(answers) {
			t.Errorf("reopened it is right about %d of %d", right, len(answers))
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A model that was saved before there were tokens has one vector of each column, and so does one that says nothing of them; other numbers
// than columns are refused.
func TestTokensInConfig(t *testing.T) {
	config := map[string]any{
		"model_type": "chiasm-fused", "encoder": map[string]any{"model": "mini", "space": "s", "dimension": 4}, "task": "regression", "label": "l",
		"columns": []any{map[string]any{"name": "p", "kind": "image", "fields": []string{"p"}}, map[string]any{"name": "n", "kind": "number", "fields": []string{"n"}}},
		"method":  "mbt", "width": 8, "heads": 2, "layers": 1, "rank": 2, "bottlenecks": 2,
	}
	for _, c := range []struct {
		tokens any
		want   string
	}{{nil, ""}, {[]int{}, ""}, {[]int{17, 1}, ""}, {[]int{17}, "tokens [17] of 2 columns"}, {[]int{0, 1}, "want 1 to 64 of each"}, {[]int{1 << 40, 1}, "want 1 to 64 of each"}} {
		dir := t.TempDir()
		if config["tokens"] = c.tokens; c.tokens == nil {
			delete(config, "tokens")
		}
		data, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := decision.ReadConfig(dir); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("tokens %v: %v, want %q", c.tokens, err, c.want)
		}
	}
}
