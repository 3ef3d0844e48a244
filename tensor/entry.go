package tensor

import (
	"unsafe"

	"github.com/chiasm/chiasm/internal/kernel"
)

// An Entry is a tensor as a checkpoint stores it: contiguous row-major little-endian values.
type Entry struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
	Scale []float32 // by what the values of each row, an index of the first dimension, are to be multiplied; nil for nothing
}

// EntryOf is an entry of float32 values, which it keeps, not copies.
func EntryOf(name string, values []float32, shape ...int) Entry {
	data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 4*len(values))
	return Entry{Name: name, DType: F32, Shape: shape, Data: data}
}

// Floats is a copy of the values, as float32.
func (e Entry) Floats() []float32 {
	v := make([]float32, len(e.Data)/e.DType.Size())
	convert(v, e.DType, e.Data)
	width := len(v) / max(1, len(e.Scale))
	for i, scale := range e.Scale {
		kernel.Scale(v[i*width:][:width], v[i*width:][:width], scale)
	}
	return v
}
