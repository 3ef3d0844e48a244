package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chiasm/chiasm/decision"
)

// shapesTable writes rows with pictures and sounds of the shapes, some of them changed.
func shapesTable(t *testing.T, name string, row func(i int, picture, sound, label string) string) string {
	t.Helper()
	shapes, err := filepath.Abs("../../recipes/shapes")
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(shapes, "train-*.png"))
	if err != nil || len(all) != 60 {
		t.Fatalf("%d pictures, %v", len(all), err)
	}
	var b strings.Builder
	for i, p := range all {
		b.WriteString(row(i, p, filepath.Join(filepath.Dir(shapes), "beeps", fmt.Sprintf("%02d.wav", i)), strings.Split(filepath.Base(p), "-")[2]) + "\n")
	}
	return write(t, name, b.String())
}

// What is wrong with data is said in one line before hours are spent, by the program itself.
func TestFuseRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts the program fifteen times and reads many broken files")
	}
	csv := func(head string, row func(i int, p, s, l string) string) string {
		return shapesTable(t, "t.csv", func(i int, p, s, l string) string {
			if i == 0 {
				return head + "\n" + row(i, p, s, l)
			}
			return row(i, p, s, l)
		})
	}
	text := write(t, "texts.csv", "words,label\n"+strings.Repeat("a cat,cat\na dog,dog\n", 10))
	for name, c := range map[string]struct {
		data string
		args []string
		want string
	}{
		"a class with one example": {csv("p,s,label", func(i int, p, s, l string) string {
			if i == 7 {
				l = "lonely"
			}
			return p + "," + s + "," + l
		}), nil, `1 of 4 classes have one example: ["lonely"]: want 2 or more`},
		"a column of missing files": {csv("p,s,label", func(i int, p, s, l string) string { return p + ",nowhere-" + filepath.Base(s) + "," + l }), nil,
			`none of the 60 files in column "s" is there`},
		"a modality that nothing has": {csv("p,s,label", func(i int, p, s, l string) string { return p + ",," + l }), []string{"--image", "p", "--audio", "s"},
			`none of 60 rows has "s"`},
		"labels in two types": {csv("p,s,label", func(i int, p, s, l string) string {
			if i%2 == 0 {
				l = "3"
			}
			return p + "," + s + "," + l
		}), nil, `labels are of two types: 30 words, as "bar" (row 2), and 30 numbers, as "3" (row 1)`},
		"a modality that the encoder cannot read": {csv("p,s,label", func(i int, p, s, l string) string { return p + "," + s + "," + l }), []string{"--model", tiny},
			`column "s" is of kind audio, which the model`},
		"no label":     {csv("p,s,kind", func(i int, p, s, l string) string { return p + "," + s + "," + l }), nil, `no column "label" for the label: there are ["p" "s" "kind"]`},
		"one group":    {csv("p,s,label,group", func(i int, p, s, l string) string { return p + "," + s + "," + l + ",all" }), nil, `nothing can be held out`},
		"broken files": {csv("p,s,label", func(i int, p, s, l string) string { return p + "," + s + "," + l }), []string{"--image", "s", "--audio", "p"}, `files in column "s" can be read`},
		"half a split": {csv("p,s,label,split", func(i int, p, s, l string) string { return p + "," + s + "," + l + ",train" }), nil, `column "split" puts 60 rows in train and 0 in test`},
		"a part misspelt": {csv("p,s,label,split", func(i int, p, s, l string) string {
			return p + "," + s + "," + l + "," + []string{"train", "tset"}[i%2]
		}), nil,
			`row 2: column "split" says "tset": want train, valid or test`},
		"two columns of a name":   {csv("p,p,label", func(i int, p, s, l string) string { return p + "," + s + "," + l }), nil, `two columns are called "p"`},
		"a column named twice":    {text, []string{"--text", "words", "--text", "words"}, `column "words (text)" is named twice`},
		"a label in another code": {write(t, "latin.csv", "words,label\nx,caf\xe9\n"), nil, `row 1: the label or the group is no UTF-8: "caf\xe9"`},
		"a text in another code":  {write(t, "latin.csv", "words,label\ncaf\xe9,x\n"), nil, `row 1: column "words" is no UTF-8`},
		"one class":               {csv("p,s,label", func(i int, p, s, l string) string { return p + "," + s + ",x" }), nil, `all labels are "x"`},
		"the label as a text":     {text, []string{"--text", "label"}, `column "label" is the label`},
		"no tokens of numbers":    {write(t, "n.csv", "n,label\n"+strings.Repeat("1,a\n2,b\n", 10)), []string{"--number", "n", "--features", "tokens"}, `gives no tokens of n (number): want features vectors`},
		"words as numbers":        {text, []string{"--number", "words"}, `want 1 number, got "a cat"`},
		"nothing to match":        {text, []string{"--task", "match", "--text", "words"}, `nothing to match`},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "model")
			cmd := program(t, append([]string{"fuse", "train", c.data, "-o", out, "--cache", "off", "-q"}, c.args...)...)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			err := cmd.Run()
			if exit := new(exec.ExitError); err == nil || !asExit(err, &exit) || exit.ExitCode() != 1 {
				t.Fatalf("got %v, stderr %s", err, &errs)
			}
			if strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), c.want) {
				t.Errorf("got %q, want %q", &errs, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a folder was written")
			}
		})
	}
}

func asExit(err error, to **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*to = e
	return ok
}

// A picture on both sides of the table's own split is found by its content, whatever its name, and not learnt from.
func TestFuseLeaks(t *testing.T) {
	if testing.Short() {
		t.Skip("it teaches")
	}
	copied := filepath.Join(t.TempDir(), "copy.png")
	path := shapesTable(t, "t.csv", func(i int, p, s, l string) string {
		head, split := "", "train"
		if i == 0 {
			head = "p,s,label,split\n"
		}
		if i%3 == 0 {
			split = "test"
		}
		if i == 1 {
			b, err := os.ReadFile(p)
			if err == nil {
				err = os.WriteFile(copied, b, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if i == 3 {
			p = copied
		}
		return head + p + "," + s + "," + l + "," + split
	})
	r := runChiasm(t, "", "fuse", "train", path, "-o", filepath.Join(t.TempDir(), "m"), "--method", "concat", "--steps", "10", "--draws", "50", "--json", "-q", "--cache", "off").want(t, 0)
	var got struct {
		Split decision.Split
		Seen  decision.Seen
	}
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Seen.Leaks != 1 || !got.Seen.Dropped || got.Seen.First != "row 2 (train) and row 4 (test)" || got.Split.Test != 20 || got.Split.Train+got.Split.Valid != 39 {
		t.Errorf("got %+v", got)
	}
}

// A method that there is not is refused before any data are looked for.
func TestFuseMethodFirst(t *testing.T) {
	runChiasm(t, "", "fuse", "train", "nowhere.csv", "--method", "foo").want(t, 2, "--method foo: want late or one of late/average")
}
