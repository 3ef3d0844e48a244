package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/index"
)

// The states of a space.
const (
	Building = "building" // not every file has its vectors yet
	Current  = "current"  // search answers from it
	Old      = "old"      // another one took its place
)

// A Space is what the vectors of models belong to that make the same ones of pictures and of sounds, however they read texts.
type Space struct {
	Name      string `json:"name"`           // as [chiasm.Space] writes that of the model that was first
	Model     string `json:"model"`          // by which the latest one is opened
	Text      string `json:"text,omitempty"` // likewise of another model that reads the texts
	Dimension int    `json:"dimension"`
	State     string `json:"state"`
	Files     int    `json:"files,omitempty"` // that have their vectors, where they were counted

	id           int64
	image, audio string // fingerprints of what makes the vectors, both "" where an earlier version of the catalogue did not note them
}

// spaces lists all, the current one first, without counting their files.
func (l *Library) spaces(ctx context.Context) (out []Space, err error) {
	err = each(ctx, l.db, func(scan func(...any) error) error {
		var s Space
		defer func() { out = append(out, s) }()
		return scan(&s.id, &s.Name, &s.Model, &s.Text, &s.Dimension, &s.State, &s.image, &s.audio)
	}, "SELECT id, name, model, text, dimension, state, image, audio FROM spaces ORDER BY state <> 'current', state <> 'building', id")
	return out, err
}

// Spaces lists the spaces of the library's vectors, the current one first.
func (l *Library) Spaces(ctx context.Context) ([]Space, error) {
	out, err := l.spaces(ctx)
	for i := range out {
		if err == nil {
			err = l.db.QueryRowContext(ctx, "SELECT count(*) FROM embedded WHERE space = ?", out[i].id).Scan(&out[i].Files)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("library: %w", err)
	}
	return out, nil
}

// Current is the space that search answers from: the one that is current, or while there is none the one that is being built.
func (l *Library) Current(ctx context.Context) (s Space, ok bool, err error) {
	all, err := l.spaces(ctx)
	if err != nil {
		return Space{}, false, fmt.Errorf("library: %w", err)
	}
	if len(all) == 0 || all[0].State == Old {
		return Space{}, false, nil
	}
	return all[0], true, nil
}

// fits reports whether the vectors of a space are those that a model makes. Of a space without fingerprints only its name tells.
func (s *Space) fits(m Model) bool {
	if s.image == "" && s.audio == "" {
		return s.Name == m.Space().String()
	}
	return s.Dimension == m.Space().Dimension && s.image == m.Fingerprint(Image) && s.audio == m.Fingerprint(Audio)
}

// spaceOf is the space of a model, if the library has it: of several the current one.
func (l *Library) spaceOf(ctx context.Context, m Model) (s Space, ok bool, err error) {
	all, err := l.spaces(ctx)
	i := slices.IndexFunc(all, func(s Space) bool { return s.fits(m) })
	if err != nil || i < 0 {
		return Space{}, false, err
	}
	return all[i], true, nil
}

// ensureSpace is the space of a model, made if it is new.
func (l *Library) ensureSpace(ctx context.Context, m Model) (Space, error) {
	s, ok, err := l.spaceOf(ctx, m)
	if err != nil {
		return s, err
	}
	was := s
	if s.State == Old || !ok { // an old one has missed changes: it is completed again before it answers
		s.State = Building
	}
	s.Model, s.image, s.audio = lasting(m.Name()), m.Fingerprint(Image), m.Fingerprint(Audio)
	s.Text = m.Space().Text
	if at := strings.LastIndexByte(s.Text, '@'); at > 0 {
		s.Text = s.Text[:at]
	}
	if s == was {
		return s, nil
	}
	if ok {
		_, err = l.db.ExecContext(ctx, "UPDATE spaces SET model = ?, text = ?, state = ?, image = ?, audio = ? WHERE id = ?", s.Model, s.Text, s.State, s.image, s.audio, s.id)
		return s, err
	}
	s.Dimension = m.Space().Dimension
	if s.Name, err = l.newName(ctx, m.Space().String()); err != nil {
		return s, err
	}
	made, err := l.db.ExecContext(ctx, "INSERT INTO spaces(name, model, text, dimension, state, image, audio) VALUES(?, ?, ?, ?, ?, ?, ?)",
		s.Name, s.Model, s.Text, s.Dimension, s.State, s.image, s.audio)
	if err == nil {
		s.id, err = made.LastInsertId()
	}
	return s, err
}

// newName is a name that no space has: two models whose files agree in the samples by which revisions are told apart need not make the same vectors.
func (l *Library) newName(ctx context.Context, name string) (string, error) {
	all, err := l.spaces(ctx)
	for n, free := 2, name; ; n++ {
		if !slices.ContainsFunc(all, func(s Space) bool { return s.Name == free }) {
			return free, err
		}
		free = fmt.Sprintf("%s#%d", name, n)
	}
}

// lasting is the name of a model that also counts in another folder.
func lasting(name string) string {
	if _, err := os.Stat(name); err != nil || name == chiasm.Shipped {
		return name
	}
	if absolute, err := filepath.Abs(name); err == nil {
		return absolute
	}
	return name
}

// folder is where the vectors of a space lie.
func (l *Library) folder(s Space) string {
	return filepath.Join(l.dir, "vectors", strconv.FormatInt(s.id, 10))
}

// vectors is the index of a space, opened. One that is read beside a writer is brought up to date.
func (l *Library) vectors(ctx context.Context, s Space) (*index.Index, error) {
	generation, err := l.generation(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.indexes[s.id]; x != nil {
		if !l.opts.ReadOnly || l.seen[s.id] == generation {
			return x, nil
		}
		if err := refresh(x); err != nil {
			return nil, err
		}
		l.seen[s.id] = generation
		return x, nil
	}
	x, err := index.Open(l.folder(s), index.Options{
		Dimension: s.Dimension, Space: s.Name, ReadOnly: l.opts.ReadOnly, SegmentBytes: l.opts.SegmentBytes, FS: l.opts.FS})
	if errors.Is(err, index.ErrDamaged) {
		err = fmt.Errorf("%w: repair the library, then index again", err)
	}
	if err != nil {
		return nil, err
	}
	if l.opts.ReadOnly && len(x.Damages()) > 0 {
		if err := refresh(x); err != nil {
			return nil, errors.Join(err, x.Close())
		}
	}
	l.indexes[s.id], l.seen[s.id] = x, generation
	return x, nil
}

// refresh reads what another process has written. Its compaction may take a segment away meanwhile, which looks like damage the first time.
func refresh(x *index.Index) error {
	err := x.Refresh()
	if err == nil && len(x.Damages()) > 0 {
		err = x.Refresh()
	}
	return err
}

// reset makes the vectors of a space be opened anew: after a failure of the disk nothing is written to them any more.
func (l *Library) reset(s Space) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.indexes[s.id]; x != nil {
		_ = x.Close() // what it would complain of is known
		delete(l.indexes, s.id)
	}
}

// complete makes the space of a model the current one if no file lacks its vectors.
func (l *Library) complete(ctx context.Context, s Space, kinds []string) (switched bool, err error) {
	if s.State == Current {
		return false, nil
	}
	err = l.change(ctx, func(tx *sql.Tx) error {
		var pending int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM files WHERE kind IN ("+marks(len(kinds))+`) AND error IS NULL AND
			NOT EXISTS (SELECT 1 FROM embedded WHERE file = files.id AND space = ?)`, append(anys(kinds), s.id)...).Scan(&pending); err != nil || pending > 0 {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE spaces SET state = ? WHERE state = ?", Old, Current); err != nil {
			return err
		}
		switched = true
		_, err := tx.ExecContext(ctx, "UPDATE spaces SET state = ? WHERE id = ?", Current, s.id)
		return err
	})
	return switched && err == nil, err
}

// DropSpace gives back the room of a space by its name. The current one is refused.
func (l *Library) DropSpace(ctx context.Context, name string) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	all, err := l.Spaces(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(s Space) bool { return s.Name == name })
	switch {
	case i < 0:
		return fmt.Errorf("library: there is no space %q: want one of %s", name, names(all))
	case all[i].State == Current:
		return fmt.Errorf("library: search answers from the space %q: want another one to be complete first", name)
	}
	s := all[i]
	if err := l.change(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{"DELETE FROM pieces WHERE space = ?", "DELETE FROM embedded WHERE space = ?", "DELETE FROM seen WHERE space = ?", "DELETE FROM columns WHERE id >> 32 = 256 + ?", "DELETE FROM spaces WHERE id = ?"} {
			if _, err := tx.ExecContext(ctx, statement, s.id); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	l.reset(s)
	return os.RemoveAll(l.folder(s))
}

func names(all []Space) string {
	var out []string
	for _, s := range all {
		out = append(out, s.Name)
	}
	return strings.Join(out, ", ")
}

// marks is n question marks.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func anys[T any](list []T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v
	}
	return out
}

// dropOrphans takes vectors away that the catalogue does not name, and returns which.
func (l *Library) dropOrphans(ctx context.Context, s Space) ([]uint64, error) {
	x, err := l.vectors(ctx, s)
	if err != nil {
		return nil, err
	}
	known, err := l.piecesOf(ctx, s)
	if err != nil {
		return nil, err
	}
	var orphans []uint64
	x.Each(func(id uint64, _ []float32) bool {
		if !known[id] {
			orphans = append(orphans, id)
		}
		return true
	})
	if len(orphans) > 0 {
		err = x.Delete(orphans...)
	}
	return orphans, err
}

// piecesOf is the ids of all pieces of a space.
func (l *Library) piecesOf(ctx context.Context, s Space) (map[uint64]bool, error) {
	known := map[uint64]bool{}
	err := each(ctx, l.db, func(scan func(...any) error) error {
		var id uint64
		err := scan(&id)
		known[id] = true
		return err
	}, "SELECT id FROM pieces WHERE space = ?", s.id)
	return known, err
}
