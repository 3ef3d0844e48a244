// Package golden holds what tests of models share: what the reference computes, as the scripts under tools/golden dump it, and how it is
// compared with.
package golden

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/chiasm/chiasm/weights"
)

// A Set is a file of a reference's values, each stage's by name.
type Set struct {
	t   *testing.T
	set *weights.Set
}

// Open reads a file, which is closed when the test ends.
func Open(t *testing.T, path string) *Set {
	t.Helper()
	set, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return &Set{t, set}
}

// Floats is the values of a stage. The test fails where there is none of that name.
func (s *Set) Floats(name string) []float32 {
	s.t.Helper()
	e, ok := s.set.Get(name)
	if !ok {
		s.t.Fatalf("no golden stage %s", name)
	}
	return e.Floats()
}

// IDs is the values of a stage that holds ids.
func (s *Set) IDs(name string) []int32 {
	s.t.Helper()
	var ids []int32
	for _, v := range s.Floats(name) {
		ids = append(ids, int32(v))
	}
	return ids
}

// Lists cuts the ids of one stage into lists, as long as another stage says.
func (s *Set) Lists(ids, lengths string) (lists [][]int32) {
	s.t.Helper()
	all := s.IDs(ids)
	for _, n := range s.IDs(lengths) {
		lists = append(lists, all[:n:n])
		all = all[n:]
	}
	return lists
}

// Near stops the test unless every value is within a tolerance of the stage's. Where a stage has another beside it named name.step, it
// holds the first of each step values.
func (s *Set) Near(name string, got []float32, tolerance float64) {
	s.t.Helper()
	want, step := s.Floats(name), 1
	if _, ok := s.set.Get(name + ".step"); ok {
		step = int(s.IDs(name + ".step")[0])
	}
	if (len(got)+step-1)/step != len(want) {
		s.t.Fatalf("%s: %d values, want %d of each %d", name, len(got), len(want), step)
	}
	for i := range want {
		if d := math.Abs(float64(got[i*step]) - float64(want[i])); !(d <= tolerance) {
			s.t.Fatalf("%s: value %d is %v, want %v within %g", name, i*step, got[i*step], want[i], tolerance)
		}
	}
}

// Strings is the list of texts in a compressed JSON file, under the key strings: those that part tokenizers from each other lie in
// token/testdata/strings.json.gz.
func Strings(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Strings []string }
	if err := json.NewDecoder(unzipped).Decode(&file); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return file.Strings
}
