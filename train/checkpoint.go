package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// A state is what a run knows beside its weights. Its numbers come back from JSON to the bit.
type state struct {
	Step      int     `json:"step"`      // of the optimiser, that were made
	First     float64 `json:"first"`     // loss
	Mean      float64 `json:"mean"`      // loss, running
	Evaluated int     `json:"evaluated"` // the step of the last evaluation
	Best      int     `json:"best"`      // the step of the best one, 0 for none
	Score     float64 `json:"score"`     // its score
	Waited    int     `json:"waited"`    // evaluations since then
	Seed      uint64  `json:"seed"`
	Identity  string  `json:"identity"`
}

// lost takes the loss of a step into the running mean.
func (s *state) lost(loss float64) {
	if s.Step == 0 {
		s.First, s.Mean = loss, loss
	} else {
		s.Mean += (loss - s.Mean) / 10
	}
}

// A checkpoint is a safetensors file. Before the name of each tensor stands what it is.
const (
	checkpointKind = "chiasm training checkpoint 1" // in the metadata, under "format"
	valuePrefix    = "value/"
	firstPrefix    = "first/"  // moment
	secondPrefix   = "second/" // moment
	averagePrefix  = "average/"
	alsoPrefix     = "also/"
	dataName       = "data" // the place of the data, bytes
)

// Save writes the checkpoint of the last whole step. It is atomic: whatever happens, the file is the one before or this one, whole.
func (r *Run) Save() error {
	r.begin()
	s := r.state
	s.Seed, s.Identity = r.Seed, r.Identity
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("train: checkpoint %s: %w", r.Checkpoint, err)
	}
	var entries []tensor.Entry
	for name, p := range r.places() {
		entries = append(entries, tensor.EntryOf(name, p.values, p.shape...))
	}
	if r.Data != nil {
		entries = append(entries, tensor.Entry{Name: dataName, DType: tensor.U8, Shape: []int{len(r.data)}, Data: r.data})
	}
	err = weights.Save(r.Checkpoint, entries, map[string]string{"format": checkpointKind, "state": string(text)})
	if err != nil {
		return fmt.Errorf("train: checkpoint: %w", err)
	}
	r.saved, r.unsaved = r.state.Step, false
	return nil
}

// A place is memory that a checkpoint holds.
type place struct {
	values []float32
	shape  []int
}

// places is everything that a checkpoint holds, by name.
func (r *Run) places() map[string]place {
	all := map[string]place{}
	for i, l := range r.Gradients.All() {
		shape := l.Param.Shape()
		all[valuePrefix+l.Name] = place{l.Param.Own(), shape}
		all[firstPrefix+l.Name] = place{r.Optimiser.moments[i][0], shape}
		all[secondPrefix+l.Name] = place{r.Optimiser.moments[i][1], shape}
		if r.Average != nil {
			all[averagePrefix+l.Name] = place{r.Average.values[i], shape}
		}
	}
	for _, k := range r.also {
		all[alsoPrefix+k.name] = place{k.values, k.param.Shape()}
	}
	return all
}

// Resume takes the run up where its checkpoint left it, and reports whether there is one. On an error nothing has changed. It is called
// before Learn.
func (r *Run) Resume() (bool, error) {
	r.begin()
	if r.Checkpoint == "" {
		return false, nil
	}
	weights.Sweep(r.Checkpoint)
	if _, err := os.Stat(r.Checkpoint); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	set, err := weights.Open(r.Checkpoint)
	if err != nil {
		return false, fmt.Errorf("train: checkpoint: %w", err)
	}
	defer set.Close()
	if err := r.restore(set); err != nil {
		return false, fmt.Errorf("train: checkpoint %s: %w", r.Checkpoint, err)
	}
	return true, nil
}

// restore takes everything from a set, or nothing and an error.
func (r *Run) restore(set *weights.Set) error {
	s, err := r.readState(set.Metadata())
	if err != nil {
		return err
	}
	places := r.places()
	want := len(places)
	for name, p := range places {
		e, ok := set.Get(name)
		if !ok {
			return fmt.Errorf("expected %s, got none: was it made of another model, or are other parts frozen?", name)
		}
		if e.DType != tensor.F32 || !slices.Equal(e.Shape, p.shape) {
			return fmt.Errorf("expected %s to be F32%v, got %s%v", name, p.shape, e.DType, e.Shape)
		}
		for i, v := range e.Floats() {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("%s: expected finite numbers, got %v at index %d", name, v, i)
			}
		}
	}
	data, ok := set.Get(dataName)
	if ok != (r.Data != nil) || ok && data.DType != tensor.U8 {
		return fmt.Errorf("expected the place of the data to be held: %v, got %v", r.Data != nil, ok)
	}
	if ok {
		want++
	}
	if set.Len() != want {
		return fmt.Errorf("expected %d tensors, got %d: it is of a run that learns other things", want, set.Len())
	}
	if r.Data != nil {
		if err := r.Data.SetState(slices.Clone(data.Data)); err != nil {
			return err
		}
	}
	for name, p := range places {
		e, _ := set.Get(name)
		copy(p.values, e.Floats())
	}
	r.take(s)
	return nil
}

// take goes on from a state whose values have been read.
func (r *Run) take(s state) {
	for _, l := range r.Gradients.All() {
		l.Param.Changed()
	}
	r.state, r.saved, r.unsaved, r.Optimiser.steps = s, s.Step, false, s.Step
	r.undo()
	r.note()
	if r.Adapters != nil {
		r.Adapters.Apply()
	}
}

// readState reads the metadata of a checkpoint.
func (r *Run) readState(metadata map[string]string) (s state, err error) {
	if kind := metadata["format"]; kind != checkpointKind {
		return s, fmt.Errorf("expected a %s, got the format %.40q", checkpointKind, kind)
	}
	if err := json.Unmarshal([]byte(metadata["state"]), &s); err != nil {
		return s, fmt.Errorf("state: %w", err)
	}
	switch {
	case s.Identity != r.Identity:
		return s, fmt.Errorf("it belongs to another run: expected the identity %.80q, got %.80q", r.Identity, s.Identity)
	case s.Seed != r.Seed:
		return s, fmt.Errorf("expected the seed %d, got %d", r.Seed, s.Seed)
	case s.Step < 0 || s.Step > r.Schedule.Steps || s.Best < 0 || s.Best > s.Step || s.Evaluated < 0 || s.Evaluated > s.Step || s.Waited < 0:
		return s, fmt.Errorf("expected a step from 0 to %d, got the state %.200q", r.Schedule.Steps, metadata["state"])
	}
	return s, nil
}
