package token

// A vocab maps tokens to ids and back.
type vocab struct {
	ids    map[string]int32
	dense  []string // by id; "" where there is none, unless that is the token's text
	sparse map[int32]string
	empty  int32 // id of the empty token; -1 for none
}

// newVocab takes over ids. Tables of ids stay proportional to their number, whatever the largest id.
func newVocab(ids map[string]int32) vocab {
	v := vocab{ids: ids, empty: -1}
	top := int32(-1)
	for s, id := range ids {
		top = max(top, id)
		if s == "" {
			v.empty = id
		}
	}
	if int64(top) < 4*int64(len(ids))+1024 {
		v.dense = make([]string, top+1)
		for s, id := range ids {
			if v.dense[id] < s {
				v.dense[id] = s // of two tokens of one id, always the same one
			}
		}
		return v
	}
	v.sparse = make(map[int32]string, len(ids))
	for s, id := range ids {
		if old, ok := v.sparse[id]; !ok || old < s {
			v.sparse[id] = s
		}
	}
	return v
}

// id returns the id of a token, or -1.
func (v *vocab) id(s string) int32 {
	if id, ok := v.ids[s]; ok {
		return id
	}
	return -1
}

// token returns the token of an id.
func (v *vocab) token(id int32) (string, bool) {
	if v.sparse != nil {
		s, ok := v.sparse[id]
		return s, ok
	}
	if uint32(id) >= uint32(len(v.dense)) {
		return "", false
	}
	s := v.dense[id]
	return s, s != "" || id == v.empty
}

func (v *vocab) vocabulary() *vocab { return v }

// A model turns a piece of text into tokens.
type model interface {
	vocabulary() *vocab
	// tokenize appends the tokens of b, which is not empty, to t.toks.
	tokenize(t *text, b []byte)
	// written returns what the reference shows for a token of b.
	written(k tok, b []byte) string
}
