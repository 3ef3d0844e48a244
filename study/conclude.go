package study

import (
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"path/filepath"
	"strings"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/internal/whole"
	"github.com/chiasm/chiasm/metric"
)

// conclude opens the model as anybody would, measures it, and writes the card, the curves and the report.
func (t *Training) conclude(ctx context.Context, taught *Taught, x *Material) error {
	if len(x.check) > 0 {
		m, err := chiasm.Open(ctx, t.Recipe.Output, &chiasm.Options{Offline: true, Workers: t.Recipe.Learning.Threads})
		if err != nil {
			return err
		}
		defer m.Close()
		for i, set := range x.check {
			e := t.evaluation()
			e.Progress = func(done, of int) { t.stage("measuring", done, of) }
			f, err := Evaluate(ctx, m, set, e)
			if err != nil {
				return err
			}
			f.Data = x.Validation[i].Name
			taught.After = append(taught.After, f)
		}
	}
	return t.report(taught)
}

// report writes what there is to read of a training.
func (t *Training) report(taught *Taught) error {
	taught.Report = t.work("report.html")
	pictures, err := drawings(taught.Curve)
	if err != nil {
		return err
	}
	for _, p := range pictures {
		if err := writeFile(t.work(p.Name), p.PNG); err != nil {
			return err
		}
	}
	page, err := t.page(taught, pictures)
	if err != nil {
		return err
	}
	if err := writeFile(taught.Report, page); err != nil {
		return err
	}
	if err := writeFile(t.work("result.json"), whole.JSON(taught)); err != nil {
		return err
	}
	return writeFile(filepath.Join(t.Recipe.Output, "README.md"), []byte(t.card(taught)))
}

//go:embed report.html
var reportPage string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"share": func(v float64, i metric.Interval) string {
		return fmt.Sprintf("%.1f (%.1f–%.1f)", 100*v, 100*i.Low, 100*i.High)
	},
	"percent": func(v *float64) string {
		if v == nil {
			return ""
		}
		return fmt.Sprintf("%.1f", 100**v)
	},
	"texts": countTexts,
}).Parse(reportPage))

// page is the report, one file that needs no other.
func (t *Training) page(taught *Taught, pictures []drawing) ([]byte, error) {
	type inline struct {
		Title string
		Data  template.URL
	}
	view := struct {
		*Taught
		Name, Recipe string
		Pictures     []inline
	}{taught, t.name(), string(t.Recipe.YAML()), nil}
	for _, p := range pictures {
		view.Pictures = append(view.Pictures, inline{p.Title, template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(p.PNG))})
	}
	var out strings.Builder
	if err := reportTemplate.Execute(&out, view); err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	return []byte(out.String()), nil
}

// name is what the model is called.
func (t *Training) name() string {
	if t.Recipe.Name != "" {
		return t.Recipe.Name
	}
	return filepath.Base(filepath.Clean(t.Recipe.Output))
}

// countTexts says how many texts there are, by language.
func countTexts(texts map[string]int) string {
	total, list := 0, []string{}
	for _, language := range sortedKeys(texts) {
		total += texts[language]
		if language != "" {
			list = append(list, fmt.Sprintf("%s %d", language, texts[language]))
		}
	}
	if len(list) == 0 {
		return fmt.Sprint(total)
	}
	return fmt.Sprintf("%d (%s)", total, strings.Join(list, ", "))
}
