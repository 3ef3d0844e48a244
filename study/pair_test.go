package study_test

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/study"
	"github.com/chiasm/chiasm/weights"
)

// An image tower of timm's and a sentence model, which have never met, are led into one space; with LiT the image tower stays as it was.
// chiasm opens the folder, and one may be taught further.
func TestTeachesAPair(t *testing.T) {
	config, err := efficientnet.Named("efficientnet_lite0")
	if err != nil {
		t.Fatal(err)
	}
	tower := efficientnet.New(config)
	nn.Init(tower, 5)
	lite := filepath.Join(t.TempDir(), "efficientnet_lite0.safetensors")
	if err := weights.Save(lite, nn.Entries(tower), nil); err != nil {
		t.Fatal(err)
	}
	data := table(t, "filepath\ttitle", "wide.png\ta wide one", "tall.png\ta tall one", "square.png\tthe square", "gray.png\tgray")
	r := small(t, data, data)
	r.Model.From, r.Model.Image, r.Model.Text, r.Model.Way, r.Model.Dimension = "", lite, "../model/sentence/testdata/xlm-roberta", "lit", 16
	r.Data.Duplicates, r.Learning.Steps, r.Learning.Rate = "keep", 3, 1e-2
	taught, err := (&study.Training{Recipe: r, Offline: true, Note: func(s string) { t.Log(s) }}).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	after := taught.After[0].Retrieval[0]
	if taught.Learnt >= taught.Parameters/2 { // a tower of random weights sees no difference to learn: this is about what learns
		t.Errorf("%d of %d learnt", taught.Learnt, taught.Parameters)
	}
	moved := 0
	for name, same := range compare(t, filepath.Join(r.Output, "training", "beginning"), r.Output) {
		if picture := strings.HasPrefix(name, "image_model."); picture && !same {
			t.Errorf("%s has moved", name)
		} else if !same {
			moved++
		}
	}
	if moved < 15 {
		t.Errorf("%d tensors of the text tower and the projections have moved", moved)
	}
	further := small(t, data, data)
	further.Model.From, further.Data.Duplicates, further.Learning.Steps = r.Output, "keep", 1
	again, err := (&study.Training{Recipe: further, Offline: true}).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Before.Retrieval[0].MRR; math.Abs(got-after.MRR) > 1e-9 {
		t.Errorf("opened again it begins with an MRR of %v, want %v", got, after.MRR)
	}
	fails(t, &study.Training{Recipe: func() *study.Recipe {
		r := *r
		r.Model.Text = ""
		return &r
	}()}, "belong together")
}
