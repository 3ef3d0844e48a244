package weights_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/tensor"
)

func ct2Text(s string) []byte {
	return append(binary.LittleEndian.AppendUint16(nil, uint16(len(s)+1)), s+"\x00"...)
}

// ct2Variable writes a variable as CTranslate2 does.
func ct2Variable(name string, kind byte, data string, shape ...uint32) []byte {
	b := append(ct2Text(name), byte(len(shape)))
	for _, d := range shape {
		b = binary.LittleEndian.AppendUint32(b, d)
	}
	b = binary.LittleEndian.AppendUint32(append(b, kind), uint32(len(data)))
	return append(b, data...)
}

// ct2File writes a file of variables, and of aliases and what they stand for by turns.
func ct2File(aliases []string, variables ...[]byte) []byte {
	b := append([]byte{6, 0, 0, 0}, ct2Text("TinySpec")...)
	b = binary.LittleEndian.AppendUint32(b, 3)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(variables)))
	b = append(b, slices.Concat(variables...)...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(aliases)/2))
	for _, a := range aliases {
		b = append(b, ct2Text(a)...)
	}
	return b
}

const (
	ctTwo  = "\x00\x00\x00\x40"
	ctHalf = "\x00\x00\x00\x3f"
)

func TestCTranslate2(t *testing.T) {
	set, err := open(t, ct2File([]string{"b/weight", "a/weight"},
		ct2Variable("a/weight", 1, "\x02\xfe\x7f\x81", 2, 2), ct2Variable("a/weight_scale", 0, ctTwo+ctHalf, 2),
		ct2Variable("w/weight", 2, "\x00\x04\xff\xff", 2, 1), ct2Variable("w/weight_scale", 0, ctTwo),
		ct2Variable("n/num_heads", 2, "\x08\x00"), ct2Variable("n/gamma", 4, "\x00\x3c", 1), ct2Variable("h", 5, "\x80\x3f", 1), ct2Variable("i", 3, "\x05\x00\x00\x00")))
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Names(); !slices.Equal(got, []string{"a/weight", "b/weight", "h", "i", "n/gamma", "n/num_heads", "w/weight"}) {
		t.Errorf("names are %v", got)
	}
	if m := set.Metadata(); m["spec"] != "TinySpec" || m["revision"] != "3" {
		t.Errorf("metadata are %v", m)
	}
	for name, want := range map[string][]float32{
		"a/weight": {1, -1, 254, -254}, "b/weight": {1, -1, 254, -254}, "w/weight": {512, -0.5}, "n/gamma": {1}, "h": {1}, "i": {5}, "n/num_heads": {8},
	} {
		e, _ := set.Get(name)
		p := tensor.Param(e.Shape...)
		p.StoreScaled(e.DType, e.Data, e.Scale, nil)
		if got := p.Floats(); !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestHostileCTranslate2(t *testing.T) {
	ok := ct2Variable("a", 0, ctTwo)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"version":      {append([]byte{7}, ct2File(nil, ok)[1:]...), "expected version 6 of the format, got 7"},
		"cut off":      {ct2File(nil, ct2Variable("abc", 0, ctTwo+ctTwo, 2))[:50], "unexpected EOF"},
		"cut scale":    {ct2File(nil, ct2Variable("a", 1, "1", 1), ct2Variable("a_scale", 0, ctTwo))[:50], "unexpected EOF"},
		"more":         {append(ct2File(nil, ok), 0), "expected the end of the file, got 1 bytes more"},
		"twice":        {ct2File(nil, ok, ok), `variable "a" appears twice`},
		"many":         {append(ct2File(nil)[:19], 0xff, 0xff, 0xff, 0xff), "unexpected EOF"},
		"type":         {ct2File(nil, ct2Variable("a", 9, "")), "expected a type of at most 5, got 9"},
		"size":         {ct2File(nil, ct2Variable("a", 0, ctTwo, 2)), "expected 8 bytes for F32[2], got 4"},
		"huge":         {ct2File(nil, ct2Variable("a", 0, ctTwo, 1<<31, 1<<31, 1<<31)), "is too large"},
		"rank":         {ct2File(nil, ct2Variable("a", 0, ctTwo, make([]uint32, 40)...)), "at most 16 dimensions"},
		"alias":        {ct2File([]string{"b", "c"}, ok), `alias "b": expected the name of a variable, got "c"`},
		"alias twice":  {ct2File([]string{"a", "a"}, ok), `variable "a" appears twice`},
		"zero scale":   {ct2File(nil, ct2Variable("a", 1, "1", 1), ct2Variable("a_scale", 0, "\x00\x00\x00\x00")), "expected numbers above 0, got 0"},
		"scale's type": {ct2File(nil, ct2Variable("a", 1, "1", 1), ct2Variable("a_scale", 1, "1", 1)), "expected a number or 1 of them"},
		"many scales":  {ct2File(nil, ct2Variable("a", 1, "1", 1), ct2Variable("a_scale", 0, ctTwo+ctTwo, 2)), "expected a number or 1 of them"},
		"empty rows":   {ct2File(nil, ct2Variable("a", 1, "", 1<<30, 0), ct2Variable("a_scale", 0, ctTwo)), "expected values in every row"},
	} {
		if _, err := open(t, c.data); err == nil || !strings.HasPrefix(err.Error(), "weights: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want it to say %q", name, err, c.want)
		}
	}
}

func FuzzCTranslate2(f *testing.F) {
	f.Add(ct2File([]string{"b/weight", "a/weight"}, ct2Variable("a/weight", 1, "\x02\xfe\x7f\x81", 2, 2), ct2Variable("a/weight_scale", 0, ctTwo+ctHalf, 2)))
	f.Add(ct2File(nil, ct2Variable("w", 2, "\x00\x04", 1), ct2Variable("w_scale", 0, ctTwo), ct2Variable("g", 4, "\x00\x3c", 1)))
	f.Fuzz(fuzz)
}
