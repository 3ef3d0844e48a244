package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"

	"github.com/chiasm/chiasm/internal/decode"
)

// numpyHead finds the type of the values in the head of NumPy's format, which is a Python dictionary.
var numpyHead = regexp.MustCompile(`'descr':\s*'([<>|=])([biuf])([1248])'`)

// parseNumPy reads the numbers of an array in NumPy's format, whatever its shape, in the order in which they lie.
func parseNumPy(b []byte) ([]float64, error) {
	r := decode.NewReader(b)
	if magic := r.Bytes(6); string(magic) != "\x93NUMPY" {
		return nil, fmt.Errorf("npy: expected an array of NumPy's, got bytes that begin with %.6q", b)
	}
	major := r.U8()
	r.Skip(1)
	n := 0
	if major == 1 {
		n = int(r.U16())
	} else {
		n = int(r.U32())
	}
	head := r.Bytes(n)
	if r.Err() != nil {
		return nil, fmt.Errorf("npy: %w", r.Err())
	}
	m := numpyHead.FindSubmatch(head)
	if m == nil {
		return nil, fmt.Errorf("npy: expected bools or numbers, got %.80q", head)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if m[1][0] == '>' {
		order = binary.BigEndian
	}
	size := int(m[3][0] - '0')
	if r.Len()%size != 0 {
		return nil, fmt.Errorf("npy: expected values of %d bytes, got %d bytes", size, r.Len())
	}
	values := make([]float64, r.Len()/size)
	for i := range values {
		v, err := number(m[2][0], r.Bytes(size), order)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// number is a bool, an integer, with or without sign, or a float, of 1 to 8 bytes.
func number(kind byte, b []byte, order binary.ByteOrder) (float64, error) {
	var bits uint64
	switch len(b) {
	case 1:
		bits = uint64(b[0])
	case 2:
		bits = uint64(order.Uint16(b))
	case 4:
		bits = uint64(order.Uint32(b))
	default:
		bits = order.Uint64(b)
	}
	switch {
	case kind == 'f' && len(b) == 8:
		return math.Float64frombits(bits), nil
	case kind == 'f' && len(b) == 4:
		return float64(math.Float32frombits(uint32(bits))), nil
	case kind == 'f':
		return 0, fmt.Errorf("npy: expected floats of 4 or 8 bytes, got %d", len(b))
	case kind == 'i':
		shift := 64 - 8*len(b)
		return float64(int64(bits<<shift) >> shift), nil
	}
	return float64(bits), nil
}
