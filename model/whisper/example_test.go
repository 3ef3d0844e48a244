package whisper_test

import (
	"context"
	"fmt"

	"github.com/chiasm/chiasm/model/whisper"
)

func Example() {
	model, err := whisper.Open("testdata/tiny") // of random weights: what it says has no meaning
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	options := whisper.Defaults()
	options.Language = "de"
	t, err := model.NewTranscriber(&options)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Windows that follow each other, half a second of silence each.
	windows := []whisper.Window{{Start: 0, Samples: make([]float32, 8000)}, {Start: 0.5, Samples: make([]float32, 8000)}}
	segments, err := t.Windows(context.Background(), windows)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, w := range windows {
		for _, s := range segments[i] {
			if s.Start < w.Start || s.End > w.Start+0.74 { // a real model hears 30 seconds at once, this one 0.74
				fmt.Println("a segment outside its window:", s)
			}
		}
	}
	fmt.Println(t.Language().Code, len(segments))
	// Output: de 2
}
