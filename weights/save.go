package weights

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/tensor"
)

// Save writes entries as a safetensors file, the scales of one as a tensor of its name and _scale. It is atomic: path holds either what it
// held before or all of the new file, whatever happens.
func Save(path string, entries []tensor.Entry, metadata map[string]string) (err error) {
	header, sorted, err := encodeHeader(entries, metadata)
	if err != nil {
		return fmt.Errorf("weights: save %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("weights: save: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("weights: save %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	_, err = w.Write(header)
	for _, e := range sorted {
		if err == nil {
			_, err = w.Write(e.Data)
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err == nil {
		syncFolder(filepath.Dir(path))
	}
	return err
}

// syncFolder makes a renamed file last through a loss of power, where the system can.
func syncFolder(path string) {
	if d, err := os.Open(path); err == nil {
		d.Sync()
		d.Close()
	}
}

// Sweep removes what calls of [Save] to a path left beside it that were killed. Nobody may be saving there.
func Sweep(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), "."+filepath.Base(path)+".")
		if ok && rest != "" && strings.Trim(rest, "0123456789") == "" && e.Type().IsRegular() {
			os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
}

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
