package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
)

// A store keeps vectors by name in a file, so that what is costly is computed once.
type store struct {
	path    string
	width   int
	vectors map[string][]float32
	compute func(names []string) ([]float32, error) // [len(names), width]
	part    int                                     // names that are computed at a time
}

// open reads what is there already. A torn end, of a run that was killed, is cut off.
func (s *store) open() error {
	s.vectors = map[string][]float32{}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return err
	}
	f, err := os.Open(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r, good := bufio.NewReaderSize(f, 1<<20), int64(0)
	for {
		name, v, err := s.read(r)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return os.Truncate(s.path, good)
		}
		s.vectors[name] = v
		good += int64(2 + len(name) + 4*s.width)
	}
}

func (s *store) read(r io.Reader) (name string, v []float32, err error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return "", nil, err
	}
	n := int(binary.LittleEndian.Uint16(size[:]))
	b := make([]byte, n+4*s.width)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", nil, io.ErrUnexpectedEOF
	}
	v = make([]float32, s.width)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[n+4*i:]))
	}
	return string(b[:n]), v, nil
}

// need computes the vectors of those names that are not there, and keeps them.
func (s *store) need(names []string) error {
	var todo []string
	seen := map[string]bool{}
	for _, n := range names {
		if s.vectors[n] == nil && !seen[n] {
			todo, seen[n] = append(todo, n), true
		}
	}
	for first := 0; first < len(todo); first += s.part {
		part := todo[first:min(first+s.part, len(todo))]
		v, err := s.compute(part)
		if err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		if err := s.keep(part, v); err != nil {
			return err
		}
		say("%s: %d of %d", filepath.Base(s.path), first+len(part), len(todo))
	}
	return nil
}

// keep appends vectors to the file.
func (s *store) keep(names []string, values []float32) (err error) {
	f, err := os.OpenFile(s.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	for i, n := range names {
		v := values[i*s.width:][:s.width:s.width]
		s.vectors[n] = v
		w.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(n))))
		w.WriteString(n)
		for _, x := range v {
			w.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
		}
	}
	return w.Flush()
}
