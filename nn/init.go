package nn

import (
	"math"
	"strings"
	"unsafe"

	"github.com/chiasm/chiasm/tensor"
)

// Init gives every parameter of a model random values of a realistic size: matrices are uniform with variance 1/K, the gains of norms
// and variances are 1, biases 0. The same seed gives the same values.
func Init(model any, seed uint64) {
	for name, t := range Params(model) {
		v := make([]float32, t.Len())
		switch {
		case t.Rank() >= 2:
			width := float32(math.Sqrt(12 / float64(max(1, t.Len()/t.Dim(0)))))
			for i := range v {
				seed = seed*6364136223846793005 + 1442695040888963407 // Knuth's MMIX generator
				v[i] = (float32(seed>>40)/(1<<24) - 0.5) * width
			}
		case strings.HasSuffix(name, "weight"), strings.HasSuffix(name, "running_var"):
			for i := range v {
				v[i] = 1
			}
		}
		t.Store(tensor.F32, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v)), nil)
	}
}
