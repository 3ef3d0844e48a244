package chiasm

import (
	"context"
	stdimage "image"
	"slices"
	"testing"
)

// A NaFlex model sees pictures of many shapes, whichever are asked for together, and compares them with texts.
func TestNaFlex(t *testing.T) {
	ctx := context.Background()
	m, err := Open(ctx, "model/siglip/testdata/naflex", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if info := m.Info(); info.Architecture != "Siglip2Model" || info.ImageSize != [2]int{} || info.Context != 64 {
		t.Errorf("got %+v", info)
	}
	imgs := []stdimage.Image{grid(20, 30, 1), grid(40, 60, 2), grid(300, 7, 3), grid(20, 30, 4), grid(1, 1, 5)}
	all, err := m.EmbedImages(ctx, imgs)
	if err != nil {
		t.Fatal(err)
	}
	for i, img := range imgs {
		alone, err := m.EmbedImage(ctx, img)
		if err != nil || !slices.Equal(alone.Values, all[i].Values) {
			t.Errorf("picture %d alone has another vector than among others (%v)", i, err)
		}
	}
	a, err := m.EmbedText(ctx, "A Photo of TWO CATS")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := m.EmbedText(ctx, "a photo of two cats"); err != nil || !slices.Equal(a.Values, b.Values) {
		t.Errorf("capitals change a text's vector (%v)", err)
	}
}
