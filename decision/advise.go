package decision

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/metric"
	"github.com/chiasm/chiasm/tensor"
)

// An Advising finds out which way of fusing is the right one for a table: see [fusion.Advisor].
type Advising struct {
	Study
	Methods  []fusion.Method // the candidates; nil for all
	Model    fusion.Config   // sizes
	Learning fusion.Training // the budget of each candidate
	Folds    int             // of the cross-validation, 0 for 3
	Limits   fusion.Limits   // what the user wants of a decision; how long encoders take is measured
	Boot     metric.Bootstrap
}

// Advice is what was found. As JSON it is the recommendation and the candidates alone.
type Advice struct {
	Recommendation Recommendation `json:"recommendation"`
	Candidates     []Candidate    `json:"candidates"`

	Target      Target             `json:"-"`
	Seen        *Seen              `json:"-"`
	Items       int                `json:"-"` // rows, or pairs, that candidates were tried on
	Folds       int                `json:"-"`
	Guess       float64            `json:"-"` // what always giving the same answer scores: the accuracy, or less the mean squared error
	Information fusion.Information `json:"-"`
	Columns     []Column           `json:"-"`
	Encoders    []Encoding         `json:"-"` // how long features take
	Encoder     chiasm.Info        `json:"-"`
	Level       float64            `json:"-"` // confidence of the intervals
	Limits      fusion.Limits      `json:"-"`
	Seconds     float64            `json:"-"`
}

// A Recommendation is what to do and why.
type Recommendation struct {
	How      string `json:"how"` // early, late, interactive or undecided
	Method   string `json:"method"`
	Features string `json:"features,omitempty"` // Vectors or Tokens, where both were tried
	Why      string `json:"why"`
}

// A Candidate is a way of fusing, and how it did on things that it had not learnt from.
type Candidate struct {
	How      string `json:"how"`
	Method   string `json:"method"`
	Features string `json:"features"` // Vectors or Tokens
	Figures
	Subsets    []Subset `json:"subsets"`
	Noisy      []Curve  `json:"noise"`
	Parameters int      `json:"parameters"` // the encoder's not counted
	Memory     int      `json:"memory"`     // bytes of the weights, with the encoder's
	Latency    Latency  `json:"latency_ms"` // of one decision, encoders included
	Fusing     Latency  `json:"fusing_ms"`  // after the encoders
	First      float64  `json:"first_answer_ms,omitempty"`
	Breaks     string   `json:"breaks,omitempty"` // a limit that it does not keep to
	Front      bool     `json:"pareto"`           // no other is both quicker and better
}

// Name is the method, and the features where candidates differ in them.
func (a *Advice) Name(c Candidate) string { return a.named(c.Method, c.Features) }

// Recommended is the name of the recommended candidate, "" for none.
func (a *Advice) Recommended() string {
	return a.named(a.Recommendation.Method, a.Recommendation.Features)
}

func (a *Advice) named(method, features string) string {
	if method == "" || len(a.Encoders) < 2 {
		return method
	}
	return method + " on " + features
}

// Latency is how long something takes, as the clock on the wall has it, in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

func latency(t fusion.Times) Latency {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return Latency{ms(t.P50), ms(t.P99)}
}

// An Encoding is how long features of a kind take.
type Encoding struct {
	Features string // Vectors or Tokens
	Stages   []Stage
}

// A Stage is how long the features of a column take, one at a time.
type Stage struct {
	Column string
	Read   fusion.Times // and decode
	Encode fusion.Times
	All    fusion.Times
}

// Run looks through the table, makes features, tries the candidates by cross-validation, and recommends one.
func (a *Advising) Run(ctx context.Context) (*Advice, error) {
	begin := time.Now()
	x, err := a.prepare(ctx, nil)
	if err != nil {
		return nil, err
	}
	var parts []string
	if slices.ContainsFunc(a.Table.Rows, func(r Row) bool { return r.Split != "" }) {
		parts = []string{learnPart, validPart} // what is to be measured on decides nothing
	}
	views, stages, err := a.views(ctx, x, true, parts...)
	if err != nil {
		return nil, err
	}
	out := &Advice{Target: x.target, Seen: x.seen, Items: len(views[0].Data.Samples), Columns: a.Table.Columns, Encoder: x.encoder.model.Info(), Level: a.Boot.Confidence(), Limits: a.Limits}
	for i, v := range views {
		out.Encoders = append(out.Encoders, Encoding{cmp.Or(v.Name, a.Features[0]), stages[i]})
	}
	how := a.Learning
	how.Seed, how.Workers = a.Seed, a.Workers
	advisor := fusion.Advisor{
		Methods: a.Methods, Model: a.sized(a.Model), Training: how, Folds: a.Folds, Limits: a.Limits, Boot: a.Boot, Noise: []float64{0.5, 1, 2},
		Progress: func(done, all int, m fusion.Method) { a.stage("trying "+string(m), done, all) },
	}
	advice, err := advisor.Compare(ctx, views...)
	if err != nil {
		return nil, err
	}
	if out.Folds = a.Folds; out.Folds == 0 {
		out.Folds = 3
	}
	out.Guess, out.Information = advice.Guess, advice.Information
	out.Recommendation = Recommendation(advice.Recommendation)
	for _, c := range advice.Candidates {
		out.Candidates = append(out.Candidates, out.candidate(c))
	}
	out.front()
	out.Seconds = time.Since(begin).Seconds()
	return out, nil
}

// clock measures how long the features of each column take, at the precision at which decisions are made.
func (s *Study) clock(ctx context.Context, x *material) (list []Stage, by map[string]fusion.Times, err error) {
	by = map[string]fusion.Times{}
	e := x.encoder
	if e.model.Name() == chiasm.Shipped && e.model.Precision() == tensor.FormatF32.String() {
		fast, err := chiasm.Open(ctx, chiasm.Shipped, &chiasm.Options{Workers: s.Workers, Precision: "auto"})
		if err != nil {
			return nil, nil, err
		}
		defer fast.Close()
		e = newEncoder(fast, e.cache.dir, e.shows)
	}
	for k, c := range s.Table.Columns {
		s.stage("timing "+c.Name, k, len(s.Table.Columns))
		one, err := e.time(ctx, c, k, s.Table)
		if err != nil {
			return nil, nil, err
		}
		list, by[c.Name] = append(list, one), one.All
	}
	return list, by, nil
}

func (a *Advice) candidate(c fusion.Candidate) Candidate {
	out := Candidate{How: string(c.How), Method: c.Method, Features: cmp.Or(c.Features, a.Encoders[0].Features), Figures: figures(c.Figures), Parameters: c.Params, Breaks: c.Breaks}
	for _, s := range c.Subsets {
		out.Subsets = append(out.Subsets, Subset{s.Modalities, figures(s.Figures)})
	}
	for _, n := range c.Noisy {
		if k := len(out.Noisy); k == 0 || out.Noisy[k-1].Modality != n.Modality {
			out.Noisy = append(out.Noisy, Curve{n.Modality, []Point{{0, out.Figures}}})
		}
		last := &out.Noisy[len(out.Noisy)-1]
		last.Points = append(last.Points, Point{n.Level, figures(n.Figures)})
	}
	fusing := fusion.Times{P50: c.P50, P99: c.P99}
	all := fusing
	for _, e := range a.Encoders {
		for _, s := range e.Stages {
			if e.Features == out.Features {
				all.P50 += s.All.P50
				all.P99 += s.All.P99
			}
		}
	}
	out.Memory = 4 * (c.Params + a.Encoder.Parameters)
	out.Latency, out.Fusing, out.First = latency(all), latency(fusing), latency(fusion.Times{P50: c.First}).P50
	return out
}

// front marks the candidates that none is better than without being slower.
func (a *Advice) front() {
	for i := range a.Candidates {
		c := &a.Candidates[i]
		c.Front = !slices.ContainsFunc(a.Candidates, func(o Candidate) bool {
			better, worse := o.merit() > c.merit() || o.Fusing.P50 < c.Fusing.P50, o.merit() < c.merit() || o.Fusing.P50 > c.Fusing.P50
			return better && !worse
		})
	}
}

// merit is larger for better figures.
func (f Figures) merit() float64 {
	if f.RMSE != nil {
		return -*f.RMSE
	}
	return f.value()
}

// How long the encoders are timed: so many cells of a column, or so long, but not less than a few.
const (
	timed     = 100
	timedFew  = 10
	timedLong = 8 * time.Second
)

// time measures how long the features of a column take, one cell after the other, files read anew each time.
func (e *encoder) time(ctx context.Context, c Column, at int, t *Table) (Stage, error) {
	var cells []string
	for _, r := range t.Rows {
		if r.Cells[at] != "" {
			cells = append(cells, r.Cells[at])
		}
	}
	var read, encode, all []float64
	begin := time.Now()
	for i := 0; i < timed+3 && (len(all) < timedFew || time.Since(begin) < timedLong) && i < 2*timed; i++ {
		start := time.Now()
		p, err := e.part(ctx, c, cells[i%len(cells)])
		if ctx.Err() != nil {
			return Stage{}, ctx.Err()
		}
		if err != nil {
			if len(cells) == 1 || i > len(cells) {
				break
			}
			continue // it has been told of
		}
		middle := time.Now()
		if _, err := e.encode(ctx, c, []chiasm.Part{p}); err != nil {
			return Stage{}, fmt.Errorf("decision: column %q: %w", c.Name, err)
		}
		if end := time.Now(); i >= 3 { // the first ones warm up
			read, encode, all = append(read, float64(middle.Sub(start))), append(encode, float64(end.Sub(middle))), append(all, float64(end.Sub(start)))
		}
	}
	return Stage{c.Name, times(read), times(encode), times(all)}, nil
}

func times(list []float64) fusion.Times {
	if len(list) == 0 {
		return fusion.Times{}
	}
	slices.Sort(list)
	return fusion.Times{P50: time.Duration(metric.Percentile(list, 0.5)), P99: time.Duration(metric.Percentile(list, 0.99))}
}

// Bits is the information in words.
func (a *Advice) Bits() string {
	i := a.Information
	out := fmt.Sprintf("%.2f redundant", i.Redundant)
	for k, u := range i.Unique {
		out += fmt.Sprintf(", %.2f unique to %s", u, a.Columns[k].Name)
	}
	return out + fmt.Sprintf(", %.2f synergistic, %.2f together", i.Synergistic, i.All)
}
