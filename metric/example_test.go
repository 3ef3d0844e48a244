package metric_test

import (
	"fmt"

	"github.com/chiasm/chiasm/metric"
)

// Three texts look for their pictures: the second one's comes third.
func Example() {
	texts := []float32{1, 0, 0.6, 0.8, 0, 1}
	images := []float32{1, 0, -0.6, 0.8, 0, 1}
	ranks := metric.Ranks(metric.Dots(texts, images, 2, 1), [][]int32{{0}, {1}, {2}})
	fmt.Println(ranks)
	fmt.Printf("R@1 %.2f\n", metric.Summarize(ranks).R1)
	fmt.Println("between", metric.Bootstrap{Draws: 200}.Ranking(ranks).R1)
	// Output:
	// [1 3 1]
	// R@1 0.67
	// between {0 1}
}
