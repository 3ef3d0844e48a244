package nn

import (
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/tensor"
)

// SetFormat makes the products of a model read their weights in format f. The int8 formats are for the layers that come in lists, the
// bulk of every tower; what stands alone, as the embedding of patches and the projection into the space, comes first or last, is small
// and sensitive, and takes bf16 instead; convolutions of few channels stay float32 rather than take both sides to int8, which costs each
// pixel more than the products of its few values save. Taps of depthwise convolutions take int8 to say that the block around them may compute in
// integers as a whole ([tensor.Tensor.Bottleneck]), whatever the formats of its products. A model that knows better has a SetFormat of its own, which is called. No pass may be using the
// model.
func SetFormat(model any, f tensor.Format) {
	if m, ok := model.(interface{ SetFormat(tensor.Format) }); ok {
		m.SetFormat(f)
		return
	}
	for name, t := range Params(model) {
		if t.Rank() < 2 {
			continue
		}
		switch {
		case (f == tensor.FormatW8 || f == tensor.FormatI8) && !listed(name):
			t.SetFormat(tensor.FormatBF16)
		case f == tensor.FormatI8 && t.Rank() == 4 && t.Dim(1) > 1 && t.Len() < fewChannels*t.Dim(0):
			t.SetFormat(tensor.FormatF32)
		default:
			t.SetFormat(f)
		}
	}
}

// fewChannels is from how many values of a pixel on int8 pays: measured with EfficientNet-Lite0 on AVX2.
const fewChannels = 40

// listed reports whether a parameter belongs to an element of a list of layers.
func listed(name string) bool {
	for key := range strings.SplitSeq(name, ".") {
		if _, err := strconv.Atoi(key); err == nil {
			return true
		}
	}
	return false
}
