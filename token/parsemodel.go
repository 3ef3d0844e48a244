package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

func (p *parser) model(path string, raw json.RawMessage) model {
	o := p.object(path, raw)
	if p.err != nil {
		return nil
	}
	name := o.str("type", "")
	if name == "" { // files of before the type was written
		switch {
		case o.fields["merges"] != nil:
			name = "BPE"
		case o.fields["continuing_subword_prefix"] != nil:
			name = "WordPiece"
		case o.fields["unk_token"] != nil:
			name = "WordLevel"
		default:
			name = "Unigram"
		}
	}
	o.path = path + " (" + name + ")"
	switch name {
	case "BPE":
		return p.bpe(o)
	case "WordPiece":
		longest := o.num("max_input_chars_per_word", 100, math.MaxInt32)
		return newWordPiece(p.vocab(o), o.str("unk_token", "[UNK]"), o.str("continuing_subword_prefix", "##"), int(longest))
	case "WordLevel":
		m := &wordLevel{vocab: newVocab(p.vocab(o))}
		m.unk = m.id(o.str("unk_token", "<unk>"))
		return m
	case "Unigram":
		return p.unigram(o)
	}
	p.fail(path+".type", "expected BPE, WordPiece, WordLevel or Unigram, got %q", name)
	return nil
}

func (p *parser) bpe(o object) model {
	ids := p.vocab(o)
	var merges []string
	s := scanner{s: string(o.fields["merges"])}
	merges, err := s.merges()
	if err != nil {
		p.fail(o.path+".merges", "%w", err)
	}
	if p.err != nil {
		return nil
	}
	m, err := newBPE(ids, merges, bpeOptions{
		unk: o.str("unk_token", ""), prefix: o.str("continuing_subword_prefix", ""), suffix: o.str("end_of_word_suffix", ""),
		fuseUnk: o.flag("fuse_unk", false), byteFallback: o.flag("byte_fallback", false), ignoreMerges: o.flag("ignore_merges", false),
	})
	if err != nil {
		p.fail(o.path, "%w", err)
		return nil
	}
	return m
}

// vocab reads an object of tokens and ids.
func (p *parser) vocab(o object) map[string]int32 {
	raw := o.fields["vocab"]
	if isNull(raw) {
		p.fail(o.path+".vocab", "expected an object of tokens and ids, got nothing")
		return nil
	}
	s := scanner{s: string(raw)}
	ids, err := s.vocab()
	if err != nil {
		p.fail(o.path+".vocab", "%w", err)
	}
	for k := range ids {
		if len(k) > maxToken {
			p.fail(o.path+".vocab", "expected tokens of at most %d bytes, got one of %d", maxToken, len(k))
			return nil
		}
	}
	return ids
}

// maxToken bounds the length of a token.
const maxToken = 1 << 14

func (p *parser) unigram(o object) model {
	raw := o.fields["vocab"]
	if isNull(raw) {
		p.fail(o.path+".vocab", "expected an array of tokens and scores, got nothing")
		return nil
	}
	s := scanner{s: string(raw)}
	tokens, scores, err := s.scored()
	if err != nil {
		p.fail(fmt.Sprintf("%s.vocab[%d]", o.path, len(tokens)), "%w", err)
		return nil
	}
	unk := o.num("unk_id", -1, math.MaxInt32)
	if unk >= int64(len(tokens)) {
		p.fail(o.path+".unk_id", "expected an index into the vocabulary of %d, got %d", len(tokens), unk)
		return nil
	}
	return newUnigram(tokens, scores, int32(unk), o.flag("byte_fallback", false))
}

// A scanner reads the two large parts of a tokenizer.json, vocabulary and merges, faster than encoding/json would;
// that has already found the JSON well-formed, but what kind of values there are is checked here.
type scanner struct {
	s string
	i int
}

func (s *scanner) peek() byte {
	for s.i < len(s.s) {
		switch c := s.s[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// take moves over c if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

func (s *scanner) wrong(want string) error {
	rest := s.s[min(s.i, len(s.s)):]
	return fmt.Errorf("expected %s at byte %d, got %.40q", want, s.i, rest)
}

func (s *scanner) str() (string, error) {
	if s.peek() != '"' {
		return "", s.wrong("a string")
	}
	from := s.i
	for i := from + 1; i < len(s.s); i++ {
		switch s.s[i] {
		case '"':
			s.i = i + 1
			return s.s[from+1 : i], nil
		case '\\':
			return s.escaped(from)
		}
	}
	return "", s.wrong("the end of a string")
}

// escaped reads a string with escapes, which starts at from.
func (s *scanner) escaped(from int) (out string, err error) {
	i := from + 1
	for ; i < len(s.s) && s.s[i] != '"'; i++ {
		if s.s[i] == '\\' {
			i++
		}
	}
	if i >= len(s.s) {
		return "", s.wrong("the end of a string")
	}
	s.i = i + 1
	err = json.Unmarshal([]byte(s.s[from:s.i]), &out)
	return out, err
}

// number reads a number.
func (s *scanner) number() (float64, error) {
	s.peek()
	from := s.i
	for s.i < len(s.s) && strings.IndexByte("+-.eE0123456789", s.s[s.i]) >= 0 {
		s.i++
	}
	n, err := strconv.ParseFloat(s.s[from:s.i], 64)
	if err != nil {
		s.i = from
		return 0, s.wrong("a number")
	}
	return n, nil
}

func (s *scanner) id() (int32, error) {
	s.peek()
	from := s.i
	for s.i < len(s.s) && strings.IndexByte("+-.eE0123456789", s.s[s.i]) >= 0 {
		s.i++
	}
	n, err := strconv.ParseInt(s.s[from:s.i], 10, 64)
	if err != nil || n < 0 || n > maxID {
		s.i = from
		return 0, s.wrong(fmt.Sprintf("an id of 0 to %d", maxID))
	}
	return int32(n), nil
}

// members takes an object apart: raw is what is scanned, and the values are views of it. Of members with one name the last counts.
func (s *scanner) members(raw []byte) (map[string]json.RawMessage, error) {
	if !s.take('{') {
		return nil, s.wrong("an object")
	}
	fields := map[string]json.RawMessage{}
	if s.take('}') {
		return fields, nil
	}
	for {
		key, err := s.str()
		if err != nil {
			return nil, err
		}
		if !s.take(':') {
			return nil, s.wrong("a colon")
		}
		s.peek()
		from := s.i
		if err := s.skip(); err != nil {
			return nil, err
		}
		fields[strings.Clone(key)] = raw[from:s.i:s.i]
		if s.take('}') {
			return fields, nil
		}
		if !s.take(',') {
			return nil, s.wrong("a comma")
		}
	}
}

// skip passes over a value of JSON that is well-formed.
func (s *scanner) skip() error {
	for depth := 0; ; {
		switch s.peek() {
		case 0:
			return s.wrong("a value")
		case '"':
			if err := s.skipString(); err != nil {
				return err
			}
		case '{', '[':
			depth++
			s.i++
		case '}', ']':
			depth--
			s.i++
		case ',', ':':
			s.i++
		default:
			for s.i < len(s.s) && strings.IndexByte(",]} \t\r\n", s.s[s.i]) < 0 {
				s.i++
			}
		}
		if depth <= 0 {
			return nil
		}
	}
}

// skipString passes over a string.
func (s *scanner) skipString() error {
	for i := s.i + 1; i < len(s.s); i++ {
		switch s.s[i] {
		case '\\':
			i++
		case '"':
			s.i = i + 1
			return nil
		}
	}
	return s.wrong("the end of a string")
}

// vocab reads {"token": id, …}.
func (s *scanner) vocab() (map[string]int32, error) {
	if !s.take('{') {
		return nil, s.wrong("an object of tokens and ids")
	}
	ids := make(map[string]int32, strings.Count(s.s, ":"))
	if s.take('}') {
		return ids, nil
	}
	for {
		k, err := s.str()
		if err != nil {
			return nil, err
		}
		if !s.take(':') {
			return nil, s.wrong("a colon")
		}
		if ids[k], err = s.id(); err != nil {
			return nil, fmt.Errorf("%.100q: %w", k, err)
		}
		if s.take('}') {
			return ids, nil
		}
		if !s.take(',') {
			return nil, s.wrong("a comma")
		}
	}
}

// scored reads [["token", score], …].
func (s *scanner) scored() (tokens []string, scores []float64, err error) {
	if !s.take('[') {
		return nil, nil, s.wrong("an array of tokens and scores")
	}
	for !s.take(']') {
		if len(tokens) > 0 && !s.take(',') {
			return tokens, nil, s.wrong("a comma")
		}
		if !s.take('[') {
			return tokens, nil, s.wrong("a token and a score")
		}
		token, err := s.str()
		if err != nil {
			return tokens, nil, err
		}
		if len(token) > maxToken {
			return tokens, nil, fmt.Errorf("expected a token of at most %d bytes, got one of %d", maxToken, len(token))
		}
		if !s.take(',') {
			return tokens, nil, s.wrong("a score")
		}
		score, err := s.number()
		if err != nil {
			return tokens, nil, err
		}
		if !s.take(']') {
			return tokens, nil, s.wrong("a token and a score")
		}
		tokens, scores = append(tokens, token), append(scores, score)
	}
	return tokens, scores, nil
}

// merges reads ["a b", …] or [["a", "b"], …] to one flat list of pairs.
func (s *scanner) merges() ([]string, error) {
	if !s.take('[') {
		return nil, s.wrong("an array of merges")
	}
	var out []string
	if s.take(']') {
		return out, nil
	}
	for {
		if s.take('[') {
			for k := range 2 {
				m, err := s.str()
				if err != nil {
					return nil, err
				}
				out = append(out, m)
				if k == 0 && !s.take(',') {
					return nil, s.wrong("two tokens")
				}
			}
			if !s.take(']') {
				return nil, s.wrong("two tokens")
			}
		} else {
			m, err := s.str()
			if err != nil {
				return nil, err
			}
			if !strings.HasPrefix(m, "#version") {
				a, b, ok := strings.Cut(m, " ")
				if !ok || strings.Contains(b, " ") {
					return nil, fmt.Errorf("expected two tokens and one space between them, got %.100q", m)
				}
				out = append(out, a, b)
			}
		}
		if s.take(']') {
			return out, nil
		}
		if !s.take(',') {
			return nil, s.wrong("a comma")
		}
	}
}

// parseVocabFile reads a vocab.json.
func parseVocabFile(b []byte) (map[string]int32, error) {
	if !json.Valid(b) {
		return nil, errors.New("expected JSON, got something else")
	}
	s := scanner{s: string(b)}
	return s.vocab()
}
