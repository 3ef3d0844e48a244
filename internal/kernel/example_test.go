package kernel_test

import (
	"fmt"

	"github.com/chiasm/chiasm/internal/kernel"
)

func Example() {
	w := kernel.NewPacked(2, 3, kernel.F32) // two outputs of three inputs
	w.SetRows(0, []float32{1, 0, -1, 2, 2, 2})
	y := make([]float32, 2)
	g := kernel.Gemm{C: y, LDC: 2, A: []float32{1, 2, 3}, LDA: 3, M: 1, W: []*kernel.Packed{w}, Bias: [][]float32{{0, 1}}, Act: kernel.ReLU}
	for chunk := range g.Plan(1) {
		g.Run(chunk)
	}
	fmt.Println(y)
	// Output: [0 13]
}
