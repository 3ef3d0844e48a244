package dataset_test

import (
	"context"
	"fmt"

	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/media/image"
)

// Tar shards, read for two batches of training and left where a checkpoint could go on.
func Example() {
	set, err := dataset.Open("testdata/pairs-{00..01}.tar", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	ctx := context.Background()
	summary, _ := dataset.Survey(ctx, set, nil, nil)
	fmt.Println(summary)

	crops := &image.Augment{W: 4, H: 4, Area: [2]float64{0.5, 1}, Flip: 0.5}
	type pair struct {
		pixels []uint8
		text   string
	}
	loader := &dataset.Loader[pair]{
		Plan: &dataset.Plan{Sets: []*dataset.Set{set}, Batch: 2, Seed: 1},
		Make: func(_ context.Context, x dataset.Example) (pair, error) {
			img, err := x.Item.Image.Picture(nil)
			if err != nil {
				return pair{}, err
			}
			text, _ := x.Item.Pick(x.Rand)
			return pair{crops.Apply(x.Rand, img).Pix, text.Text}, nil
		},
		Broken: &dataset.Report{},
	}
	var next dataset.Place
	for batch, err := range loader.From(ctx, dataset.Place{}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(batch.Place, batch.Items[0].text, "·", batch.Items[1].text)
		if next = batch.Next; batch.Place.Step == 1 {
			break
		}
	}
	fmt.Println("goes on at", next, "with", loader.Broken.Count(), "broken")
	// Output:
	// 5 items: 5 pictures, 2 sounds, 0 videos; texts: 5 in no language named, 5 zh
	// {0 0} 东西 2 · thing 0
	// {0 1} thing 3 · 东西 4
	// goes on at {1 0} with 0 broken
}

// What is called the same is not torn apart.
func ExamplePartition() {
	set := dataset.Of("fruit",
		&dataset.Item{Key: "1", Texts: []dataset.Text{{Language: "en", Text: "an apple"}}},
		&dataset.Item{Key: "2", Texts: []dataset.Text{{Language: "en", Text: "An Apple"}}},
		&dataset.Item{Key: "3", Texts: []dataset.Text{{Language: "en", Text: "a pear"}}})
	parts, _, err := dataset.Partition(context.Background(), set, 3, dataset.ByConcept, 0.5, 0.5)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(parts[0].Len(), "to learn from,", parts[1].Len(), "to measure by")
	// Output: 2 to learn from, 1 to measure by
}
