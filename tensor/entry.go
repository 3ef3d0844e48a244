package tensor

// An Entry is a tensor as a checkpoint stores it: contiguous row-major little-endian values.
type Entry struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}
