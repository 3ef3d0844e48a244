package decision

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chiasm/chiasm"
)

// FuzzConfig wants of every config.json a model or an error, and no more memory than its bounds allow.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		`{"model_type":"chiasm-fused","encoder":{"model":"mini","space":"s","dimension":4},"columns":[{"name":"p","kind":"image","fields":["p"]},{"name":"s","kind":"audio","fields":["s"]}],
		"task":"single","classes":["a","b"],"label":"l","method":"late/product","width":8,"heads":2,"layers":1,"rank":2,"bottlenecks":2}`,
		`{"model_type":"chiasm-fused","encoder":{"dimension":4},"columns":[{"name":"n","kind":"number","fields":["a","b"]}],"task":"regression","method":"lmf","width":8,"heads":2,"layers":1,"rank":2,"bottlenecks":2}`,
		`{}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, configFile), data, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := ReadConfig(dir)
		if err != nil {
			return
		}
		m, err := build(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(m.Config)
		if err != nil {
			t.Fatal(err)
		}
		var back Config
		if err := json.Unmarshal(again, &back); err != nil || back.Method != c.Method || len(back.Columns) != len(c.Columns) {
			t.Errorf("%v: %s", err, again)
		}
	})
}

// A label of several classes is written in one of several ways.
func TestLabelled(t *testing.T) {
	for label, want := range map[string]int{"a": 1, "a|b": 2, "a;b;a": 2, "a, b,": 2, `["a","b, c"]`: 2, "-": 0, "": 0} {
		if got := labelled(label); len(got) != want {
			t.Errorf("%q: %q, want %d", label, got, want)
		}
	}
}

// Tasks follow from what labels look like.
func TestTarget(t *testing.T) {
	table := func(labels ...string) *Table {
		t := &Table{Columns: []Column{{"x", Text, []string{"x"}}}}
		for _, l := range labels {
			t.Rows = append(t.Rows, Row{Label: l, Cells: []string{"x"}})
		}
		return t
	}
	for want, labels := range map[string][]string{"single": {"1", "2", "1", "2", "10", "10"}, "regression": {"1.5", "2", "3"}} {
		got, err := table(labels...).target("", "label")
		if err != nil || got.Task != want {
			t.Errorf("%q: %+v, %v", labels, got, err)
		}
		if want == "single" && (len(got.Classes) != 3 || got.Classes[2] != "10") {
			t.Errorf("classes %q", got.Classes)
		}
	}
	got, err := table("a|b", "b", "a", "-").target("multi", "label")
	if err != nil || len(got.Classes) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

// What is kept comes back, and what is damaged does not.
func TestCache(t *testing.T) {
	c, k, x := cache{t.TempDir()}, key{1, 2}, []float32{1, -2.5, 3}
	if c.get(k, 3, 1) != nil {
		t.Error("something is there before it was kept")
	}
	if err := c.put(k, x); err != nil {
		t.Fatal(err)
	}
	if got := c.get(k, 3, 1); len(got) != 3 || got[1] != -2.5 {
		t.Errorf("got %v", got)
	}
	if c.get(k, 4, 1) != nil {
		t.Error("three values are taken for four")
	}
	b, err := os.ReadFile(c.path(k))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{b[:len(b)-1], bytes.Repeat([]byte{0xff}, len(b)), append(bytes.Clone(b[:8]), append([]byte{b[8] ^ 1}, b[9:]...)...), nil} {
		if err := os.WriteFile(c.path(k), bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := c.get(k, 3, 1); got != nil {
			t.Errorf("%x gave %v", bad, got)
		}
	}
}

// Axes of accuracies end at 100 percent, whatever room the picture leaves; those of errors do not.
func TestMarks(t *testing.T) {
	same := func(x float64) float64 { return x }
	for _, c := range []struct {
		errors bool
		last   float64
	}{{false, 100}, {true, 101}} {
		v := view{Error: c.errors}
		list := v.ticks(97, 101.5, same)
		if got := list[len(list)-1].At; got != c.last {
			t.Errorf("errors %v: the last mark is at %v, want %v", c.errors, got, c.last)
		}
	}
}

// Columns that are not named are told of, and those of which a table has none of a model's are an error.
func TestColumnsLeftOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte("words,rooms,id,label\na house,3,7,big\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	table, err := OpenTable(path, &Options{Number: []string{"rooms"}})
	if err != nil || !slices.Equal(table.Ignored, []string{"words", "id"}) {
		t.Errorf("left out are %q, %v", table.Ignored, err)
	}
	if _, err := OpenTable(path, &Options{Columns: []Column{{"photo", Image, []string{"photo"}}}}); err == nil {
		t.Error("a table without a model's columns was opened")
	}
}

// What a study lacks is an error, and its label is that of its table.
func TestStudyLacks(t *testing.T) {
	if _, err := (&Advising{}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "wants a table") {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte("words,kind\na house,big\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	table, err := OpenTable(path, &Options{Label: "kind"})
	if err != nil {
		t.Fatal(err)
	}
	study := Study{Table: table, Task: "regression", Open: func(context.Context) (*chiasm.Model, error) { panic("the labels are not in order") }}
	if _, err := (&Advising{Study: study}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), `numbers in column "kind"`) {
		t.Error(err)
	}
}

// Numbers have spaces or commas between, and a cell of one has none.
func TestNumbers(t *testing.T) {
	for cell, n := range map[string]int{"3 50": 2, "3,50": 2, "3, 50": 2, "-1e3": 1} {
		if got, err := numbers(cell, n); err != nil || len(got) != n {
			t.Errorf("%q: %v, %v", cell, got, err)
		}
	}
	if got, err := numbers("1,5", 1); err == nil {
		t.Errorf("a decimal comma is read as %v", got)
	}
}
