package train

import (
	"fmt"
	"math"
	"slices"

	"github.com/chiasm/chiasm/tensor"
)

// A Match distils a teacher's vectors into a student's: the mean over rows of 1 - cosine, for vectors of length 1, or of the squares of
// differences. It is an [Objective]. The teacher is a modality of the batch that does not learn, such as an input of stored vectors. Where
// it has another width, the student's vectors go through a learnt [nn.Linear] before they come here.
type Match struct {
	Student, Teacher int  // modalities; their rows are matched by owner, the first of each owner counts
	Squared          bool // the mean over all values of (student - teacher)², rather than over rows of 1 - cosine

	rows map[int32]int
	seed []float32
}

// Learn computes the loss, as [Objective] says. Rows without a counterpart count for nothing.
func (m *Match) Learn(b Batch, weight float64, into *tensor.Gradients) (float64, error) {
	student, teacher, err := both(b, m.Student, m.Teacher)
	if err != nil || student.X == nil || teacher.X == nil {
		return 0, err
	}
	d := student.X.Dim(-1)
	if w := teacher.X.Dim(-1); w != d {
		return 0, fmt.Errorf("train: a student with vectors of %d values and a teacher's of %d, want one width: project the student's", d, w)
	}
	if m.rows == nil {
		m.rows = map[int32]int{}
	}
	clear(m.rows)
	for i := teacher.X.Rows() - 1; i >= 0; i-- {
		m.rows[teacher.owner(i)] = i
	}
	n := student.X.Rows()
	count := 0
	for i := range n {
		if _, ok := m.rows[student.owner(i)]; ok {
			count++
		}
	}
	if count == 0 {
		return 0, nil
	}
	if len(m.seed) < n*d {
		m.seed = make([]float32, n*d)
	}
	seed, loss := m.seed[:n*d], 0.0
	clear(seed)
	for i := range n {
		if j, ok := m.rows[student.owner(i)]; ok {
			loss += m.row(seed[i*d:][:d], student.X.Floats()[i*d:][:d], teacher.X.Floats()[j*d:][:d], count, weight)
		}
	}
	if into != nil && student.X.Learns() {
		student.X.Seed(seed)
	}
	return loss, nil
}

// row is what one of count rows adds to the loss; its derivatives, times weight, go to seed.
func (m *Match) row(seed, s, t []float32, count int, weight float64) (loss float64) {
	share := 1 / float64(count)
	if m.Squared {
		share /= float64(len(s))
		for k, v := range s {
			d := float64(v) - float64(t[k])
			loss += d * d
			seed[k] = float32(2 * weight * share * d)
		}
		return share * loss
	}
	dot := 0.0
	for k, v := range s {
		dot += float64(v) * float64(t[k])
		seed[k] = float32(-weight * share * float64(t[k]))
	}
	return share * (1 - dot)
}

// both is two modalities of a batch.
func both(b Batch, i, j int) (x, y Vectors, err error) {
	if x, err = b.modality(i); err == nil {
		y, err = b.modality(j)
	}
	return x, y, err
}

// A Relate distils how a teacher relates the items of a batch: the Kullback-Leibler divergence of the student's similarities from the
// teacher's, a softmax over each row and one over each column, the means of both halved (Yang et al. 2024, contrastive relational
// distillation; Hinton et al. 2015). It is an [Objective] over vectors of length 1.
type Relate struct {
	Student      [2]int    // modalities
	Teacher      [2]int    // with the same owners; or
	Matrix       []float64 // the teacher's similarities [rows, cols] of this batch, if not nil
	StudentScale float64   // one over the temperature, by which the student's cosines are multiplied
	TeacherScale float64   // and the teacher's; 0 for the student's

	logits, targets, slopes []float64
	seed                    []float32
}

// Learn computes the loss, as [Objective] says.
func (r *Relate) Learn(b Batch, weight float64, into *tensor.Gradients) (float64, error) {
	x, y, err := both(b, r.Student[0], r.Student[1])
	if err != nil || x.X == nil || y.X == nil {
		return 0, err
	}
	if dx, dy := x.X.Dim(-1), y.X.Dim(-1); dx != dy {
		return 0, fmt.Errorf("train: vectors of %d values and of %d, want one space", dx, dy)
	}
	rows, cols := x.X.Rows(), y.X.Rows()
	if rows < 2 && cols < 2 {
		return 0, fmt.Errorf("train: similarities of %d by %d, want 2 or more to relate", rows, cols)
	}
	if n := rows * cols; len(r.logits) < n {
		r.logits, r.targets, r.slopes, r.seed = make([]float64, n), make([]float64, n), make([]float64, n), make([]float32, n)
	}
	if err := r.teach(b, x, y); err != nil {
		return 0, err
	}
	cosines := x.X.Dots(y.X, 1)
	for i, v := range cosines.Floats() {
		r.logits[i] = r.StudentScale * float64(v)
	}
	slopes := r.slopes[:rows*cols]
	clear(slopes)
	loss := 0.0
	for i := range rows {
		loss += divergence(slopes[i*cols:], r.logits[i*cols:], r.targets[i*cols:], cols, 1, 1/float64(2*rows))
	}
	for j := range cols {
		loss += divergence(slopes[j:], r.logits[j:], r.targets[j:], rows, cols, 1/float64(2*cols))
	}
	if into != nil && cosines.Learns() {
		for i, g := range slopes {
			r.seed[i] = float32(weight * r.StudentScale * g)
		}
		cosines.Seed(r.seed[:len(slopes)])
	}
	return loss, nil
}

// teach fills in the teacher's logits.
func (r *Relate) teach(b Batch, x, y Vectors) error {
	rows, cols := x.X.Rows(), y.X.Rows()
	scale := r.TeacherScale
	if scale == 0 {
		scale = r.StudentScale
	}
	if r.Matrix != nil {
		if len(r.Matrix) != rows*cols {
			return fmt.Errorf("train: a teacher's similarities are %d, want %d by %d", len(r.Matrix), rows, cols)
		}
		for i, v := range r.Matrix {
			r.targets[i] = scale * v
		}
		return nil
	}
	s, t, err := both(b, r.Teacher[0], r.Teacher[1])
	if err != nil {
		return err
	}
	if s.X == nil || t.X == nil {
		return fmt.Errorf("train: a student with %d and %d vectors and no teacher's", rows, cols)
	}
	if !sameOwners(x, s) || !sameOwners(y, t) || s.X.Dim(-1) != t.X.Dim(-1) {
		return fmt.Errorf("train: a teacher with %d and %d vectors for a student with %d and %d, want the same items in the same order", s.X.Rows(), t.X.Rows(), rows, cols)
	}
	for i, v := range s.X.Dots(t.X, 1).Floats() {
		r.targets[i] = scale * float64(v)
	}
	return nil
}

func sameOwners(a, b Vectors) bool {
	return a.X.Rows() == b.X.Rows() && (a.Of == nil) == (b.Of == nil) && slices.Equal(a.Of, b.Of)
}

// divergence is weight times KL(softmax t || softmax x) of n values that lie step apart. It adds its derivatives.
func divergence(slopes, x, t []float64, n, step int, weight float64) (loss float64) {
	ofX, ofT := logSum(x, n, step), logSum(t, n, step)
	for j := 0; j < n*step; j += step {
		p := math.Exp(t[j] - ofT)
		slopes[j] += weight * (math.Exp(x[j]-ofX) - p)
		loss += weight * p * (t[j] - ofT - x[j] + ofX)
	}
	return loss
}

// logSum is log Σ exp(x) of n values that lie step apart.
func logSum(x []float64, n, step int) float64 {
	top, sum := math.Inf(-1), 0.0
	for j := 0; j < n*step; j += step {
		top = max(top, x[j])
	}
	for j := 0; j < n*step; j += step {
		sum += math.Exp(x[j] - top)
	}
	return top + math.Log(sum)
}
