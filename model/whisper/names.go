package whisper

import (
	"fmt"
	"strings"

	"github.com/chiasm/chiasm/tensor"
)

// blockNames turn the names of an encoder's layer into those of nn.Block.
var blockNames = strings.NewReplacer(
	".self_attn_layer_norm.", ".layer_norm1.", ".final_layer_norm.", ".layer_norm2.", ".fc1.", ".mlp.fc1.", ".fc2.", ".mlp.fc2.",
)

// Entries is a checkpoint of transformers' in the form that a [Model] binds.
func Entries(stored []tensor.Entry) (entries []tensor.Entry, err error) {
	for _, e := range stored {
		e.Name = strings.TrimPrefix(e.Name, "model.")
		switch {
		case e.Name == "proj_out.weight": // is decoder.embed_tokens.weight
			continue
		case strings.HasPrefix(e.Name, "encoder.layers."):
			e.Name = blockNames.Replace(e.Name)
		case strings.HasPrefix(e.Name, "encoder.conv") && strings.HasSuffix(e.Name, ".weight"):
			if e, err = tapsFirst(e); err != nil {
				return nil, err
			}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// tapsFirst turns the weight of a convolution [N, C, taps] into [N, taps, C].
func tapsFirst(e tensor.Entry) (tensor.Entry, error) {
	if len(e.Shape) != 3 {
		return e, fmt.Errorf("%s is %v, want the weight of a convolution [N, C, %d]", e.Name, e.Shape, taps)
	}
	n, c, k, size := e.Shape[0], e.Shape[1], e.Shape[2], e.DType.Size()
	data := make([]byte, len(e.Data))
	for row := 0; row < n*c*k; row += c * k {
		for i := range c {
			for j := range k {
				copy(data[(row+j*c+i)*size:][:size], e.Data[(row+i*k+j)*size:])
			}
		}
	}
	e.Data, e.Shape = data, []int{n, k, c}
	return e, nil
}
