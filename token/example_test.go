package token_test

import (
	"fmt"

	"github.com/chiasm/chiasm/token"
)

func Example() {
	t := token.CLIP()
	ids := t.AppendIDs(nil, "A photo of a cat &amp; a dog")
	fmt.Println(ids)
	fmt.Println(t.Decode(ids, true))

	e := t.Encode("Zwei Hunde", false)
	for i, id := range e.IDs {
		fmt.Println(id, e.Tokens[i], e.Offsets[i])
	}
	// Output:
	// [49406 320 1125 539 320 2368 261 320 1929 49407]
	// a photo of a cat & a dog
	// 89 z [0 1]
	// 20952 wei</w> [1 4]
	// 1616 hun [5 8]
	// 654 de</w> [8 10]
}

func ExampleFit() {
	fmt.Println(token.Fit([]int32{1, 2, 3, 4, 5, 9}, 4))
	fmt.Println(token.Fit([]int32{1, 2, 3, 9}, 4))
	// Output:
	// [1 2 3 9] true
	// [1 2 3 9] false
}
