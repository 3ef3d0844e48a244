package token

import (
	"encoding/json"
	"fmt"
)

func (p *parser) post(path string, raw json.RawMessage) postProcessor {
	o, kind := p.kinded(path, raw)
	defer p.leave()
	if p.err != nil {
		return nil
	}
	switch kind {
	case "Sequence":
		var out postSequence
		adding := 0
		for i, raw := range o.list("processors") {
			m := p.post(fmt.Sprintf("%s[%d]", path, i), raw)
			if p.err != nil {
				return nil
			}
			if _, ok := m.(trimmed); !ok {
				adding++
			}
			out = append(out, m)
		}
		if adding > 1 {
			p.fail(path, "expected at most one processor that adds tokens, got %d", adding)
		}
		return out
	case "ByteLevel":
		return trimmed{o.flag("trim_offsets", true), o.flag("add_prefix_space", true)}
	case "BertProcessing", "RobertaProcessing":
		m := around{roberta: kind == "RobertaProcessing"}
		m.sep, m.sepID = o.tokenAndID("sep")
		m.cls, m.clsID = o.tokenAndID("cls")
		if m.roberta {
			m.trim, m.prefixedTrim = o.flag("trim_offsets", true), o.flag("add_prefix_space", true)
		}
		return m
	case "TemplateProcessing":
		return p.template(o)
	}
	p.fail(path+".type", "expected a known post-processor, got %q", kind)
	return nil
}

// tokenAndID reads ["</s>", 2].
func (o object) tokenAndID(name string) (token string, id int32) {
	var pair []json.RawMessage
	o.need(name, &pair, "a token and its id")
	if len(pair) != 2 || json.Unmarshal(pair[0], &token) != nil || json.Unmarshal(pair[1], &id) != nil || id < 0 {
		o.p.fail(o.path+"."+name, "expected a token and its id, got %s", kind(o.fields[name]))
	}
	return token, id
}

func (p *parser) template(o object) postProcessor {
	specials := map[string]templatePart{}
	var raws map[string]json.RawMessage
	o.get("special_tokens", &raws, "an object")
	for name, raw := range raws {
		s := p.object(o.path+".special_tokens."+name, raw)
		part := templatePart{text: -1}
		s.need("ids", &part.ids, "an array of ids")
		s.need("tokens", &part.tokens, "an array of strings")
		if len(part.ids) != len(part.tokens) {
			p.fail(s.path, "expected as many ids as tokens, got %d and %d", len(part.ids), len(part.tokens))
		}
		for _, id := range part.ids {
			if id < 0 {
				p.fail(s.path+".ids", "expected ids of at least 0, got %d", id)
			}
		}
		specials[name] = part
	}
	var m template
	m.single = p.templateParts(o, "single", specials)
	m.pair = p.templateParts(o, "pair", specials)
	for _, part := range m.single {
		if part.text == 1 {
			p.fail(o.path+".single", "expected sequence A only, got B")
		}
	}
	return m
}

func (p *parser) templateParts(o object, name string, specials map[string]templatePart) (out []templatePart) {
	list := o.list(name)
	if len(list) > maxParts {
		p.fail(o.path+"."+name, "expected at most %d parts, got %d", maxParts, len(list))
		return nil
	}
	for i, raw := range list {
		path := fmt.Sprintf("%s.%s[%d]", o.path, name, i)
		var v struct {
			Sequence, SpecialToken *struct {
				ID     string `json:"id"`
				TypeID int32  `json:"type_id"`
			}
		}
		if err := json.Unmarshal(raw, &v); err != nil {
			p.fail(path, `expected {"Sequence": …} or {"SpecialToken": …}, got %s`, kind(raw))
			return nil
		}
		switch {
		case v.Sequence != nil && (v.Sequence.ID == "A" || v.Sequence.ID == "B"):
			out = append(out, templatePart{text: int(v.Sequence.ID[0] - 'A'), typeID: v.Sequence.TypeID})
		case v.SpecialToken != nil:
			part, ok := specials[v.SpecialToken.ID]
			if !ok {
				p.fail(path, "expected a token of special_tokens, got %q", v.SpecialToken.ID)
			}
			part.typeID = v.SpecialToken.TypeID
			out = append(out, part)
		default:
			p.fail(path, `expected {"Sequence": …} of A or B, or {"SpecialToken": …}, got %s`, kind(raw))
		}
	}
	return out
}

func (p *parser) truncation(o object) *Truncation {
	raw := o.fields["truncation"]
	if isNull(raw) {
		return nil
	}
	o = p.object("truncation", raw)
	tr := &Truncation{Length: int(o.num("max_length", 512, maxID)), Stride: int(o.num("stride", 0, maxID))}
	tr.Left = o.direction()
	switch s := o.str("strategy", "LongestFirst"); s {
	case "LongestFirst":
		tr.Strategy = "longest_first"
	case "OnlyFirst":
		tr.Strategy = "only_first"
	case "OnlySecond":
		tr.Strategy = "only_second"
	default:
		p.fail("truncation.strategy", "expected LongestFirst, OnlyFirst or OnlySecond, got %q", s)
	}
	return tr
}

func (p *parser) padding(o object) *Padding {
	raw := o.fields["padding"]
	if isNull(raw) {
		return nil
	}
	o = p.object("padding", raw)
	pd := &Padding{Left: o.direction(), MultipleOf: int(o.num("pad_to_multiple_of", 0, 1<<20)), ID: int32(o.num("pad_id", 0, maxID)),
		TypeID: int32(o.num("pad_type_id", 0, maxID)), Token: o.str("pad_token", "[PAD]")}
	var name string
	var fixed struct{ Fixed *int }
	switch raw := o.fields["strategy"]; {
	case isNull(raw):
	case json.Unmarshal(raw, &name) == nil && name == "BatchLongest":
	case json.Unmarshal(raw, &fixed) == nil && fixed.Fixed != nil && *fixed.Fixed >= 0 && *fixed.Fixed <= 1<<24:
		pd.Length = *fixed.Fixed
	default:
		p.fail("padding.strategy", `expected "BatchLongest" or {"Fixed": 0 to %d}, got %s`, 1<<24, kind(raw))
	}
	return pd
}

// direction reports whether the direction is Left.
func (o object) direction() bool {
	s := o.str("direction", "Right")
	if s != "Left" && s != "Right" {
		o.p.fail(o.path+".direction", "expected Left or Right, got %q", s)
	}
	return s == "Left"
}
