package whisper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	reference "github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

// What CTranslate2's converter wrote is the model that it read, in each number format.
func TestCTranslate2(t *testing.T) {
	for name, c := range map[string]struct {
		golden    string
		tolerance float64
	}{"tiny-float16": {"tiny", 1e-4}, "tiny-int8": {"tiny-int8", 1e-4}, "tiny-int16": {"tiny", 5e-2}} {
		t.Run(name, func(t *testing.T) {
			b, err := Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			want := open(t, "tiny")
			config := want.Config
			config.Tokens.LatestFirst = 50 // which the layout has no place for
			if !reflect.DeepEqual(b.Config, config) {
				t.Errorf("the configuration is\n%+v, want\n%+v", b.Config, config)
			}
			if c.golden != "tiny" {
				want.set = reference.Open(t, filepath.Join("testdata", c.golden, "golden.safetensors"))
			}
			p := tensor.NewPass(context.Background(), 2)
			heard := b.Encode(want.mel(p))
			want.set.Near("encoder", heard.Floats(), c.tolerance)
			d := b.NewDecoder()
			d.Hear(heard)
			windows, texts := want.texts()
			for i, ids := range texts {
				logits := d.Start(p, windows[i:i+1], texts[i:i+1], every(len(ids)))
				want.set.Near(fmt.Sprintf("text%d.logits", i), logits.Floats(), c.tolerance)
			}
		})
	}
}

// A list of tokens is enough to encode and decode as the tokenizer that it was taken from.
func TestListedTokens(t *testing.T) {
	want, err := token.OpenFolder(filepath.Join("testdata", "tiny"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join("testdata", "tiny-float16", "vocabulary.json"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vocabulary.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := openTokenizer(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "The quick brown fox", "  and\tso, my fellow", "Wie heißt du? 你好", "<|startoftranscript|><|de|> ask not", "123 jumps over'll"} {
		a, b := got.Encode(text, false), want.Encode(text, false)
		if !slices.Equal(a.IDs, b.IDs) || got.Decode(a.IDs, true) != want.Decode(b.IDs, true) {
			t.Errorf("%q: got %v, want %v", text, a.Tokens, b.Tokens)
		}
	}
}
