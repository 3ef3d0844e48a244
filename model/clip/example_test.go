package clip_test

import (
	"context"
	"fmt"
	"log"

	"github.com/chiasm/chiasm/model/clip"
	"github.com/chiasm/chiasm/tensor"
)

func Example() {
	m, err := clip.Open("testdata/transformers")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	p := tensor.NewPass(context.Background(), 0)
	x, err := m.EmbedText(p, [][]int32{m.Encode("a photo of a cat").IDs})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(x.Shape(), m.Layout())
	// Output: [1 32] transformers
}
