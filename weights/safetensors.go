package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"sort"

	"github.com/chiasm/chiasm/tensor"
)

const (
	maxHeader = 100 << 20 // bytes: the limit of the reference implementation
	maxRank   = 16
)

// stored is one tensor in a header.
type stored struct {
	DType   string  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// readSafetensors reads the tensors of a file: eight bytes of header length, the header in JSON, and the data, without gaps, in the order
// of their offsets. Integers whose scales are in a tensor of their name and _scale have them as those of their entry. Source: the format
// description of the safetensors library.
func readSafetensors(data []byte) ([]tensor.Entry, map[string]string, error) {
	if len(data) < 8 {
		return nil, nil, fmt.Errorf("safetensors: expected at least 8 bytes, got %d", len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	if n > maxHeader || n > uint64(len(data)-8) {
		return nil, nil, fmt.Errorf("safetensors: header length: expected at most %d bytes, got %d: not a safetensors file, or cut off", min(maxHeader, len(data)-8), n)
	}
	header, body := data[8:8+n], data[8+n:]
	raw, err := uniqueKeys(header)
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors: header: %w", err)
	}
	metadata := map[string]string{}
	if m, ok := raw["__metadata__"]; ok {
		if err := json.Unmarshal(m, &metadata); err != nil {
			return nil, nil, fmt.Errorf("safetensors: __metadata__: %w", err)
		}
		delete(raw, "__metadata__")
	}
	entries := make([]tensor.Entry, 0, len(raw))
	spans := make(map[string][2]int64, len(raw))
	for name, value := range raw {
		var t stored
		if err := json.Unmarshal(value, &t); err != nil {
			return nil, nil, fmt.Errorf("safetensors: tensor %q: %w", name, err)
		}
		e, err := t.entry(name, body)
		if err != nil {
			return nil, nil, fmt.Errorf("safetensors: tensor %q: %w", name, err)
		}
		entries = append(entries, e)
		spans[name] = [2]int64{t.Offsets[0], t.Offsets[1]}
	}
	sort.Slice(entries, func(i, j int) bool {
		a, b := spans[entries[i].Name], spans[entries[j].Name]
		return a[0] < b[0] || a[0] == b[0] && (a[1] < b[1] || a[1] == b[1] && entries[i].Name < entries[j].Name)
	})
	end := int64(0)
	for _, e := range entries {
		if at := spans[e.Name][0]; at != end {
			return nil, nil, fmt.Errorf("safetensors: tensor %q: expected its data at %d, where the one before ends, got %d", e.Name, end, at)
		}
		end = spans[e.Name][1]
	}
	if end != int64(len(body)) {
		return nil, nil, fmt.Errorf("safetensors: expected %d bytes of data, got %d: the file is cut off or has something behind its tensors", end, len(body))
	}
	if entries, err = scaled(entries); err != nil {
		return nil, nil, fmt.Errorf("safetensors: %w", err)
	}
	return entries, metadata, nil
}

// uniqueKeys splits a JSON object into its members and refuses a name that appears twice.
func uniqueKeys(data []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("expected a JSON object: not a safetensors file (%v)", err)
	}
	out := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := t.(string) // the decoder accepts nothing else here
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if _, ok := out[name]; ok {
			return nil, fmt.Errorf("%q appears twice", name)
		}
		out[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if rest := bytes.TrimRight(data[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, fmt.Errorf("expected one JSON object, got more behind it: %.20q", rest)
	}
	return out, nil
}

// entry checks t against the data it points into.
func (t *stored) entry(name string, body []byte) (tensor.Entry, error) {
	dtype, err := tensor.ParseDType(t.DType)
	if err != nil {
		return tensor.Entry{}, fmt.Errorf("dtype %q is not one that chiasm reads", t.DType)
	}
	if len(t.Offsets) != 2 || t.Offsets[0] < 0 || t.Offsets[0] > t.Offsets[1] || t.Offsets[1] > int64(len(body)) {
		return tensor.Entry{}, fmt.Errorf("data_offsets: expected begin and end within the file's %d bytes of data, got %v: cut off or damaged", len(body), t.Offsets)
	}
	if t.Shape == nil {
		return tensor.Entry{}, fmt.Errorf("shape: expected a list of dimensions, got none")
	}
	n, shape, err := size(t.Shape, dtype)
	if err != nil {
		return tensor.Entry{}, err
	}
	if got := t.Offsets[1] - t.Offsets[0]; got != n {
		return tensor.Entry{}, fmt.Errorf("expected %d bytes for %s%v, got %d", n, dtype, shape, got)
	}
	return tensor.Entry{Name: name, DType: dtype, Shape: shape, Data: body[t.Offsets[0]:t.Offsets[1]:t.Offsets[1]]}, nil
}

// size is the bytes that a shape takes, and the shape as ints.
func size(dims []int64, d tensor.DType) (int64, []int, error) {
	if len(dims) > maxRank {
		return 0, nil, fmt.Errorf("shape: expected at most %d dimensions, got %d", maxRank, len(dims))
	}
	n, shape := int64(d.Size()), make([]int, len(dims))
	empty := false
	for i, v := range dims {
		if v < 0 || v > math.MaxInt32*64 {
			return 0, nil, fmt.Errorf("shape: expected dimensions from 0 on, got %v", dims)
		}
		shape[i] = int(v)
		if v == 0 {
			empty = true
		} else if n > math.MaxInt64/v {
			return 0, nil, fmt.Errorf("shape: %v is too large", dims)
		} else {
			n *= v
		}
	}
	if empty {
		n = 0
	}
	return n, shape, nil
}
