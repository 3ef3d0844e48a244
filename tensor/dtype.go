package tensor

import "fmt"

// A DType says how the numbers of a tensor are stored. Sums are always float32.
type DType uint8

// The stored number formats. Names are those of the safetensors format.
const (
	F32 DType = iota
	F64
	F16
	BF16
	I8
	U8
	I16
	I32
	I64
	Bool
)

var dtypes = [...]struct {
	name string
	size int
}{
	F32: {"F32", 4}, F64: {"F64", 8}, F16: {"F16", 2}, BF16: {"BF16", 2}, I8: {"I8", 1},
	U8: {"U8", 1}, I16: {"I16", 2}, I32: {"I32", 4}, I64: {"I64", 8}, Bool: {"BOOL", 1},
}

// Size is the number of bytes that one value takes.
func (d DType) Size() int { return dtypes[d].size }

// String is the name of d in the safetensors format.
func (d DType) String() string { return dtypes[d].name }

// Float reports whether d stores real numbers.
func (d DType) Float() bool { return d <= BF16 }

// ParseDType finds the format named s, as safetensors spells it.
func ParseDType(s string) (DType, error) {
	for d, t := range dtypes {
		if t.name == s {
			return DType(d), nil
		}
	}
	return 0, fmt.Errorf("tensor: unknown dtype %q", s)
}
