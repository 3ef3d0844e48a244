package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// OpenFolder reads the tokenizer of a model's folder: tokenizer.json, else vocab.json with merges.txt, else vocab.txt;
// the latter two with what tokenizer_config.json, special_tokens_map.json and added_tokens.json add.
func OpenFolder(dir string) (*Tokenizer, error) { return OpenFolderAs(dir, "") }

// ClassSigLIP2 is the class of Gemma's tokenizer where text is put into lower case first.
const ClassSigLIP2 = "Siglip2Tokenizer"

// OpenFolderAs is [OpenFolder] for files that name a wrong class: the tokenizer is as transformers' class of that name makes it, unless
// class is empty.
func OpenFolderAs(dir, class string) (*Tokenizer, error) {
	f := folder{dir: dir}
	c := f.config()
	if class != "" {
		c.Class = class
	}
	var t *Tokenizer
	switch {
	case f.err != nil:
	case f.has("tokenizer.json"):
		var err error
		if t, err = Open(filepath.Join(dir, "tokenizer.json")); err != nil {
			return nil, err
		}
		t.roles = c.Special
		switch strings.TrimSuffix(c.Class, "Fast") {
		case "CLIPTokenizer":
			t.finish = clipFinish
		case ClassSigLIP2:
			if err := t.likeSigLIP2(c); err != nil {
				return nil, err
			}
		}
	case f.has("vocab.json") && f.has("merges.txt"):
		t, f.err = ParseBPE(f.read("vocab.json"), f.read("merges.txt"), c)
	case f.has("vocab.txt"):
		t, f.err = ParseWordPiece(f.read("vocab.txt"), c)
	default:
		return nil, fmt.Errorf("token: %s: expected tokenizer.json, vocab.json with merges.txt, or vocab.txt, got none of them: %w", dir, fs.ErrNotExist)
	}
	if f.err != nil {
		return nil, fmt.Errorf("%w, in %s", f.err, dir)
	}
	return t, nil
}

// A folder reads files; its first error sticks.
type folder struct {
	dir string
	err error
}

func (f *folder) has(name string) bool {
	_, err := os.Stat(filepath.Join(f.dir, name))
	return err == nil
}

func (f *folder) read(name string) []byte {
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("token: %w", err)
	}
	return b
}

// Config is what the files beside a vocabulary say.
type Config struct {
	// Class is the tokenizer class of transformers, with or without its Fast; it decides how text is cut up.
	Class string
	// AddPrefixSpace treats the first word as if a space stood before it.
	AddPrefixSpace bool
	// NoTrim leaves white space in the offsets of RoBERTa's tokens.
	NoTrim bool
	// AddBOS and AddEOS put the start and end tokens of GPT-2's family around the text.
	AddBOS, AddEOS bool
	// KeepCase, StripAccents (nil: as the case is) and NoChinese are BERT's.
	KeepCase     bool
	StripAccents *bool
	NoChinese    bool
	// Special holds the special tokens by role: "bos", "eos", "unk", "sep", "pad", "cls", "mask".
	Special map[string]AddedToken
	// Added are the tokens besides the vocabulary, in the order of their ids.
	Added []AddedToken
}

// roles is the order in which transformers adds special tokens.
var roles = []string{"bos", "eos", "unk", "sep", "pad", "cls", "mask"}

// config reads tokenizer_config.json and, for what that lacks, the older files.
func (f *folder) config() *Config {
	c := &Config{Special: map[string]AddedToken{}}
	p := &parser{}
	modern := false
	if f.has("tokenizer_config.json") {
		o := p.file("tokenizer_config.json", f.read("tokenizer_config.json"))
		c.Class = o.str("tokenizer_class", "")
		c.AddPrefixSpace = o.flag("add_prefix_space", false)
		c.NoTrim = !o.flag("trim_offsets", true)
		c.AddBOS, c.AddEOS = o.flag("add_bos_token", false), o.flag("add_eos_token", false)
		c.KeepCase = !o.flag("do_lower_case", true)
		c.NoChinese = !o.flag("tokenize_chinese_chars", true)
		var accents bool
		if o.get("strip_accents", &accents, "true or false") {
			c.StripAccents = &accents
		}
		c.specials(o)
		var decoder map[string]json.RawMessage
		if modern = o.get("added_tokens_decoder", &decoder, "an object"); modern {
			for id, raw := range decoder {
				n, err := strconv.ParseInt(id, 10, 32)
				if err != nil || n < 0 {
					p.fail("tokenizer_config.json.added_tokens_decoder", "expected ids as keys, got %.40q", id)
				}
				a := p.configToken("tokenizer_config.json.added_tokens_decoder."+id, raw)
				a.ID = int32(n)
				c.Added = append(c.Added, a)
			}
		}
	}
	if !modern && f.has("special_tokens_map.json") {
		c.specials(p.file("special_tokens_map.json", f.read("special_tokens_map.json")))
	}
	if !modern && f.has("added_tokens.json") {
		s := scanner{s: string(f.read("added_tokens.json"))}
		ids, err := s.vocab()
		if err != nil {
			p.fail("added_tokens.json", "%w", err)
		}
		for content, id := range ids {
			special := false
			for _, a := range c.Special {
				special = special || a.Content == content
			}
			c.Added = append(c.Added, AddedToken{ID: id, Content: content, Normalized: !special, Special: special})
		}
	}
	slices.SortFunc(c.Added, func(a, b AddedToken) int { return int(a.ID) - int(b.ID) })
	for role, s := range c.Special { // the fuller description of a token counts
		for _, a := range c.Added {
			if a.Content == s.Content {
				c.Special[role] = a
			}
		}
	}
	if p.err != nil && f.err == nil {
		f.err = fmt.Errorf("token: %w", p.err)
	}
	return c
}

// specials reads the fields bos_token and so on.
func (c *Config) specials(o object) {
	for _, role := range roles {
		raw := o.fields[role+"_token"]
		if isNull(raw) {
			continue
		}
		a := o.p.configToken(o.path+"."+role+"_token", raw)
		a.Special = true
		c.Special[role] = a
	}
}

// configToken reads a token given as a string or as an object.
func (p *parser) configToken(path string, raw json.RawMessage) AddedToken {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		if len(s) > maxAdded {
			p.fail(path, "expected at most %d bytes, got %d", maxAdded, len(s))
		}
		return AddedToken{Content: s, Special: true}
	}
	return p.addedToken(p.object(path, raw))
}

// role returns the special token of a role, or def.
func (c *Config) role(role, def string) AddedToken {
	if a, ok := c.Special[role]; ok {
		return a
	}
	return AddedToken{Content: def, Special: true}
}

// defaults are the special tokens of a class where its files name none.
func (c *Config) defaults(byRole map[string]string) {
	full := map[string]AddedToken{}
	for role, a := range c.Special {
		full[role] = a
	}
	for role, s := range byRole {
		full[role] = c.role(role, s)
	}
	c.Special = full
}

// add finishes t with the tokens of c, as transformers adds them: first by id, then by role. A token that two roles
// describe differently is as the later one has it.
func (t *Tokenizer) add(c *Config) {
	t.roles = c.Special
	added := slices.Clone(c.Added)
	for _, role := range roles {
		a, ok := c.Special[role]
		if ok && a.Content != "" && !slices.ContainsFunc(c.Added, func(b AddedToken) bool { return a.Content == b.Content }) {
			added = append(added, a)
		}
	}
	t.setUp(added)
}

// ParseBPE builds a byte-level tokenizer of vocab.json and merges.txt, as transformers does for the class that c names:
// CLIPTokenizer, RobertaTokenizer and its kin, or, for any other, GPT2Tokenizer. A nil c means GPT-2's defaults.
func ParseBPE(vocab, merges []byte, c *Config) (*Tokenizer, error) {
	if c == nil {
		c = &Config{}
	}
	own := *c
	c = &own
	ids, err := parseVocabFile(vocab)
	if err != nil {
		return nil, fmt.Errorf("token: vocab.json: %w", err)
	}
	for s := range ids {
		if len(s) > maxToken {
			return nil, fmt.Errorf("token: vocab.json: expected tokens of at most %d bytes, got one of %d", maxToken, len(s))
		}
	}
	pairs, err := splitMerges(string(merges))
	if err != nil {
		return nil, fmt.Errorf("token: merges.txt: %w", err)
	}
	t := &Tokenizer{decoder: byteLevelDecoder{}}
	var o bpeOptions
	class := strings.TrimSuffix(c.Class, "Fast")
	roberta := false
	switch class {
	case "CLIPTokenizer":
		c.defaults(map[string]string{"bos": "<|startoftext|>", "eos": "<|endoftext|>", "unk": "<|endoftext|>", "pad": "<|endoftext|>"})
		o = bpeOptions{suffix: "</w>", unk: c.role("unk", "").Content}
		t.normalizers = []normalizer{nfc, replace{runsOf{space, 1, false}, " "}, lowercase{}}
		t.preTokenizers = []preTokenizer{split{knownPattern(patternCLIPMix), removed, true}, byteLevel{pattern: true}}
		t.finish = clipFinish
	case "RobertaTokenizer", "BartTokenizer", "LongformerTokenizer", "LEDTokenizer":
		roberta = true
		c.defaults(map[string]string{"bos": "<s>", "eos": "</s>", "sep": "</s>", "cls": "<s>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"})
		t.preTokenizers = []preTokenizer{byteLevel{prefix: c.AddPrefixSpace, pattern: true}}
	default:
		c.defaults(map[string]string{"bos": "<|endoftext|>", "eos": "<|endoftext|>", "unk": "<|endoftext|>"})
		t.preTokenizers = []preTokenizer{byteLevel{prefix: c.AddPrefixSpace, pattern: true}}
	}
	m, err := newBPE(ids, pairs, o)
	if err != nil {
		return nil, fmt.Errorf("token: merges.txt: %w", err)
	}
	t.model = m
	t.add(c)
	id := func(role string) (string, int32, error) {
		s := c.Special[role].Content
		n, ok := t.ID(s)
		if !ok {
			return "", 0, fmt.Errorf("token: %s: expected a token for %q, got none", class, role)
		}
		return s, n, nil
	}
	cls, sep := "bos", "eos"
	post := around{roberta: true}
	switch {
	case roberta:
		cls, sep = "cls", "sep"
		post.trim, post.prefixedTrim = !c.NoTrim, c.AddPrefixSpace
	case class != "CLIPTokenizer":
		if err := t.setEnds(c); err != nil {
			return nil, err
		}
		return t, nil
	}
	var err1, err2 error
	post.cls, post.clsID, err1 = id(cls)
	post.sep, post.sepID, err2 = id(sep)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	t.post = post
	t.setFrame()
	return t, nil
}

// setEnds puts the start and end tokens around each text where c asks for them.
func (t *Tokenizer) setEnds(c *Config) error {
	var m template
	for i := range 2 {
		part := templatePart{text: i, typeID: int32(i)}
		parts := []templatePart{part}
		for role, on := range map[string]bool{"bos": c.AddBOS, "eos": c.AddEOS} {
			if !on {
				continue
			}
			s := c.Special[role].Content
			id, ok := t.ID(s)
			if !ok {
				return fmt.Errorf("token: %s: expected a token for %q, got none", c.Class, role)
			}
			part.text, part.ids, part.tokens = -1, []int32{id}, []string{s}
			if role == "bos" {
				parts = slices.Insert(parts, 0, part)
			} else {
				parts = append(parts, part)
			}
		}
		if i == 0 {
			m.single = parts
		}
		m.pair = append(m.pair, parts...)
	}
	t.post = m
	t.setFrame()
	return nil
}

// likeSigLIP2 makes Gemma's tokenizer SigLIP 2's. The ends of a text are as the file has them, unless c asks for some.
func (t *Tokenizer) likeSigLIP2(c *Config) error {
	lower := false
	if len(t.normalizers) > 0 {
		_, lower = t.normalizers[0].(lowercase)
	}
	if !lower {
		t.normalizers = slices.Insert(t.normalizers, 0, normalizer(lowercase{}))
		t.setAdded(t.Added()) // their normalized forms change
	}
	c.defaults(map[string]string{"bos": "<bos>", "eos": "<eos>", "pad": "<pad>"})
	t.roles = c.Special
	if !c.AddBOS && !c.AddEOS {
		return nil
	}
	return t.setEnds(c)
}

// ParseWordPiece builds BERT's tokenizer of a vocab.txt, one token a line, or where c names that class MPNet's, which puts other tokens
// around a text.
func ParseWordPiece(vocab []byte, c *Config) (*Tokenizer, error) {
	if c == nil {
		c = &Config{}
	}
	own := *c
	c = &own
	post := around{}
	if strings.TrimSuffix(c.Class, "Fast") == "MPNetTokenizer" {
		post.roberta, post.trim = true, true
		c.defaults(map[string]string{"bos": "<s>", "eos": "</s>", "unk": "[UNK]", "sep": "</s>", "pad": "<pad>", "cls": "<s>"})
		if _, ok := c.Special["mask"]; !ok {
			c.Special["mask"] = AddedToken{Content: "<mask>", LStrip: true, Special: true}
		}
	} else {
		c.defaults(map[string]string{"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"})
	}
	ids := map[string]int32{}
	for i, line := range strings.Split(strings.TrimSuffix(string(vocab), "\n"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if len(line) > maxToken {
			return nil, fmt.Errorf("token: vocab.txt: line %d: expected a token of at most %d bytes, got %d", i+1, maxToken, len(line))
		}
		ids[line] = int32(i)
	}
	strip := !c.KeepCase
	if c.StripAccents != nil {
		strip = *c.StripAccents
	}
	t := &Tokenizer{
		normalizers:   bertNormalizers(nil, true, !c.NoChinese, strip, !c.KeepCase),
		preTokenizers: []preTokenizer{split{runsOf{space, 1, true}, removed, false}, split{runsOf{punct, 1, true}, isolated, false}},
		model:         newWordPiece(ids, c.role("unk", "").Content, "##", 100),
		decoder:       wordPieceDecoder("##", true),
	}
	t.add(c)
	post.cls, post.sep = c.Special["cls"].Content, c.Special["sep"].Content
	var okCLS, okSEP bool
	post.clsID, okCLS = t.ID(post.cls)
	post.sepID, okSEP = t.ID(post.sep)
	if !okCLS || !okSEP {
		return nil, fmt.Errorf("token: vocab.txt: expected the tokens %q and %q, got a vocabulary without", post.cls, post.sep)
	}
	t.post = post
	t.setFrame()
	return t, nil
}
