package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/library"
	"github.com/chiasm/chiasm/metric"
)

// learners are the matching models that put hits in order.
var learners = []string{"lmf", "concat"}

// written are the languages of the names that they learn from.
var written = strings.Fields("en de es fr")

// An asked is a name, and the pictures that are called so.
type asked struct {
	name  string
	right []string
}

// rerank teaches matching models on stamps and their names, and searches a library of other stamps, of other concepts, by name: without them,
// in their order, and in that of both. Files are called by numbers, so that only what they show is found.
func rerank(ctx context.Context, dir string) error {
	dir = filepath.Join(dir, "rerank")
	root, err := stamps.Unpack(filepath.Join(filepath.Dir(dir), "packages"))
	if err != nil {
		return err
	}
	list, err := findStamps(filepath.Join(root, "usr/share/tuxpaint/stamps"))
	if err != nil {
		return err
	}
	table, queries, err := writePairs(dir, list)
	if err != nil {
		return err
	}
	model, err := chiasm.Open(ctx, chiasm.Shipped, nil)
	if err != nil {
		return err
	}
	defer model.Close()
	lib, err := library.Open(filepath.Join(dir, "library"), library.Options{})
	if err != nil {
		return err
	}
	defer lib.Close()
	if _, err := lib.Index(ctx, model, library.IndexOptions{Paths: []string{filepath.Join(dir, "pictures")}, NoThumbs: true}); err != nil {
		return err
	}
	fmt.Printf("| order | R@1 | 95 %% | R@5 | 95 %% |\n|---|---|---|---|---|\n")
	plain, err := ranks(ctx, lib, model, queries, nil)
	if err != nil {
		return err
	}
	report("similarity", plain)
	for _, method := range learners {
		out := filepath.Join(dir, method)
		open := func(ctx context.Context) (*chiasm.Model, error) { return chiasm.Open(ctx, chiasm.Shipped, nil) }
		t := decision.Training{Study: decision.Study{Table: table, Task: "match", Open: open, Cache: filepath.Join(dir, "cache")}, Method: method,
			Learning: fusion.Training{Steps: 500}, Output: out, Overwrite: true}
		taught, err := t.Run(ctx)
		if err != nil {
			return err
		}
		ranker, err := decision.Open(ctx, out, &decision.OpenOptions{Encoder: model, Cache: filepath.Join(dir, "cache")})
		if err != nil {
			return err
		}
		say("%s: right about %s of pairs and wrong pairs of the concepts to test on", method, taught.Report.All.Main())
		for name, r := range map[string]library.Ranker{"`" + method + "`": ranker, "`" + method + "` and similarity": both{ranker}} {
			got, err := ranks(ctx, lib, model, queries, r)
			if err != nil {
				return err
			}
			report(name, got)
		}
	}
	return nil
}

// both is a ranker that joins its order with that of the hits as they came, by reciprocal ranks.
type both struct{ library.Ranker }

func (b both) Rank(ctx context.Context, text string, paths []string) ([]float64, error) {
	scores, err := b.Ranker.Rank(ctx, text, paths)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(scores[j], scores[i]) })
	for place, i := range order {
		if scores[i] >= 0 {
			scores[i] = 1/float64(60+place) + 1/float64(60+i)
		}
	}
	return scores, nil
}

// writePairs writes pairs.csv, of pictures and names in some languages, and the pictures to find; the queries are their English names.
func writePairs(dir string, list []*stamp) (*decision.Table, []asked, error) {
	pictures := filepath.Join(dir, "pictures")
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		return nil, nil, err
	}
	rows, queries, at := [][]string{{"picture", "name", "split", "group"}}, []asked{}, map[string]int{}
	for i, t := range list {
		side := [...]string{"train", "valid", "test"}[sideOf(t.concept)]
		path, err := filepath.Rel(dir, t.path+".png")
		if err != nil {
			return nil, nil, err
		}
		seen := map[string]bool{}
		for _, language := range written {
			names := t.names[language]
			if len(names) == 0 {
				continue
			}
			if name := strings.TrimSpace(names[0]); name != "" && !seen[name] {
				seen[name] = true
				rows = append(rows, []string{path, name, side, t.concept})
			}
		}
		if side != "test" {
			continue
		}
		data, err := os.ReadFile(t.path + ".png")
		if err != nil {
			return nil, nil, err
		}
		file := filepath.Join(pictures, fmt.Sprintf("%04d.png", i))
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return nil, nil, err
		}
		name := t.names["en"][0]
		if _, ok := at[name]; !ok {
			at[name] = len(queries)
			queries = append(queries, asked{name: name})
		}
		q := &queries[at[name]]
		q.right = append(q.right, file)
	}
	slices.SortFunc(rows[1:], slices.Compare[[]string])
	f, err := os.Create(filepath.Join(dir, "pairs.csv"))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if err := csv.NewWriter(f).WriteAll(rows); err != nil {
		return nil, nil, err
	}
	say("%d pairs, %d names to search by", len(rows)-1, len(queries))
	table, err := decision.OpenTable(f.Name(), &decision.Options{Image: []string{"picture"}, Text: []string{"name"}, Unlabelled: true})
	return table, queries, err
}

// ranks is at which place each query finds the first right picture, from 1; past the first hundred
// for none.
func ranks(ctx context.Context, lib *library.Library, model *chiasm.Model, queries []asked, by library.Ranker) (places []int, err error) {
	for _, q := range queries {
		r, err := lib.Search(ctx, model, library.Query{Terms: []library.Term{{Text: q.name, Weight: 1}}, Limit: library.Reranked, NoWords: true, Ranker: by})
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(r.Hits, func(h library.Hit) bool { return slices.Contains(q.right, h.Path) })
		if at < 0 {
			at = library.Reranked
		}
		places = append(places, at+1)
	}
	return places, nil
}

// report is a line of the table.
func report(name string, places []int) {
	all, in := metric.Summarize(places), metric.Bootstrap{}.Ranking(places)
	fmt.Printf("| %s | %.1f | %.1f to %.1f | %.1f | %.1f to %.1f |\n", name, 100*all.R1, 100*in.R1.Low, 100*in.R1.High, 100*all.R5, 100*in.R5.Low, 100*in.R5.High)
}
