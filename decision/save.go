package decision

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm/internal/whole"
)

// save has the folder written beside its place first, so that it is there whole or not at all.
func (t *Training) save(write func(dir string) error) (err error) {
	parent := filepath.Dir(filepath.Clean(t.Output))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("decision: %w", err)
	}
	temp, err := os.MkdirTemp(parent, "."+filepath.Base(t.Output)+".*")
	if err != nil {
		return fmt.Errorf("decision: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := os.Chmod(temp, 0o755); err != nil {
		return fmt.Errorf("decision: %w", err)
	}
	if err := write(temp); err != nil {
		return err
	}
	return place(temp, t.Output)
}

// write writes all but a tuned encoder into a folder that is there.
func (t *Training) write(dir string, m *Model, taught *Taught) error {
	if err := m.write(dir); err != nil {
		return err
	}
	files, err := t.files(m, taught)
	if err != nil {
		return err
	}
	if err := whole.WriteFiles(dir, files); err != nil {
		return fmt.Errorf("decision: %w", err)
	}
	return nil
}

// place puts a folder where another may be.
func place(temp, output string) error {
	old := temp + ".old"
	err := os.Rename(output, old)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("decision: %w", err)
	}
	if err := os.Rename(temp, output); err != nil {
		return fmt.Errorf("decision: %w", errors.Join(err, os.Rename(old, output)))
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("decision: %w", err)
	}
	return nil
}

// files is what is kept besides config and weights.
func (t *Training) files(m *Model, taught *Taught) (map[string][]byte, error) {
	files, err := taught.Report.Pictures()
	if err != nil {
		return nil, err
	}
	if files["learning.png"], err = learning(taught.Curve, m.Task == "match"); err != nil {
		return nil, err
	}
	files["learning.csv"] = taught.csv(m.Task == "match")
	if files["result.json"], err = json.MarshalIndent(taught, "", "  "); err != nil {
		return nil, fmt.Errorf("decision: %w", err)
	}
	files["learnt.txt"] = []byte(strings.Join(taught.learnt, "\n") + "\n")
	all := map[string][]byte{cardFile: []byte(t.card(m, taught))}
	for name, data := range files {
		if data != nil {
			all["training/"+name] = data
		}
	}
	return all, nil
}

// csv is the learning curve, as [learning] draws it.
func (t *Taught) csv(matched bool) []byte {
	var b strings.Builder
	name := "validation_loss"
	if matched {
		name = "validation_mrr"
	}
	b.WriteString("step,mean_loss," + name + "\n")
	for _, p := range t.Curve {
		if math.IsNaN(p.Loss) {
			fmt.Fprintf(&b, "%d,,%g\n", p.Step, p.valid(matched))
		} else {
			fmt.Fprintf(&b, "%d,%g,\n", p.Step, p.Loss)
		}
	}
	return []byte(b.String())
}
