package token

import "fmt"

// An Encoding is a text as tokens. Its slices have one element a token.
type Encoding struct {
	IDs []int32
	// Tokens are the written forms: what the reference shows, which for byte-level vocabularies is their alphabet.
	Tokens []string
	// Offsets are ranges of bytes of the text that each token comes from (of the second text, for a pair's second
	// part); special tokens have [0 0].
	Offsets [][2]int
	// Words number the pieces that the pre-tokenizer made; -1 for special tokens and padding.
	Words []int32
	// TypeIDs tell the two texts of a pair apart, where the model's template says so.
	TypeIDs []int32
	// SpecialMask is 1 for tokens that the template or padding added.
	SpecialMask []int32
	// AttentionMask is 0 for padding, else 1.
	AttentionMask []int32
	// Overflow is what truncation cut off, in windows of the same length.
	Overflow []*Encoding
	// Dropped counts pieces of text that have no token at all, because the vocabulary has no unknown token; the
	// reference refuses such text.
	Dropped int

	source string // the text that Offsets refer to
}

// newEncoding returns an encoding with room for n tokens.
func newEncoding(n int) *Encoding {
	ints := make([]int32, 5*n)
	part := func(i int) []int32 { return ints[i*n : i*n : (i+1)*n] }
	return &Encoding{IDs: part(0), Words: part(1), TypeIDs: part(2), SpecialMask: part(3), AttentionMask: part(4),
		Tokens: make([]string, 0, n), Offsets: make([][2]int, 0, n)}
}

// Len returns the number of tokens.
func (e *Encoding) Len() int { return len(e.IDs) }

// add appends one token.
func (e *Encoding) add(id int32, token string, offset [2]int, word, typeID, special, attention int32) {
	e.IDs = append(e.IDs, id)
	e.Tokens = append(e.Tokens, token)
	e.Offsets = append(e.Offsets, offset)
	e.Words = append(e.Words, word)
	e.TypeIDs = append(e.TypeIDs, typeID)
	e.SpecialMask = append(e.SpecialMask, special)
	e.AttentionMask = append(e.AttentionMask, attention)
}

// appendRange appends tokens lo to hi of o.
func (e *Encoding) appendRange(o *Encoding, lo, hi int) {
	e.IDs = append(e.IDs, o.IDs[lo:hi]...)
	e.Tokens = append(e.Tokens, o.Tokens[lo:hi]...)
	e.Offsets = append(e.Offsets, o.Offsets[lo:hi]...)
	e.Words = append(e.Words, o.Words[lo:hi]...)
	e.TypeIDs = append(e.TypeIDs, o.TypeIDs[lo:hi]...)
	e.SpecialMask = append(e.SpecialMask, o.SpecialMask[lo:hi]...)
	e.AttentionMask = append(e.AttentionMask, o.AttentionMask[lo:hi]...)
}

// window returns tokens lo to hi as an encoding of its own.
func (e *Encoding) window(lo, hi int) *Encoding {
	w := newEncoding(hi - lo)
	w.source = e.source
	w.appendRange(e, lo, hi)
	return w
}

// clone returns a copy, with the overflow shared.
func (e *Encoding) clone() *Encoding {
	c := e.window(0, e.Len())
	c.Overflow, c.Dropped = e.Overflow, e.Dropped
	return c
}

// setType sets every type id.
func (e *Encoding) setType(id int32) {
	for i := range e.TypeIDs {
		e.TypeIDs[i] = id
	}
}

// merge appends o, and combines the overflows of both.
func (e *Encoding) merge(o *Encoding) {
	var over []*Encoding
	for _, a := range e.Overflow {
		n := a.clone()
		n.merge(o)
		over = append(over, n)
		for _, b := range o.Overflow {
			n := a.clone()
			n.merge(b)
			over = append(over, n)
		}
	}
	for _, b := range o.Overflow {
		n := e.clone()
		n.Overflow = nil
		n.merge(b)
		over = append(over, n)
	}
	e.appendRange(o, 0, o.Len())
	e.Dropped += o.Dropped
	e.Overflow = over
}

// A Truncation cuts long texts. Length counts special tokens too.
type Truncation struct {
	Length int
	// Stride is how many tokens the windows of Overflow share with the one before.
	Stride int
	// Strategy says what to cut of a pair: "longest_first", "only_first" or "only_second".
	Strategy string
	// Left cuts at the beginning instead of the end.
	Left bool
}

// A Padding fills short encodings up.
type Padding struct {
	// Length to fill up to; 0 means the longest of the batch.
	Length int
	// MultipleOf rounds the length up; 0 for not.
	MultipleOf int
	Left       bool
	ID, TypeID int32
	Token      string
}

// cut keeps length tokens of e and moves the rest to its overflow.
func (e *Encoding) cut(length, stride int, left bool) error {
	n := e.Len()
	if length >= n {
		return nil
	}
	if length <= 0 {
		whole := *e
		*e = Encoding{Overflow: []*Encoding{&whole}, Dropped: e.Dropped}
		return nil
	}
	if stride >= length {
		return fmt.Errorf("token: truncation: expected a stride below %d, the length left for text, got %d", length, stride)
	}
	var parts []*Encoding
	if left {
		for hi := n; ; hi -= length - stride {
			lo := max(hi-length, 0)
			parts = append(parts, e.window(lo, hi))
			if lo == 0 {
				break
			}
		}
	} else {
		for lo := 0; ; lo += length - stride {
			hi := min(lo+length, n)
			parts = append(parts, e.window(lo, hi))
			if hi == n {
				break
			}
		}
	}
	dropped := e.Dropped
	*e = *parts[0]
	e.Overflow, e.Dropped = parts[1:], dropped
	return nil
}

// cutTexts truncates one text or two so that special tokens still fit.
func (tr *Truncation) cutTexts(encs []*Encoding, added int) error {
	length := tr.Length - added
	if tr.Length < added {
		return fmt.Errorf("token: truncation: expected a length of at least %d, the number of special tokens, got %d", added, tr.Length)
	}
	total := 0
	for _, e := range encs {
		total += e.Len()
	}
	if total <= length && length > 0 {
		return nil
	}
	lengths := [2]int{length, length}
	switch {
	case length == 0:
	case tr.Strategy == "only_first", tr.Strategy == "only_second":
		i := 0
		if tr.Strategy == "only_second" {
			i = 1
		}
		if i >= len(encs) {
			return fmt.Errorf("token: truncation: expected a pair for %q, got one text", tr.Strategy)
		}
		n := encs[i].Len() - (total - length)
		if n <= 0 {
			return fmt.Errorf("token: truncation: expected a text of over %d tokens to cut by %q, got %d", total-length, tr.Strategy, encs[i].Len())
		}
		return encs[i].cut(n, tr.Stride, tr.Left)
	case len(encs) == 2:
		a, b := encs[0].Len(), encs[1].Len()
		short, long := min(a, b), 0
		if short > length {
			long = short
		} else {
			long = max(short, length-short)
		}
		if short+long > length {
			short = length / 2
			long = short + length%2
		}
		lengths = [2]int{short, long}
		if a > b {
			lengths = [2]int{long, short}
		}
	}
	windows := 1
	for i, e := range encs {
		if err := e.cut(lengths[i], tr.Stride, tr.Left); err != nil {
			return err
		}
		windows *= len(e.Overflow) + 1
	}
	if windows > maxWindows {
		return fmt.Errorf("token: truncation: expected at most %d combinations of the windows of a pair, got %d", maxWindows, windows)
	}
	return nil
}

// maxWindows bounds the overflow of a pair, in which every window of one text meets every window of the other.
const maxWindows = 1 << 16

// pad fills every encoding, and its overflow, up to one length.
func (p *Padding) pad(encs []*Encoding) {
	length := p.Length
	if length == 0 {
		for _, e := range encs {
			length = max(length, e.Len())
		}
	}
	if p.MultipleOf > 0 && length%p.MultipleOf > 0 {
		length += p.MultipleOf - length%p.MultipleOf
	}
	for _, e := range encs {
		p.fill(e, length)
	}
}

func (p *Padding) fill(e *Encoding, length int) {
	for _, o := range e.Overflow {
		p.fill(o, length)
	}
	if e.Len() >= length {
		return
	}
	var pad Encoding
	for range length - e.Len() {
		pad.add(p.ID, p.Token, [2]int{}, -1, p.TypeID, 1, 0)
	}
	over, dropped := e.Overflow, e.Dropped
	if p.Left {
		pad.appendRange(e, 0, e.Len())
		*e = pad
	} else {
		e.appendRange(&pad, 0, pad.Len())
	}
	e.Overflow, e.Dropped = over, dropped
}

// Fit cuts ids to at most n, in place, keeping the last one, which ends a text, and says whether anything was lost.
func Fit(ids []int32, n int) (fitted []int32, truncated bool) {
	if len(ids) <= n {
		return ids, false
	}
	ids[n-1] = ids[len(ids)-1]
	return ids[:n], true
}
