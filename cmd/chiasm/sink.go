package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edsrzf/mmap-go"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// formats are what vectors can be written as.
var formats = []string{"jsonl", "npy", "safetensors"}

// formatOf chooses the format of a file.
func formatOf(file, format string, asJSON bool) (string, error) {
	if asJSON {
		if format != "" && format != "jsonl" {
			return "", usagef("--json and --format %s contradict each other", format)
		}
		return "jsonl", nil
	}
	switch {
	case format != "" && !slices.Contains(formats, format):
		return "", usagef("--format %s: want one of %s", format, strings.Join(formats, ", "))
	case file == "" && format != "" && format != "jsonl":
		return "", usagef("--format %s needs -o FILE", format)
	case format != "":
		return format, nil
	case file == "":
		return "jsonl", nil
	}
	ext := strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	if !slices.Contains(formats, ext) {
		return "", usagef("%s: which format is that? want --format %s", file, strings.Join(formats, " or "))
	}
	return ext, nil
}

// A sink is where vectors go. Calls come in this order: begin, then vector and failed, then commit; abort, at any time and also after
// commit, leaves nothing unfinished behind.
type sink interface {
	begin(space chiasm.Space) error
	vector(it *item, values []float32, truncated bool) error
	failed(f failure) error
	commit() error
	abort()
}

// newSink makes a sink of the format, on stdout if there is no file.
func (a *app) newSink(file, format string) (sink, error) {
	if file == "" {
		return &lines{w: a.stdout}, nil
	}
	f, err := create(file)
	if err != nil {
		return nil, err
	}
	switch format {
	case "npy":
		beside, err := create(file + ".json")
		if err != nil {
			f.Abort()
			return nil, err
		}
		return &npy{file: f, beside: beside}, nil
	case "safetensors":
		return &safetensors{file: f}, nil
	}
	return &lines{w: f.w, file: f}, nil
}

// An atomicFile appears under its name when it is complete.
type atomicFile struct {
	*whole.File
	w *bufio.Writer
}

func create(path string) (*atomicFile, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := whole.Create(path)
	if err != nil {
		return nil, err
	}
	return &atomicFile{f, bufio.NewWriterSize(f, 1<<18)}, nil
}

// writable is an error if a file cannot be written, for what takes long before it is.
func writable(path string) error {
	f, err := create(path)
	if err != nil {
		return err
	}
	f.Abort()
	return nil
}

func (f *atomicFile) commit() error {
	if err := f.w.Flush(); err != nil {
		return err
	}
	return f.Commit(0o644)
}

// lines writes JSON lines.
type lines struct {
	w     *bufio.Writer
	file  *atomicFile // nil for stdout
	space string
}

// vectorLine is one of lines.
type vectorLine struct {
	Input     string    `json:"input"`
	Kind      string    `json:"kind"`
	Start     *float64  `json:"start,omitempty"` // of a stretch of a sound, in seconds
	End       *float64  `json:"end,omitempty"`
	Space     string    `json:"space"`
	Truncated bool      `json:"truncated,omitempty"`
	Embedding []float32 `json:"embedding"`
}

func (l *lines) begin(space chiasm.Space) error {
	l.space = space.String()
	return nil
}

func (l *lines) vector(it *item, values []float32, truncated bool) error {
	line := vectorLine{Input: it.name, Kind: it.kind, Space: l.space, Truncated: truncated, Embedding: values}
	if it.part != nil {
		line.Start, line.End = &it.part.start, &it.part.end
	}
	return encode(l.w, line)
}

func (l *lines) failed(f failure) error { return encode(l.w, f) }

func (l *lines) commit() error {
	if l.file == nil {
		return l.w.Flush()
	}
	return l.file.commit()
}

func (l *lines) abort() {
	if l.file != nil {
		l.file.Abort()
	}
}

// encode writes one value and a newline.
func encode(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// writeFloats writes numbers as they lie in files, refusing what is none.
func writeFloats(w *bufio.Writer, values []float32) error {
	for _, x := range values {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return errors.New("a value of a vector is not a finite number")
		}
		w.Write(binary.LittleEndian.AppendUint32(w.AvailableBuffer(), math.Float32bits(x)))
	}
	_, err := w.Write(nil) // the first error sticks
	return err
}

// npy writes NumPy's format 1.0, float32 [N, D], and the inputs beside it.
type npy struct {
	file, beside *atomicFile
	n, d         int
	errors       []failure
}

// npyHeader is of the same length whatever n and d are.
func npyHeader(n, d int) []byte {
	const size = 128
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", n, d)
	header := append([]byte("\x93NUMPY\x01\x00"), size-10, 0)
	return fmt.Appendf(header, "%-*s\n", size-11, text)
}

func (s *npy) begin(space chiasm.Space) error {
	s.d = space.Dimension
	if _, err := s.file.w.Write(npyHeader(0, s.d)); err != nil {
		return err
	}
	name, err := json.Marshal(space.String())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.beside.w, "{\"space\": %s, \"inputs\": [\n", name)
	return err
}

func (s *npy) vector(it *item, values []float32, _ bool) error {
	if s.n > 0 {
		s.beside.w.WriteByte(',')
	}
	s.n++
	if err := encode(s.beside.w, it.fragment()); err != nil {
		return err
	}
	return writeFloats(s.file.w, values)
}

func (s *npy) failed(f failure) error {
	s.errors = append(s.errors, f)
	return nil
}

func (s *npy) commit() error {
	if err := s.file.w.Flush(); err != nil {
		return err
	}
	if _, err := s.file.WriteAt(npyHeader(s.n, s.d), 0); err != nil {
		return err
	}
	s.beside.w.WriteString("], \"errors\": ")
	if err := encode(s.beside.w, append([]failure{}, s.errors...)); err != nil {
		return err
	}
	s.beside.w.WriteString("}\n")
	if err := s.beside.commit(); err != nil {
		return err
	}
	return s.file.commit()
}

func (s *npy) abort() {
	s.file.Abort()
	s.beside.Abort()
}

// safetensors writes a tensor "embeddings" [N, D] with the inputs in the metadata, which comes first: the numbers wait in the temporary
// file until all inputs are known.
type safetensors struct {
	file   *atomicFile
	space  chiasm.Space
	inputs []string
}

func (s *safetensors) begin(space chiasm.Space) error {
	s.space = space
	return nil
}

func (s *safetensors) vector(it *item, values []float32, _ bool) error {
	s.inputs = append(s.inputs, it.fragment())
	return writeFloats(s.file.w, values)
}

func (s *safetensors) failed(failure) error { return nil }

func (s *safetensors) commit() error {
	if err := s.file.w.Flush(); err != nil {
		return err
	}
	inputs, err := json.Marshal(append([]string{}, s.inputs...))
	if err != nil {
		return err
	}
	entry := tensor.Entry{Name: "embeddings", DType: tensor.F32, Shape: []int{len(s.inputs), s.space.Dimension}}
	if len(s.inputs) > 0 {
		data, err := mmap.Map(s.file.File.File, mmap.RDONLY, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", s.file.Path(), err)
		}
		defer data.Unmap()
		entry.Data = data
	}
	return weights.Save(s.file.Path(), []tensor.Entry{entry}, map[string]string{"space": s.space.String(), "inputs": string(inputs)})
}

func (s *safetensors) abort() { s.file.Abort() }
