package weights

import (
	"encoding/binary"
	"fmt"

	"github.com/chiasm/chiasm/internal/decode"
	"github.com/chiasm/chiasm/tensor"
)

// CTranslate2Files are the names that CTranslate2 gives to a file of weights.
var CTranslate2Files = []string{"model.bin"}

const ctranslate2Version = 6

// ctranslate2Types are the number formats of CTranslate2 by their number.
var ctranslate2Types = []tensor.DType{tensor.F32, tensor.I8, tensor.I16, tensor.I32, tensor.F16, tensor.BF16}

// isCTranslate2 reports whether data begins with a version and the name of a model, which ends in a zero. Every other format has zeros or
// larger numbers there.
func isCTranslate2(data []byte) bool {
	if len(data) < 8 || binary.LittleEndian.Uint32(data) > 99 {
		return false
	}
	n := int(binary.LittleEndian.Uint16(data[4:]))
	return n > 1 && len(data) >= 6+n && data[6+n-1] == 0
}

// readCTranslate2 reads the variables of a model of CTranslate2's: version, name of the architecture and its revision; their number; of
// each its name, shape, type, and values; and the names that stand for the same values as another. Integers come with the number that
// they were multiplied by, of a row or of them all, in a variable whose name ends in _scale: it becomes the scale of the entry. The
// metadata are the name, as "spec", and the revision. Source: the library's model_spec.py.
func readCTranslate2(data []byte) ([]tensor.Entry, map[string]string, error) {
	r := decode.NewReader(data)
	if v := r.U32(); v != ctranslate2Version {
		return nil, nil, fmt.Errorf("ctranslate2: expected version %d of the format, got %d", ctranslate2Version, v)
	}
	metadata := map[string]string{"spec": ctranslate2Text(r), "revision": fmt.Sprint(r.U32())}
	found := map[string]tensor.Entry{}
	var names []string
	add := func(e tensor.Entry) {
		if _, ok := found[e.Name]; ok {
			r.Fail("variable %q appears twice", e.Name)
		}
		found[e.Name], names = e, append(names, e.Name)
	}
	for n := r.U32(); n > 0 && r.Err() == nil; n-- {
		add(ctranslate2Variable(r))
	}
	if err := r.Err(); err != nil {
		return nil, nil, fmt.Errorf("ctranslate2: %w", err)
	}
	scales, err := joinScales(found, true)
	if err != nil {
		return nil, nil, fmt.Errorf("ctranslate2: %w", err)
	}
	for n := r.U32(); n > 0 && r.Err() == nil; n-- {
		alias, of := ctranslate2Text(r), ctranslate2Text(r)
		e, ok := found[of]
		if r.Err() == nil && !ok {
			r.Fail("alias %q: expected the name of a variable, got %q", alias, of)
		}
		e.Name = alias
		add(e)
	}
	if r.Err() == nil && r.Len() > 0 {
		r.Fail("expected the end of the file, got %d bytes more", r.Len())
	}
	if err := r.Err(); err != nil {
		return nil, nil, fmt.Errorf("ctranslate2: %w", err)
	}
	var entries []tensor.Entry
	for _, name := range names {
		if !scales[name] {
			entries = append(entries, found[name])
		}
	}
	return entries, metadata, nil
}

// ctranslate2Text is a text with its length, which counts the zero at its end.
func ctranslate2Text(r *decode.Reader) string {
	b := r.Bytes(int(r.U16()))
	if r.Err() == nil && (len(b) == 0 || len(b) > maxName || b[len(b)-1] != 0) {
		r.Fail("expected a name of at most %d bytes that ends in a zero, got %.40q", maxName, b)
		return ""
	}
	return string(b[:max(0, len(b)-1)])
}

// ctranslate2Variable is the next variable.
func ctranslate2Variable(r *decode.Reader) tensor.Entry {
	e := tensor.Entry{Name: ctranslate2Text(r)}
	dims := make([]int64, r.U8())
	for i := range dims {
		dims[i] = int64(r.U32())
	}
	kind, n := r.U8(), int64(r.U32())
	if r.Err() != nil {
		return e
	}
	if int(kind) >= len(ctranslate2Types) {
		r.Fail("variable %q: expected a type of at most %d, got %d", e.Name, len(ctranslate2Types)-1, kind)
		return e
	}
	e.DType = ctranslate2Types[kind]
	want, shape, err := size(dims, e.DType)
	if err == nil && want != n {
		err = fmt.Errorf("expected %d bytes for %s%v, got %d", want, e.DType, shape, n)
	}
	if err != nil {
		r.Fail("variable %q: %w", e.Name, err)
		return e
	}
	e.Shape, e.Data = shape, r.Bytes(int(n))
	return e
}
