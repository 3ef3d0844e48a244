package train

import (
	"fmt"

	"github.com/chiasm/chiasm/tensor"
)

// Vectors is what a batch holds of one modality: pictures, texts, or a teacher's view of either.
type Vectors struct {
	X    *tensor.Tensor // [rows, D], computed in the pass; most objectives want rows of length 1
	Of   []int32        // whose each row is, an item of the batch; nil: row i is item i's. An item may have no row, or several
	Keys []uint64       // of the rows: those of two modalities that share a key are not told from each other; nil: all differ
}

// owner is the item that row i belongs to.
func (v Vectors) owner(i int) int32 {
	if v.Of == nil {
		return int32(i)
	}
	return v.Of[i]
}

// check is an error unless there are as many owners and keys as rows.
func (v Vectors) check(modality int) error {
	if n := v.X.Rows(); v.Of != nil && len(v.Of) != n || v.Keys != nil && len(v.Keys) != n {
		return fmt.Errorf("train: modality %d: %d owners and %d keys for %d vectors, want none or as many", modality, len(v.Of), len(v.Keys), n)
	}
	return nil
}

// A Batch is the vectors of some items, one entry for each modality. Where X is nil no item has it, and what needs it counts for nothing.
type Batch []Vectors

// Pairs is a batch of two modalities, of which row i of one belongs to row i of the other.
func Pairs(a, b *tensor.Tensor) Batch { return Batch{{X: a}, {X: b}} }

// modality is entry i, checked.
func (b Batch) modality(i int) (Vectors, error) {
	if i < 0 || i >= len(b) {
		return Vectors{}, fmt.Errorf("train: a batch of %d modalities has none of number %d", len(b), i)
	}
	if b[i].X == nil {
		return Vectors{}, nil
	}
	return b[i], b[i].check(i)
}

// An Objective is a loss over the vectors of a batch. Learn returns it, and, unless into is nil, seeds the way back of the recording pass
// that the vectors were computed in with weight times its derivatives, and adds to those of its own parameters.
type Objective interface {
	Learn(b Batch, weight float64, into *tensor.Gradients) (float64, error)
}

// A Sum is several objectives at once.
type Sum []Term

// A Term is an objective of a [Sum].
type Term struct {
	Weight    float64
	Objective Objective
}

// Learn is the weighted sum of the objectives.
func (s Sum) Learn(b Batch, weight float64, into *tensor.Gradients) (sum float64, err error) {
	for _, t := range s {
		loss, err := t.Objective.Learn(b, weight*t.Weight, into)
		if err != nil {
			return 0, err
		}
		sum += t.Weight * loss
	}
	return sum, nil
}
