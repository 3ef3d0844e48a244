package token

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The golden files are written by tools/golden/token_golden.py.

func readGzip(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readGolden(t testing.TB, name string, v any) {
	t.Helper()
	if err := json.Unmarshal(readGzip(t, name), v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// torture is the list of strings of every family.
type torture struct {
	Strings, Added []string
	Long           []repeated
}

// repeated is a string and how often to write it.
type repeated struct {
	s string
	n int
}

func (r *repeated) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&r.s, &r.n})
}

func readTorture(t testing.TB) (s torture) {
	readGolden(t, "strings.json", &s)
	return s
}

func readFamily(t testing.TB, name string) *Tokenizer {
	t.Helper()
	file := bytes.ReplaceAll(readGzip(t, name+".tokenizer.json"), []byte(`"nmt_nfkc"`), []byte(`"`+charsmapBase64(t)+`"`))
	tk, err := Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return tk
}

func charsmapBase64(t testing.TB) string {
	return base64.StdEncoding.EncodeToString(readGzip(t, "nmt_nfkc"))
}

// lines writes an encoding as the golden script does.
func lines(e *Encoding) string {
	var b []byte
	for i, id := range e.IDs {
		b = append(strconv.AppendInt(b, int64(id), 10), '\t')
		b = append(append(b, e.Tokens[i]...), '\t')
		b = append(strconv.AppendInt(b, int64(e.Offsets[i][0]), 10), '\t')
		b = append(strconv.AppendInt(b, int64(e.Offsets[i][1]), 10), '\t')
		b = append(strconv.AppendInt(b, int64(e.Words[i]), 10), '\n')
	}
	return string(b)
}

func sum(s string) uint32 { return crc32.ChecksumIEEE([]byte(s)) }

func numbers(ids []int32) string {
	var b []byte
	for _, id := range ids {
		b = append(strconv.AppendInt(b, int64(id), 10), ' ')
	}
	return string(b)
}

// familyGolden is what the reference makes of a family's strings.
type familyGolden struct {
	Rows    [][2]uint32
	Pairs   [][2]uint32
	Decoded [][2]uint32
	Salad   []saladRow
	Cut     []cutRow
	Long    [][3]uint32
	Size    int
}

type saladRow struct {
	ids  []int32
	text string
}

func (r *saladRow) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &[]any{&r.ids, &r.text}) }

type cutRow struct {
	length, stride          int
	strategy, side, padSide string
	padTo                   *int
	text                    string
	pair                    *string
	want                    []cutWant
}

type cutWant struct {
	ids, types, special, attention []int32
	tokens                         []string
}

func (w *cutWant) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&w.ids, &w.tokens, &w.types, &w.special, &w.attention})
}

func (r *cutRow) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&[]any{&r.length, &r.stride, &r.strategy, &r.side, &r.padSide, &r.padTo}, &[]any{&r.text, &r.pair}, &r.want})
}

var families = []string{"gpt2", "roberta", "llama2", "llama2_meta", "llama3", "qwen2", "gemma", "bert_uncased", "bert_cased", "t5", "xlmr", "siglip",
	"wordlevel", "bpe_affixes", "bpe_drops", "deepseek", "added"}

func TestFamilies(t *testing.T) {
	list := readTorture(t)
	for _, name := range families {
		t.Run(name, func(t *testing.T) {
			tk := readFamily(t, name)
			var want familyGolden
			readGolden(t, name+".golden.json", &want)
			texts := list.Strings
			if name == "added" {
				texts = list.Added
			}
			bad := 0
			fail := func(format string, args ...any) {
				t.Helper()
				if bad++; bad <= 5 {
					t.Errorf(format, args...)
				}
			}
			if got := tk.VocabSize(); got != want.Size {
				t.Errorf("VocabSize: %d, want %d", got, want.Size)
			}
			var ids []int32
			for i, s := range texts {
				e := tk.Encode(s, true)
				if sum(lines(e)) != want.Rows[i][1] {
					fail("string %d %q: %d tokens, want %d:\n%s", i, s, e.Len(), want.Rows[i][0], lines(e))
				}
				if ids = tk.AppendIDs(ids[:0], s); numbers(ids) != numbers(e.IDs) {
					fail("string %d %q: AppendIDs %v, Encode %v", i, s, ids, e.IDs)
				}
			}
			for k, w := range want.Pairs {
				e := tk.EncodePair(texts[7*k], texts[7*k+1], true)
				if sum(lines(e)+numbers(e.TypeIDs)) != w[1] {
					fail("pair %q, %q: %d tokens, want %d:\n%s%v", texts[7*k], texts[7*k+1], e.Len(), w[0], lines(e), e.TypeIDs)
				}
			}
			for k, w := range want.Decoded {
				ids := tk.Encode(texts[5*k], true).IDs
				if got := tk.Decode(ids, true); sum(got) != w[0] {
					fail("decode of %q without special tokens: %q", texts[5*k], got)
				}
				if got := tk.Decode(ids, false); sum(got) != w[1] {
					fail("decode of %q: %q", texts[5*k], got)
				}
			}
			for _, w := range want.Salad {
				if got := tk.Decode(w.ids, true); got != w.text {
					fail("decode of %v: %q, want %q", w.ids, got, w.text)
				}
			}
			for i, w := range want.Long {
				s := strings.Repeat(list.Long[i].s, list.Long[i].n)
				e := tk.Encode(s, true)
				if got := [3]uint32{uint32(e.Len()), sum(numbers(e.IDs)), sum(lines(e))}; got != w {
					fail("%d times %q: %d, want %d", list.Long[i].n, list.Long[i].s, got, w)
				}
				if ids = tk.AppendIDs(ids[:0], s); sum(numbers(ids)) != w[1] {
					fail("%d times %q: AppendIDs differs", list.Long[i].n, list.Long[i].s)
				}
			}
			for _, w := range want.Cut {
				checkCut(t, tk, w)
			}
		})
	}
}

func checkCut(t *testing.T, tk *Tokenizer, w cutRow) {
	t.Helper()
	o := &Options{Truncation: &Truncation{Length: w.length, Stride: w.stride, Strategy: w.strategy, Left: w.side == "left"},
		Padding: &Padding{Left: w.padSide == "left", ID: 1, TypeID: 2, Token: "PAD!"}}
	if w.padTo != nil {
		o.Padding.MultipleOf = *w.padTo
	}
	got, err := tk.EncodeWith([]Input{{w.text, w.pair}}, o)
	what := fmt.Sprintf("%q %v cut to %d by %s from the %s, stride %d", w.text, w.pair != nil, w.length, w.strategy, w.side, w.stride)
	if w.want == nil {
		if err == nil {
			t.Errorf("%s: %v, want an error", what, got[0].IDs)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	all := append([]*Encoding{got[0]}, got[0].Overflow...)
	if len(all) != len(w.want) {
		t.Errorf("%s: %d windows, want %d", what, len(all), len(w.want))
		return
	}
	for i, e := range all {
		g := fmt.Sprint(e.IDs, e.Tokens, e.TypeIDs, e.SpecialMask, e.AttentionMask)
		x := w.want[i]
		if want := fmt.Sprint(x.ids, x.tokens, x.types, x.special, x.attention); g != want {
			t.Errorf("%s: window %d:\n%s, want\n%s", what, i, g, want)
		}
	}
}

func TestParts(t *testing.T) {
	list := readTorture(t)
	var rows []struct{ Kind, Config, CRCs string }
	readGolden(t, "parts.golden.json", &rows)
	for i, row := range rows {
		crcs, err := base64.StdEncoding.DecodeString(row.CRCs)
		if err != nil {
			t.Fatal(err)
		}
		p := &parser{}
		tk := &Tokenizer{trackAlways: true}
		config := []byte(strings.ReplaceAll(row.Config, `"nmt_nfkc"`, `"`+charsmapBase64(t)+`"`))
		texts := list.Strings
		if row.Kind == "normalizer" {
			tk.normalizers = p.normalizers(nil, row.Kind, config)
			texts = append(texts[:len(texts):len(texts)], strings.Repeat("a", 40), "b a", "xx")
		} else {
			tk.preTokenizers = p.preTokenizers(nil, row.Kind, config)
		}
		if p.err != nil {
			t.Errorf("%.300s: %v", row.Config, p.err)
			continue
		}
		bad := 0
		for k, s := range texts {
			var tx text
			tk.cut(&tx, s, true)
			var b strings.Builder
			if row.Kind == "normalizer" {
				b.Write(tx.buf)
				if len(s) == 0 {
					b.Reset()
					b.WriteString(tk.normalized(s))
				}
				b.WriteString("\n")
			}
			for _, q := range tx.pieces {
				if row.Kind == "pre_tokenizer" {
					fmt.Fprintf(&b, "%s\t", tx.buf[q.lo:q.hi])
				}
				fmt.Fprintf(&b, "%d", tx.at[q.lo].lo)
				if row.Kind == "pre_tokenizer" {
					fmt.Fprint(&b, "\t")
				} else {
					fmt.Fprint(&b, " ")
				}
				fmt.Fprintf(&b, "%d\n", tx.at[q.hi-1].hi)
			}
			if uint16(sum(b.String())) != binary.LittleEndian.Uint16(crcs[2*k:]) {
				if bad++; bad <= 2 {
					t.Errorf("part %d %.200s: string %d %q: got\n%s", i, row.Config, k, s, b.String())
				}
			}
		}
		if bad > 2 {
			t.Errorf("part %d %.200s: %d strings of %d differ", i, row.Config, bad, len(texts))
		}
	}
}

func TestDecoders(t *testing.T) {
	var rows []struct {
		Config string
		In     [][]string
		Out    []*string
	}
	readGolden(t, "decoders.golden.json", &rows)
	for _, row := range rows {
		p := &parser{}
		d := p.decoder("decoder", []byte(row.Config))
		if p.err != nil {
			t.Fatal(p.err)
		}
		for i, in := range row.In {
			got := strings.Join(d.decode(append([]string(nil), in...)), "")
			if row.Out[i] != nil && got != *row.Out[i] {
				t.Errorf("%s: %q: %q, want %q", row.Config, in, got, *row.Out[i])
			}
		}
	}
}

func TestOpenCLIP(t *testing.T) {
	list := readTorture(t)
	var want struct {
		Rows    [][]int32
		Decoded []string
		Clean   []uint32
		Long    [][2]uint32
	}
	readGolden(t, "openclip.golden.json", &want)
	tk := CLIP()
	var ids []int32
	for i, s := range list.Strings {
		if got := tk.normalized(s); sum(got) != want.Clean[i] {
			t.Errorf("string %d %q: cleaned to %q, want something else", i, s, got)
		}
		ids = tk.AppendIDs(ids[:0], s)
		if ids[0] != 49406 || ids[len(ids)-1] != 49407 || numbers(ids[1:len(ids)-1]) != numbers(want.Rows[i]) {
			t.Errorf("string %d %q: %v, want %v", i, s, ids, want.Rows[i])
		}
		e := tk.Encode(s, true)
		if numbers(ids) != numbers(e.IDs) {
			t.Errorf("string %d %q: AppendIDs %v, Encode %v", i, s, ids, e.IDs)
		}
		for k, o := range e.Offsets {
			if o[0] < 0 || o[0] > o[1] || o[1] > len(s) {
				t.Errorf("string %d %q: token %d has offsets %v", i, s, k, o)
			}
		}
	}
	for i, w := range want.Decoded {
		if got := tk.Decode(want.Rows[i], false); got != strings.TrimSpace(w) {
			t.Errorf("decode of %v: %q, want %q", want.Rows[i], got, w)
		}
	}
	for i, w := range want.Long {
		ids = tk.AppendIDs(ids[:0], strings.Repeat(list.Long[i].s, list.Long[i].n/20))
		ids = ids[1 : len(ids)-1]
		if got := [2]uint32{uint32(len(ids)), sum(numbers(ids))}; got != w {
			t.Errorf("%d times %q: %d, want %d", list.Long[i].n/20, list.Long[i].s, got, w)
		}
	}
}

func TestMojibake(t *testing.T) {
	var rows [][3]any
	readGolden(t, "mojibake.golden.json", &rows)
	tk := CLIP()
	for _, row := range rows {
		s := row[0].(string)
		if got := tk.normalized(s); sum(got) != uint32(row[1].(float64)) {
			t.Errorf("%q: cleaned to %q, want something else", s, got)
		}
		ids := tk.AppendIDs(nil, s)
		if sum(numbers(ids[1:len(ids)-1])) != uint32(row[2].(float64)) {
			t.Errorf("%q: %v, want something else", s, ids)
		}
	}
}

func TestFolders(t *testing.T) {
	list := readTorture(t)
	var folders map[string]struct {
		Files map[string]json.RawMessage
		Rows  [][2]uint32
		Pairs []uint32
		Every int
	}
	readGolden(t, "folders.golden.json", &folders)
	for name, f := range folders {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, content := range f.Files {
				var s string
				if json.Unmarshal(content, &s) != nil {
					s = string(content)
				}
				write(t, filepath.Join(dir, file), s)
			}
			if strings.HasPrefix(name, "clip") {
				writeCLIP(t, dir)
			}
			tk, err := OpenFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			var texts []string
			for i := 0; i < len(list.Strings); i += f.Every {
				texts = append(texts, list.Strings[i])
			}
			for i, s := range texts {
				e := tk.Encode(s, true)
				if sum(lines(e)) != f.Rows[i][0] {
					if bad++; bad < 5 {
						t.Errorf("string %d %q:\n%s", i, s, lines(e))
					}
				}
				if got := tk.Decode(e.IDs, true); sum(got) != f.Rows[i][1] {
					if bad++; bad < 5 {
						t.Errorf("string %d %q: decoded to %q", i, s, got)
					}
				}
			}
			for i, w := range f.Pairs {
				if e := tk.EncodePair(texts[9*i], texts[9*i+1], true); sum(numbers(e.IDs)) != w {
					t.Errorf("pair %q, %q: %v", texts[9*i], texts[9*i+1], e.IDs)
				}
			}
		})
	}
}

func write(t testing.TB, path, s string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeCLIP writes the published vocabulary as Hugging Face has it.
func writeCLIP(t testing.TB, dir string) {
	t.Helper()
	ids := map[string]int32{}
	for s, id := range CLIP().model.vocabulary().ids {
		switch s {
		case clipStart:
			s = "<|startoftext|>"
		case clipEnd:
			s = "<|endoftext|>"
		}
		ids[s] = id
	}
	b, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "vocab.json"), string(b))
	zr, err := gzip.NewReader(bytes.NewReader(clipMerges))
	if err != nil {
		t.Fatal(err)
	}
	merges, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "merges.txt"), "#version: 0.2\n"+string(merges))
}

// TestConcurrent shares one tokenizer, whose cache starts empty, between goroutines.
func TestConcurrent(t *testing.T) {
	list := readTorture(t).Strings
	tk, alone := readFamily(t, "gemma"), readFamily(t, "gemma")
	want := make([]string, len(list))
	for i, s := range list {
		want[i] = numbers(alone.AppendIDs(nil, s))
	}
	done := make(chan string)
	for w := range 4 {
		go func() {
			bad := ""
			for k := range list {
				i := (k*7 + w*13) % len(list)
				if got := numbers(tk.AppendIDs(nil, list[i])); got != want[i] {
					bad = list[i]
				}
			}
			done <- bad
		}()
	}
	for range 4 {
		if bad := <-done; bad != "" {
			t.Errorf("%q: other ids than alone", bad)
		}
	}
}
