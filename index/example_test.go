package index_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/chiasm/chiasm/index"
)

func Example() {
	dir, err := os.MkdirTemp("", "index")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	x, err := index.Open(dir, index.Options{Dimension: 2})
	if err != nil {
		log.Fatal(err)
	}
	defer x.Close()
	if err := x.Add([]uint64{1, 2, 3}, []float32{1, 0, 0, 1, 0.8, 0.6}); err != nil {
		log.Fatal(err)
	}
	even := index.Func(func(id uint64) bool { return id%2 == 0 })
	for _, filter := range []index.Filter{nil, even} {
		hits, err := x.Search(context.Background(), index.Query{Vector: []float32{1, 0}, K: 2, Filter: filter})
		if err != nil {
			log.Fatal(err)
		}
		for _, h := range hits {
			fmt.Printf("%d %.1f\n", h.ID, h.Score)
		}
	}
	// Output:
	// 1 1.0
	// 3 0.8
	// 2 0.0
}
