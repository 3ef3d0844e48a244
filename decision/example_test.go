//go:build !purego

// In plain Go it would take minutes to look at the pictures.
package decision_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/fusion"
)

// A table of pictures and sounds becomes a model that tells what kind of thing something is, from a picture, a sound, or both.
func Example() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "kinds")
	defer os.RemoveAll(dir)
	table, err := decision.OpenTable("../recipes/beeps/things.csv", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	encoder, err := chiasm.Open(ctx, chiasm.Shipped, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer encoder.Close()
	training := decision.Training{
		Study:    decision.Study{Table: table, Open: func(context.Context) (*chiasm.Model, error) { return encoder, nil }},
		Method:   "late/product",
		Learning: fusion.Training{Steps: 60},
		Output:   filepath.Join(dir, "kinds"),
	}
	if _, err := training.Run(ctx); err != nil {
		fmt.Println(err)
		return
	}
	model, err := decision.Open(ctx, training.Output, &decision.OpenOptions{Encoder: encoder})
	if err != nil {
		fmt.Println(err)
		return
	}
	thing := model.Begin() // answers come as the parts of the thing do
	for column, file := range map[string]string{"picture": "../recipes/shapes/train-red-square-0.png"} {
		part, err := model.Read(ctx, column, file)
		if err != nil {
			fmt.Println(err)
			return
		}
		answer, err := thing.Add(ctx, column, part)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(answer.Class, "without", answer.Missing)
	}
	// Output: square without [sound]
}
