package decision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/fusion"
)

// A Study is what is needed to learn from a table, or to be measured on one.
type Study struct {
	Table    *Table
	Label    string                                       // name of the column; "" for that of the table. Of a match task the column that belongs to the others or not
	Task     string                                       // single, multi, regression or match; "" for what the labels look like
	Open     func(context.Context) (*chiasm.Model, error) // opens what makes the features, once the table is in order; it stays as it is, and open
	Features []string                                     // Vectors, Tokens, or both to choose by measurements; nil for Vectors
	Cache    string                                       // folder that features are kept in, "" for none
	Seed     uint64                                       // of all that is drawn
	Workers  int                                          // threads, 0 for all; no result depends on them
	Progress func(what string, done, of int)
}

// stage tells how far something is.
func (s *Study) stage(what string, done, of int) {
	if s.Progress != nil {
		s.Progress(what, done, of)
	}
}

// A material is a table as features, divided.
type material struct {
	target   Target
	encoder  *encoder
	data     *fusion.Data
	rows     []int    // of the table, of each sample
	part     []string // of each sample
	contents [][]key  // of each row
	seen     *Seen
}

// prepare looks through the table, cheap things first, makes its features and divides its rows.
// ready, unless it is nil, is asked about the encoder before anything goes through it.
func (s *Study) prepare(ctx context.Context, ready func(*chiasm.Model) error) (*material, error) {
	t, m := s.Table, &material{seen: &Seen{}}
	if t == nil || s.Open == nil {
		return nil, errors.New("decision: a study wants a table, and a function that opens the encoder")
	}
	if s.Features == nil {
		s.Features = []string{Vectors}
	}
	for _, f := range s.Features {
		if f != Vectors && f != Tokens {
			return nil, fmt.Errorf("decision: features %q: want vectors, tokens, or both", s.Features)
		}
	}
	shows := Vectors
	if slices.Contains(s.Features, Tokens) {
		shows = Tokens // the vectors are among them
	}
	label := s.Label
	if label == "" && s.Task != "match" {
		label = cmp.Or(t.label, "label")
	}
	var err error
	if m.target, err = t.target(s.Task, label); err != nil {
		return nil, fmt.Errorf("decision: %s: %w", t.Name, err)
	}
	if err := t.check(m.seen, true); err != nil {
		return nil, fmt.Errorf("decision: %s: %w", t.Name, err)
	}
	model, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	m.encoder = newEncoder(model, s.Cache, shows)
	for _, c := range t.Columns {
		if err := m.encoder.takes(c); err != nil {
			return nil, err
		}
	}
	if shows == Tokens && slices.Max(m.encoder.counts(t.Columns)) == 1 {
		return nil, fmt.Errorf("decision: the model %s gives no tokens of %s: want features vectors, or another model", model.Name(), strings.Join(each(t.Columns, Column.String), ", "))
	}
	if ready != nil {
		if err := ready(model); err != nil {
			return nil, err
		}
	}
	samples, contents, err := m.encoder.gather(ctx, t, m.seen, true, func(done, of int) { s.stage("encoding", done, of) })
	if err != nil {
		return nil, err
	}
	m.contents = contents
	t.bind(samples, contents, m.seen)
	m.label(t, samples)
	if m.part, err = m.divide(t, s.Seed); err != nil {
		return nil, err
	}
	if m.target.Task == "match" {
		return m, m.match(s.Seed, learnPart, validPart, testPart)
	}
	return m, m.data.Check()
}

// label keeps the rows whose answer is known, and that have something to tell it by.
func (m *material) label(t *Table, samples []fusion.Sample) {
	m.data = &fusion.Data{Task: m.target.fused()}
	for _, c := range t.Columns {
		m.data.Modalities = append(m.data.Modalities, m.encoder.modality(c))
	}
	for i, r := range t.Rows {
		there := 0
		for k := range t.Columns {
			if samples[i].Has(k) {
				there++
			}
		}
		if m.target.Task == "match" && there < 2 || m.target.Task != "match" && (there == 0 || r.Label == "") {
			m.seen.Unknown++
			continue
		}
		m.target.label(&samples[i], r.Label)
		m.data.Samples, m.rows = append(m.data.Samples, samples[i]), append(m.rows, i)
	}
}

// match makes pairs that belong together, and as many that do not, within each part.
func (m *material) match(seed uint64, parts ...string) error {
	at := 0
	for i, c := range m.encoderColumns() {
		if c == m.target.Match {
			at = i
		}
	}
	all := &fusion.Data{Task: m.data.Task, Modalities: m.data.Modalities}
	var part []string
	var rows []int
	for _, name := range parts {
		some, of := in(m.data, m.part, name)
		pairs, err := fusion.Matching(some, at, seed)
		if err != nil {
			return fmt.Errorf("decision: of the part %s: %w", name, err)
		}
		all.Modalities, all.Samples = pairs.Modalities, append(all.Samples, pairs.Samples...)
		for _, i := range of {
			part, rows = append(part, name, name), append(rows, m.rows[i], m.rows[i])
		}
	}
	m.data, m.part, m.rows = all, part, rows
	return nil
}

func (m *material) encoderColumns() (names []string) {
	for _, k := range m.data.Modalities {
		names = append(names, k.Name)
	}
	return names
}

// as is the material as vectors or tokens alone show it.
func (m *material) as(features string) *material {
	if features == m.encoder.shows {
		return m
	}
	out := *m
	out.data, out.encoder = m.data.Pooled(), newEncoder(m.encoder.model, m.encoder.cache.dir, features)
	return &out
}

// sized is the sizes of candidates: those that see tokens are told which are alike.
func (s *Study) sized(c fusion.Config) fusion.Config {
	c.Aligned = slices.Contains(s.Features, Tokens)
	return c
}

// views is what may be learnt from as each kind of features shows it, vectors first. Unless they are clocked, it is not known how long these take.
func (s *Study) views(ctx context.Context, x *material, clocked bool, parts ...string) (list []fusion.View, stages [][]Stage, err error) {
	for _, features := range []string{Vectors, Tokens} {
		if !slices.Contains(s.Features, features) {
			continue
		}
		one, v := x.as(features), fusion.View{}
		if len(s.Features) > 1 {
			v.Name = features
		}
		if v.Data = one.data; parts != nil {
			v.Data, _ = in(one.data, one.part, parts...)
		}
		var times []Stage
		if clocked {
			if times, v.Encode, err = s.clock(ctx, one); err != nil {
				return nil, nil, err
			}
		}
		list, stages = append(list, v), append(stages, times)
	}
	return list, stages, nil
}
