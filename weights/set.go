package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/chiasm/chiasm/tensor"
	"github.com/edsrzf/mmap-go"
)

// A Set is the tensors of a checkpoint, which may lie in several files. It is safe for concurrent use until it is closed.
type Set struct {
	entries  map[string]tensor.Entry
	names    []string // sorted
	metadata map[string]string
	files    []string
	maps     []mmap.MMap
}

// Names are the names of all tensors, sorted.
func (s *Set) Names() []string { return s.names }

// Len is the number of tensors.
func (s *Set) Len() int { return len(s.entries) }

// Get finds a tensor. Its data are valid until the set is closed.
func (s *Set) Get(name string) (tensor.Entry, bool) {
	e, ok := s.entries[name]
	return e, ok
}

// Metadata is the texts that the first file carries besides tensors.
func (s *Set) Metadata() map[string]string { return s.metadata }

// Files are the paths that the set was read from.
func (s *Set) Files() []string { return s.files }

// Close unmaps the files. No entry's data may be used afterwards.
func (s *Set) Close() error {
	var errs []error
	for i := range s.maps {
		if s.maps[i] != nil {
			errs = append(errs, s.maps[i].Unmap())
		}
	}
	s.maps, s.entries, s.names = nil, nil, nil
	return errors.Join(errs...)
}

// Open reads a checkpoint from a .safetensors file, from torch's .bin, .pt or .pth, from CTranslate2's model.bin, or from the index
// (….index.json) of a sharded one.
// Files are told apart by their contents.
func Open(path string) (*Set, error) {
	s := &Set{entries: map[string]tensor.Entry{}, metadata: map[string]string{}}
	err := s.read(path)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("weights: %w", err)
	}
	for name := range s.entries {
		s.names = append(s.names, name)
	}
	sort.Strings(s.names)
	return s, nil
}

// Parse reads a checkpoint in the form of safetensors that is in memory already. The set's data are data's own.
func Parse(data []byte) (*Set, error) {
	entries, metadata, err := readSafetensors(data)
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	s := &Set{entries: map[string]tensor.Entry{}, metadata: metadata}
	for _, e := range entries {
		s.entries[e.Name] = e
		s.names = append(s.names, e.Name)
	}
	sort.Strings(s.names)
	return s, nil
}

func (s *Set) read(path string) error {
	if strings.HasSuffix(path, ".index.json") {
		return s.readIndex(path)
	}
	return s.readFile(path)
}

// readFile maps one file and adds its tensors.
func (s *Set) readFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: expected a file with tensors, got %v", path, info.Mode())
	}
	if info.Size() == 0 {
		return fmt.Errorf("%s: expected a file with tensors, got an empty one", path)
	}
	data, err := mmap.Map(f, mmap.RDONLY, 0)
	if err != nil {
		return fmt.Errorf("%s: map: %w", path, err)
	}
	s.maps, s.files = append(s.maps, data), append(s.files, path)
	var entries []tensor.Entry
	var metadata map[string]string
	switch {
	case isZip(data):
		entries, err = readTorchZip(data)
	case isLegacyTorch(data):
		entries, err = readTorchLegacy(data)
	case isCTranslate2(data):
		entries, metadata, err = readCTranslate2(data)
	default:
		entries, metadata, err = readSafetensors(data)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(s.files) == 1 && metadata != nil {
		s.metadata = metadata
	}
	for _, e := range entries {
		if _, ok := s.entries[e.Name]; ok {
			return fmt.Errorf("%s: tensor %q appears twice", path, e.Name)
		}
		s.entries[e.Name] = e
	}
	return nil
}

const maxIndex = 64 << 20 // bytes

// readIndex reads the shards that an index names, which lie beside it, and checks that each holds what the index says.
func (s *Set) readIndex(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > maxIndex {
		return fmt.Errorf("%s: expected an index of at most %d bytes, got %d", path, maxIndex, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var index struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(index.Map) == 0 {
		return fmt.Errorf("%s: expected a weight_map with tensors, got none", path)
	}
	var shards []string
	for name, shard := range index.Map {
		if shard != filepath.Base(shard) || shard == "." || shard == ".." {
			return fmt.Errorf("%s: tensor %q: expected a file beside the index, got %q", path, name, shard)
		}
		if !slices.Contains(shards, shard) {
			shards = append(shards, shard)
		}
	}
	sort.Strings(shards)
	home := map[string]string{} // where each tensor was found
	for _, shard := range shards {
		before := len(s.entries)
		if err := s.readFile(filepath.Join(filepath.Dir(path), shard)); err != nil {
			return err
		}
		if len(s.entries) == before {
			continue
		}
		for name := range s.entries {
			if _, ok := home[name]; !ok {
				home[name] = shard
			}
		}
	}
	for name, shard := range index.Map {
		if home[name] != shard {
			return fmt.Errorf("%s: expected tensor %q in %s, which does not hold it", path, name, shard)
		}
	}
	return nil
}
