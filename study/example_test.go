package study_test

import (
	"context"
	"fmt"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/study"
)

// A tiny random model is measured on thirty pictures with captions.
func Example() {
	ctx := context.Background()
	model, err := chiasm.Open(ctx, "../model/clip/testdata/transformers", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	set, err := dataset.Open("testdata/benchmark/captions", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	figures, err := study.Evaluate(ctx, model, set, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range figures.Retrieval {
		fmt.Printf("%s finds %s: R@5 %.2f of %d queries in %d\n", r.From, r.To, r.R5, r.Queries, r.Gallery)
	}
	// Output:
	// text finds image: R@5 0.13 of 75 queries in 30
	// image finds text: R@5 0.20 of 30 queries in 75
}
