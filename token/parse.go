package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"unicode/utf8"
	"unsafe"
)

// Open reads a tokenizer.json.
func Open(path string) (*Tokenizer, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	t, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%w, in %s", err, path)
	}
	return t, nil
}

// Parse reads the contents of a tokenizer.json: Hugging Face's tokenizers, version 1.0 of the format.
func Parse(data []byte) (*Tokenizer, error) {
	p := &parser{}
	t := p.tokenizer(data)
	if p.err != nil {
		return nil, fmt.Errorf("token: tokenizer.json: %w", p.err)
	}
	return t, nil
}

// maxParts bounds the normalizers, pre-tokenizers, decoders and post-processors of a file, maxDepth how deep they nest.
const (
	maxParts = 1000
	maxDepth = 20
)

// A parser reads tokenizer.json; its first error sticks.
type parser struct {
	err   error
	parts int
	depth int
}

// fail records an error at a place in the file.
func (p *parser) fail(path, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(path+": "+format, args...)
	}
}

// An object is a JSON object and its place in the file.
type object struct {
	p      *parser
	path   string
	fields map[string]json.RawMessage
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// kind names what a JSON value is.
func kind(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return fmt.Sprintf("the string %.60s", raw)
	}
	return fmt.Sprintf("%.60s", raw)
}

// file reads the object that a file holds.
func (p *parser) file(path string, data []byte) object {
	if !json.Valid(data) {
		p.fail(path, "expected an object, got %s", kind(data))
		return object{p: p, path: path}
	}
	return p.object(path, data)
}

// object takes apart an object of a file. encoding/json would look through all that it holds twice again.
func (p *parser) object(path string, raw json.RawMessage) object {
	s := scanner{s: unsafe.String(unsafe.SliceData(raw), len(raw))}
	fields, err := s.members(raw)
	if err != nil {
		p.fail(path, "expected an object, got %s", kind(raw))
	}
	return object{p: p, path: path, fields: fields}
}

// get reads a field into v and reports whether it was there and not null.
func (o object) get(name string, v any, want string) bool {
	raw := o.fields[name]
	if isNull(raw) {
		return false
	}
	if err := json.Unmarshal(raw, v); err != nil {
		o.p.fail(o.path+"."+name, "expected %s, got %s", want, kind(raw))
		return false
	}
	return true
}

func (o object) need(name string, v any, want string) {
	if !o.get(name, v, want) {
		o.p.fail(o.path+"."+name, "expected %s, got nothing", want)
	}
}

func (o object) str(name, def string) string {
	if _, ok := o.fields[name]; ok {
		o.get(name, &def, "a string")
	}
	return def
}

func (o object) needStr(name string) (s string) {
	o.need(name, &s, "a string")
	return s
}

func (o object) flag(name string, def bool) bool {
	o.get(name, &def, "true or false")
	return def
}

// num reads an integer of 0 to top.
func (o object) num(name string, def, top int64) int64 {
	v := def
	if o.get(name, &v, "an integer") && (v < 0 || v > top) {
		o.p.fail(o.path+"."+name, "expected an integer of 0 to %d, got %d", top, v)
		return def
	}
	return v
}

// list reads an array.
func (o object) list(name string) (out []json.RawMessage) {
	o.get(name, &out, "an array")
	return out
}

// kinded begins a part: an object with a type. leave must follow.
func (p *parser) kinded(path string, raw json.RawMessage) (object, string) {
	p.depth++
	if p.parts++; p.parts > maxParts || p.depth > maxDepth {
		p.fail(path, "expected at most %d parts, nested at most %d deep", maxParts, maxDepth)
	}
	if p.err != nil {
		return object{p: p, path: path}, ""
	}
	o := p.object(path, raw)
	kind := o.needStr("type")
	o.path = path + " (" + kind + ")"
	return o, kind
}

func (p *parser) leave() { p.depth-- }

const maxID = math.MaxInt32

func (p *parser) tokenizer(data []byte) *Tokenizer {
	o := p.file("the file", data)
	o.path = "the file"
	if v := o.str("version", "1.0"); v != "1.0" {
		p.fail("version", "expected 1.0, got %q", v)
	}
	t := &Tokenizer{}
	if raw := o.fields["normalizer"]; !isNull(raw) {
		t.normalizers = p.normalizers(nil, "normalizer", raw)
	}
	if raw := o.fields["pre_tokenizer"]; !isNull(raw) {
		t.preTokenizers = p.preTokenizers(nil, "pre_tokenizer", raw)
	}
	if raw := o.fields["post_processor"]; !isNull(raw) {
		t.post = p.post("post_processor", raw)
	}
	if raw := o.fields["decoder"]; !isNull(raw) {
		t.decoder = p.decoder("decoder", raw)
	}
	if p.err != nil {
		return nil
	}
	if raw := o.fields["model"]; isNull(raw) {
		p.fail("model", "expected an object, got nothing")
	} else {
		t.model = p.model("model", raw)
	}
	if p.err != nil {
		return nil
	}
	t.truncation = p.truncation(o)
	t.padding = p.padding(o)
	added := p.added(o.list("added_tokens"))
	if p.err != nil {
		return nil
	}
	t.setUp(added)
	return t
}

// setUp finishes a tokenizer whose parts are in place.
func (t *Tokenizer) setUp(added []AddedToken) {
	for _, m := range t.preTokenizers {
		if m, ok := m.(metaspace); ok && m.first {
			t.trackAlways = true
		}
	}
	if n := len(t.preTokenizers) - 1; n >= 0 {
		if last, ok := t.preTokenizers[n].(byteLevel); ok {
			if m, ok := t.model.(*bpe); ok && m.takeBytes() {
				last.raw = true
				t.preTokenizers[n] = last
			}
		}
	}
	t.setAdded(added)
	t.setFrame()
}

func (p *parser) added(raws []json.RawMessage) (out []AddedToken) {
	for i, raw := range raws {
		o := p.object(fmt.Sprintf("added_tokens[%d]", i), raw)
		out = append(out, p.addedToken(o))
	}
	return out
}

func (p *parser) addedToken(o object) AddedToken {
	a := AddedToken{
		ID: int32(o.num("id", 0, maxID)), Content: o.needStr("content"), SingleWord: o.flag("single_word", false),
		LStrip: o.flag("lstrip", false), RStrip: o.flag("rstrip", false), Special: o.flag("special", false),
	}
	a.Normalized = o.flag("normalized", !a.Special)
	if len(a.Content) > maxAdded {
		p.fail(o.path+".content", "expected at most %d bytes, got %d", maxAdded, len(a.Content))
	}
	return a
}

// pattern reads {"String": …} or {"Regex": …}.
func (o object) pattern(name string) matcher {
	var v struct{ String, Regex *string }
	o.need(name, &v, `{"String": …} or {"Regex": …}`)
	var m matcher
	var err error
	switch {
	case o.p.err != nil:
	case v.Regex != nil:
		m, err = compilePattern(*v.Regex)
	case v.String != nil && *v.String != "":
		m = literal(*v.String)
	case v.String != nil:
		m, err = compilePattern("(?:)")
	default:
		o.p.fail(o.path+"."+name, `expected {"String": …} or {"Regex": …}, got %s`, kind(o.fields[name]))
	}
	if err != nil {
		o.p.fail(o.path+"."+name, "%w", err)
	}
	return m
}

// normalizers appends the normalizers of raw, sequences flattened.
func (p *parser) normalizers(out []normalizer, path string, raw json.RawMessage) []normalizer {
	o, kind := p.kinded(path, raw)
	defer p.leave()
	if p.err != nil {
		return nil
	}
	switch kind {
	case "Sequence":
		for i, raw := range o.list("normalizers") {
			out = p.normalizers(out, fmt.Sprintf("%s[%d]", path, i), raw)
		}
	case "NFC":
		out = append(out, nfc)
	case "NFD":
		out = append(out, nfd)
	case "NFKC":
		out = append(out, nfkc)
	case "NFKD":
		out = append(out, nfkd)
	case "Lowercase":
		out = append(out, lowercase{})
	case "Strip":
		out = append(out, strip{o.flag("strip_left", true), o.flag("strip_right", true)})
	case "StripAccents":
		out = append(out, without{mark})
	case "Nmt":
		out = append(out, nmt{})
	case "ByteLevel":
		out = append(out, byteChars{})
	case "Prepend":
		out = append(out, prepend{o.needStr("prepend")})
	case "Replace":
		out = append(out, replace{o.pattern("pattern"), o.needStr("content")})
	case "Precompiled":
		b, err := base64.StdEncoding.DecodeString(o.needStr("precompiled_charsmap"))
		if err != nil {
			p.fail(o.path+".precompiled_charsmap", "expected base64: %w", err)
			return nil
		}
		c, err := parseCharsmap(b)
		if err != nil {
			p.fail(o.path+".precompiled_charsmap", "%w", err)
			return nil
		}
		out = append(out, c)
	case "BertNormalizer", "Bert":
		lower := o.flag("lowercase", true)
		out = bertNormalizers(out, o.flag("clean_text", true), o.flag("handle_chinese_chars", true), o.flag("strip_accents", lower), lower)
	default:
		p.fail(path+".type", "expected a known normalizer, got %q", kind)
	}
	return out
}

// bertNormalizers appends what BertNormalizer consists of.
func bertNormalizers(out []normalizer, clean, chinese, strip, lower bool) []normalizer {
	if clean {
		out = append(out, bertClean{})
	}
	if chinese {
		out = append(out, bertChinese{})
	}
	if strip {
		out = append(out, nfd, without{nonspacing})
	}
	if lower {
		out = append(out, lowercase{})
	}
	return out
}

// character reads a string of one rune.
func (o object) character(name, def string) string {
	s := o.str(name, def)
	if utf8.RuneCountInString(s) != 1 {
		o.p.fail(o.path+"."+name, "expected one character, got %q", s)
	}
	return s
}

// behavior reads a Split's or Punctuation's behavior.
func (o object) behavior(def string) behavior {
	s := o.str("behavior", def)
	b, ok := behaviors[s]
	if !ok {
		o.p.fail(o.path+".behavior", "expected Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous, got %q", s)
	}
	return b
}

func (p *parser) preTokenizers(out []preTokenizer, path string, raw json.RawMessage) []preTokenizer {
	o, kind := p.kinded(path, raw)
	defer p.leave()
	if p.err != nil {
		return nil
	}
	switch kind {
	case "Sequence":
		for i, raw := range o.list("pretokenizers") {
			out = p.preTokenizers(out, fmt.Sprintf("%s[%d]", path, i), raw)
		}
	case "ByteLevel":
		out = append(out, byteLevel{prefix: o.flag("add_prefix_space", true), pattern: o.flag("use_regex", true)})
	case "Split":
		out = append(out, split{o.pattern("pattern"), o.behavior(""), o.flag("invert", false)})
	case "Whitespace":
		out = append(out, split{whitespace{}, removed, true})
	case "WhitespaceSplit":
		out = append(out, split{runsOf{space, 1, true}, removed, false})
	case "Punctuation":
		out = append(out, split{runsOf{punct, 1, true}, o.behavior("Isolated"), false})
	case "Digits":
		how := contiguous
		if o.flag("individual_digits", false) {
			how = isolated
		}
		out = append(out, split{runsOf{numeric, 1, true}, how, false})
	case "BertPreTokenizer":
		out = append(out, split{runsOf{space, 1, true}, removed, false}, split{runsOf{punct, 1, true}, isolated, false})
	case "CharDelimiterSplit", "Delimiter":
		out = append(out, split{literal(o.character("delimiter", "")), removed, false})
	case "UnicodeScripts":
		out = append(out, split{scripts{}, removed, true})
	case "FixedLength":
		n := o.num("length", 5, maxID)
		if n == 0 {
			p.fail(o.path+".length", "expected at least 1, got 0")
		}
		out = append(out, split{fixedLength{int(n)}, removed, true})
	case "Metaspace":
		replacement, always, first := o.metaspace()
		out = append(out, metaspace{replacement, always, first, o.flag("split", true)})
	default:
		p.fail(path+".type", "expected a known pre-tokenizer, got %q", kind)
	}
	return out
}

// metaspace reads what the pre-tokenizer and the decoder Metaspace share.
func (o object) metaspace() (replacement string, always, first bool) {
	replacement = o.character("replacement", "▁")
	scheme := o.str("prepend_scheme", "always")
	if !o.flag("add_prefix_space", true) {
		if _, given := o.fields["prepend_scheme"]; given && scheme != "never" {
			o.p.fail(o.path+".prepend_scheme", "expected never beside add_prefix_space false, got %q", scheme)
		}
		scheme = "never"
	}
	switch scheme {
	case "always", "first", "never":
	default:
		o.p.fail(o.path+".prepend_scheme", "expected always, first or never, got %q", scheme)
	}
	return replacement, scheme == "always", scheme == "first"
}

func (p *parser) decoder(path string, raw json.RawMessage) decoder {
	o, kind := p.kinded(path, raw)
	defer p.leave()
	if p.err != nil {
		return nil
	}
	switch kind {
	case "Sequence":
		var out decodeSequence
		for i, raw := range o.list("decoders") {
			out = append(out, p.decoder(fmt.Sprintf("%s[%d]", path, i), raw))
		}
		return out
	case "ByteLevel":
		return byteLevelDecoder{}
	case "WordPiece":
		return wordPieceDecoder(o.str("prefix", "##"), o.flag("cleanup", true))
	case "Metaspace":
		replacement, always, first := o.metaspace()
		return metaspaceDecoder(replacement, always || first)
	case "BPEDecoder":
		return bpeDecoder(o.str("suffix", "</w>"))
	case "ByteFallback":
		return byteFallbackDecoder{}
	case "Fuse":
		return fuseDecoder{}
	case "Strip":
		return stripDecoder(o.character("content", " "), int(o.num("start", 0, maxID)), int(o.num("stop", 0, maxID)))
	case "Replace":
		return replaceDecoder(o.pattern("pattern"), o.needStr("content"))
	case "CTC":
		return ctcDecoder{o.str("pad_token", "<pad>"), o.str("word_delimiter_token", "|"), o.flag("cleanup", true)}
	}
	p.fail(path+".type", "expected a known decoder, got %q", kind)
	return nil
}
