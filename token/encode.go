package token

// maxKept bounds the scratch memory that is kept for the next text, in bytes of text.
const maxKept = 1 << 20

// take returns scratch memory.
func (t *Tokenizer) take() *text {
	if tx, ok := t.pool.Get().(*text); ok {
		return tx
	}
	return &text{}
}

// give hands scratch memory back, unless a long text has made it large.
func (t *Tokenizer) give(tx *text) {
	if cap(tx.buf)+cap(tx.out) <= 2*maxKept && cap(tx.symbols) <= maxKept {
		t.pool.Put(tx)
	}
}

// cut brings s to the pieces that the model wants.
func (t *Tokenizer) cut(tx *text, s string, track bool) {
	tx.reset(s, track || t.trackAlways)
	t.early.cut(tx)
	for _, n := range t.normalizers {
		tx.rewrite(n)
	}
	tx.prune()
	t.late.cut(tx)
	for _, p := range t.preTokenizers {
		p.cut(tx)
	}
}

// AppendIDs appends the ids of text, special tokens included, as Encode(text, true) finds them. It allocates
// nothing for text whose words it has met before, as long as dst has room.
func (t *Tokenizer) AppendIDs(dst []int32, text string) []int32 {
	tx := t.take()
	t.cut(tx, text, false)
	for _, p := range tx.pieces {
		if p.id >= 0 {
			tx.toks = append(tx.toks, tok{id: p.id})
		} else {
			t.model.tokenize(tx, tx.buf[p.lo:p.hi])
		}
	}
	for _, id := range t.frame {
		if id >= 0 {
			dst = append(dst, id)
			continue
		}
		for _, k := range tx.toks {
			dst = append(dst, k.id)
		}
	}
	t.give(tx)
	return dst
}

// Encode turns text into tokens. addSpecial puts the model's special tokens around them. Neither truncation nor
// padding applies: see EncodeWith. Invalid UTF-8 counts as U+FFFD, byte by byte.
func (t *Tokenizer) Encode(text string, addSpecial bool) *Encoding {
	return t.must(Input{Text: text}, addSpecial)
}

// EncodePair turns two texts into one sequence, joined by the model's template.
func (t *Tokenizer) EncodePair(first, second string, addSpecial bool) *Encoding {
	return t.must(Input{first, &second}, addSpecial)
}

// EncodeBatch encodes each text by itself.
func (t *Tokenizer) EncodeBatch(texts []string, addSpecial bool) []*Encoding {
	out := make([]*Encoding, len(texts))
	for i, s := range texts {
		out[i] = t.Encode(s, addSpecial)
	}
	return out
}

// must encodes without truncation, which alone can fail.
func (t *Tokenizer) must(in Input, addSpecial bool) *Encoding {
	e, err := t.encode(in, &Options{Bare: !addSpecial})
	if err != nil {
		panic(err)
	}
	return e
}

// EncodeWith encodes a batch, truncated and padded as o asks; nil means the zero Options. It fails if a text cannot
// be truncated that way.
func (t *Tokenizer) EncodeWith(inputs []Input, o *Options) ([]*Encoding, error) {
	if o == nil {
		o = &Options{}
	}
	out := make([]*Encoding, len(inputs))
	for i, in := range inputs {
		e, err := t.encode(in, o)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	if o.Padding != nil {
		o.Padding.pad(out)
	}
	return out, nil
}

func (t *Tokenizer) encode(in Input, o *Options) (*Encoding, error) {
	encs := []*Encoding{t.encodeText(in.Text, 0)}
	if in.Pair != nil {
		encs = append(encs, t.encodeText(*in.Pair, 1))
	}
	added := 0
	if t.post != nil {
		added = t.post.added(len(encs) == 2)
	}
	if o.Truncation != nil {
		n := 0
		if !o.Bare {
			n = added
		}
		if err := o.Truncation.cutTexts(encs, n); err != nil {
			return nil, err
		}
	}
	if t.post != nil {
		for i, e := range encs {
			e.setType(int32(i))
		}
		encs = t.post.process(encs, !o.Bare)
	}
	if len(encs) == 1 {
		return encs[0], nil
	}
	n := 0
	for _, e := range encs {
		n += e.Len()
	}
	whole := newEncoding(n)
	for _, e := range encs {
		whole.merge(e)
	}
	return whole, nil
}

// encodeText encodes one text without special tokens.
func (t *Tokenizer) encodeText(s string, typeID int32) *Encoding {
	tx := t.take()
	t.cut(tx, s, true)
	tx.ends = tx.ends[:0]
	for _, p := range tx.pieces {
		if p.id >= 0 {
			tx.toks = append(tx.toks, tok{p.id, 0, int32(p.hi - p.lo), true})
		} else {
			t.model.tokenize(tx, tx.buf[p.lo:p.hi])
		}
		tx.ends = append(tx.ends, len(tx.toks))
	}
	e := newEncoding(len(tx.toks))
	e.source = s
	from := 0
	for i, p := range tx.pieces {
		b := tx.buf[p.lo:p.hi]
		for _, k := range tx.toks[from:tx.ends[i]] {
			var off [2]int
			if k.lo < k.hi {
				off = [2]int{int(tx.at[p.lo+int(k.lo)].lo), int(tx.at[p.lo+int(k.hi)-1].hi)}
			}
			written := ""
			if p.id >= 0 {
				if written = t.added[p.id].Content; written != string(b) {
					written = string(b)
				}
			} else {
				written = t.model.written(k, b)
			}
			e.add(k.id, written, off, int32(i), typeID, 0, 1)
		}
		from = tx.ends[i]
	}
	e.Dropped = tx.dropped
	t.give(tx)
	return e
}
