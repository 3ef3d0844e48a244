package fusion

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"slices"
)

// Folds splits the samples into n parts of much the same size and mix of classes, none of which shares a group with another: the part of
// each sample. Samples of the same features count as one group, whatever their groups are called; how many were brought together so
// is returned too: as many as would have leaked from one part to another, at worst.
func (d *Data) Folds(n int, seed uint64) (fold []int, twins int, err error) {
	groups, twins := d.groups()
	if n < 2 || len(groups) < n {
		return nil, 0, fmt.Errorf("fusion: %d folds of %d groups of samples, want 2 folds or more, and as many groups", n, len(groups))
	}
	r := rand.New(rand.NewPCG(seed, 0x6c62272e07bb0142))
	r.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	fold = make([]int, len(d.Samples))
	size, counts := make([]int, n), make([]map[int32]int, n)
	for i := range counts {
		counts[i] = map[int32]int{}
	}
	for _, g := range groups {
		class := d.Samples[g[0]].kind(d.Task)
		to := 0
		for k := range n {
			if a, b := counts[k][class], counts[to][class]; a < b || a == b && size[k] < size[to] {
				to = k
			}
		}
		for _, i := range g {
			fold[i] = to
			size[to]++
			counts[to][d.Samples[i].kind(d.Task)]++
		}
	}
	return fold, twins, nil
}

// kind is what folds should have equal parts of: classes, where there are any.
func (s *Sample) kind(t Task) int32 {
	switch t.Kind {
	case Single:
		return s.Class
	case Match:
		return int32(s.Values[0])
	}
	return 0
}

// groups is the samples that belong together, by group or by equal features.
func (d *Data) groups() (list [][]int, twins int) {
	seed := maphash.MakeSeed()
	names, hashes := map[string]int{}, map[uint64]int{}
	parent := make([]int, len(d.Samples))
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	for i := range d.Samples {
		parent[i] = i
		s := &d.Samples[i]
		if s.Group != "" {
			if first, ok := names[s.Group]; ok {
				parent[i] = root(first)
			} else {
				names[s.Group] = i
			}
		}
		hash := s.hash(seed)
		if first, ok := hashes[hash]; !ok {
			hashes[hash] = i
		} else if a, b := root(first), root(i); a != b {
			parent[max(a, b)] = min(a, b)
			twins++
		}
	}
	at := map[int]int{}
	for i := range d.Samples {
		r := root(i)
		if _, ok := at[r]; !ok {
			at[r] = len(list)
			list = append(list, nil)
		}
		list[at[r]] = append(list[at[r]], i)
	}
	return list, twins
}

// hash is that of all features.
func (s *Sample) hash(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	var b [4]byte
	for _, x := range s.Features {
		binary.LittleEndian.PutUint32(b[:], uint32(len(x)))
		h.Write(b[:])
		for _, v := range x {
			binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
			h.Write(b[:])
		}
	}
	return h.Sum64()
}

// part is the samples that keep wants, by number.
func (d *Data) part(keep func(i int) bool) (*Data, []int) {
	var samples []Sample
	var of []int
	for i, s := range d.Samples {
		if keep(i) {
			samples, of = append(samples, s), append(of, i)
		}
	}
	return d.With(samples), of
}

// Matching makes a task of telling whether modalities belong together: each sample as it is, and once more with a modality of another
// sample, of another group. Both are of the sample's group; the other's features may lie on both sides of a split, its pairs do not.
func Matching(d *Data, modality int, seed uint64) (*Data, error) {
	if modality < 0 || modality >= len(d.Modalities) || len(d.Modalities) < 2 {
		return nil, fmt.Errorf("fusion: modality %d of %d to match, want one of 2 or more", modality, len(d.Modalities))
	}
	r := rand.New(rand.NewPCG(seed, 0xb5ad4eceda1ce2a9))
	out := &Data{Task{Match, 1}, slices.Clone(d.Modalities), nil}
	out.Modalities[modality].Matched = true
	for i, s := range d.Samples {
		group := s.Group
		if group == "" {
			group = fmt.Sprintf("sample %d", i)
		}
		right, wrong := s, s
		right.Values, right.Group = []float32{1}, group
		found := false
		for range 100 {
			o := &d.Samples[r.IntN(len(d.Samples))]
			if found = o.Has(modality) && (o.Group == "" || o.Group != s.Group) && !slices.Equal(o.Features[modality], s.Features[modality]); found {
				wrong = s.with(o, modality)
				wrong.Values, wrong.Group = []float32{0}, group
				break
			}
		}
		if !found {
			return nil, fmt.Errorf("fusion: sample %d has nothing to be mistaken for, want samples of other groups with other features of modality %q", i, d.Modalities[modality].Name)
		}
		out.Samples = append(out.Samples, right, wrong)
	}
	return out, nil
}
