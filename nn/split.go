package nn

import (
	"fmt"
	"strings"

	"github.com/chiasm/chiasm/tensor"
)

// SplitQKV cuts an entry [3C, …] whose name has the key qkv into the query, key and value of an [Attention], without copying.
func SplitQKV(e tensor.Entry) ([]tensor.Entry, error) {
	return SplitRows(e, strings.Replace(e.Name, ".qkv.", ".q_proj.", 1), strings.Replace(e.Name, ".qkv.", ".k_proj.", 1), strings.Replace(e.Name, ".qkv.", ".v_proj.", 1))
}

// SplitRows cuts an entry along its first dimension into equal parts of those names, without copying.
func SplitRows(e tensor.Entry, names ...string) (parts []tensor.Entry, err error) {
	n := len(names)
	if len(e.Shape) == 0 || e.Shape[0]%n != 0 {
		return nil, fmt.Errorf("nn: weights: %s is %v, want %d equal parts", e.Name, e.Shape, n)
	}
	rows, size := e.Shape[0]/n, len(e.Data)/n
	for i, name := range names {
		part := tensor.Entry{Name: name, DType: e.DType, Shape: append([]int{rows}, e.Shape[1:]...), Data: e.Data[i*size : (i+1)*size]}
		if e.Scale != nil {
			part.Scale = e.Scale[i*rows : (i+1)*rows]
		}
		parts = append(parts, part)
	}
	return parts, nil
}
