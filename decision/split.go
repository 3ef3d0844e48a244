package decision

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/fusion"
)

// The parts that rows are in: learnt from, looked at on the way, measured on.
const (
	learnPart = "train"
	validPart = "valid"
	testPart  = "test"
)

// bind brings rows together that are of one group or share a file, whatever their groups are called, and names the groups anew. It
// counts those that only a file brought together.
func (t *Table) bind(samples []fusion.Sample, contents [][]key, seen *Seen) {
	parent := make([]int, len(t.Rows))
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	join := func(i, j int) bool {
		a, b := root(i), root(j)
		parent[max(a, b)] = min(a, b)
		return a != b
	}
	groups := map[string]int{}
	for i, r := range t.Rows {
		parent[i] = i
		if r.Group == "" {
			continue
		}
		if first, ok := groups[r.Group]; ok {
			join(first, i)
		} else {
			groups[r.Group] = i
		}
	}
	for k, c := range t.Columns {
		owners := map[key]int{}
		for i := range t.Rows {
			content := contents[i][k]
			if !c.media() || content == (key{}) {
				continue
			}
			first, ok := owners[content]
			if !ok {
				owners[content] = i
			} else if join(first, i) {
				if seen.Bound++; seen.First == "" {
					seen.First = fmt.Sprintf("%s (%s) and %s (%s)", t.Rows[first].Cells[k], t.Rows[first].Key, t.Rows[i].Cells[k], t.Rows[i].Key)
				}
			}
		}
	}
	for i := range samples {
		samples[i].Group = fmt.Sprint(root(i))
	}
}

// divide says which part each sample is in: by the table's own split, if it has one, from which rows that leak are taken out of learning,
// or by chance, a fifth to measure on and a fifth to look at.
func (m *material) divide(t *Table, seed uint64) (part []string, err error) {
	part = make([]string, len(m.rows))
	counts := map[string]int{}
	for i, row := range m.rows {
		part[i] = t.Rows[row].Split
		counts[part[i]]++
	}
	switch {
	case counts[""] == len(part):
		return part, m.draw(part, seed, "", testPart, validPart)
	case counts[""] > 0:
		return nil, fmt.Errorf("decision: %d of %d rows are in no split: want train, valid or test in column \"split\"", counts[""], len(part))
	case counts[learnPart] == 0 || counts[testPart] == 0:
		return nil, fmt.Errorf("decision: column \"split\" puts %d rows in train and %d in test: want some in both", counts[learnPart], counts[testPart])
	}
	m.leaks(t, part)
	if counts[validPart] == 0 {
		return part, m.draw(part, seed, learnPart, validPart)
	}
	return part, nil
}

// leaks takes rows out of learning that belong together with some that are measured on.
func (m *material) leaks(t *Table, part []string) {
	tested := map[string]int{}
	for i, p := range part {
		if p == testPart {
			tested[m.data.Samples[i].Group] = m.rows[i]
		}
	}
	for i, p := range part {
		other, ok := tested[m.data.Samples[i].Group]
		if p == testPart || p == "" || !ok {
			continue
		}
		part[i], m.seen.Dropped = "", true
		if m.seen.Leaks++; m.seen.Leaks == 1 {
			m.seen.First = fmt.Sprintf("%s (%s) and %s (test)", t.Rows[m.rows[i]].Key, p, t.Rows[other].Key)
		}
	}
}

// draw puts a fifth of the samples of a part into each of the others, the rest into learning.
func (m *material) draw(part []string, seed uint64, from string, to ...string) error {
	some, of := in(m.data, part, from)
	fold, _, err := some.Folds(5, seed)
	if err != nil {
		return fmt.Errorf("decision: nothing can be held out to measure on: rows of one group, or with one file, stay together, and so do all of these: %s", strings.TrimPrefix(err.Error(), "fusion: "))
	}
	for j, i := range of {
		if part[i] = learnPart; fold[j] < len(to) {
			part[i] = to[fold[j]]
		}
	}
	return nil
}

// in is the samples of some parts, and which they are.
func in(d *fusion.Data, part []string, names ...string) (*fusion.Data, []int) {
	var samples []fusion.Sample
	var of []int
	for i, p := range part {
		if slices.Contains(names, p) {
			samples, of = append(samples, d.Samples[i]), append(of, i)
		}
	}
	return d.With(samples), of
}

// fingerprint tells rows apart by what all their cells hold.
func fingerprint(contents []key) string {
	h := sha256.New()
	for _, k := range contents {
		h.Write(k[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
