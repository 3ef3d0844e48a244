package nn

import (
	"fmt"
	"strings"

	"github.com/chiasm/chiasm/tensor"
)

// SplitQKV cuts an entry [3C, …] whose name has the key qkv into the query, key and value of an [Attention], without copying.
func SplitQKV(e tensor.Entry) ([]tensor.Entry, error) {
	if len(e.Shape) == 0 || e.Shape[0]%3 != 0 {
		return nil, fmt.Errorf("nn: weights: %s is %v, want three equal parts", e.Name, e.Shape)
	}
	var out []tensor.Entry
	size := len(e.Data) / 3
	for i, part := range []string{"q_proj", "k_proj", "v_proj"} {
		shape := append([]int{e.Shape[0] / 3}, e.Shape[1:]...)
		name := strings.Replace(e.Name, ".qkv.", "."+part+".", 1)
		out = append(out, tensor.Entry{Name: name, DType: e.DType, Shape: shape, Data: e.Data[i*size : (i+1)*size]})
	}
	return out, nil
}
