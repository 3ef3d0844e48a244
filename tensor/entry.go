package tensor

// An Entry is a tensor as a checkpoint stores it: contiguous row-major little-endian values.
type Entry struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
	Scale []float32 // by what the values of each row, an index of the first dimension, are to be multiplied; nil for nothing
}
