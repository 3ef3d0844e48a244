package fusion

import (
	"fmt"
	"math"
	"slices"

	"github.com/chiasm/chiasm/tensor"
)

// A Kind is what is to be decided about a sample.
type Kind uint8

// The kinds of tasks. Matching asks whether the modalities of a sample belong together: a yes or no, for pairs that [Matching] makes.
const (
	Single     Kind = iota // one class of several
	Multi                  // any number of classes
	Regression             // numbers
	Match                  // whether the modalities belong together
)

// String is the name of k.
func (k Kind) String() string {
	return [...]string{"single", "multi", "regression", "match"}[k]
}

// A Task is what is to be decided.
type Task struct {
	Kind    Kind
	Outputs int // classes of Single and Multi, numbers of Regression; 1 for Match
}

// A Modality is one way in which things are seen: features that an encoder has made.
type Modality struct {
	Name    string
	Width   int    // values of a token
	Tokens  int    // of one sample, at most; 1 for a vector
	Space   string // vectors of one space are alike where they belong together; "" for none. A Match begins with what that tells: of tokens, the first
	Matched bool   // of a Match: this one belongs to the others or does not
}

// A Sample is one thing, and what is known about it.
type Sample struct {
	Features [][]float32 // of each modality [T, Width], T from 1 to Tokens; nil where the modality is missing
	Class    int32       // of a Single task; below 0 if it is not known
	Values   []float32   // of the other tasks, Outputs of them: 0 or 1 for Multi and Match, below 0 if it is not known; any for Regression
	Group    string      // samples of one group are never on two sides of a split; "" for a group of its own
	Origins  []int32     // of each modality, what the caller made its features of: for a [Tuning]; else nil
}

// Has reports whether the sample has modality m.
func (s *Sample) Has(m int) bool { return s.Features[m] != nil }

// Data is samples of one task.
type Data struct {
	Task       Task
	Modalities []Modality
	Samples    []Sample
}

// With is the same task with other samples.
func (d *Data) With(samples []Sample) *Data {
	return &Data{d.Task, d.Modalities, samples}
}

// Without is d as if modalities were missing everywhere: those that are set.
func (d *Data) Without(missing ...bool) *Data {
	out := d.With(append([]Sample(nil), d.Samples...))
	for i := range out.Samples {
		s := &out.Samples[i]
		s.Features = append([][]float32(nil), s.Features...)
		for m, gone := range missing {
			if gone {
				s.Features[m] = nil
			}
		}
	}
	return out
}

// Pooled is d with the first token of each modality alone, which stands for the whole where an encoder puts one there.
func (d *Data) Pooled() *Data {
	out := d.Without()
	out.Modalities = slices.Clone(d.Modalities)
	for m := range out.Modalities {
		out.Modalities[m].Tokens = 1
		for i := range out.Samples {
			if s := &out.Samples[i]; s.Has(m) {
				s.Features[m] = s.Features[m][:out.Modalities[m].Width]
			}
		}
	}
	return out
}

// Check is an error that says what is wrong with d, before time is spent on it: features or answers that do not fit, a modality that no
// sample has, a class with less than two samples.
func (d *Data) Check() error {
	if err := d.Task.check(d.Modalities); err != nil {
		return err
	}
	seen, classes := make([]int, len(d.Modalities)), make([]int, d.Task.Outputs)
	for i := range d.Samples {
		s := &d.Samples[i]
		if err := d.checkSample(s); err != nil {
			return fmt.Errorf("fusion: sample %d: %w", i, err)
		}
		for m := range d.Modalities {
			if s.Has(m) {
				seen[m]++
			}
		}
		if d.Task.Kind == Single && s.Class >= 0 {
			classes[s.Class]++
		}
	}
	for m, n := range seen {
		if n == 0 {
			return fmt.Errorf("fusion: none of %d samples has modality %q, want some that have it", len(d.Samples), d.Modalities[m].Name)
		}
	}
	if d.Task.Kind == Single {
		for c, n := range classes {
			if n < 2 {
				return fmt.Errorf("fusion: class %d has %d samples, want 2 or more", c, n)
			}
		}
	}
	return nil
}

func (t Task) check(modalities []Modality) error {
	switch {
	case t.Kind > Match:
		return fmt.Errorf("fusion: kind of task %d, want single, multi, regression or match", uint8(t.Kind))
	case t.Kind == Single && t.Outputs < 2:
		return fmt.Errorf("fusion: %d classes, want 2 or more", t.Outputs)
	case t.Outputs < 1 || t.Kind == Match && t.Outputs != 1:
		return fmt.Errorf("fusion: %d outputs for a task of kind %s", t.Outputs, t.Kind)
	case len(modalities) == 0:
		return fmt.Errorf("fusion: no modalities")
	}
	for _, m := range modalities {
		if m.Width < 1 || m.Tokens < 1 {
			return fmt.Errorf("fusion: modality %q has %d tokens of %d values, want 1 or more of each", m.Name, m.Tokens, m.Width)
		}
	}
	return nil
}

func (d *Data) checkSample(s *Sample) error {
	if len(s.Features) != len(d.Modalities) {
		return fmt.Errorf("features of %d modalities, want %d", len(s.Features), len(d.Modalities))
	}
	for m, x := range s.Features {
		k := d.Modalities[m]
		if x != nil && (len(x) == 0 || len(x)%k.Width != 0 || len(x)/k.Width > k.Tokens) {
			return fmt.Errorf("%d values of modality %q, want 1 to %d tokens of %d", len(x), k.Name, k.Tokens, k.Width)
		}
		for _, v := range x {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("a feature of modality %q is %v, want a finite number", k.Name, v)
			}
		}
	}
	if d.Task.Kind == Single {
		if int(s.Class) >= d.Task.Outputs {
			return fmt.Errorf("class %d, want less than %d", s.Class, d.Task.Outputs)
		}
		return nil
	}
	if len(s.Values) != d.Task.Outputs {
		return fmt.Errorf("%d values, want %d", len(s.Values), d.Task.Outputs)
	}
	return nil
}

// A Set is what some samples of a batch show of one modality.
type Set struct {
	X   *tensor.Tensor // tokens [rows, C], computed in a pass; nil if no sample has the modality
	Of  []int32        // the samples that have it, ascending
	Seq tensor.Spans   // where the tokens of each of them lie
}

// A Batch is N samples side by side, the features of each modality in a set of their own.
type Batch struct {
	N    int
	Sets []Set
	room *[3][]Set // memory of a pass's own sets; nil for new ones
}

// list is an empty set of each modality, the i-th that a pass needs.
func (b Batch) list(i int) []Set {
	if b.room == nil {
		return make([]Set, len(b.Sets))
	}
	if len(b.room[i]) != len(b.Sets) {
		b.room[i] = make([]Set, len(b.Sets))
	}
	clear(b.room[i])
	return b.room[i]
}

// A batcher lays out samples for passes, in memory that it keeps.
type batcher struct {
	values [][]float32 // by modality
	batch  Batch
}

// load brings samples into a pass, of which hidden, if it is not nil, says what not to show. It is of use until the next call.
func (b *batcher) load(p *tensor.Pass, modalities []Modality, samples []*Sample, hidden func(sample, modality int) bool) Batch {
	if len(b.values) != len(modalities) {
		b.values, b.batch.Sets = make([][]float32, len(modalities)), make([]Set, len(modalities))
	}
	if b.batch.room == nil {
		b.batch.room = new([3][]Set)
	}
	b.batch.N = len(samples)
	for m, k := range modalities {
		of, seq, values := p.Integers(len(samples)), p.Integers(len(samples)+1), b.values[m][:0]
		n := 0
		seq[0] = 0
		for i, s := range samples {
			if !s.Has(m) || hidden != nil && hidden(i, m) {
				continue
			}
			of[n] = int32(i)
			values = append(values, s.Features[m]...)
			n++
			seq[n] = int32(len(values) / k.Width)
		}
		b.values[m] = values
		b.batch.Sets[m] = Set{}
		if n > 0 {
			b.batch.Sets[m] = Set{p.Input(values, len(values)/k.Width, k.Width), of[:n], tensor.Spans(seq[:n+1])}
		}
	}
	return b.batch
}
