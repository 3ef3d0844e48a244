package weights

import (
	"fmt"

	"github.com/chiasm/chiasm/tensor"
)

// A view is a tensor in a pickle.
type view struct {
	storage        *storage
	dtype          tensor.DType
	offset         int64 // values
	shape, strides []int64
}

// rebuild makes a tensor of (storage, offset, shape, strides, …).
func rebuild(args tuple) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("tensor: expected a storage, an offset, a shape and strides")
	}
	s, ok := args[0].(*storage)
	offset, ok2 := args[1].(int64)
	shape, ok3 := ints(args[2])
	strides, ok4 := ints(args[3])
	if !ok || !ok2 || !ok3 || !ok4 || len(shape) != len(strides) || offset < 0 {
		return nil, fmt.Errorf("tensor: expected a storage, an offset, a shape and strides, got %.80v", args[1:])
	}
	return &view{s, s.dtype, offset, shape, strides}, nil
}

var dtypeNames = map[string]tensor.DType{
	"float32": tensor.F32, "float64": tensor.F64, "float16": tensor.F16, "bfloat16": tensor.BF16, "int8": tensor.I8, "uint8": tensor.U8,
	"int16": tensor.I16, "int32": tensor.I32, "int64": tensor.I64, "bool": tensor.Bool,
}

// rebuildTyped makes a tensor of (untyped storage, offset, shape, strides, gradient, hooks, dtype, …).
func rebuildTyped(args tuple) (any, error) {
	t, err := rebuild(args)
	if err != nil {
		return nil, err
	}
	if len(args) < 7 {
		return nil, fmt.Errorf("tensor: expected a dtype")
	}
	g, _ := args[6].(global)
	d, ok := dtypeNames[g.name]
	if !ok || g.module != "torch" {
		return nil, fmt.Errorf("tensor: dtype %s.%s is not one that chiasm reads", g.module, g.name)
	}
	v := t.(*view)
	v.dtype = d
	return v, nil
}

func ints(v any) ([]int64, bool) {
	var items []any
	switch v := v.(type) {
	case tuple:
		items = v
	case *list:
		items = v.items
	default:
		return nil, false
	}
	out := make([]int64, len(items))
	for i := range items {
		n, ok := items[i].(int64)
		if !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// entry checks a tensor against its storage and gives its values, copied only if they do not lie in order.
// room is how many bytes may still be copied.
func (v *view) entry(name string, room *int64) (tensor.Entry, error) {
	d := v.dtype
	n, shape, err := size(v.shape, d)
	if err != nil {
		return tensor.Entry{}, fmt.Errorf("torch: tensor %q: %w", name, err)
	}
	e := tensor.Entry{Name: name, DType: d, Shape: shape}
	if n == 0 {
		return e, nil
	}
	w := int64(d.Size())
	values := int64(len(v.storage.data)) / w
	inOrder, ok := v.inside(values)
	if !ok {
		return tensor.Entry{}, fmt.Errorf("torch: tensor %q: expected its values inside storage %q of %d values, got shape %v, strides %v at %d",
			name, v.storage.key, values, v.shape, v.strides, v.offset)
	}
	if inOrder {
		e.Data = v.storage.data[v.offset*w:][:n:n]
		return e, nil
	}
	if *room -= n; *room < 0 { // strides of zero may repeat values without end
		return tensor.Entry{}, fmt.Errorf("torch: tensor %q: expected tensors not far larger than the file, got %v of %d values", name, v.shape, values)
	}
	e.Data = v.gather(make([]byte, 0, n), v.offset, 0)
	return e, nil
}

// inside reports whether all values lie in a storage of so many, and whether they lie in row-major order without gaps.
func (v *view) inside(values int64) (inOrder, ok bool) {
	left, step := values-1-v.offset, int64(1) // how far the last value may be from the first
	if left < 0 {
		return false, false
	}
	inOrder = true
	for i := len(v.shape) - 1; i >= 0; i-- {
		extent, stride := v.shape[i]-1, v.strides[i]
		if stride < 0 {
			return false, false
		}
		if extent > 0 {
			inOrder = inOrder && stride == step
			if stride > 0 && extent > left/stride {
				return false, false
			}
			left -= extent * stride
		}
		step *= v.shape[i]
	}
	return inOrder, true
}

// gather appends the values of dimension dim on from storage position at.
func (v *view) gather(out []byte, at int64, dim int) []byte {
	w := int64(v.dtype.Size())
	switch {
	case dim == len(v.shape):
		return append(out, v.storage.data[at*w:(at+1)*w]...)
	case dim == len(v.shape)-1 && v.strides[dim] == 1:
		return append(out, v.storage.data[at*w:(at+v.shape[dim])*w]...)
	case dim == len(v.shape)-1:
		for range v.shape[dim] {
			out = append(out, v.storage.data[at*w:(at+1)*w]...)
			at += v.strides[dim]
		}
		return out
	}
	for i := range v.shape[dim] {
		out = v.gather(out, at+i*v.strides[dim], dim+1)
	}
	return out
}
