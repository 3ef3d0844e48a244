package study

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tunable"
)

// claim makes the output folder, unless something stands there that nobody said what to do with.
func (t *Training) claim() error {
	_, begun := os.Stat(t.work(checkpointFile))
	_, done := os.Stat(filepath.Join(t.Recipe.Output, "model.safetensors"))
	switch {
	case t.Resume && t.Overwrite:
		return errors.New("study: to resume and to overwrite exclude each other")
	case t.Overwrite:
		for _, name := range []string{checkpointFile, curveFile} {
			if err := os.Remove(t.work(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("study: %w", err)
			}
		}
	case begun == nil && !t.Resume:
		return fmt.Errorf("study: %s holds a training that has begun: want to resume it, to overwrite it, or another output", t.Recipe.Output)
	case done == nil && !t.Resume:
		return fmt.Errorf("study: %s holds a model already: want to overwrite it, or another output", t.Recipe.Output)
	case t.Resume && begun != nil:
		t.note("there is no checkpoint in %s: the training begins", t.Recipe.Output)
	}
	if err := os.MkdirAll(t.work(""), 0o755); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return writeFile(t.work("recipe.yaml"), t.Recipe.YAML())
}

// openModel opens what the recipe begins with, or makes a new one.
func (t *Training) openModel(ctx context.Context) (*trainee, error) {
	r := t.Recipe
	path := t.work("beginning")
	switch {
	case r.Model.From != "":
		var err error
		if path, err = t.locate(ctx, r.Model.From); err != nil {
			return nil, err
		}
	case r.Model.Image != "":
		words, err := t.locate(ctx, r.Model.Text)
		if err != nil {
			return nil, err
		}
		if err := r.newDual(path, words); err != nil {
			return nil, err
		}
	default:
		tokenizer := ""
		if r.Model.Tokenizer != "" {
			var err error
			if tokenizer, err = t.locate(ctx, r.Model.Tokenizer); err != nil {
				return nil, err
			}
		}
		if err := r.newModel(path, tokenizer); err != nil {
			return nil, err
		}
	}
	m, err := openTrainee(path, r.Learning.Threads)
	if err != nil {
		return nil, err
	}
	if same, _ := tunable.SameFolder(path, r.Output); same {
		m.Close()
		return nil, outputIsModel(path)
	}
	if r.Loss.Temperature > 0 {
		m.setTemperature(r.Loss.Temperature)
	}
	return m, nil
}

// beginning is the name of the model that the recipe begins with; a head is learnt on the one that ships where it names none.
func (r *Recipe) beginning() string {
	if r.Model.From == "" && !r.learnsPairs() {
		return chiasm.Shipped
	}
	return r.Model.From
}

// openFrozen opens the model that a head is learnt on, which stays as it is.
func (t *Training) openFrozen(ctx context.Context) (*opened, error) {
	r := t.Recipe
	m, err := chiasm.Open(ctx, r.beginning(), &chiasm.Options{Offline: t.Offline, Workers: r.Learning.Threads, Progress: t.downloading})
	if err != nil {
		return nil, err
	}
	if same, _ := tunable.SameFolder(m.Info().Path, r.Output); same {
		m.Close()
		return nil, outputIsModel(r.beginning())
	}
	return &opened{Model: m}, nil
}

// downloading tells of files that are downloaded.
func (t *Training) downloading(e hub.Event) {
	t.stage("downloading "+e.File, int(e.Done>>10), int(e.Total>>10))
}

func outputIsModel(path string) error {
	return fmt.Errorf("study: the output is the folder of the model that is begun with, %s: want another", path)
}

// locate finds the folder of a model, which may have to be downloaded.
func (t *Training) locate(ctx context.Context, name string) (string, error) {
	if name == chiasm.Shipped {
		return "", fmt.Errorf("study: %s stays as it is: want model.way %s or %s for it, or a CLIP, SigLIP or CLAP", name, wayProbe, wayCache)
	}
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	m, err := chiasm.Open(ctx, name, &chiasm.Options{Offline: t.Offline, Progress: t.downloading})
	if err != nil {
		return "", err
	}
	defer m.Close()
	return m.Info().Path, nil
}

// room is an error if the files that will be written are larger than the disk's free space: the model, a checkpoint with the optimiser's
// two moments and an average, and the next one of each before they are replaced.
func (t *Training) room(m *trainee) error {
	free, ok := hub.FreeSpace(t.work(""))
	values := int64(4 * nn.Count(m.Params()))
	checkpoint := 3 * values
	if t.Recipe.Learning.Average > 0 {
		checkpoint += values
	}
	if want := 2 * (values + checkpoint); ok && free < want {
		return fmt.Errorf("study: the disk of %s has %d MB free, want %d MB: for the model and a checkpoint, and the next of each while it is written", t.Recipe.Output, free>>20, want>>20)
	}
	return nil
}
