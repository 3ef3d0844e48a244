package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// A Duplicate is two items with the same media, byte for byte.
type Duplicate struct {
	First, Second       Ref // sets by their place in the list given
	FirstKey, SecondKey string
	FirstSet, SecondSet string
}

// Across reports whether the two lie in different sets, so that one would be learned from and measured by.
func (d Duplicate) Across() bool { return d.First.Set != d.Second.Set }

// String names both.
func (d Duplicate) String() string {
	return fmt.Sprintf("%s of %s is %s of %s", d.SecondKey, d.SecondSet, d.FirstKey, d.FirstSet)
}

// Duplicates finds items with the same media by the SHA-256 of their bytes, across sets and within: each is told once, beside the first
// of its kind. It reads all media. Broken items are reported.
func Duplicates(ctx context.Context, sets []*Set, progress func(done int)) ([]Duplicate, *Report, error) {
	type first struct {
		ref Ref
		key string
	}
	var found []Duplicate
	broken, seen, before := &Report{}, map[[sha256.Size]byte]first{}, 0
	for n, s := range sets {
		all := progress
		if progress != nil {
			all = func(done int) { progress(before + done) }
		}
		err := s.each(ctx, all, broken, func(i int, it *Item) error {
			if !it.HasMedia() {
				return nil
			}
			sum, err := it.Hash()
			if err != nil {
				return err
			}
			ref := Ref{Set: int32(n), Index: int32(i)}
			if f, ok := seen[sum]; ok {
				found = append(found, Duplicate{f.ref, ref, f.key, it.Key, sets[f.ref.Set].Name, s.Name})
			} else {
				seen[sum] = first{ref, strings.Clone(it.Key)}
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		before += s.Len()
	}
	return found, broken, nil
}

// Hash is the SHA-256 of an item's media, which are read: of the one that it has, or of the hashes of several.
func (it *Item) Hash() (sum [sha256.Size]byte, err error) {
	parts, n := sha256.New(), 0
	for i, m := range []*Media{it.Image, it.Sound, it.Video} {
		if m == nil {
			continue
		}
		one, err := m.hash()
		if err != nil {
			return sum, err
		}
		sum = one
		parts.Write([]byte{byte(i)})
		parts.Write(one[:])
		n++
	}
	if n > 1 {
		parts.Sum(sum[:0])
	}
	return sum, nil
}

func (m *Media) hash() (sum [sha256.Size]byte, err error) {
	r, err := m.Reader()
	if err != nil {
		return sum, err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return sum, fmt.Errorf("dataset: %s: %w", m.name, err)
	}
	h.Sum(sum[:0])
	return sum, nil
}

// By is what items of a [Partition] are kept together by, or an item of a [Plan] is told apart by.
type By func(*Item) string

// ByKey keeps nothing together but items of one key.
func ByKey(it *Item) string { return it.Key }

// ByGroup keeps the items of a group together; an item without one is a group of its own.
func ByGroup(it *Item) string {
	if it.Group == "" {
		return "key " + it.Key
	}
	return "group " + it.Group
}

// ByConcept keeps together what is of one class, or else what is called the same: by its first text, whatever the case of its letters.
// It is how to measure what a model makes of things it has never seen.
func ByConcept(it *Item) string {
	switch {
	case it.Class != "":
		return "class " + it.Class
	case len(it.Labels) > 0:
		return fmt.Sprint("label ", it.Labels)
	case len(it.Texts) > 0:
		return "text " + strings.Join(strings.Fields(lower(it.Texts[0].Text)), " ")
	}
	return "key " + it.Key
}

// Partition splits a set into parts of about these fractions, which add up to at most 1; what is left over is in no part. Where an item
// goes follows from the seed and from what by says of it alone: other items and their order don't matter, so a set that grows keeps
// its splits. Broken items are reported and in no part.
func Partition(ctx context.Context, s *Set, seed uint64, by By, fractions ...float64) ([]*Set, *Report, error) {
	total := 0.0
	for _, f := range fractions {
		if total += f; !(f >= 0) || total > 1+1e-9 {
			return nil, nil, fmt.Errorf("dataset: expected fractions from 0 that add up to at most 1, got %v", fractions)
		}
	}
	parts, broken := make([][]int, len(fractions)), &Report{}
	err := s.each(ctx, nil, broken, func(i int, it *Item) error {
		at := position(seed, by(it))
		for p, f := range fractions {
			if at -= f; at < 0 {
				parts[p] = append(parts[p], i)
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	sets := make([]*Set, len(parts))
	for i, p := range parts {
		sets[i] = s.Select(p)
	}
	return sets, broken, nil
}

// position is where a name falls between 0 and 1.
func position(seed uint64, name string) float64 {
	sum := sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), name...))
	return float64(binary.LittleEndian.Uint64(sum[:])>>11) / (1 << 53)
}

// Names is what by says of every item, "" of the broken ones: what a [Plan] needs to know what is alike, read once.
func Names(ctx context.Context, s *Set, by By) ([]string, *Report, error) {
	names, broken := make([]string, s.Len()), &Report{}
	err := s.each(ctx, nil, broken, func(i int, it *Item) error {
		names[i] = by(it)
		return nil
	})
	return names, broken, err
}
