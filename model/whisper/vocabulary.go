package whisper

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chiasm/chiasm/token"
	"github.com/chiasm/chiasm/weights"
)

// openTokenizer reads the tokenizer of a folder, or makes it of the list of tokens that CTranslate2 keeps.
func openTokenizer(dir string) (*token.Tokenizer, error) {
	file := weights.Find(dir, []string{"tokenizer.json", "vocab.json", "vocabulary.json", "vocabulary.txt"})
	name := filepath.Base(file)
	if file == "" || !strings.HasPrefix(name, "vocabulary.") {
		return token.OpenFolder(dir)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var tokens []string
	if name == "vocabulary.json" {
		if err := json.Unmarshal(data, &tokens); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	} else {
		tokens = strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	}
	t, err := listedTokenizer(tokens)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// listedTokenizer makes a tokenizer of all tokens in the order of their ids: first those of the byte-pair encoding in the order in which
// they were learnt, then the special ones, in angle brackets and bars.
func listedTokenizer(tokens []string) (*token.Tokenizer, error) {
	c := &token.Config{Class: "GPT2Tokenizer"}
	ids := make(map[string]int, len(tokens))
	words := len(tokens)
	for i, t := range tokens {
		if strings.HasPrefix(t, "<|") && strings.HasSuffix(t, "|>") && len(t) > 4 {
			words = min(words, i)
			c.Added = append(c.Added, token.AddedToken{ID: int32(i), Content: t, Special: true})
		} else if i > words {
			return nil, fmt.Errorf("expected special tokens from %d on, got %.40q as %d", words, t, i)
		}
		if _, ok := ids[t]; ok {
			return nil, fmt.Errorf("%.40q appears twice", t)
		}
		ids[t] = i
	}
	vocab := make(map[string]int, words)
	for i, t := range tokens[:words] {
		vocab[t] = i
	}
	list, err := json.Marshal(vocab)
	if err != nil {
		return nil, err
	}
	return token.ParseBPE(list, merges(tokens[:words], vocab), c)
}

// merges finds the pairs that the tokens of a byte-pair encoding were made of, in the order in which they were learnt, which is that of
// their ids: those that the encoding as it was before leaves of a token. What is not made of two such is left out.
func merges(tokens []string, ids map[string]int) []byte {
	var b bytes.Buffer
	for id, t := range tokens {
		if utf8.RuneCountInString(t) < 2 || len(t) > maxToken {
			continue
		}
		if parts := split(t, id, ids); len(parts) == 2 {
			fmt.Fprintf(&b, "%s %s\n", parts[0], parts[1])
		}
	}
	return b.Bytes()
}

// maxToken is the length of a token in bytes; published ones have at most 256.
const maxToken = 1 << 8

// split encodes a text with the tokens below id: of all neighbours that are a token together, those with the least id are joined, until
// there are none.
func split(text string, id int, ids map[string]int) []string {
	parts := strings.Split(text, "")
	for len(parts) > 2 {
		pairs := make([]int, len(parts)-1)
		for i := range pairs {
			pairs[i] = id
			if n, ok := ids[parts[i]+parts[i+1]]; ok && n < id {
				pairs[i] = n
			}
		}
		least := slices.MinFunc(pairs, cmp.Compare[int])
		if least == id {
			break
		}
		i := slices.Index(pairs, least)
		parts[i] += parts[i+1]
		parts = slices.Delete(parts, i+1, i+2)
	}
	return parts
}
