package tensor

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/chiasm/chiasm/internal/kernel"
)

// MaxRank is the largest number of dimensions.
const MaxRank = 4

// A Tensor is a contiguous row-major array. Parameters have no pass and may be read by many goroutines at once; computed tensors
// live until their pass is reset and belong to the goroutine that runs the pass.
type Tensor struct {
	dtype  DType
	rank   int
	shape  [MaxRank]int
	floats []float32 // F32 values; of a parameter, once they were asked for
	ints   []int32   // I32 values
	pass   *Pass     // nil for parameters
	index  int       // which header of its pass
	at     position  // where in the pass's memory the values lie; zero for inputs
	param  *param    // nil for computed tensors
	grad   []float32 // the derivative of the loss by the values, on the way back
	learns bool      // whether it depends on what is learnt or watched
	held   bool      // whether the tape holds floats, so that they must stay as they are
}

// A param is what only parameters need: the form in which they are stored, and the packing of their rows for the kernels.
type param struct {
	mu     sync.Mutex
	raw    []byte                   // stored values, little endian
	scale  []float32                // by what the values of each row are multiplied, or nil
	forget func()                   // tells the file that raw's pages are not needed for now
	image  func(Format, int) []byte // finds a packed form that was kept; nil for none
	format Format                   // in which products read it
	packed atomic.Pointer[kernel.Packed]
	own    bool        // the values are the parameter's own memory, and the caller's to change
	stale  atomic.Bool // they were changed since they were packed

	edition   atomic.Uint64  // counts what made packed forms of it void
	quant     [2]*quantBlock // of taps: the block around them in integers; guarded by mu
	statistic bool           // it is measured, not learnt
}

// A ShapeError is a caller's bug: operands whose shapes, kinds or passes do not fit an operation. It is always a panic value.
type ShapeError struct {
	Op   string // the operation
	Want string // what it expects
	Got  string // what came
}

// Error says what was expected and what came.
func (e *ShapeError) Error() string {
	return fmt.Sprintf("tensor: %s: want %s, got %s", e.Op, e.Want, e.Got)
}

// check panics with a *ShapeError unless ok. got is printed with its default format; numbers are best given to fail, since a number
// that becomes an any is allocated even if all is well.
func check(ok bool, op, want string, got ...any) {
	if !ok {
		fail(op, want, got...)
	}
}

func fail(op, want string, got ...any) {
	panic(&ShapeError{Op: op, Want: want, Got: fmt.Sprint(got...)})
}

// DType is the stored number format. Computed tensors are F32 or I32.
func (t *Tensor) DType() DType { return t.dtype }

// Rank is the number of dimensions.
func (t *Tensor) Rank() int { return t.rank }

// Dim is the size of dimension i; a negative i counts from the last one.
func (t *Tensor) Dim(i int) int {
	if i < 0 {
		i += t.rank
	}
	return t.shape[:t.rank][i]
}

// Shape is a copy of the dimensions, outermost first.
func (t *Tensor) Shape() []int { return append([]int(nil), t.shape[:t.rank]...) }

// Len is the number of values.
func (t *Tensor) Len() int { return product(t.shape[:t.rank]) }

// Rows is the number of rows when the last dimension is taken as the row.
func (t *Tensor) Rows() int {
	if t.rank == 0 {
		return 1
	}
	return product(t.shape[:t.rank-1])
}

// Pass is the pass that t was computed in, nil for a parameter.
func (t *Tensor) Pass() *Pass { return t.pass }

// String is the dtype and the shape, as in "F32[2 3]".
func (t *Tensor) String() string { return fmt.Sprint(t.dtype, t.shape[:t.rank]) }

func (t *Tensor) setShape(op string, shape []int) {
	check(len(shape) <= MaxRank, op, "at most 4 dimensions", len(shape))
	t.rank = copy(t.shape[:], shape)
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// cols is the length of a row.
func (t *Tensor) cols() int {
	if t.rank == 0 {
		return 1
	}
	return t.shape[t.rank-1]
}
