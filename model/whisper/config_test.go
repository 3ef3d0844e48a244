package whisper

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/token"
)

func TestTokens(t *testing.T) {
	tiny, english := open(t, "tiny"), open(t, "english")
	w := tiny.Config.Tokens
	want := Tokens{
		Start: 281, End: 280, Previous: 288, NoSpeech: 289, NoTimestamps: 290, Timestamp: 291, Transcribe: 286, Translate: 285,
		Languages: map[string]int32{"en": 282, "zh": 283, "de": 284}, Suppress: []int32{1, 2, 7, 288}, SuppressFirst: []int32{220, 280}, LatestFirst: 9,
	}
	if !reflect.DeepEqual(w, want) {
		t.Errorf("the tokens are\n%+v, want\n%+v", w, want)
	}
	if got := tiny.Config.Alignment; !reflect.DeepEqual(got, []Head{{2, 1}, {0, 0}, {2, 0}}) {
		t.Errorf("the alignment heads are %v", got)
	}
	if w := english.Config.Tokens; w.Multilingual() || w.Transcribe != None || w.Translate != None || w.Start != 281 || w.NoTimestamps != 290 {
		t.Errorf("a model of English alone has the tokens %+v", w)
	}
}

// What files leave out is found: languages between their neighbours, heads in the upper half of the layers.
func TestTokensWithoutHints(t *testing.T) {
	tk, err := token.OpenFolder(filepath.Join("testdata", "tiny"))
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, "tiny").Config
	if err := c.ReadTokens(tk, []byte(`{"is_multilingual": true, "alignment_heads": [[25, 6], [-1, 0]], "suppress_tokens": [-1]}`)); err != nil {
		t.Fatal(err)
	}
	if w := c.Tokens; !reflect.DeepEqual(w.Languages, map[string]int32{"en": 282, "zh": 283, "de": 284}) || w.Transcribe != 286 || w.Previous != 288 || len(w.Suppress) > 0 || w.LatestFirst != 50 {
		t.Errorf("the tokens are %+v", w)
	}
	if want := []Head{{1, 0}, {1, 1}, {2, 0}, {2, 1}}; !reflect.DeepEqual(c.Alignment, want) {
		t.Errorf("the alignment heads are %v, want %v", c.Alignment, want)
	}
	for config, want := range map[string]string{
		`{"suppress_tokens": [311]}`:            "token 311 lies outside the vocabulary of 311",
		`{"no_timestamps_token_id": 999}`:       "token 999 lies outside",
		`{"max_initial_timestamp_index": -2}`:   "max_initial_timestamp_index is -2",
		`{"lang_to_id": {"<|en|>": -7}}`:        "token -7 lies outside",
		`{"alignment_heads": [[1, 2], ["x"]]}`:  "cannot unmarshal",
		`{"no_timestamps_token_id": -1}`:        "lacks <|startoftranscript|>",
		`{"begin_suppress_tokens": [2, -1000]}`: "token -1000 lies outside",
	} {
		if err := c.ReadTokens(tk, []byte(config)); err == nil || !strings.HasPrefix(err.Error(), "whisper: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", config, err, want)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	for config, want := range map[string]string{
		`{"model_type": "bert"}`:                                   `model_type is "bert", want whisper`,
		`{"model_type": "whisper", "d_model": 0}`:                  "width: 0, want 1",
		`{"model_type": "whisper", "decoder_attention_heads": 5}`:  "not a multiple of 6 and of 5 heads",
		`{"model_type": "whisper", "scale_embedding": true}`:       "scale_embedding is true",
		`{"model_type": "whisper", "activation_function": "what"}`: `unknown activation "what"`,
		`{"model_type": "whisper", "encoder_layers": 99999}`:       "encoder layers: 99999",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "whisper: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", config, err, want)
		}
	}
}

// A folder that lacks something, or whose parts do not belong together, is refused.
func TestBadFolders(t *testing.T) {
	for name, damage := range map[string]struct {
		from string
		do   func(dir string) error
		want string
	}{
		"no config":    {"tiny", func(dir string) error { return os.Remove(dir + "/config.json") }, "config.json"},
		"no tokenizer": {"tiny", func(dir string) error { return os.Remove(dir + "/tokenizer.json") }, "expected tokenizer.json"},
		"no weights":   {"tiny", func(dir string) error { return os.Remove(dir + "/model.safetensors") }, "has no weights"},
		"wrong shapes": {"tiny", func(dir string) error {
			return os.WriteFile(dir+"/config.json", []byte(`{"model_type": "whisper", "vocab_size": 311}`), 0o600)
		}, "the weights do not fit"},
		"no list": {"tiny-float16", func(dir string) error { return os.Remove(dir + "/vocabulary.json") }, "expected tokenizer.json"},
		"bad list": {"tiny-float16", func(dir string) error { return os.WriteFile(dir+"/vocabulary.json", []byte(`["a", "b", "a"]`), 0o600) },
			`vocabulary.json: "a" appears twice`},
		"other spec": {"tiny-float16", func(dir string) error {
			data, err := os.ReadFile(dir + "/model.bin")
			copy(data[6:], "WhisperSpeX")
			return errors.Join(err, os.WriteFile(dir+"/model.bin", data, 0o600))
		}, `expected a WhisperSpec, got a "WhisperSpeX"`},
		"post-norm": {"tiny-float16", func(dir string) error {
			data, err := os.ReadFile(dir + "/model.bin")
			at := strings.Index(string(data), "decoder/pre_norm")
			data[at+len("decoder/pre_norm\x00\x00\x01\x01\x00\x00\x00")] = 0
			return errors.Join(err, os.WriteFile(dir+"/model.bin", data, 0o600))
		}, "decoder/pre_norm: expected 1, got 0"},
	} {
		dir := t.TempDir()
		if err := errors.Join(os.CopyFS(dir, os.DirFS(filepath.Join("testdata", damage.from))), damage.do(dir)); err != nil {
			t.Fatal(err)
		}
		b, err := Open(dir)
		if err == nil {
			b.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "whisper: ") || !strings.Contains(err.Error(), damage.want) {
			t.Errorf("%s: got %v, want it to say %q", name, err, damage.want)
		}
	}
}

func TestCancelledPass(t *testing.T) {
	g := open(t, "tiny")
	ctx, cancel := context.WithCancel(context.Background())
	p := tensor.NewPass(ctx, 2)
	cancel()
	d := g.NewDecoder()
	d.Hear(g.Encode(g.mel(p)))
	if y := d.Start(p, []int32{1}, [][]int32{{281, 5}}, nil); y.Dim(0) != 1 || y.Dim(1) != g.Config.Vocab {
		t.Errorf("logits are %v", y)
	}
	d.Step(p, []int32{7})
	d.Align(p, 0, []int32{281, 3}, nil)
	if !errors.Is(p.Err(), context.Canceled) {
		t.Errorf("the pass says %v", p.Err())
	}
}

func TestMisuse(t *testing.T) {
	g := open(t, "tiny")
	p := tensor.NewPass(context.Background(), 1)
	d := g.NewDecoder()
	heard := g.Encode(g.mel(p))
	d.Hear(heard)
	full := [][]int32{make([]int32, g.Config.Context)}
	d.Start(p, []int32{0}, full, nil)
	for name, f := range map[string]func(){
		"mel of other bands": func() { g.Encode(p.Empty(1, 3, 74)) },
		"half a window":      func() { d.Hear(p.Empty(3, g.Config.Width)) },
		"no room":            func() { d.Start(p, []int32{0}, full, nil); d.Step(p, []int32{1}) },
		"tokens for nobody":  func() { d.Step(p, []int32{1, 2}) },
		"strange hypothesis": func() { d.Keep([]int32{1}) },
		"long text":          func() { d.Align(p, 0, make([]int32, g.Config.Context+1), nil) },
		"no prompt":          func() { d.Start(p, []int32{0}, [][]int32{{}}, nil) },
		"strange window":     func() { d.Start(p, []int32{2}, [][]int32{{1}}, nil) },
		"strange token":      func() { d.Start(p, []int32{0}, [][]int32{{int32(g.Config.Vocab)}}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if e, ok := recover().(*tensor.ShapeError); !ok {
					t.Errorf("got %v, want a *tensor.ShapeError", e)
				}
			}()
			f()
		})
	}
}

func FuzzListedTokens(f *testing.F) {
	f.Add("a\nb\nab\n<|endoftext|>\n<|startoftranscript|>")
	f.Add("\n\n")
	f.Fuzz(func(t *testing.T, list string) {
		tk, err := listedTokenizer(strings.Split(list, "\n"))
		if err == nil {
			tk.Encode(list, false)
		}
	})
}

func FuzzTokens(f *testing.F) {
	tk, err := token.OpenFolder(filepath.Join("testdata", "tiny"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"tiny/generation_config.json", "tiny-int8/config.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := Config{Vocab: 311, Decoder: Layers{3, 2, 36}}
		if c.ReadTokens(tk, data) != nil || !json.Valid(data) {
			return
		}
		for _, id := range append(c.Tokens.Suppress, c.Tokens.Start, c.Tokens.End, c.Tokens.NoTimestamps) {
			if id < 0 || int(id) >= c.Vocab {
				t.Errorf("token %d of %d", id, c.Vocab)
			}
		}
	})
}
