package token

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"io"
	"strings"
	"sync"
)

// clip_merges.txt.gz holds the 48,894 merges of OpenAI's CLIP that are used, of the 262,144 that were published
// (MIT licence, copyright 2021 OpenAI).
//
//go:embed clip_merges.txt.gz
var clipMerges []byte

// CLIP returns the tokenizer of open_clip and of OpenAI's own releases: their vocabulary of 49,408 tokens, with
// open_clip's cleaning of the text (ftfy, HTML entities, white space, lower case). The start token is 49406, the end
// token 49407. It is one and the same Tokenizer every time.
//
// Models in the layout of transformers come with a tokenizer.json of their own, which cleans less: use Open.
func CLIP() *Tokenizer { return clipOnce() }

const (
	clipStart = "<start_of_text>"
	clipEnd   = "<end_of_text>"
)

var clipOnce = sync.OnceValue(buildCLIP)

func buildCLIP() *Tokenizer {
	zr, err := gzip.NewReader(bytes.NewReader(clipMerges))
	if err != nil {
		panic("token: clip_merges.txt.gz: " + err.Error()) // the embedded file is damaged: a build fault
	}
	file, err := io.ReadAll(zr)
	if err != nil {
		panic("token: clip_merges.txt.gz: " + err.Error())
	}
	merges, err := splitMerges(string(file))
	if err != nil {
		panic("token: clip_merges.txt.gz: " + err.Error())
	}
	ids := make(map[string]int32, 512+len(merges)/2+2)
	add := func(s string) { ids[s] = int32(len(ids)) }
	for _, suffix := range []string{"", "</w>"} {
		for _, printable := range []bool{true, false} { // first the bytes that stand for themselves
			for b, r := range byteRune {
				if (r == rune(b)) == printable {
					add(string(r) + suffix)
				}
			}
		}
	}
	for i := 0; i < len(merges); i += 2 {
		add(merges[i] + merges[i+1])
	}
	start, end := int32(len(ids)), int32(len(ids)+1)
	add(clipStart)
	add(clipEnd)
	m, err := newBPE(ids, merges, bpeOptions{suffix: "</w>"})
	if err != nil {
		panic("token: clip_merges.txt.gz: " + err.Error())
	}
	m.takeBytes()
	m.ignoreMerges = true // these two alone are tokens as they stand
	m.whole = map[string]int32{clipStart: start, clipEnd: end}
	t := &Tokenizer{
		normalizers: []normalizer{clipClean{}},
		preTokenizers: []preTokenizer{
			split{clipWords{[]string{clipStart, clipEnd}, true, pyLetter, pyNumber, pySpace}, removed, true},
			byteLevel{raw: true},
		},
		model:   m,
		post:    around{cls: clipStart, sep: clipEnd, clsID: start, sepID: end, roberta: true},
		decoder: byteLevelDecoder{},
		finish:  clipFinish,
	}
	t.setAdded(nil)
	t.special = map[string]bool{clipStart: true, clipEnd: true}
	t.setFrame()
	return t
}

// clipFinish turns word ends into spaces.
func clipFinish(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "</w>", " "))
}

// CLIPFiles is the tokenizer of [CLIP] as the files of a model in transformers' layout, by name. What they do not hold is its cleaning of
// the text: transformers lowers letters and joins white space only.
func CLIPFiles() map[string][]byte {
	zr, err := gzip.NewReader(bytes.NewReader(clipMerges))
	if err != nil {
		panic("token: clip_merges.txt.gz: " + err.Error())
	}
	merges, err := io.ReadAll(zr)
	if err != nil {
		panic("token: clip_merges.txt.gz: " + err.Error())
	}
	const start, end = "<|startoftext|>", "<|endoftext|>"
	t := CLIP()
	vocab := make(map[string]int32, t.VocabSize())
	for id := range int32(t.VocabSize()) {
		name, _ := t.Token(id)
		switch name {
		case clipStart:
			name = start
		case clipEnd:
			name = end
		}
		vocab[name] = id
	}
	file := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			panic(err) // strings and numbers can be written
		}
		return append(data, '\n')
	}
	return map[string][]byte{
		"vocab.json": file(vocab),
		"merges.txt": append([]byte("#version: 0.2\n"), merges...),
		"tokenizer_config.json": file(map[string]any{
			"tokenizer_class": "CLIPTokenizer", "bos_token": start, "eos_token": end, "unk_token": end, "pad_token": end,
			"add_prefix_space": false, "errors": "replace", "do_lower_case": true, "model_max_length": 77,
		}),
	}
}
