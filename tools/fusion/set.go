package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/tensor"
	"github.com/chiasm/chiasm/weights"
)

// The sides of a split.
const (
	learn = iota
	valid
	test
)

// A set is data of one class of several, and the side of each sample. Every sample has every modality, with as many tokens as the others.
type set struct {
	name  string
	data  *fusion.Data
	sides []int32
	about string // what was split so that it is on one side only
}

// add is a new sample.
func (s *set) add(side int, class int, group string, features ...[]float32) {
	s.data.Samples = append(s.data.Samples, fusion.Sample{Features: features, Class: int32(class), Group: group})
	s.sides = append(s.sides, int32(side))
}

// side is the samples of one side.
func (s *set) side(which int) *fusion.Data {
	var samples []fusion.Sample
	for i, x := range s.data.Samples {
		if s.sides[i] == int32(which) {
			samples = append(samples, x)
		}
	}
	return s.data.With(samples)
}

// path is where a set lies in a folder.
func path(dir, name string) string { return filepath.Join(dir, name+".safetensors") }

// save writes a set as tensors that any reader of safetensors knows: of each modality [samples, tokens, width], and class, side and group
// [samples].
func (s *set) save(dir string) error {
	n := len(s.data.Samples)
	var entries []tensor.Entry
	for m, k := range s.data.Modalities {
		values := make([]float32, 0, n*k.Tokens*k.Width)
		for _, x := range s.data.Samples {
			values = append(values, x.Features[m]...)
		}
		if len(values) != cap(values) {
			return fmt.Errorf("%s: %d values of %s, want %d", s.name, len(values), k.Name, cap(values))
		}
		entries = append(entries, tensor.EntryOf(fmt.Sprintf("x%d", m), values, n, k.Tokens, k.Width))
	}
	groups, of := map[string]int32{}, make([]int32, n)
	classes := make([]int32, n)
	for i, x := range s.data.Samples {
		g, ok := groups[x.Group]
		if !ok {
			g = int32(len(groups))
			groups[x.Group] = g
		}
		of[i], classes[i] = g, x.Class
	}
	entries = append(entries, integers("class", classes), integers("side", s.sides), integers("group", of))
	var names []string
	for _, k := range s.data.Modalities {
		names = append(names, k.Name)
	}
	return weights.Save(path(dir, s.name), entries, map[string]string{
		"modalities": strings.Join(names, " "), "classes": fmt.Sprint(s.data.Task.Outputs), "about": s.about,
	})
}

func integers(name string, values []int32) tensor.Entry {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, uint32(v))
	}
	return tensor.Entry{Name: name, DType: tensor.I32, Shape: []int{len(values)}, Data: data}
}

// load reads what save wrote.
func load(dir, name string) (*set, error) {
	file, err := weights.Open(path(dir, name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	about := file.Metadata()
	s := &set{name: name, data: &fusion.Data{Task: fusion.Task{Kind: fusion.Single}}, about: about["about"]}
	if _, err := fmt.Sscan(about["classes"], &s.data.Task.Outputs); err != nil {
		return nil, fmt.Errorf("%s: classes: %w", name, err)
	}
	column := func(name string) (list []int32) {
		e, _ := file.Get(name)
		for i := range len(e.Data) / 4 {
			list = append(list, int32(binary.LittleEndian.Uint32(e.Data[4*i:])))
		}
		return list
	}
	classes, groups := column("class"), column("group")
	s.sides = column("side")
	if len(classes) != len(groups) || len(classes) != len(s.sides) {
		return nil, fmt.Errorf("%s: %d classes, %d groups, %d sides, want as many of each", name, len(classes), len(groups), len(s.sides))
	}
	for i, c := range classes {
		s.data.Samples = append(s.data.Samples, fusion.Sample{Class: c, Group: fmt.Sprint(groups[i])})
	}
	for m, modality := range strings.Fields(about["modalities"]) {
		e, ok := file.Get(fmt.Sprintf("x%d", m))
		if !ok || len(e.Shape) != 3 || e.Shape[0] != len(classes) {
			return nil, fmt.Errorf("%s: tensor x%d %v, want [%d, tokens, width]", name, m, e.Shape, len(classes))
		}
		values, each := e.Floats(), e.Shape[1]*e.Shape[2]
		s.data.Modalities = append(s.data.Modalities, fusion.Modality{Name: modality, Width: e.Shape[2], Tokens: e.Shape[1]})
		for i := range classes {
			s.data.Samples[i].Features = append(s.data.Samples[i].Features, values[i*each:][:each])
		}
	}
	return s, s.data.Check()
}

// exists reports whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
