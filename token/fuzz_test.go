package token

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// check encodes s and checks what holds for every tokenizer.
func check(t *testing.T, tk *Tokenizer, s string) {
	t.Helper()
	e := tk.Encode(s, true)
	if ids := tk.AppendIDs(nil, s); !slices.Equal(ids, e.IDs) {
		t.Fatalf("%q: AppendIDs %v, Encode %v", s, ids, e.IDs)
	}
	n := e.Len()
	if len(e.Tokens) != n || len(e.Offsets) != n || len(e.Words) != n || len(e.TypeIDs) != n || len(e.SpecialMask) != n || len(e.AttentionMask) != n {
		t.Fatalf("%q: the slices of the encoding differ in length", s)
	}
	for i, o := range e.Offsets {
		if o[0] < 0 || o[0] > len(s) || o[1] > len(s) {
			t.Fatalf("%q: token %d has the offsets %v of %d bytes", s, i, o, len(s))
		}
	}
	if d := tk.Decode(e.IDs, true); !utf8.ValidString(d) && utf8.ValidString(s) {
		t.Fatalf("%q: decoded to ill-formed text %q", s, d)
	}
	tk.EncodePair(s, "x", true)
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"added", "wordlevel"} { // large: run with -fuzzminimizetime=1x
		f.Add(readGzip(f, name+".tokenizer.json"))
	}
	for _, s := range []string{
		`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"normalizer":{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":"a+?"},"content":"b"}]}}`,
		`{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1.5],["ab",-2]],"byte_fallback":true},"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}}`,
		`{"model":{"type":"WordPiece","vocab":{"[UNK]":0,"a":1,"##b":2},"unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":10},"pre_tokenizer":{"type":"BertPreTokenizer"},"decoder":{"type":"WordPiece","prefix":"##","cleanup":true}}`,
		`{"added_tokens":[{"id":9,"content":"<s>","special":true,"lstrip":true,"rstrip":true,"normalized":false,"single_word":true}],"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"?"},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"B","type_id":1}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}},"truncation":{"direction":"Left","max_length":3,"strategy":"LongestFirst","stride":1},"padding":{"strategy":{"Fixed":8},"direction":"Left","pad_to_multiple_of":null,"pad_id":0,"pad_type_id":0,"pad_token":"x"}}`,
		`{"model":{"type":"BPE","vocab":{"a":2147483647},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(?i:x)++|[\\p{L}&&[^a]]{2,}+|\\b"},"behavior":"Contiguous","invert":true},"decoder":{"type":"Sequence","decoders":[{"type":"Strip","content":" ","start":1,"stop":9},{"type":"ByteFallback"},{"type":"CTC"}]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		tk, err := Parse(b)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "token: tokenizer.json: ") {
				t.Errorf("the error %q does not say whose it is", err)
			}
			return
		}
		for _, s := range []string{"", "ab <s> aab", "Äb\u0301 한 ▁ 12", "\xff\x00"} {
			check(t, tk, s)
			if tr := tk.Truncation(); tr != nil && tr.Length < 100 {
				_, _ = tk.EncodeWith([]Input{{Text: s}}, &Options{Truncation: tr, Padding: tk.Padding()})
			}
		}
	})
}

func FuzzEncode(f *testing.F) {
	list := readTorture(f)
	tks := []*Tokenizer{CLIP()}
	for _, name := range families {
		tks = append(tks, readFamily(f, name))
	}
	for i, s := range list.Strings {
		f.Add(s, uint8(i))
	}
	f.Add("\xed\xa0\x80 \xc3", uint8(0))
	f.Fuzz(func(t *testing.T, s string, which uint8) {
		if len(s) > 1<<12 {
			return
		}
		check(t, tks[int(which)%len(tks)], s)
	})
}

// TestHostile wants a clear error, or a bounded answer, for files that are made to hurt.
func TestHostile(t *testing.T) {
	model := `"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}`
	deep := strings.Repeat(`{"type":"Sequence","normalizers":[`, 100) + `{"type":"NFC"}` + strings.Repeat(`]}`, 100)
	for name, c := range map[string]struct{ file, want string }{
		"empty":              {``, "expected an object, got nothing"},
		"no model":           {`{}`, "model: expected an object, got nothing"},
		"deep":               {`{"normalizer":` + deep + `,` + model + `}`, "nested at most"},
		"many":               {`{"normalizer":{"type":"Sequence","normalizers":[` + strings.Repeat(`{"type":"NFC"},`, 2000) + `{"type":"NFC"}]},` + model + `}`, "at most 1000 parts"},
		"negative id":        {`{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}`, "expected an id of 0 to"},
		"huge id":            {`{"model":{"type":"BPE","vocab":{"a":99999999999},"merges":[]}}`, "expected an id of 0 to"},
		"fraction":           {`{"model":{"type":"BPE","vocab":{"a":1.5},"merges":[]}}`, "expected an id of 0 to"},
		"merge of nothing":   {`{"model":{"type":"BPE","vocab":{"a":1},"merges":["a b"]}}`, `expected "b" in the vocabulary`},
		"merge of three":     {`{"model":{"type":"BPE","vocab":{"a":1},"merges":["a b c"]}}`, "one space between"},
		"short right part":   {`{"model":{"type":"BPE","vocab":{"a":1,"b":2},"merges":["a b"],"continuing_subword_prefix":"####"}}`, "at least 4 bytes"},
		"unk_id":             {`{"model":{"type":"Unigram","unk_id":5,"vocab":[["a",0]]}}`, "unk_id: expected an index"},
		"score":              {`{"model":{"type":"Unigram","vocab":[["a","b"]]}}`, "vocab[0]: expected a number"},
		"charsmap":           {`{"normalizer":{"type":"Precompiled","precompiled_charsmap":"/////w=="},` + model + `}`, "expected a trie of"},
		"base64":             {`{"normalizer":{"type":"Precompiled","precompiled_charsmap":"!"},` + model + `}`, "expected base64"},
		"pattern":            {`{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("},"behavior":"Isolated"},` + model + `}`, "expected a closing parenthesis"},
		"unknown property":   {`{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\p{Nonsense}"},"behavior":"Isolated"},` + model + `}`, "expected a known property"},
		"unknown normalizer": {`{"normalizer":{"type":"Sing"},` + model + `}`, `expected a known normalizer, got "Sing"`},
		"behavior":           {`{"pre_tokenizer":{"type":"Split","pattern":{"String":"a"},"behavior":"Odd"},` + model + `}`, "behavior: expected Removed"},
		"template":           {`{"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}],"pair":[],"special_tokens":{}},` + model + `}`, `expected a token of special_tokens, got "x"`},
		"template of B":      {`{"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B"}}],"pair":[],"special_tokens":{}},` + model + `}`, "expected sequence A only"},
		"long added token":   {`{"added_tokens":[{"id":1,"content":"` + strings.Repeat("a", 5000) + `"}],` + model + `}`, "at most 4096 bytes"},
		"padding":            {`{"padding":{"strategy":{"Fixed":99999999999}},` + model + `}`, "padding.strategy: expected"},
		"version":            {`{"version":"2.0",` + model + `}`, `version: expected 1.0, got "2.0"`},
	} {
		_, err := Parse([]byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	bomb := `{"normalizer":{"type":"Sequence","normalizers":[` + strings.Repeat(`{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaa"},`, 500) + `{"type":"ByteLevel"}]},` + model + `}`
	tk, err := Parse([]byte(bomb))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tk.normalized("aaaa")); n > 1<<20 {
		t.Errorf("a text of 4 bytes grew to %d", n)
	}
	slow := `{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a|aa|aaa)*$x"},"behavior":"Isolated"},` + model + `}`
	if tk, err = Parse([]byte(slow)); err != nil {
		t.Fatal(err)
	}
	if e := tk.Encode(strings.Repeat("a", 3000)+"b", false); e.Len() != 1 {
		t.Errorf("a pattern that takes forever: %d tokens, want 1", e.Len())
	}
	if _, err := tk.EncodeWith([]Input{{Text: "a b c"}}, &Options{Truncation: &Truncation{Length: 1, Strategy: "only_second"}}); err != nil {
		t.Error(err) // one unknown word: nothing to cut
	}
}
