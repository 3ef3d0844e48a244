package sentence

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chiasm/chiasm/internal/golden"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

// texts are those of tools/golden/sentence.py.
var texts = []string{
	"A cat sits on the mat.", "two dogs", "", "It's 3 o'clock: naïve façades … 日本!",
	"a long sentence that goes on and on about cats and dogs and mats until the model has had enough of it and cuts it off here",
}

func TestStages(t *testing.T) {
	for _, kind := range []string{"bert", "roberta", "xlm-roberta", "distilbert", "mpnet", "clip-text"} {
		t.Run(kind, func(t *testing.T) {
			b, err := Open(filepath.Join("testdata", kind))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			reference := golden.Open(t, filepath.Join("testdata", kind, "golden.safetensors"))
			p := tensor.NewPass(context.Background(), 2)
			var ids [][]int32
			_, prompt := b.Prompts()
			for i, text := range texts {
				fitted, _ := b.Fit(b.Encode(prompt + text).IDs)
				ids = append(ids, fitted)
				if want := reference.IDs(fmt.Sprint(i, ".ids")); !slices.Equal(fitted, want) {
					t.Errorf("ids of text %d: got %v, want %v", i, fitted, want)
				}
			}
			hidden, seq, err := b.Encoder.Forward(p, ids)
			if err != nil {
				t.Fatal(err)
			}
			vectors, err := b.EmbedText(p, ids)
			if err != nil {
				t.Fatal(err)
			}
			d := b.Dimension()
			for i := range texts {
				c := b.Encoder.Config.Width
				reference.Near(fmt.Sprint(i, ".hidden"), hidden.Floats()[int(seq[i])*c:int(seq[i+1])*c], 2e-5)
				reference.Near(fmt.Sprint(i, ".vector"), vectors.Floats()[i*d:][:d], 2e-5)
				alone, err := b.EmbedText(p, ids[i:i+1])
				if err != nil || !slices.Equal(alone.Floats(), vectors.Floats()[i*d:][:d]) {
					t.Errorf("text %d alone gives other bits than in the batch (%v)", i, err)
				}
			}
		})
	}
}

// The tokenizer of tokenizer.json and that of vocab.txt do with the torture list what the reference does.
func TestTokenizersOfMPNet(t *testing.T) {
	torture := golden.Strings(t, "../../token/testdata/strings.json.gz")
	want := golden.Open(t, "testdata/mpnet/golden.safetensors").Lists("torture.ids", "torture.lengths")
	if len(want) != len(torture) {
		t.Fatalf("%d strings, want %d", len(torture), len(want))
	}
	old := t.TempDir()
	for _, name := range []string{"vocab.txt", "tokenizer_config.json"} {
		data, err := os.ReadFile(filepath.Join("testdata/mpnet", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(old, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"testdata/mpnet", old} {
		tokenizer, err := token.OpenFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range torture {
			if got := tokenizer.Encode(s, true).IDs; !slices.Equal(got, want[i]) {
				t.Errorf("%s: %q: got %v, want %v", dir, s, got, want[i])
			}
		}
	}
}

// The first token alone is the first token of all.
func TestFirstTokenAlone(t *testing.T) {
	for _, kind := range []string{"bert", "roberta", "distilbert", "mpnet"} {
		b, err := Open("testdata/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		var ids [][]int32
		for _, text := range texts {
			fitted, _ := b.Fit(b.Encode(text).IDs)
			ids = append(ids, fitted)
		}
		p := tensor.NewPass(context.Background(), 0)
		all, seq, err := b.Encoder.Forward(p, ids)
		if err != nil {
			t.Fatal(err)
		}
		b.Pools, b.Dense = []Pool{PoolFirst}, nil
		first, err := b.EmbedText(p, ids)
		if err != nil {
			t.Fatal(err)
		}
		c := b.Encoder.Config.Width
		for i := range ids {
			for j, want := range all.Floats()[int(seq[i])*c:][:c] {
				if d := first.Floats()[i*c+j] - want; d > 1e-5 || d < -1e-5 {
					t.Fatalf("%s: value %d of text %d is %v, want %v", kind, j, i, first.Floats()[i*c+j], want)
				}
			}
		}
	}
}

func TestBadFolders(t *testing.T) {
	for what, change := range map[string]struct{ file, content, want string }{
		"path outside":   {"modules.json", `[{"path": "../bert", "type": "a.Transformer"}]`, `sentence: modules.json: path "../bert" of module 0, want one within the folder`},
		"unknown module": {"modules.json", `[{"path": "", "type": "a.b.CNN"}]`, "sentence: modules.json: a module of the type CNN, want Transformer, Pooling, Dense or Normalize"},
		"no pooling":     {"modules.json", `[{"path": "", "type": "a.Transformer"}]`, "sentence: modules.json lists no Transformer with a Pooling after it"},
		"not JSON":       {"modules.json", `{`, "sentence: modules.json: unexpected end of JSON input"},
		"odd heads":      {"config.json", `{"model_type": "bert", "hidden_size": 25}`, "sentence: bert: config: hidden_size 25 is not a multiple of 12 heads"},
		"other kind":     {"config.json", `{"model_type": "gpt2"}`, `sentence: bert: config.json: model_type "gpt2", want one of [bert roberta xlm-roberta camembert distilbert mpnet]`},
		"few buckets":    {"config.json", `{"model_type": "mpnet", "relative_attention_num_buckets": 31}`, "sentence: bert: config.json: relative_attention_num_buckets is 31, want 32 or more"},
		"vast bias":      {"config.json", `{"model_type": "mpnet", "max_position_embeddings": 100000}`, "sentence: bert: config: 12 heads and 100000 positions have 120000000000 biases by distance, want at most 268435456"},
		"odd padding":    {"config.json", `{"model_type": "roberta", "pad_token_id": -7}`, "sentence: bert: config: pad_token_id is -7, want 0 to 16777216"},
		"odd default":    {"config_sentence_transformers.json", `{"prompts": {"query": "q"}, "default_prompt_name": "x"}`, `sentence: config_sentence_transformers.json: default_prompt_name is "x", want one of its prompts`},
		"no prompt":      {"1_Pooling/config.json", `{"pooling_mode": "mean", "include_prompt": false}`, "sentence: pooling that leaves out the prompt (include_prompt is false), want one that takes all tokens"},
		"odd pooling":    {"1_Pooling/config.json", `{"pooling_mode": "median"}`, `sentence: pooling "median", want cls, mean, max, mean_sqrt_len or lasttoken`},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/bert")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, change.file), []byte(change.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if b, err := Open(dir); err == nil || err.Error() != change.want {
				if err == nil {
					b.Close()
				}
				t.Errorf("got  %v\nwant %s", err, change.want)
			}
		})
	}
}

func ExampleOpen() {
	m, err := Open("testdata/bert")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	p := tensor.NewPass(context.Background(), 0)
	x, err := m.EmbedText(p, [][]int32{m.Encode("two dogs").IDs})
	fmt.Println(x.Shape(), err)
	// Output: [1 24] <nil>
}
