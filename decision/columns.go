package decision

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/chiasm/chiasm/dataset"
)

// choose says which columns are modalities: those that the options or a model name, or else those that look like paths or texts.
func (t *Table) choose(names []string, records []record, o *Options, label, group string) error {
	if name, twice := repeated(names); twice {
		return fmt.Errorf("two columns are called %q: there are %q", name, names)
	}
	t.Columns = o.Columns
	if t.Columns == nil {
		t.Columns = o.named()
	}
	named := t.Columns != nil
	for _, name := range names {
		switch kind := looks(name, records); {
		case name == label || name == group || name == "split" || slices.ContainsFunc(t.Columns, func(c Column) bool { return slices.Contains(c.Fields, name) }):
		case named || kind == "":
			t.Ignored = append(t.Ignored, name)
		default:
			t.Columns = append(t.Columns, Column{name, kind, []string{name}})
		}
	}
	if o.Columns != nil && !slices.ContainsFunc(o.Columns, func(c Column) bool { return slices.Contains(names, c.Fields[0]) }) {
		return fmt.Errorf("it has none of the model's columns %s: there are %q", strings.Join(listed(o.Columns), ", "), names)
	}
	if len(t.Columns) == 0 {
		return fmt.Errorf("none of the columns %q holds paths of pictures, sounds or videos, or texts: name some (numbers too)", names)
	}
	var chosen []string
	for _, c := range t.Columns {
		chosen = append(chosen, c.Name)
	}
	if name, twice := repeated(chosen); twice {
		return fmt.Errorf("column %q is named twice", name)
	}
	for _, c := range t.Columns {
		for _, f := range c.Fields {
			if !slices.Contains(names, f) && o.Columns == nil {
				return fmt.Errorf("no column %q: there are %q", f, names)
			}
			if f == label && c.Kind == Text && !o.Unlabelled {
				return fmt.Errorf("column %q is the label: it can't tell itself", f)
			}
		}
	}
	return nil
}

// listed is columns in words.
func listed(columns []Column) (list []string) {
	for _, c := range columns {
		list = append(list, c.String())
	}
	return list
}

// repeated is the first name that comes again; columns without one may be several.
func repeated(names []string) (string, bool) {
	for i, name := range names {
		if name != "" && slices.Contains(names[:i], name) {
			return name, true
		}
	}
	return "", false
}

// String is the name of the column, and its kind.
func (c Column) String() string {
	if kind := " (" + c.Kind + ")"; !strings.HasSuffix(c.Name, kind) {
		return c.Name + kind
	}
	return c.Name
}

// named is the columns that the options name. A column that is named as two kinds is two modalities, which are called by their kinds too.
func (o *Options) named() (list []Column) {
	often := map[string]int{}
	for _, name := range slices.Concat(o.Image, o.Audio, o.Video, o.Text, o.Number) {
		often[name]++
	}
	for _, n := range []struct {
		kind  string
		names []string
	}{{Image, o.Image}, {Audio, o.Audio}, {Video, o.Video}, {Text, o.Text}, {Number, o.Number}} {
		for _, name := range n.names {
			c := Column{name, n.kind, []string{name}}
			if n.kind == Number {
				c.Fields = strings.Split(name, ",")
				for i, f := range c.Fields {
					c.Fields[i] = strings.TrimSpace(f)
				}
			}
			if often[name] > 1 {
				c.Name += " (" + n.kind + ")"
			}
			list = append(list, c)
		}
	}
	return list
}

// looked is how many cells tell what a column holds.
const looked = 1000

// looks is the kind of a column by what it holds: files by their endings, or texts. Numbers and names of rows say nothing.
func looks(name string, records []record) string {
	switch strings.ToLower(name) {
	case "key", "__key__", "id", "uid", "index", "language", "lang", "":
		return ""
	}
	counts, n, numeric := map[string]int{}, 0, 0
	for _, r := range records {
		v := strings.TrimSpace(r.fields[name])
		if v == "" {
			continue
		}
		counts[dataset.Kind(v)]++
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			numeric++
		}
		if n++; n == looked {
			break
		}
	}
	for _, kind := range []string{Image, Audio, Video} {
		if 2*counts[kind] > n {
			return kind
		}
	}
	if n == 0 || 10*numeric > 9*n {
		return ""
	}
	return Text
}

// numbers reads n of them, with spaces or commas between.
func numbers(cell string, n int) ([]float32, error) {
	words := strings.FieldsFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
	if len(words) != n {
		return nil, fmt.Errorf("want %s, got %q", many(n, "number"), cell)
	}
	out := make([]float32, n)
	for i, w := range words {
		v, err := strconv.ParseFloat(w, 32)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("want a number, got %q", w)
		}
		out[i] = float32(v)
	}
	return out, nil
}
