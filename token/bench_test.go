package token

import (
	"os"
	"strings"
	"testing"
)

// benchTexts are short prompts and one long document. CHIASM_TOKEN_TEXT names a file to take them from, which
// tools/peers/tokens.py sets to compare with the Python package.
func benchTexts(b *testing.B) (short []string, long string) {
	if path := os.Getenv("CHIASM_TOKEN_TEXT"); path != "" {
		file, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		head, rest, _ := strings.Cut(string(file), "\n\f\n")
		return strings.Split(head, "\n"), rest
	}
	short = readTorture(b).Strings[:50]
	return short, strings.Repeat(strings.Join(short, " "), 20)
}

func benchTokenizer(b *testing.B, name string) *Tokenizer {
	switch name {
	case "open_clip":
		return CLIP()
	case "clip":
		dir := b.TempDir()
		writeCLIP(b, dir)
		write(b, dir+"/tokenizer_config.json", `{"tokenizer_class": "CLIPTokenizer"}`)
		t, err := OpenFolder(dir)
		if err != nil {
			b.Fatal(err)
		}
		return t
	}
	return readFamily(b, name)
}

func BenchmarkTokenize(b *testing.B) {
	short, long := benchTexts(b)
	total := 0
	for _, s := range short {
		total += len(s)
	}
	for _, name := range []string{"clip", "open_clip", "gpt2", "llama3", "llama2", "gemma", "bert_uncased", "t5", "xlmr"} {
		t := benchTokenizer(b, name)
		var ids []int32
		b.Run(name+"/short/ids", func(b *testing.B) {
			b.SetBytes(int64(total))
			b.ReportAllocs()
			for b.Loop() {
				for _, s := range short {
					ids = t.AppendIDs(ids[:0], s)
				}
			}
		})
		b.Run(name+"/short/encode", func(b *testing.B) {
			b.SetBytes(int64(total))
			for b.Loop() {
				for _, s := range short {
					t.Encode(s, true)
				}
			}
		})
		b.Run(name+"/long/ids", func(b *testing.B) {
			b.SetBytes(int64(len(long)))
			b.ReportAllocs()
			for b.Loop() {
				ids = t.AppendIDs(ids[:0], long)
			}
		})
		b.Run(name+"/long/encode", func(b *testing.B) {
			b.SetBytes(int64(len(long)))
			for b.Loop() {
				t.Encode(long, true)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	b.Run("CLIP", func(b *testing.B) {
		for b.Loop() {
			buildCLIP()
		}
	})
	file := readGzip(b, "gpt2.tokenizer.json")
	b.Run("gpt2", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if _, err := Parse(file); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestAppendIDsAllocatesNothing(t *testing.T) {
	prompts := []string{"a photo of a cat", "A beautiful sunset over the mountains!", "two dogs playing in the snow, 35mm film", ""}
	ids := make([]int32, 0, 1000)
	for _, name := range []string{"CLIP", "gpt2", "llama3", "bert_uncased"} {
		tk := CLIP()
		if name != "CLIP" {
			tk = readFamily(t, name)
		}
		run := func() {
			for _, s := range prompts {
				ids = tk.AppendIDs(ids[:0], s)
			}
		}
		run()
		if n := testing.AllocsPerRun(100, run); n > 0 && !raceEnabled {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}
