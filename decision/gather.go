package decision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/chiasm/chiasm/fusion"
)

// Seen is what was found in a table on the way to features.
type Seen struct {
	Rows     int      `json:"rows"`
	Columns  []Counts `json:"columns"`
	Bound    int      `json:"bound"`            // rows that share the content of a file with one of another group, and stay together with it
	First    string   `json:"first,omitempty"`  // the first two of them
	Leaks    int      `json:"leaks"`            // likewise across the table's own split: they would be learnt from and measured by
	Dropped  bool     `json:"dropped"`          // they were left out of learning
	Kept     int      `json:"cached"`           // features that were there already
	Made     int      `json:"encoded"`          // features that were computed
	Unknown  int      `json:"unlabelled"`       // rows without a label, which are left out
	Problems []string `json:"errors,omitempty"` // why files could not be read, the first of each column
}

// Counts is what a column holds.
type Counts struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Present int    `json:"present"` // rows that have it
	Missing int    `json:"missing"` // files that are not there
	Broken  int    `json:"broken"`  // files that could not be read
}

// many is "1 thing", or how many of them.
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// check finds what is wrong with the files of a table before any of them is read: where all is needed, a column that no row has, or none of
// whose files is there. Rows count as without files that are missing.
func (t *Table) check(seen *Seen, all bool) error {
	seen.Rows = len(t.Rows)
	for k, c := range t.Columns {
		n := Counts{Name: c.Name, Kind: c.Kind}
		first, named := "", 0
		for i := range t.Rows {
			cell := &t.Rows[i].Cells[k]
			if *cell == "" {
				continue
			}
			named++
			if !c.media() {
				n.Present++
				continue
			}
			info, err := os.Stat(*cell)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				if n.Missing++; first == "" {
					first = *cell
				}
				*cell = ""
			case err != nil:
				return fmt.Errorf("%s, column %q: %w", t.Rows[i].Key, c.Name, err)
			case !info.Mode().IsRegular():
				return fmt.Errorf("%s, column %q: %s is not a file", t.Rows[i].Key, c.Name, *cell)
			default:
				n.Present++
			}
		}
		switch {
		case !all && named == 0:
			seen.Problems = append(seen.Problems, fmt.Sprintf("no row has %q", c.Name))
		case !all:
		case named == 0:
			return fmt.Errorf("none of %d rows has %q: want some that do, or leave the column out", len(t.Rows), c.Name)
		case n.Present == 0:
			return fmt.Errorf("none of the %d files in column %q is there, as %s: paths begin at the folder of the table", n.Missing, c.Name, first)
		}
		if n.Missing > 0 {
			seen.Problems = append(seen.Problems, fmt.Sprintf("%d of %s in column %q not found, as %s: the rows count as without", n.Missing, many(named, "file"), c.Name, first))
		}
		seen.Columns = append(seen.Columns, n)
	}
	return nil
}

// gather makes features of all cells of a table, and finds which rows share a file.
// Where all is needed a column of which nothing can be read is an error.
func (e *encoder) gather(ctx context.Context, t *Table, seen *Seen, needed bool, progress func(done, of int)) (samples []fusion.Sample, contents [][]key, err error) {
	samples, contents = make([]fusion.Sample, len(t.Rows)), make([][]key, len(t.Rows))
	for i := range samples {
		samples[i].Features, contents[i] = make([][]float32, len(t.Columns)), make([]key, len(t.Columns))
		samples[i].Origins = slices.Repeat([]int32{int32(i)}, len(t.Columns))
	}
	done, all := 0, len(t.Rows)*len(t.Columns)
	for k, c := range t.Columns {
		if err := e.takes(c); err != nil {
			return nil, nil, err
		}
		g := gathering{encoder: e, column: c, at: k, table: t, counts: &seen.Columns[k], seen: seen, rows: map[key][]int{}, bad: map[key]bool{}}
		for i, r := range t.Rows {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			if progress != nil {
				progress(done, all)
			}
			done++
			if r.Cells[k] == "" {
				continue
			}
			content, err := c.content(r.Cells[k])
			if err != nil {
				return nil, nil, fmt.Errorf("decision: %s, column %q: %w", r.Key, c.Name, err)
			}
			contents[i][k] = content
			if err := g.add(ctx, content, i, samples); err != nil {
				return nil, nil, err
			}
		}
		if err := g.flush(ctx, samples); err != nil {
			return nil, nil, err
		}
		if needed && g.counts.Present == 0 {
			return nil, nil, fmt.Errorf("decision: none of the %d files in column %q can be read: %s", g.counts.Broken, c.Name, g.first)
		}
		if g.counts.Broken > 0 {
			seen.Problems = append(seen.Problems, fmt.Sprintf("%s in column %q cannot be read, and the rows count as without: %s", many(g.counts.Broken, "file"), c.Name, g.first))
		}
	}
	return samples, contents, nil
}

// A gathering makes the features of a column, each content's once.
type gathering struct {
	*encoder
	column Column
	at     int
	table  *Table
	counts *Counts
	seen   *Seen
	rows   map[key][]int // that have a content
	bad    map[key]bool  // contents that cannot be read
	wait   []key         // contents that are to be encoded
	cells  []string
	first  string // what was wrong with the first that is broken
}

// add gives a row the features of its content, or has it wait for them.
func (g *gathering) add(ctx context.Context, content key, row int, samples []fusion.Sample) error {
	before := g.rows[content]
	g.rows[content] = append(before, row)
	if g.bad[content] {
		g.counts.Present--
		g.counts.Broken++
		return nil
	}
	if len(before) > 0 {
		samples[row].Features[g.at] = samples[before[0]].Features[g.at] // nil while it waits
		return nil
	}
	if g.column.media() || g.column.Kind == Text {
		if x := g.cache.get(g.keyed(g.column, content), g.width(g.column), g.most(g.column)); x != nil {
			samples[row].Features[g.at] = x
			g.seen.Kept++
			return nil
		}
	}
	g.wait, g.cells = append(g.wait, content), append(g.cells, g.table.Rows[row].Cells[g.at])
	if len(g.wait) == batch {
		return g.flush(ctx, samples)
	}
	return nil
}

// flush encodes what waits.
func (g *gathering) flush(ctx context.Context, samples []fusion.Sample) error {
	parts, errs := g.readAll(ctx, g.column, g.cells)
	n := 0
	for i, err := range errs {
		rows := g.rows[g.wait[i]]
		switch {
		case err == nil:
			g.wait[n], parts[n] = g.wait[i], parts[i]
			n++
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			if g.first == "" {
				g.first = err.Error()
			}
			g.bad[g.wait[i]] = true
			g.counts.Present -= len(rows)
			g.counts.Broken += len(rows)
		}
	}
	features, err := g.encode(ctx, g.column, parts[:n])
	if err != nil {
		return fmt.Errorf("decision: column %q: %w", g.column.Name, err)
	}
	for i, x := range features {
		for _, row := range g.rows[g.wait[i]] {
			samples[row].Features[g.at] = x
		}
		if g.column.Kind != Number {
			g.seen.Made++
			if err := g.cache.put(g.keyed(g.column, g.wait[i]), x); err != nil {
				return err
			}
		}
	}
	g.wait, g.cells = g.wait[:0], g.cells[:0]
	return nil
}
