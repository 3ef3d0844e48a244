package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/chiasm/chiasm/dataset"
	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/nn"
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
	Steps      int        `json:"steps"` // 0 where a head was made of examples
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

// Words is what was learnt: parameters in steps, or without any a head from examples.
func (t *Taught) Words() string {
	if t.Steps > 0 {
		return fmt.Sprintf("%d of %d parameters learnt in %s", t.Learnt, t.Parameters, many(t.Steps, "step"))
	}
	examples := 0
	for _, s := range t.Material.Train {
		examples += s.Usable
	}
	return fmt.Sprintf("%s on top of its vectors, from %s", many(t.Learnt, "value"), many(examples, "example"))
}

// many is "1 thing", or how many of them.
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
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
	if r == nil {
		return nil, errors.New("study: a training wants a recipe: NewRecipe has the defaults")
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	if err := t.claim(); err != nil {
		return nil, err
	}
	if !r.learnsPairs() {
		return t.few(ctx)
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
	return t.teach(ctx, m, material)
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
	if err := m.Furnish(r.Output); err != nil {
		return nil, err
	}
	if resumed {
		taught.Before = t.readBefore()
		err = c.load()
	} else if check != nil {
		if taught.Before, err = t.examine(ctx, m, x, "measuring before"); err == nil {
			err = writeFile(t.work("before.json"), whole.JSON(taught.Before))
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
