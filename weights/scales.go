package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/internal/kernel"
	"github.com/chiasm/chiasm/tensor"
)

// scaleSuffix ends the name of the tensor that holds the scales of another, whose name comes before it: in safetensors (compressed-tensors
// writes weight and weight_scale) as in CTranslate2.
const scaleSuffix = "_scale"

// joinScales gives integers their scales, numbers [rows] or [rows, 1] or one for all rows, and returns which tensors those were. divide
// says that the stored numbers are what the values were multiplied by, rather than what they are to be multiplied by.
func joinScales(found map[string]tensor.Entry, divide bool) (scales map[string]bool, err error) {
	scales = map[string]bool{}
	for name, s := range found {
		of, ok := strings.CutSuffix(name, scaleSuffix)
		e, has := found[of]
		if !ok || !has || e.DType != tensor.I8 && e.DType != tensor.I16 || len(e.Shape) == 0 {
			continue
		}
		rows := e.Shape[0]
		if s.DType != tensor.F32 || len(s.Shape) > 0 && !slices.Equal(s.Shape, []int{rows}) && !slices.Equal(s.Shape, []int{rows, 1}) {
			return nil, fmt.Errorf("tensor %q: expected a number or %d of them, got %s%v", name, rows, s.DType, s.Shape)
		}
		if rows > len(e.Data) {
			return nil, fmt.Errorf("tensor %q: expected values in every row, got %v", of, e.Shape)
		}
		e.Scale = make([]float32, rows)
		for i := range e.Scale {
			v := math.Float32frombits(binary.LittleEndian.Uint32(s.Data[4*(i%(len(s.Data)/4)):]))
			if e.Scale[i] = v; divide {
				e.Scale[i] = 1 / v
			}
			if !(v >= 0) || divide && !(e.Scale[i] > 0 && v > 0) || math.IsInf(float64(v), 0) {
				return nil, fmt.Errorf("tensor %q: expected numbers above 0, got %v", name, v)
			}
		}
		found[of], scales[name] = e, true
	}
	return scales, nil
}

// withScales puts an entry for the scales behind each that has some.
func withScales(entries []tensor.Entry) []tensor.Entry {
	all := make([]tensor.Entry, 0, len(entries))
	for _, e := range entries {
		scale := e.Scale
		e.Scale = nil
		if all = append(all, e); scale != nil {
			all = append(all, tensor.EntryOf(e.Name+scaleSuffix, scale, len(scale)))
		}
	}
	return all
}

// Quantise is an entry as bytes from -127 to 127 with a scale for each row, an index of the first dimension: a quarter of the size of
// float32, each value off by at most a 254th of the largest in its row. The entry has a dimension at least, and its values are finite.
func Quantise(e tensor.Entry) tensor.Entry {
	values := e.Floats()
	q := tensor.Entry{Name: e.Name, DType: tensor.I8, Shape: e.Shape, Data: make([]byte, len(values)), Scale: make([]float32, e.Shape[0])}
	width := len(values) / max(1, len(q.Scale))
	for r := range q.Scale {
		row, most := values[r*width:][:width], float32(0)
		for _, v := range row {
			most = max(most, float32(math.Abs(float64(v))))
		}
		if q.Scale[r] = most / 127; most == 0 {
			q.Scale[r] = 1
		}
		for i, v := range row {
			q.Data[r*width+i] = byte(int8(math.RoundToEven(float64(v / q.Scale[r]))))
		}
	}
	return q
}

// Narrow is an entry as bfloat16, half the size of float32.
func Narrow(e tensor.Entry) tensor.Entry {
	values := e.Floats()
	n := tensor.Entry{Name: e.Name, DType: tensor.BF16, Shape: e.Shape, Data: make([]byte, 2*len(values))}
	kernel.GenericToBF16(n.Data, values)
	return n
}

// scaled joins entries with their scales.
func scaled(entries []tensor.Entry) ([]tensor.Entry, error) {
	found := make(map[string]tensor.Entry, len(entries))
	for _, e := range entries {
		found[e.Name] = e
	}
	scales, err := joinScales(found, false)
	if err != nil || len(scales) == 0 {
		return entries, err
	}
	kept := entries[:0]
	for _, e := range entries {
		if !scales[e.Name] {
			kept = append(kept, found[e.Name])
		}
	}
	return kept, nil
}
