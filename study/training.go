package study

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/hub"
	"github.com/chiasm/chiasm/nn"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/train"
)

// The ways to teach a model.
const wayAll, wayLiT, wayLoRA, wayProbe, wayCache = "all", "lit", "lora", "probe", "cache"

// A Training makes a model by a recipe. What the recipe and the data are decides every bit of the weights.
type Training struct {
	Recipe    *Recipe
	Resume    bool // go on where a checkpoint in the output folder stands
	Overwrite bool // begin anew although there is one, or a model
	Offline   bool // never use the network

	Progress func(train.Progress)               // told of each step and each measurement, or nil
	Stage    func(what string, done, total int) // told of what comes before and after, or nil
	Note     func(message string)               // told what is good to know, or nil
}

// A Taught is how a training ended.
type Taught struct {
	Folder     string     `json:"folder"` // the model
	Report     string     `json:"report"` // a page
	Parameters int        `json:"parameters"`
	Learnt     int        `json:"learnt_parameters"`
	Steps      int        `json:"steps"`
	Loss       float64    `json:"loss"`
	Best       int        `json:"best_step"`
	Early      bool       `json:"stopped_early"`
	Material   *Material  `json:"material"`
	Before     *Figures   `json:"before,omitempty"`
	After      []*Figures `json:"after,omitempty"`
	BrokenSeen int        `json:"broken_while_learning"`
	Broken     []string   `json:"broken,omitempty"`
	Curve      []Point    `json:"-"`
}

// where the files of the training itself lie within the model's folder.
const (
	workFolder     = "training"
	checkpointFile = "checkpoint"
)

func (t *Training) note(format string, args ...any) {
	if t.Note != nil {
		t.Note(fmt.Sprintf(format, args...))
	}
}

func (t *Training) stage(what string, done, total int) {
	if t.Stage != nil {
		t.Stage(what, done, total)
	}
}

func (t *Training) work(name string) string { return filepath.Join(t.Recipe.Output, workFolder, name) }

// Run trains. If ctx is cancelled it leaves a checkpoint from which Resume goes on to the same weights.
func (t *Training) Run(ctx context.Context) (*Taught, error) {
	r := t.Recipe
	if err := r.Check(); err != nil {
		return nil, err
	}
	if err := t.claim(); err != nil {
		return nil, err
	}
	m, err := t.openModel(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	material, err := t.gatherMaterial(ctx, m)
	if err != nil {
		return nil, err
	}
	defer material.Close()
	if err := t.room(m); err != nil {
		return nil, err
	}
	if r.Model.Way == wayProbe || r.Model.Way == wayCache {
		return t.few(ctx, m, material)
	}
	return t.teach(ctx, m, material)
}

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
	if r.Model.From != "" {
		var err error
		if path, err = t.locate(ctx, r.Model.From); err != nil {
			return nil, err
		}
	} else {
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
	if same, _ := sameFolder(path, r.Output); same {
		m.Close()
		return nil, fmt.Errorf("study: the output is the folder of the model that is begun with, %s: want another", path)
	}
	if r.Loss.Temperature > 0 {
		m.setTemperature(r.Loss.Temperature)
	}
	return m, nil
}

// locate finds the folder of a model, which may have to be downloaded.
func (t *Training) locate(ctx context.Context, name string) (string, error) {
	if name == chiasm.Shipped {
		return "", fmt.Errorf("study: %s is not taught by recipes: want a CLIP, SigLIP or CLAP", name)
	}
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	m, err := chiasm.Open(ctx, name, &chiasm.Options{Offline: t.Offline, Progress: func(e hub.Event) { t.stage("downloading "+e.File, int(e.Done>>10), int(e.Total>>10)) }})
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

// teach is the loop.
func (t *Training) teach(ctx context.Context, m *trainee, x *Material) (*Taught, error) {
	r := t.Recipe
	l, err := t.newLearner(m, x)
	if err != nil {
		return nil, err
	}
	defer l.lessons.close()
	taught := &Taught{Folder: r.Output, Parameters: nn.Count(m.Params()), Learnt: l.learnt(), Material: x}
	check := t.checkSet(x)
	c := &curve{path: t.work(curveFile)}
	run := l.run(t, c, x, check)
	resumed, err := run.Resume()
	if err != nil {
		return nil, fmt.Errorf("study: cannot go on in %s (has the recipe changed, or the data?): %w", r.Output, err)
	}
	if err := m.furnish(r.Output); err != nil {
		return nil, err
	}
	if resumed {
		taught.Before = t.readBefore()
		err = c.load()
	} else if check != nil {
		if taught.Before, err = t.examine(ctx, m, x, "measuring before"); err == nil {
			err = writeFile(t.work("before.json"), asJSON(taught.Before))
		}
		if err != nil {
			return nil, err
		}
		c.take(train.Progress{Evaluated: true, Score: score(taught.Before)})
	}
	if err != nil {
		return nil, err
	}
	result, err := run.Learn(ctx)
	if err = errors.Join(err, c.close()); err != nil {
		return nil, err
	}
	taught.Steps, taught.Loss, taught.Best, taught.Early, taught.Curve = result.Steps, result.Loss, result.Best, result.Early, c.points
	taught.BrokenSeen = l.lessons.loader.Broken.Count()
	for _, err := range l.lessons.loader.Broken.First() {
		taught.Broken = append(taught.Broken, err.Error())
	}
	if check == nil {
		if err := l.saveLast(run, r.Output); err != nil {
			return nil, err
		}
	}
	return taught, t.conclude(ctx, taught, x)
}

// readBefore is what was measured when the training began, nil if that is lost: it decides nothing.
func (t *Training) readBefore() *Figures {
	data, err := os.ReadFile(t.work("before.json"))
	f := &Figures{}
	if err != nil || json.Unmarshal(data, f) != nil {
		return nil
	}
	return f
}

// checkSet is what is measured on on the way: the beginning of the validation in an order of its own.
func (t *Training) checkSet(x *Material) *dataset.Set {
	if len(x.check) == 0 {
		return nil
	}
	set := x.check[0] // further ones are measured at the end
	n := t.Recipe.Measure.Items
	if n == 0 || n >= set.Len() {
		return set
	}
	order := dataset.Random(t.Recipe.Learning.Seed, 0x76616c).Perm(set.Len())[:n]
	slices.Sort(order)
	return set.Select(order)
}

// examine measures a model that is being taught on the whole validation.
func (t *Training) examine(ctx context.Context, m embedder, x *Material, what string) (*Figures, error) {
	set := x.check[0]
	e := t.evaluation()
	e.Progress = func(done, of int) { t.stage(what, done, of) }
	e.Bootstrap.Seed = t.Recipe.Learning.Seed
	return e.measure(ctx, m, set)
}

func (t *Training) evaluation() *Evaluation {
	r := t.Recipe
	return &Evaluation{Languages: r.Data.Languages, Templates: templatesFor(r), Merge: true, Workers: r.Learning.Threads}
}

func templatesFor(r *Recipe) []string {
	if len(r.Measure.Templates) > 0 {
		return r.Measure.Templates
	}
	return r.Data.Templates
}

// score is what the best weights are chosen by: the mean of 1/rank over both directions of every pair of kinds, or where there is no
// retrieval the share of classes found.
func score(f *Figures) float64 {
	sum, n := 0.0, 0
	for _, r := range f.Retrieval {
		if r.Language == "" && r.Domain == "" {
			sum += r.MRR
			n++
		}
	}
	for _, c := range f.Classification {
		if len(f.Retrieval) == 0 && c.Domain == "" {
			sum += c.Top1
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

// identity tells trainings apart whose weights differ: by the recipe but for what changes no weight, the data and the model.
func (t *Training) identity(x *Material) string {
	r := *t.Recipe
	r.Name, r.Output, r.Card = "", "", CardRecipe{}
	r.Learning.Threads, r.Learning.Checkpoint, r.Data.Readers = 0, 0, 0
	h := sha256.New()
	h.Write(r.YAML())
	for _, set := range slices.Concat(x.train, x.check) {
		fmt.Fprintln(h, set.Len())
		for i := range set.Len() {
			if item, err := set.Item(i); err == nil {
				fmt.Fprintln(h, item.Key, len(item.Texts))
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// learns is the parameters that learn by gradient.
func (t *Training) learns(m *trainee) (iter.Seq2[string, *tensor.Tensor], error) {
	r := t.Recipe
	frozen := slices.Clone(m.spare)
	frozen = append(frozen, r.Model.Freeze...)
	if r.Model.Way == wayLiT {
		for _, patterns := range m.towers {
			frozen = append(frozen, patterns...)
		}
	}
	if m.logBias != nil && !t.sigmoid(m) {
		frozen = append(frozen, "logit_bias")
	}
	params := train.Except(nn.Params(m.Params()), frozen...)
	return func(yield func(string, *tensor.Tensor) bool) {
		for name, p := range params {
			if len(r.Model.Learn) > 0 && !slices.ContainsFunc(r.Model.Learn, func(pattern string) bool { return train.Matches(pattern, name) }) {
				continue
			}
			if !yield(name, p) {
				return
			}
		}
	}, t.checkPatterns(m)
}

// checkPatterns is an error if a pattern of the recipe matches nothing.
func (t *Training) checkPatterns(m *trainee) error {
	var names []string
	for name := range nn.Params(m.Params()) {
		names = append(names, name)
	}
	for field, patterns := range map[string][]string{"model.freeze": t.Recipe.Model.Freeze, "model.learn": t.Recipe.Model.Learn, "model.targets": t.Recipe.Model.Targets} {
		for _, pattern := range patterns {
			if !slices.ContainsFunc(names, func(name string) bool { return train.Matches(pattern, name) }) {
				return fmt.Errorf("study: %s: no parameter matches %q; the nearest is %s", field, pattern, nearestTo(strings.Trim(pattern, "*."), names))
			}
		}
	}
	return nil
}

func (t *Training) sigmoid(m *trainee) bool {
	return t.Recipe.Loss.Kind == "sigmoid" || t.Recipe.Loss.Kind == "" && m.Sigmoid()
}
