package token

import (
	"encoding/json"
	"maps"
	"testing"
	"unicode/utf8"
)

// FuzzMembers wants of every object what encoding/json makes of it.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { "a" : [1, {"b": "]}"}, "\\"] , "c":null,"d":-1.5e3 }`, `{"a":1,"a":2}`, `{"\u0061\"":"\\\"","":{}}`, `[]`, `{`, `{"a"}`, `{"a":}`, `null`, `{"a":[}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := scanner{s: string(data)}
		got, err := s.members(data) // ends whatever comes
		var want map[string]json.RawMessage
		if !utf8.Valid(data) || json.Unmarshal(data, &want) != nil || want == nil {
			return
		}
		if err != nil || !maps.EqualFunc(got, want, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
			t.Errorf("%q gave %q, %v, want %q", data, got, err, want)
		}
	})
}
