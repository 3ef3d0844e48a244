package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/decision"
	"github.com/chiasm/chiasm/fusion"
	"github.com/chiasm/chiasm/library"
	"github.com/chiasm/chiasm/metric"
)

// learners are the matching models that put hits in order, by the features that they see.
var learners = map[string][]string{decision.Vectors: {"lmf", "gmu"}, decision.Tokens: {"joint", "coattention", "mbt"}}

// tries is how many seeds each has, steps for how long each learns.
const tries, steps = 3, 160

// written are the languages of the names that they learn from.
var written = strings.Fields("en de es fr")

// An asked is a name, and the pictures that are called so; of a picture with a twin that too.
type asked struct {
	name  string
	right []string
	twin  string
}

// A ranked is at which place each query finds the first right picture, from 1, past the first hundred for none; how often that comes before its twin, which is
// behind all where neither is among them; and the median of how long a search takes.
type ranked struct {
	places []int
	before []float64
	ms     float64
}

// rerank teaches matching models and searches a library of other pictures, of other concepts, without them and in their order. Of the set names
// pictures are stamps, searched by what they are called; of twins they show two, searched by how these stand to each other. Files are called by numbers, so
// that only what they show is found.
func rerank(ctx context.Context, dir, set, features string) error {
	learners := learners[features]
	if learners == nil || set != "names" && set != "twins" {
		return fmt.Errorf("set %q, features %q: want names or twins, and vectors or tokens", set, features)
	}
	packages := filepath.Join(dir, "packages")
	dir = filepath.Join(dir, "rerank", set)
	root, err := stamps.Unpack(packages)
	if err != nil {
		return err
	}
	list, err := findStamps(filepath.Join(root, "usr/share/tuxpaint/stamps"))
	if err != nil {
		return err
	}
	model, err := chiasm.Open(ctx, chiasm.Shipped, nil)
	if err != nil {
		return err
	}
	defer model.Close()
	var queries []asked
	if set == "names" {
		queries, err = writePairs(dir, list)
	} else {
		queries, err = writeTwins(ctx, dir, model, list)
	}
	if err != nil {
		return err
	}
	table, err := decision.OpenTable(filepath.Join(dir, "pairs.csv"), &decision.Options{Image: []string{"picture"}, Text: []string{"text"}, Unlabelled: true})
	if err != nil {
		return err
	}
	lib, err := library.Open(filepath.Join(dir, "library"), library.Options{})
	if err != nil {
		return err
	}
	defer lib.Close()
	if _, err := lib.Index(ctx, model, library.IndexOptions{Paths: []string{filepath.Join(dir, "pictures")}, NoThumbs: true}); err != nil {
		return err
	}
	fmt.Printf("| order | R@1 | 95 %% | more than similarity | R@5 | MRR | more than similarity | before the twin | best step | ms per search |\n|---|---|---|---|---|---|---|---|---|---|\n")
	plain, err := ranks(ctx, lib, model, queries, nil)
	if err != nil {
		return err
	}
	report("similarity", plain, plain, "")
	for i := range tries * len(learners) {
		method, seed := learners[i/tries], uint64(i%tries)
		out := filepath.Join(dir, method)
		open := func(ctx context.Context) (*chiasm.Model, error) { return chiasm.Open(ctx, chiasm.Shipped, nil) }
		t := decision.Training{Study: decision.Study{Table: table, Task: "match", Features: []string{features}, Open: open, Cache: filepath.Join(dir, "cache"), Seed: seed}, Method: method,
			Learning: fusion.Training{Steps: steps, EvaluateEvery: steps / 5}, Output: out, Overwrite: true}
		begin := time.Now()
		taught, err := t.Run(ctx)
		if err != nil {
			return err
		}
		ranker, err := decision.Open(ctx, out, &decision.OpenOptions{Encoder: model, Cache: filepath.Join(dir, "cache")})
		if err != nil {
			return err
		}
		say("%s: right about %s of pairs and wrong pairs of the concepts to test on, after %.0f s", method, taught.Report.All.Main(), time.Since(begin).Seconds())
		got, err := ranks(ctx, lib, model, queries, ranker)
		if err != nil {
			return err
		}
		report(fmt.Sprintf("`%s` on %s, seed %d", method, features, seed), got, plain, fmt.Sprint(taught.Best))
	}
	return nil
}

// writePairs writes pairs.csv, of pictures and names in some languages, and the pictures to find; the queries are their English names.
func writePairs(dir string, list []*stamp) ([]asked, error) {
	pictures := filepath.Join(dir, "pictures")
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		return nil, err
	}
	rows, queries, at := [][]string{{"picture", "text", "split", "group"}}, []asked{}, map[string]int{}
	for i, t := range list {
		side := [...]string{"train", "valid", "test"}[sideOf(t.concept)]
		path, err := filepath.Rel(dir, t.path+".png")
		if err != nil {
			return nil, err
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
			return nil, err
		}
		file := filepath.Join(pictures, fmt.Sprintf("%04d.png", i))
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return nil, err
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
		return nil, err
	}
	defer f.Close()
	if err := csv.NewWriter(f).WriteAll(rows); err != nil {
		return nil, err
	}
	say("%d pairs, %d names to search by", len(rows)-1, len(queries))
	return queries, nil
}

// ranks asks all queries.
func ranks(ctx context.Context, lib *library.Library, model *chiasm.Model, queries []asked, by library.Ranker) (*ranked, error) {
	out, took := &ranked{}, make([]float64, 0, len(queries))
	for _, q := range queries {
		begin := time.Now()
		r, err := lib.Search(ctx, model, library.Query{Terms: []library.Term{{Text: q.name, Weight: 1}}, Limit: library.Reranked, NoWords: true, Ranker: by})
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin).Seconds()*1000)
		place := func(paths ...string) int {
			at := slices.IndexFunc(r.Hits, func(h library.Hit) bool { return slices.Contains(paths, h.Path) })
			if at < 0 {
				return library.Reranked + 1
			}
			return at + 1
		}
		out.places = append(out.places, place(q.right...))
		if q.twin != "" {
			won := 0.0
			if place(q.right...) < place(q.twin) {
				won = 1
			}
			out.before = append(out.before, won)
		}
	}
	slices.Sort(took)
	out.ms = took[len(took)/2]
	return out, nil
}

// report is a line of the table. What an order adds is by the same queries, with an interval of 95 % by a bootstrap over them.
func report(name string, got, plain *ranked, best string) {
	all, in := metric.Summarize(got.places), metric.Bootstrap{}.Ranking(got.places)
	first := func(place int) float64 { return float64(1 / place) }
	reciprocal := func(place int) float64 { return 1 / float64(place) }
	before := ""
	if n := float64(len(got.before)); n > 0 {
		sum, interval := 0.0, metric.Bootstrap{}.Mean(got.before)
		for _, v := range got.before {
			sum += v
		}
		before = fmt.Sprintf("%.1f (%.1f to %.1f)", 100*sum/n, 100*interval.Low, 100*interval.High)
	}
	fmt.Printf("| %s | %.1f | %.1f to %.1f | %s | %.1f | %.1f | %s | %s | %s | %.1f |\n", name, 100*all.R1, 100*in.R1.Low, 100*in.R1.High, more(got.places, plain.places, first),
		100*all.R5, 100*all.MRR, more(got.places, plain.places, reciprocal), before, best, got.ms)
}

// more is by how many points the mean of what places are worth is above that of others, and its interval.
func more(places, plain []int, worth func(int) float64) string {
	differences := make([]float64, len(places))
	for i := range places {
		differences[i] = 100 * (worth(places[i]) - worth(plain[i]))
	}
	mean, interval := 0.0, metric.Bootstrap{}.Mean(differences)
	for _, d := range differences {
		mean += d / float64(len(differences))
	}
	return fmt.Sprintf("%+.1f (%+.1f to %+.1f)", mean, interval.Low, interval.High)
}
