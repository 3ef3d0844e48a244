package token

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// A Tokenizer turns text into token ids and back. It is safe for concurrent use.
type Tokenizer struct {
	normalizers   []normalizer
	preTokenizers []preTokenizer
	model         model
	post          postProcessor       // nil for none
	decoder       decoder             // nil: tokens are joined by spaces
	finish        func(string) string // a last touch to decoded text; nil for none

	added       map[int32]*AddedToken
	addedIDs    map[string]int32
	addedText   map[int32]string // normalized form, where it differs
	special     map[string]bool
	roles       map[string]AddedToken
	early       *finder // tokens looked for in the text as it came
	late        *finder // and in the normalized text
	trackAlways bool    // a step needs to know where bytes came from

	truncation *Truncation
	padding    *Padding

	frame []int32 // ids around one text; -1 stands for the text
	pool  sync.Pool
}

// Options of EncodeWith. The zero value encodes as Encode(text, true) does.
type Options struct {
	// Bare leaves special tokens out.
	Bare bool
	// Truncation and Padding are off unless given; the tokenizer's own are Tokenizer.Truncation and Padding.
	Truncation *Truncation
	Padding    *Padding
}

// An Input is one text, or a pair of them.
type Input struct {
	Text string
	// Pair is the second text; nil for none.
	Pair *string
}

// Truncation returns a copy of what the file asks for, or nil. Nothing applies it unless it is passed on.
func (t *Tokenizer) Truncation() *Truncation { return clonePointer(t.truncation) }

// Padding returns a copy of what the file asks for, or nil. Nothing applies it unless it is passed on.
func (t *Tokenizer) Padding() *Padding { return clonePointer(t.padding) }

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// ID returns the id of a token, an added one first.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if id, ok := t.addedIDs[token]; ok {
		return id, true
	}
	id := t.model.vocabulary().id(token)
	return id, id >= 0
}

// Token returns the written form of an id.
func (t *Tokenizer) Token(id int32) (string, bool) {
	if s, ok := t.addedText[id]; ok {
		return s, true
	}
	if a, ok := t.added[id]; ok {
		return a.Content, true
	}
	return t.model.vocabulary().token(id)
}

// Special returns the written form of the special token of a role (bos, eos, unk, sep, pad, cls or mask), where the files of a folder or
// the defaults of its class name one.
func (t *Tokenizer) Special(role string) (token string, ok bool) {
	a, ok := t.roles[role]
	return a.Content, ok
}

// VocabSize returns the number of tokens, added ones included.
func (t *Tokenizer) VocabSize() int {
	n := len(t.model.vocabulary().ids)
	for s := range t.addedIDs {
		if t.model.vocabulary().id(s) < 0 {
			n++
		}
	}
	return n
}

// Added returns the added tokens in the order of their ids.
func (t *Tokenizer) Added() []AddedToken {
	out := make([]AddedToken, 0, len(t.added))
	for _, a := range t.added {
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b AddedToken) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// setAdded registers added tokens, in order; normalizers must be in place. A token that the model has keeps that
// id; any other gets the next free one, as in the reference, which disregards the ids of the file.
func (t *Tokenizer) setAdded(tokens []AddedToken) {
	t.added, t.addedIDs = map[int32]*AddedToken{}, map[string]int32{}
	t.addedText, t.special = map[int32]string{}, map[string]bool{}
	next := int32(len(t.model.vocabulary().ids))
	if u, ok := t.model.(*unigram); ok {
		next = int32(len(u.scores))
	}
	var early, late []trieKey
	for i := range tokens {
		a := tokens[i]
		if a.Content == "" {
			continue
		}
		id, ok := t.ID(a.Content)
		if !ok {
			id = next
			next++
		}
		a.ID = id
		t.added[id], t.addedIDs[a.Content] = &a, id
		if a.Special {
			t.special[a.Content] = true
		}
		delete(t.addedText, id)
		if a.Normalized && len(t.normalizers) > 0 {
			if s := t.normalized(a.Content); s != a.Content {
				t.addedText[id] = s
			}
		}
	}
	for id, a := range t.added {
		if !a.Normalized {
			early = append(early, trieKey{a.Content, id})
		} else if s, ok := t.addedText[id]; ok {
			late = append(late, trieKey{s, id})
		} else {
			late = append(late, trieKey{a.Content, id})
		}
	}
	t.early, t.late = newFinder(early, t.added), newFinder(late, t.added)
}

// normalized returns s as the normalizers leave it.
func (t *Tokenizer) normalized(s string) string {
	var tx text
	tx.reset(s, t.trackAlways)
	for _, n := range t.normalizers {
		tx.rewrite(n)
	}
	return string(tx.buf)
}

// setFrame works out what stands around the ids of one text.
func (t *Tokenizer) setFrame() {
	t.frame = []int32{-1}
	if t.post == nil {
		return
	}
	var e Encoding
	e.add(-1, "", [2]int{}, -1, 0, 0, 1)
	t.frame = t.frame[:0]
	for _, e := range t.post.process([]*Encoding{&e}, true) {
		t.frame = append(t.frame, e.IDs...)
	}
}

// Decode returns the text of ids. Ids that the tokenizer lacks are left out; so are special tokens with skipSpecial.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		s, ok := t.Token(id)
		if ok && !(skipSpecial && t.special[s]) {
			tokens = append(tokens, s)
		}
	}
	var s string
	if t.decoder == nil {
		s = strings.Join(tokens, " ")
	} else {
		s = strings.Join(t.decoder.decode(tokens), "")
	}
	if t.finish != nil {
		s = t.finish(s)
	}
	return s
}
