package image_test

import (
	"fmt"
	"log"

	"github.com/chiasm/chiasm/media/image"
)

// A file goes through the preprocessing that its model's configuration describes.
func Example() {
	p, err := image.ParseProcessor([]byte(`{
		"image_processor_type": "CLIPImageProcessor",
		"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}, "resample": 3,
		"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	photo, err := image.Open("testdata/pictures/exif6.png", nil)
	if err != nil {
		log.Fatal(err)
	}
	w, h := p.Size()
	array := make([]float32, 3*w*h)
	p.Apply(array, photo)
	fmt.Printf("%d x %d pixels become [3, %d, %d], the first is %.4f\n", photo.W, photo.H, h, w, array[0])
	// Output: 17 x 23 pixels become [3, 16, 16], the first is -0.9602
}
