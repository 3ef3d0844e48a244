package nn

import (
	"fmt"
	"strings"

	"github.com/chiasm/chiasm/tensor"
)

// SplitRows cuts an entry [n·R, …] into n of R rows each, without copying; name gives each its name.
func SplitRows(e tensor.Entry, n int, name func(i int) string) ([]tensor.Entry, error) {
	if len(e.Shape) == 0 || n < 1 || e.Shape[0]%n != 0 {
		return nil, fmt.Errorf("nn: weights: %s is %v, want %d equal parts", e.Name, e.Shape, n)
	}
	var out []tensor.Entry
	size := len(e.Data) / n
	for i := range n {
		shape := append([]int{e.Shape[0] / n}, e.Shape[1:]...)
		out = append(out, tensor.Entry{Name: name(i), DType: e.DType, Shape: shape, Data: e.Data[i*size : (i+1)*size]})
	}
	return out, nil
}

// SplitQKV cuts an entry [3C, …] whose name has the key qkv into the query, key and value of an [Attention], without copying.
func SplitQKV(e tensor.Entry) ([]tensor.Entry, error) {
	return SplitRows(e, 3, func(i int) string {
		return strings.Replace(e.Name, ".qkv.", "."+[]string{"q_proj", "k_proj", "v_proj"}[i]+".", 1)
	})
}
