package library

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/index"
	"github.com/chiasm/chiasm/metric"
)

const (
	describeBatch = 256 // files that are described together
	mostSeen      = 5   // words of a file
	leastSeen     = 0.5 // probability of a word
	usuallySeen   = 6   // of the concepts, how many a picture shows on average: what is true before it is looked at
)

// A Word is what a model saw in a file, and how likely that is there.
type Word struct {
	Word        string  `json:"word"`
	Probability float64 `json:"probability"`
}

// A describer finds words for pictures: of a fixed list, those that the model likely sees in them.
type describer struct {
	*Library
	model   Model
	space   Space
	index   *index.Index
	fits    chiasm.Relevance
	vectors []float32 // of the concepts, [len(concepts), D], once they are needed
}

// describer finds words for the files of a space. It is nil for a model that is not calibrated, since its cosines alone say only what is nearest.
func (l *Library) describer(ctx context.Context, m Model, s Space, x *index.Index) (*describer, error) {
	c, ok := calibrated(m)
	if !ok {
		return nil, nil
	}
	d := &describer{Library: l, model: m, space: s, index: x}
	if d.fits, ok = c.Relevance(Image); !ok {
		return nil, nil
	}
	return d, d.fresh(ctx, m.Space().String())
}

// all gives all files that have no words yet theirs.
func (d *describer) all(ctx context.Context) error {
	for {
		if more, err := d.some(ctx); err != nil || !more {
			return err
		}
	}
}

// some does so for a batch of them, and reports whether there were any.
func (d *describer) some(ctx context.Context) (were bool, err error) {
	if d == nil {
		return false, nil
	}
	var files []int64
	if err := each(ctx, d.db, func(scan func(...any) error) error {
		files = append(files, 0)
		return scan(&files[len(files)-1])
	}, "SELECT file FROM embedded WHERE space = ? AND NOT described LIMIT ?", d.space.id, describeBatch); err != nil || len(files) == 0 {
		return false, err
	}
	if d.vectors == nil {
		var names []string
		for _, c := range concepts {
			names = append(names, c.key())
		}
		out, err := d.model.EmbedQueries(ctx, names)
		if err != nil {
			return false, fmt.Errorf("words for pictures: %w", err)
		}
		for _, e := range out {
			d.vectors = append(d.vectors, e.Values...)
		}
	}
	return true, d.batch(ctx, files)
}

// fresh forgets what was said by another list, another calibration, or another reader of texts.
func (d *describer) fresh(ctx context.Context, reader string) error {
	said := fmt.Append(nil, conceptText, d.fits.Least(leastSeen), d.fits.Least(0.9), mostSeen, usuallySeen)
	if reader != d.space.Name {
		said = append(said, reader...)
	}
	sum := sha256.Sum256(said)
	name, want := fmt.Sprint("concepts of ", d.space.id), hex.EncodeToString(sum[:8])
	if had, err := d.fact(ctx, name); err != nil || had == want {
		return err
	}
	return d.change(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{"DELETE FROM seen WHERE space = ?", "UPDATE embedded SET described = 0 WHERE space = ?"} {
			if _, err := tx.ExecContext(ctx, statement, d.space.id); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO facts VALUES(?, ?)", name, want)
		return err
	})
}

// batch describes files.
func (d *describer) batch(ctx context.Context, files []int64) error {
	var of []int64 // the files of the pictures
	var pictures []float32
	if err := each(ctx, d.db, func(scan func(...any) error) error {
		var id uint64
		var file int64
		if err := scan(&id, &file); err != nil {
			return err
		}
		if v := d.index.Get(id); v != nil {
			of, pictures = append(of, file), append(pictures, v...)
		}
		return nil
	}, "SELECT id, file FROM pieces WHERE space = ? AND NOT sound AND file IN ("+marks(len(files))+") ORDER BY id", append([]any{d.space.id}, anys(files)...)...); err != nil {
		return err
	}
	best := map[int64][]float32{} // by file, of each concept its largest cosine
	if len(of) > 0 {
		scores := metric.Dots(pictures, d.vectors, d.space.Dimension, 0)
		rows := make([]float32, len(of)*len(concepts))
		scores.Rows(0, len(of), rows)
		for i, file := range of {
			row := rows[i*len(concepts):][:len(concepts)]
			if best[file] == nil {
				best[file] = row
			}
			for q, score := range row {
				best[file][q] = max(best[file][q], score)
			}
		}
	}
	statements := newStatements(d.db)
	defer statements.close()
	return d.change(ctx, func(tx *sql.Tx) error {
		w := statements.in(tx)
		for _, file := range files {
			if err := w.exec(ctx, "UPDATE embedded SET described = 1 WHERE file = ? AND space = ?", file, d.space.id); err != nil {
				return err
			}
			for _, word := range likely(best[file], d.fits) {
				if err := w.exec(ctx, "INSERT INTO seen VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET probability = excluded.probability", file, d.space.id, word.Word, word.Probability); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// likely is the concepts that are seen more likely than not, the likeliest first. The calibration is for texts of which every second one fits; of
// the concepts only a few do, which is taken into account by Bayes' rule.
func likely(cosines []float32, fits chiasm.Relevance) (out []Word) {
	prior := float64(usuallySeen) / float64(len(concepts)-usuallySeen)
	for q, cosine := range cosines {
		p := fits.Of(cosine)
		odds := p / max(1-p, 1e-12) * prior
		if p = odds / (1 + odds); p >= leastSeen && !math.IsNaN(p) {
			out = append(out, Word{concepts[q].key(), p})
		}
	}
	slices.SortStableFunc(out, func(a, b Word) int { return cmp.Compare(b.Probability, a.Probability) })
	return out[:min(len(out), mostSeen)]
}

// Words is what the model of the current space saw in a file, in a language of [Languages], the likeliest first.
func (l *Library) Words(ctx context.Context, id int64, language string) (out []Word, err error) {
	s, ok, err := l.Current(ctx)
	if err != nil || !ok {
		return nil, err
	}
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var w Word
		err := scan(&w.Word, &w.Probability)
		w.Word = named(w.Word, language)
		out = append(out, w)
		return err
	}, "SELECT word, probability FROM seen WHERE file = ? AND space = ? ORDER BY probability DESC, word", id, s.id); err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	return out, nil
}
