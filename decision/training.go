package decision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/train"
)

// Auto leaves it to measurements when modalities come together.
const Auto = "auto"

// A Training teaches a model on a table and keeps it in a folder.
type Training struct {
	Study
	How       string          // early, late, interactive or auto: which methods are tried, by cross-validation on what is learnt from; "" for auto
	Method    string          // the one method to take, as "late/product" or "lmf", in place of How
	Model     fusion.Config   // sizes
	Learning  fusion.Training // steps and aids; where Drop is 0 it is 0.2, but for a match task
	Encoder   Tuning          // whether it learns too. How it all comes together is chosen with what it is before
	Folds     int             // of the cross-validation, 0 for 3
	Limits    fusion.Limits   // for the choice
	Boot      metric.Bootstrap
	Output    string // folder to write
	Overwrite bool   // even if there is one
	Step      func(train.Progress)
}

// Taught is what a training has made.
type Taught struct {
	Folder     string       `json:"folder"`
	How        string       `json:"how"`
	Method     string       `json:"method"`
	Features   string       `json:"features"` // Vectors or Tokens
	Why        string       `json:"why"`      // it was chosen
	Steps      int          `json:"steps"`
	Best       int          `json:"best_step"`
	Parameters int          `json:"parameters"` // the encoder's not counted
	Tuned      int          `json:"encoder_parameters_learnt,omitempty"`
	Split      Split        `json:"split"`
	Seen       *Seen        `json:"seen"`
	Report     *Report      `json:"report"` // on the part that nothing was learnt from
	Curve      []CurvePoint `json:"-"`
	Seconds    float64      `json:"seconds"`

	learnt []string // rows that it has seen, by what they hold
}

// A Split is how many rows are in each part.
type Split struct {
	Train int `json:"train"`
	Valid int `json:"valid"`
	Test  int `json:"test"`
}

// Methods are those of a way of fusing, as Method takes them; of "" or auto all.
func Methods(how string) (list []string) {
	for _, m := range fusion.Methods {
		if how != "" && how != Auto && string(m.How()) != how {
			continue
		}
		if m != fusion.Late {
			list = append(list, string(m))
			continue
		}
		for _, r := range fusion.Rules {
			list = append(list, string(m)+"/"+string(r))
		}
	}
	return list
}

// check is what can be said before anything is read.
func (t *Training) check() error {
	if t.How == "" {
		t.How = Auto
	}
	if t.Method == string(fusion.Late) {
		t.Method += "/" + string(fusion.Average)
	}
	switch {
	case !slices.Contains([]string{Auto, "early", "late", "interactive"}, t.How):
		return fmt.Errorf("decision: how %q: want early, late, interactive or auto", t.How)
	case t.Method != "" && !slices.Contains(Methods(""), t.Method):
		return fmt.Errorf("decision: method %q: want one of %s", t.Method, strings.Join(Methods(""), ", "))
	case t.Output == "":
		return errors.New("decision: no folder to write to")
	}
	if err := t.Encoder.check(); err != nil {
		return err
	}
	if slices.Contains(t.Features, Tokens) && t.Encoder.tunes() {
		return errors.New("decision: an encoder learns by its vectors: want features vectors, or leave it frozen")
	}
	if len(t.Features) > 1 && t.Method != "" {
		return errors.New("decision: features are chosen with the method: name one of both, or no method")
	}
	_, err := os.Stat(t.Output)
	if err == nil && !t.Overwrite {
		return fmt.Errorf("decision: %s is there already: name another folder, or overwrite it", t.Output)
	}
	if err == nil && !Recognise(t.Output) {
		return fmt.Errorf("decision: %s is not overwritten: it holds no model of this kind", t.Output)
	}
	return nil
}

// Run looks through the table, makes features, chooses a method if none is named, teaches it, measures it, and writes the folder,
// all of it or nothing.
func (t *Training) Run(ctx context.Context) (*Taught, error) {
	begin := time.Now()
	if err := t.check(); err != nil {
		return nil, err
	}
	var tuner *tuner
	x, err := t.prepare(ctx, func(m *chiasm.Model) (err error) {
		if t.Encoder.tunes() {
			tuner, err = t.Encoder.newTuner(m, t.Table)
		}
		return err
	})
	if tuner != nil {
		defer tuner.model.Close()
	}
	if err != nil {
		return nil, err
	}
	taught := &Taught{Folder: t.Output, Seen: x.seen, Method: t.Method, Why: "it was asked for"}
	for i, p := range x.part {
		if p == learnPart || p == validPart {
			taught.learnt = append(taught.learnt, fingerprint(x.contents[x.rows[i]]))
		}
	}
	if t.Learning.Drop == 0 && x.target.Task != "match" {
		t.Learning.Drop = 0.2
	}
	t.Learning.Seed, t.Learning.Workers = t.Seed, t.Workers
	if t.Method == "" {
		if x, err = t.choose(ctx, x, taught); err != nil {
			return nil, err
		}
	}
	if tuner != nil {
		tuner.encoder, tuner.ctx = x.encoder, ctx
		if err := tuner.prepare(t.Seed, t.Workers); err != nil {
			return nil, err
		}
		taught.Tuned = tuner.count()
	}
	m, err := t.teach(ctx, x, tuner, taught)
	if err != nil {
		return nil, err
	}
	test, _ := in(x.data, x.part, testPart)
	return taught, t.save(func(dir string) error {
		if tuner != nil {
			if test, err = t.retest(ctx, x, m, tuner, test, dir); err != nil {
				return err
			}
		}
		t.stage("measuring", 0, 1)
		if taught.Report, err = m.report(ctx, test, t.Boot, t.Seed); err != nil {
			return err
		}
		taught.Seconds = time.Since(begin).Seconds()
		return t.write(dir, m, taught)
	})
}

// retest puts the tuned encoder into the model's folder, and gives the samples to measure on the features that it makes once it is opened again.
func (t *Training) retest(ctx context.Context, x *material, m *Model, tuner *tuner, test *fusion.Data, dir string) (_ *fusion.Data, err error) {
	if err := tuner.write(filepath.Join(dir, encoderFolder)); err != nil {
		return nil, err
	}
	model, err := tuner.reopen(ctx, dir, t.Workers)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, model.Close()) }()
	m.Config.Encoder.Tuned, m.Config.Encoder.Space = t.Encoder.Way, model.Space().String()
	return x.again(ctx, t.Table, newEncoder(model, t.Cache, Vectors), test, func(done, of int) { t.stage("encoding anew", done, of) })
}

// choose finds the method, and the features if they are to be chosen, by cross-validation on what may be learnt from. It returns the material
// as these show it.
func (t *Training) choose(ctx context.Context, x *material, taught *Taught) (*material, error) {
	a := t.advisor()
	views, _, err := t.views(ctx, x, t.Limits.Latency > 0, learnPart, validPart)
	if err != nil {
		return nil, err
	}
	if t.How != Auto {
		a.Methods = slices.DeleteFunc(slices.Clone(fusion.Methods), func(m fusion.Method) bool { return string(m.How()) != t.How })
	}
	advice, err := a.Compare(ctx, views...)
	if err != nil {
		return nil, err
	}
	r := advice.Recommendation
	taught.Why = r.Why
	if r.Method == "" { // undecided: the best there is
		best := slices.MaxFunc(advice.Candidates, func(x, y fusion.Candidate) int { return compare(x.Figures.Score, y.Figures.Score) })
		r.Method, r.Features = best.Method, best.Features
		taught.Why = "undecided, so the best of all was taken: " + taught.Why
	}
	taught.Method = r.Method
	return x.as(cmp.Or(r.Features, x.encoder.shows)), nil
}

func compare(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// advisor is one with the training's budget.
func (t *Training) advisor() fusion.Advisor {
	return fusion.Advisor{
		Model: t.sized(t.Model), Training: t.Learning, Folds: t.Folds, Limits: t.Limits, Boot: t.Boot,
		Progress: func(done, all int, method fusion.Method) { t.stage("trying "+string(method), done, all) },
	}
}

// teach teaches the chosen method.
func (t *Training) teach(ctx context.Context, x *material, tuner *tuner, taught *Taught) (*Model, error) {
	or := func(v, standard int) int {
		if v == 0 {
			return standard
		}
		return v
	}
	z := t.Model
	c := Config{
		Format: format, Encoder: Encoder{Model: nameOf(x.encoder.model), Space: x.encoder.model.Space().String(), Dimension: x.encoder.model.Space().Dimension}, Columns: t.Table.Columns, Tokens: x.encoder.counts(t.Table.Columns), Target: x.target,
		Similarity: x.target.Task == "match", Aligned: x.encoder.shows == Tokens, Method: taught.Method, Width: or(z.Width, 32), Heads: or(z.Heads, 4), Layers: or(z.Layers, 2), Rank: or(z.Rank, 4), Bottlenecks: or(z.Bottlenecks, 4),
	}
	m, err := build(c)
	if err != nil {
		return nil, fmt.Errorf("decision: %w", err)
	}
	m.encoder, m.workers = x.encoder, t.Workers
	m.fused.Config.Dropout = z.Dropout
	learn, _ := in(x.data, x.part, learnPart)
	valid, _ := in(x.data, x.part, validPart)
	test, _ := in(x.data, x.part, testPart)
	taught.Split = Split{len(learn.Samples), len(valid.Samples), len(test.Samples)}
	how := t.Learning
	if tuner != nil {
		how.Tuning = tuner.tuning()
	}
	how.Progress = func(p train.Progress) {
		taught.Curve = append(taught.Curve, pointOf(p))
		if t.Step != nil {
			t.Step(p)
		}
	}
	result, err := how.Fit(ctx, m.fused, learn, valid)
	if err != nil {
		return nil, err
	}
	taught.Features = m.features()
	taught.How, taught.Steps, taught.Best, taught.Parameters = string(m.fused.Config.Method.How()), result.Steps, result.Best, m.Parameters()
	return m, nil
}

// nameOf is what opens the encoder again: of a folder its whole path.
func nameOf(m *chiasm.Model) string {
	name := m.Name()
	if info, err := os.Stat(name); err == nil && name != chiasm.Shipped && info != nil {
		if absolute, err := filepath.Abs(name); err == nil {
			return absolute
		}
	}
	return name
}

// A CurvePoint is a step of a training, or a look at other samples after it.
type CurvePoint struct {
	Step  int
	Loss  float64 // running mean; NaN where samples were looked at
	Score float64 // of the samples looked at, more is better: less the loss, or of a match the mean reciprocal rank; NaN elsewhere
}

// valid is the score as it is written and drawn.
func (p CurvePoint) valid(matched bool) float64 {
	if matched {
		return p.Score
	}
	return -p.Score
}

func pointOf(p train.Progress) CurvePoint {
	if p.Evaluated {
		return CurvePoint{p.Step, math.NaN(), p.Score}
	}
	return CurvePoint{p.Step, p.Mean, math.NaN()}
}
