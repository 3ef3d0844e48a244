package nn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/tensor"
)

// A BindError lists everything that keeps a checkpoint from fitting a model.
type BindError struct {
	Missing   []string // parameters that the checkpoint lacks
	Unused    []string // entries that the model has no place for
	Misshaped []string // "name is [8 9], want [8 8]"
}

// Error is one line with up to eight names of each kind.
func (e *BindError) Error() string {
	var parts []string
	add := func(what string, names []string) {
		if n := len(names); n > 0 {
			const most = 8
			list := strings.Join(names[:min(n, most)], ", ")
			if n > most {
				list += fmt.Sprintf(" and %d more", n-most)
			}
			parts = append(parts, what+list)
		}
	}
	add("", e.Misshaped)
	add("missing ", e.Missing)
	add("left over ", e.Unused)
	return "nn: the weights do not fit the model: " + strings.Join(parts, "; ")
}

// Bind gives every parameter of a model the values of the entry that has its name. It is exact: a missing, left-over or mis-shaped
// entry makes it fail with a *BindError that names them all, and then nothing has been bound. forget, if not nil, is told of each
// entry whose stored form will hardly be read again.
func Bind(model any, entries []tensor.Entry, forget func(tensor.Entry)) error {
	byName := make(map[string]tensor.Entry, len(entries))
	for _, e := range entries {
		byName[e.Name] = e
	}
	var e BindError
	params := map[string]*tensor.Tensor{}
	for name, t := range Params(model) {
		params[name] = t
		entry, ok := byName[name]
		switch {
		case !ok:
			e.Missing = append(e.Missing, name)
		case !slices.Equal(entry.Shape, t.Shape()):
			e.Misshaped = append(e.Misshaped, fmt.Sprintf("%s is %v, want %v", name, entry.Shape, t.Shape()))
		}
	}
	for _, entry := range entries {
		if params[entry.Name] == nil {
			e.Unused = append(e.Unused, entry.Name)
		}
	}
	if len(e.Missing)+len(e.Unused)+len(e.Misshaped) > 0 {
		return &e
	}
	for name, t := range params {
		entry := byName[name]
		var done func()
		if forget != nil {
			done = func() { forget(entry) }
		}
		t.StoreScaled(entry.DType, entry.Data, entry.Scale, done)
	}
	return nil
}

// Entries is a model's parameters in the form that checkpoints store.
func Entries(model any) (entries []tensor.Entry) {
	for name, t := range Params(model) {
		entries = append(entries, tensor.Entry{Name: name, DType: t.DType(), Shape: t.Shape(), Data: t.Bytes(), Scale: t.RowScales()})
	}
	return entries
}

// Finite looks through all values of a model for one that is not a number or infinite, and names it. It reads every weight: it is for
// explaining a result that came out wrong.
func Finite(model any) error {
	for name, t := range Params(model) {
		if i, v, bad := t.NonFinite(); bad {
			return fmt.Errorf("nn: weight %s holds %v at index %d, want finite numbers", name, v, i)
		}
	}
	return nil
}
