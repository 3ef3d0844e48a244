package weights

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/tensor"
)

// Save writes entries as a safetensors file, the scales of one as a tensor of its name and _scale. It is atomic: path holds either what it
// held before or all of the new file, whatever happens.
func Save(path string, entries []tensor.Entry, metadata map[string]string) error {
	header, sorted, err := encodeHeader(entries, metadata)
	if err != nil {
		return fmt.Errorf("weights: save %s: %w", path, err)
	}
	err = whole.Write(path, func(to io.Writer) error {
		w := bufio.NewWriterSize(to, 1<<20)
		w.Write(header) // Flush returns the first error
		for _, e := range sorted {
			w.Write(e.Data)
		}
		return w.Flush()
	})
	if err != nil {
		return fmt.Errorf("weights: save: %w", err)
	}
	return nil
}

// Sweep removes what calls of [Save] to a path left beside it that were killed. Nobody may be saving there.
func Sweep(path string) { whole.Sweep(path) }

// encodeHeader is the file up to the data, and the entries in the order of their data: widest values first, so that all are aligned.
func encodeHeader(entries []tensor.Entry, metadata map[string]string) ([]byte, []tensor.Entry, error) {
	sorted := withScales(entries)
	slices.SortStableFunc(sorted, func(a, b tensor.Entry) int {
		if d := b.DType.Size() - a.DType.Size(); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	header, at := map[string]any{}, int64(0)
	if len(metadata) > 0 {
		header["__metadata__"] = metadata
	}
	for _, e := range sorted {
		dims := make([]int64, len(e.Shape))
		for i, d := range e.Shape {
			dims[i] = int64(d)
		}
		n, _, err := size(dims, e.DType)
		if err != nil || n != int64(len(e.Data)) {
			return nil, nil, fmt.Errorf("tensor %q: expected %d bytes for %s%v, got %d", e.Name, n, e.DType, e.Shape, len(e.Data))
		}
		if _, ok := header[e.Name]; ok {
			return nil, nil, fmt.Errorf("tensor %q appears twice", e.Name)
		}
		header[e.Name] = stored{DType: e.DType.String(), Shape: dims, Offsets: []int64{at, at + n}}
		at += n
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), sorted, nil
}
