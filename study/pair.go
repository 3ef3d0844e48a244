package study

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/model/dual"
	"github.com/chiasm/chiasm/model/efficientnet"
	"github.com/chiasm/chiasm/model/sentence"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/tunable"
	"github.com/chiasm/chiasm/weights"
)

// newDual puts a published image tower and a published text tower together in a folder, from which they are opened like any model. What
// leads from them into the space is random.
func (r *Recipe) newDual(folder, text string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	picture, err := efficientnet.Open(r.Model.Image)
	if err != nil {
		return err
	}
	defer picture.Close()
	words, err := sentence.Open(text)
	if err != nil {
		return err
	}
	defer words.Close()
	if len(words.Dense) > 0 || len(words.Pools) != 1 || words.Pools[0] != sentence.PoolMean {
		return fmt.Errorf("study: model.text: %s does not take the mean of its tokens alone, which is what can be led into another space", text)
	}
	config, err := os.ReadFile(filepath.Join(text, tunable.ConfigFile))
	if err != nil {
		return fmt.Errorf("study: model.text: %w (want a model whose encoder lies in its own folder)", err)
	}
	shape := picture.Config
	shape.Classes = 0
	c := dual.Config{Architectures: []string{"ChiasmDualModel"}, Type: dual.Kind, D: r.Model.Dimension, Context: words.Context(), Image: shape, Text: json.RawMessage(config)}
	data := whole.JSON(c)
	parsed, err := dual.ParseConfig(data)
	if err != nil {
		return err
	}
	m := dual.New(*parsed)
	nn.Init(m, r.Learning.Seed+1)
	setScalar(m.LogitScale, math.Log(1/0.07))
	if err := nn.Bind(m.Image, withoutClasses(nn.Entries(picture.Tower)), nil); err != nil {
		return fmt.Errorf("study: model.image: %w", err)
	}
	if err := nn.Bind(m.Text, nn.Entries(words.Encoder), nil); err != nil {
		return fmt.Errorf("study: model.text: %w", err)
	}
	if err := tunable.CopyTokenizer(text, folder); err != nil {
		return err
	}
	if err := writeFiles(folder, map[string][]byte{tunable.ConfigFile: data}); err != nil {
		return err
	}
	if err := weights.Save(filepath.Join(folder, tunable.WeightsFile), nn.Entries(m), nil); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}

// withoutClasses leaves the layer out that tells classes apart.
func withoutClasses(entries []tensor.Entry) (kept []tensor.Entry) {
	for _, e := range entries {
		if e.Name != "classifier.weight" && e.Name != "classifier.bias" {
			kept = append(kept, e)
		}
	}
	return kept
}
