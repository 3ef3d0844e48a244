package decision

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/media/image"
)

// An Answer is what a model decides about a thing.
type Answer struct {
	Class       string   `json:"class,omitempty"`       // the likeliest, of a single task
	Classes     []string `json:"classes,omitempty"`     // those that are likelier than not, of a multi task
	Probability *float64 `json:"probability,omitempty"` // of the class; of a match task, that the thing belongs together
	Number      *float64 `json:"number,omitempty"`      // of a regression
	Labels      []Label  `json:"labels,omitempty"`      // all classes, the likeliest first
	Present     []string `json:"present"`               // columns that the answer is made of
	Missing     []string `json:"missing"`
}

// A Label is a class and how likely it is.
type Label struct {
	Name        string  `json:"name"`
	Probability float64 `json:"probability"`
}

// answer puts numbers into words.
func (m *Model) answer(x []float64, has func(column int) bool) *Answer {
	a := new(Answer)
	m.answerInto(a, x, has)
	return a
}

// answerInto makes a the answer, in the memory that it has. It looks at x.
func (m *Model) answerInto(a *Answer, x []float64, has func(column int) bool) {
	if a.Present == nil {
		a.Present, a.Missing = []string{}, []string{}
	}
	*a = Answer{Classes: a.Classes[:0], Labels: a.Labels[:0], Present: a.Present[:0], Missing: a.Missing[:0]}
	for k, c := range m.Columns {
		if has(k) {
			a.Present = append(a.Present, c.Name)
		} else {
			a.Missing = append(a.Missing, c.Name)
		}
	}
	switch m.Task {
	case "regression":
		a.Number = &x[0]
	case "match":
		a.Probability = &x[0]
	default:
		for i, name := range m.Classes {
			a.Labels = append(a.Labels, Label{name, x[i]})
			if m.Task == "multi" && x[i] > 0.5 {
				a.Classes = append(a.Classes, name)
			}
		}
		slices.SortStableFunc(a.Labels, func(a, b Label) int { return cmp.Compare(b.Probability, a.Probability) })
		if m.Task == "single" {
			a.Class, a.Probability = a.Labels[0].Name, &a.Labels[0].Probability
		}
	}
}

// column is the number of a column.
func (m *Model) column(name string) (int, error) {
	i := slices.IndexFunc(m.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return 0, fmt.Errorf("decision: no column %q: there are %q", name, m.names())
	}
	return i, nil
}

func (m *Model) names() (list []string) {
	for _, c := range m.Columns {
		list = append(list, c.Name)
	}
	return list
}

// Read reads what a column of a thing holds: a path, a text, or numbers with spaces between.
func (m *Model) Read(ctx context.Context, column, cell string) (chiasm.Part, error) {
	i, err := m.column(column)
	if err != nil {
		return chiasm.Part{}, err
	}
	return m.encoder.part(ctx, m.Columns[i], cell)
}

// Decide decides about a thing, of which any columns may be missing, but not all.
func (m *Model) Decide(ctx context.Context, thing map[string]chiasm.Part) (*Answer, error) {
	features := make([][]float32, len(m.Columns))
	for name, p := range thing {
		i, err := m.column(name)
		if err != nil {
			return nil, err
		}
		if features[i], err = m.encode(ctx, new(chiasm.Embedding), i, p); err != nil {
			return nil, err
		}
	}
	if len(thing) == 0 {
		return nil, errors.New("decision: nothing to decide about: want one modality at least")
	}
	x, err := m.fused.Predict(ctx, []fusion.Sample{{Features: features}}, m.workers)
	if err != nil {
		return nil, err
	}
	return m.answer(x[0], func(k int) bool { return features[k] != nil }), nil
}

// encode is the features of a part, which may lie in the memory of e.
func (m *Model) encode(ctx context.Context, e *chiasm.Embedding, column int, p chiasm.Part) ([]float32, error) {
	c := m.Columns[column]
	if !c.fits(p) {
		return nil, fmt.Errorf("decision: column %q wants what is of kind %s", c.Name, c.Kind)
	}
	return m.encoder.one(ctx, e, c, p)
}

// fits reports whether a part is what the column holds.
func (c Column) fits(p chiasm.Part) bool {
	switch c.Kind {
	case Image:
		return p.Image != nil
	case Audio:
		return p.Sound != nil
	case Video:
		return p.Video != nil
	}
	return p.Text != ""
}

// A Decision is made as the parts of a thing arrive. One goroutine uses it; it keeps its memory from thing to thing, that of its answers too:
// each is there until the next is made. Where features are vectors, deciding about pictures and sounds allocates nothing in the steady
// state, nor does [Decision.Read] of JPEG and WAV files.
type Decision struct {
	model  *Model
	made   *fusion.Decision
	there  []bool
	desks  []desk // one for each column
	answer Answer
}

// A desk is the memory of what a column holds.
type desk struct {
	features chiasm.Embedding
	picture  image.Decoder
	file     bytes.Reader
	reader   audio.Reader
	sound    chiasm.Sound
}

// Begin begins a decision.
func (m *Model) Begin() *Decision {
	n := len(m.Columns)
	return &Decision{model: m, made: m.fused.Decide(m.workers), there: make([]bool, n), desks: make([]desk, n)}
}

// Forget begins another decision: about another thing, of which nothing has arrived.
func (d *Decision) Forget() {
	d.made.Forget()
	clear(d.there)
}

// Read decodes the file of a picture or a sound, as [Model.Read] does, in the memory of the decision: the part is there until the next of its
// column is read.
func (d *Decision) Read(ctx context.Context, column string, file []byte) (p chiasm.Part, err error) {
	i, err := d.model.column(column)
	if err != nil {
		return p, err
	}
	k, e := &d.desks[i], d.model.encoder.model
	switch c := d.model.Columns[i]; c.Kind {
	case Image:
		o := e.Processor().Options()
		img, err := k.picture.Decode(file, &o)
		if err != nil {
			return p, err
		}
		p.Image = img
	case Audio:
		k.file.Reset(file)
		if err := k.reader.Reset(ctx, &k.file); err != nil {
			return p, err
		}
		if err := e.HearInto(&k.sound, &k.reader); err != nil && !(errors.Is(err, audio.ErrTruncated) && len(k.sound.Samples) > 0) {
			return p, err
		}
		p.Sound = &k.sound
	default:
		return p, fmt.Errorf("decision: column %q is of kind %s: want one of pictures or sounds", c.Name, c.Kind)
	}
	return p, nil
}

// Add is the answer once a part has arrived, with all that arrived before it. Late fusion waits for nothing that is missing.
func (d *Decision) Add(ctx context.Context, column string, p chiasm.Part) (*Answer, error) {
	i, err := d.model.column(column)
	if err != nil {
		return nil, err
	}
	features, err := d.model.encode(ctx, &d.desks[i].features, i, p)
	if err != nil {
		return nil, err
	}
	x, err := d.made.Add(ctx, i, features)
	if err != nil {
		return nil, err
	}
	d.there[i] = true
	d.model.answerInto(&d.answer, x, func(k int) bool { return d.there[k] })
	return &d.answer, nil
}

// Answers decides about all rows of a table whose columns are the model's: see [Options.Columns].
func (m *Model) Answers(ctx context.Context, t *Table, progress func(done, of int)) ([]*Answer, *Seen, error) {
	seen := &Seen{}
	samples, _, err := m.samples(ctx, t, seen, progress)
	if err != nil {
		return nil, nil, err
	}
	all, err := m.fused.Predict(ctx, samples, m.workers)
	if err != nil {
		return nil, nil, err
	}
	answers := make([]*Answer, len(all))
	for i, x := range all {
		answers[i] = m.answer(x, samples[i].Has)
	}
	return answers, seen, nil
}

// samples is the features of a table, whose rows may lack anything, and any of whose columns may be empty.
func (m *Model) samples(ctx context.Context, t *Table, seen *Seen, progress func(done, of int)) ([]fusion.Sample, [][]key, error) {
	if err := t.check(seen, false); err != nil {
		return nil, nil, fmt.Errorf("decision: %s: %w", t.Name, err)
	}
	return m.encoder.gather(ctx, t, seen, false, progress)
}

// Rank says how likely it is that each of some files belongs to a text, for a model of a match task whose columns are texts and one kind of
// files: what puts the first hits of a search into a better order. Files that it cannot read are -1.
func (m *Model) Rank(ctx context.Context, text string, paths []string) ([]float64, error) {
	written := slices.IndexFunc(m.Columns, func(c Column) bool { return c.Kind == Text })
	seen := slices.IndexFunc(m.Columns, func(c Column) bool { return c.media() })
	if m.Task != "match" || len(m.Columns) != 2 || written < 0 || seen < 0 {
		return nil, fmt.Errorf("decision: a model of task %s and columns %q cannot rank: want one of task match, of a text and a file", m.Task, m.names())
	}
	t := &Table{Name: "hits", Columns: m.Columns}
	for _, path := range paths {
		cells := make([]string, 2)
		cells[written], cells[seen] = text, path
		t.Rows = append(t.Rows, Row{Key: path, Cells: cells})
	}
	samples, _, err := m.samples(ctx, t, &Seen{}, nil)
	if err != nil {
		return nil, err
	}
	all, err := m.fused.Predict(ctx, samples, m.workers)
	if err != nil {
		return nil, err
	}
	scores := make([]float64, len(all))
	for i, x := range all {
		if scores[i] = x[0]; !samples[i].Has(seen) {
			scores[i] = -1
		}
	}
	return scores, nil
}
