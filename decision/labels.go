package decision

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm/fusion"
)

// kinds are the tasks by the names that [fusion.Kind] gives them.
var kinds = map[string]fusion.Kind{"single": fusion.Single, "multi": fusion.Multi, "regression": fusion.Regression, "match": fusion.Match}

// A Target is what is to be decided.
type Target struct {
	Task    string   `json:"task"`              // single, multi, regression or match
	Label   string   `json:"label,omitempty"`   // the column
	Classes []string `json:"classes,omitempty"` // of single and multi
	Match   string   `json:"match,omitempty"`   // of match: the column that belongs to the rest, or does not
}

// fused is the task as package fusion has it.
func (t Target) fused() fusion.Task {
	kind := kinds[t.Task]
	if kind == fusion.Single || kind == fusion.Multi {
		return fusion.Task{Kind: kind, Outputs: len(t.Classes)}
	}
	return fusion.Task{Kind: kind, Outputs: 1}
}

// most distinct whole numbers that are classes, if nobody says otherwise.
const mostNumbered = 50

// target finds out what is to be decided from the labels, and what is wrong with them. An empty task is what the labels look like.
func (t *Table) target(task, label string) (Target, error) {
	target := Target{Task: task, Label: label}
	if task == "match" {
		return t.matching(Target{Task: task}, label)
	}
	if _, ok := kinds[task]; !ok && task != "" {
		return target, fmt.Errorf("task %q: want single, multi, regression or match", task)
	}
	var words, numbers []Row
	whole, distinct := true, map[string]int{}
	for _, r := range t.Rows {
		if r.Label == "" {
			continue
		}
		distinct[r.Label]++
		if v, err := strconv.ParseFloat(r.Label, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
			numbers = append(numbers, r)
			whole = whole && v == math.Trunc(v)
		} else {
			words = append(words, r)
		}
	}
	n := len(words) + len(numbers)
	switch {
	case n == 0:
		return target, fmt.Errorf("none of %d rows has a label in column %q", len(t.Rows), label)
	case len(words) > 0 && len(numbers) > 0 && task != "multi":
		return target, fmt.Errorf("labels are of two types: %d words, as %q (%s), and %d numbers, as %q (%s): want one",
			len(words), words[0].Label, words[0].Key, len(numbers), numbers[0].Label, numbers[0].Key)
	case task == "regression" && len(words) > 0:
		return target, fmt.Errorf("regression wants numbers in column %q, got %q (%s)", label, words[0].Label, words[0].Key)
	case task == "" && len(numbers) > 0 && (!whole || len(distinct) > mostNumbered || 2*len(distinct) > n):
		target.Task = "regression"
	case task == "":
		target.Task = "single"
	}
	switch target.Task {
	case "single":
		return target, t.classes(&target, distinct)
	case "multi":
		return target, t.several(&target)
	}
	return target, nil
}

// classes names the classes, of which each needs two rows.
func (t *Table) classes(target *Target, distinct map[string]int) error {
	var lonely []string
	for name, n := range distinct {
		target.Classes = append(target.Classes, name)
		if n < 2 {
			lonely = append(lonely, name)
		}
	}
	slices.SortFunc(target.Classes, byNumber)
	slices.SortFunc(lonely, byNumber)
	switch {
	case len(lonely) > 0:
		return fmt.Errorf("%d of %d classes have one example: %s: want 2 or more of each, better 10 (or leave these out)", len(lonely), len(distinct), shown(lonely))
	case len(distinct) < 2:
		return fmt.Errorf("all labels are %q: want 2 classes or more", target.Classes[0])
	}
	return nil
}

// byNumber puts 9 before 10, and words in their order.
func byNumber(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil && x != y {
		if x < y {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// shown is the first few of a list.
func shown(list []string) string {
	const few = 5
	out := fmt.Sprintf("%q", list[:min(few, len(list))])
	if len(list) > few {
		out += fmt.Sprintf(" and %d more", len(list)-few)
	}
	return out
}

// several names the classes of labels that hold any number of them.
func (t *Table) several(target *Target) error {
	counts := map[string]int{}
	for _, r := range t.Rows {
		for _, name := range labelled(r.Label) {
			counts[name]++
		}
	}
	return t.classes(target, counts)
}

// labelled splits a label of several classes: a JSON list, or names with |, ; or commas between. A single - is none of the classes.
func labelled(label string) (names []string) {
	if strings.HasPrefix(label, "[") && json.Unmarshal([]byte(label), &names) == nil {
		return names
	}
	if label == "-" {
		return nil
	}
	for _, separator := range []string{"|", ";", ","} {
		if strings.Contains(label, separator) || separator == "," {
			for _, name := range strings.Split(label, separator) {
				if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
			return names
		}
	}
	return nil
}

// matching chooses what is matched: the column that is named, or the only one of texts.
func (t *Table) matching(target Target, column string) (Target, error) {
	var names, texts []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
		if c.Kind == Text {
			texts = append(texts, c.Name)
		}
	}
	switch {
	case len(names) < 2:
		return target, fmt.Errorf("nothing to match: the only modality is %q, want 2 or more", names)
	case column != "" && slices.Contains(names, column):
		target.Match = column
	case column == "" && len(texts) == 1:
		target.Match = texts[0]
	default:
		return target, fmt.Errorf("which of %q is it that belongs to the others? Name it as the label", names)
	}
	return target, nil
}

// label gives a sample what is true of it.
func (t Target) label(s *fusion.Sample, label string) {
	s.Class = -1
	switch t.Task {
	case "match":
		s.Values = []float32{1} // until pairs are made
	case "single":
		s.Class = int32(slices.Index(t.Classes, label))
	case "multi":
		names := labelled(label)
		s.Values = make([]float32, len(t.Classes))
		for i, c := range t.Classes {
			if label == "" {
				s.Values[i] = -1
			} else if slices.Contains(names, c) {
				s.Values[i] = 1
			}
		}
	case "regression":
		v, err := strconv.ParseFloat(label, 32)
		if err != nil {
			v = math.NaN()
		}
		s.Values = []float32{float32(v)}
	}
}
