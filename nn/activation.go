package nn

import (
	"fmt"

	"github.com/chiasm/chiasm/tensor"
)

// activations are the names that transformers' configurations use.
var activations = map[string]tensor.Activation{
	"quick_gelu": tensor.QuickGELU, "gelu": tensor.GELU, "gelu_new": tensor.GELUTanh, "gelu_pytorch_tanh": tensor.GELUTanh,
	"relu": tensor.ReLU, "silu": tensor.SiLU, "swish": tensor.SiLU, "relu6": tensor.ReLU6, "hardswish": tensor.HardSwish,
}

// Activation finds the activation that transformers' configurations call by that name.
func Activation(name string) (tensor.Activation, error) {
	if a, ok := activations[name]; ok {
		return a, nil
	}
	return 0, fmt.Errorf("unknown activation %q, want quick_gelu, gelu, gelu_new, gelu_pytorch_tanh, relu, relu6, silu or hardswish", name)
}
