package library

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// commit writes what became of files: first the vectors, then the catalogue that names them.
func (run *ingest) commit(ctx context.Context, jobs []*job) error {
	var ids []uint64
	var vectors []float32
	first := map[*job]int64{}
	for _, j := range jobs {
		if j.err != nil || j.done {
			continue
		}
		first[j] = run.next
		for _, v := range j.vectors {
			ids, vectors = append(ids, uint64(run.next)), append(vectors, v...)
			run.next++
		}
	}
	if len(ids) > 0 {
		if err := run.index.Add(ids, vectors); err != nil {
			return err
		}
	}
	old := map[int64][]uint64{}
	var s Summary
	if err := run.change(ctx, func(tx *sql.Tx) error {
		w := run.statements.in(tx)
		for _, j := range jobs {
			if err := run.put(ctx, w, j, first[j], old, &s); err != nil {
				return fmt.Errorf("%s: %w", j.path, err)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	spaces, err := run.spaces(ctx)
	if err == nil {
		err = run.deleteVectors(ctx, spaces, old)
	}
	run.count(func(all *Summary) {
		all.Added += s.Added
		all.Changed += s.Changed
		all.Moved += s.Moved
		all.Unchanged += s.Unchanged
		all.Failed += s.Failed
		all.Damaged += s.Damaged
		all.Embedded += s.Embedded
	})
	run.tell(func(p *Progress) {
		p.Done += len(jobs)
		p.Failed += s.Failed
		p.Path = jobs[len(jobs)-1].path
	})
	return err
}

// put writes one file into the catalogue.
func (run *ingest) put(ctx context.Context, w *within, j *job, first int64, old map[int64][]uint64, s *Summary) error {
	fresh := j.file == 0
	if err := run.row(ctx, w, j, s); err != nil {
		return err
	}
	run.mu.Lock()
	run.seen[j.file] = true
	if !j.done || j.retold {
		run.told[j.file] = j.retold
	}
	run.mu.Unlock()
	if j.done {
		return nil
	}
	if !fresh { // else nothing was made of it
		if err := run.outdate(ctx, w, j, old); err != nil {
			return err
		}
	}
	if j.err != nil {
		s.Failed++
		return nil
	}
	if j.damage != nil {
		s.Damaged++
		if err := w.exec(ctx, "INSERT OR REPLACE INTO damages VALUES(?, ?)", j.hash, blame(j.path, j.damage)); err != nil {
			return err
		}
	}
	for i, t := range j.times {
		var start, end any
		if j.kind != Image {
			start, end = t[0], t[1]
		}
		if err := w.exec(ctx, "INSERT INTO pieces(id, file, space, sound, start, stop) VALUES(?, ?, ?, ?, ?, ?)", first+int64(i), j.file, run.space.id, j.heard[i], start, end); err != nil {
			return err
		}
	}
	if j.count > 0 {
		s.Embedded++
	}
	if !run.kinds[j.kind] {
		return nil // a model that takes it may come
	}
	return w.exec(ctx, "INSERT OR REPLACE INTO embedded(file, space) VALUES(?, ?)", j.file, run.space.id)
}

// outdate forgets what was made of a file, and adds its vectors to old. Another space keeps what it has until it is looked at again, so that search
// goes on there; a file that cannot be read any more loses all.
func (run *ingest) outdate(ctx context.Context, w *within, j *job, old map[int64][]uint64) error {
	spaces := "= ?"
	if j.err != nil && !j.known {
		spaces = ">= 0 * ?"
	}
	if err := each(ctx, w, func(scan func(...any) error) error {
		var space int64
		var id uint64
		err := scan(&space, &id)
		old[space] = append(old[space], id)
		return err
	}, "SELECT space, id FROM pieces WHERE file = ? AND space "+spaces, j.file, run.space.id); err != nil {
		return err
	}
	for _, table := range []string{"pieces", "seen"} {
		if err := w.exec(ctx, "DELETE FROM "+table+" WHERE file = ? AND space "+spaces, j.file, run.space.id); err != nil {
			return err
		}
	}
	if j.known {
		return nil
	}
	return w.exec(ctx, "DELETE FROM embedded WHERE file = ?", j.file)
}

// row writes what a file is.
func (run *ingest) row(ctx context.Context, w *within, j *job, s *Summary) (err error) {
	var failed any
	if j.err != nil {
		failed = blame(j.path, j.err)
	}
	fresh := j.file == 0
	switch {
	case fresh:
		if j.err == nil {
			s.Added++
		}
	case j.moved:
		s.Moved++
		if err := w.exec(ctx, "UPDATE files SET root = ?, path = ? WHERE id = ?", j.root.id, []byte(j.path), j.file); err != nil {
			return err
		}
	case !j.known && j.err == nil:
		s.Changed++
	}
	if j.known && j.err != nil { // what is known of it stays
		return w.exec(ctx, "UPDATE files SET error = ? WHERE id = ?", failed, j.file)
	}
	var taken, lat, lon any
	m := &j.meta
	if !m.Taken.IsZero() {
		taken = m.Taken.Unix()
	}
	if m.Located {
		lat, lon = m.Lat, m.Lon
	}
	if j.done && j.retold {
		if !j.again {
			s.Changed++
		}
		if err := w.exec(ctx, "UPDATE files SET size = ?, modified = ?, taken = ?, camera = ?, lat = ?, lon = ?, place = ? WHERE id = ?",
			j.size, j.modified, taken, none(m.Camera), lat, lon, none(m.Place), j.file); err != nil {
			return err
		}
		return say(ctx, w, j, false)
	}
	if j.done {
		if !j.moved { // it was only touched
			s.Unchanged++
		}
		if err := w.exec(ctx, "UPDATE files SET size = ?, modified = ?, error = NULL WHERE id = ?", j.size, j.modified, j.file); err != nil {
			return err
		}
		return w.exec(ctx, "UPDATE words SET name = ?, folder = ? WHERE rowid = ?", separate(filepath.Base(j.path)), separate(folderWords(j.root.Path, j.path)), j.file)
	}
	kind := j.kind
	if kind == "" {
		kind = byExtension(j.path)
	}
	columns := []any{j.size, j.modified, j.hash, kind, failed, none(m.Width), none(m.Height), none(m.Duration), taken, none(m.Camera), lat, lon, none(m.Place)}
	if !fresh {
		if err := w.exec(ctx, `UPDATE files SET size = ?, modified = ?, hash = ?, kind = ?, error = ?, width = ?, height = ?, duration = ?, taken = ?, camera = ?,
			lat = ?, lon = ?, place = ? WHERE id = ?`, append(columns, j.file)...); err != nil {
			return err
		}
	} else if j.file, err = w.insert(ctx, `INSERT INTO files(size, modified, hash, kind, error, width, height, duration, taken, camera, lat, lon, place, root, path)
		VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, append(columns, j.root.id, []byte(j.path))...); err != nil {
		return err
	}
	return say(ctx, w, j, fresh)
}

// say writes the tags that a file names, and the words by which it is found.
func say(ctx context.Context, w *within, j *job, fresh bool) (err error) {
	if !fresh {
		if err := w.exec(ctx, "DELETE FROM tags WHERE file = ? AND source = 'file'", j.file); err != nil {
			return err
		}
		if err := w.exec(ctx, "DELETE FROM words WHERE rowid = ?", j.file); err != nil {
			return err
		}
	}
	m := &j.meta
	for _, t := range m.Tags {
		if err := w.exec(ctx, "INSERT OR IGNORE INTO tags VALUES(?, ?, 'file')", j.file, t); err != nil {
			return err
		}
	}
	tags := m.Tags
	if !fresh { // a person may have given it some
		if tags, err = tagsOf(ctx, w, j.file); err != nil {
			return err
		}
	}
	return w.exec(ctx, "INSERT INTO words(rowid, name, folder, tags, caption) VALUES(?, ?, ?, ?, ?)", j.file, separate(filepath.Base(j.path)),
		separate(folderWords(j.root.Path, j.path)), separate(tagWords(tags, m.Place, m.Camera)), separate(m.Caption))
}

// tagWords is what is found as tags: these, and where and by what it was taken.
func tagWords(tags []string, place, camera string) string {
	return strings.Join(append(slices.Clone(tags), place, camera), " | ")
}

// folderWords is the folders that a file lies in, from the root's own on.
func folderWords(root, path string) string {
	below, err := filepath.Rel(filepath.Dir(root), filepath.Dir(path))
	if err != nil {
		return filepath.Dir(path)
	}
	return below
}

func tagsOf(ctx context.Context, db querier, file int64) (tags []string, err error) {
	err = each(ctx, db, func(scan func(...any) error) error {
		tags = append(tags, "")
		return scan(&tags[len(tags)-1])
	}, "SELECT tag FROM tags WHERE file = ? ORDER BY tag", file)
	return tags, err
}

// none is NULL for a zero value.
func none[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// blame is what is wrong with a file, in one line that does not name it again.
func blame(path string, err error) string {
	message := strings.ReplaceAll(err.Error(), path+": ", "")
	for _, of := range []string{"image: ", "audio: ", "video: ", "open "} {
		message = strings.TrimPrefix(message, of)
	}
	return plain(errors.New(message))
}

// plain is an error in one line of text.
func plain(err error) string {
	return clip(strings.ToValidUTF8(strings.Join(strings.Fields(err.Error()), " "), "\uFFFD"), 2000)
}

// forgetFiles is how many files are forgotten together at most.
const forgetFiles = 1024

// sweep forgets files that are gone from where a run looked: not those of roots that are away, or of folders that could not be read.
func (run *ingest) sweep(ctx context.Context, scopes []scope) error {
	var gone []int64
	kept := map[string]int{}
	for _, s := range scopes {
		if s.root.Missing {
			continue
		}
		if err := each(ctx, run.db, func(scan func(...any) error) error {
			var id int64
			var path []byte
			if err := scan(&id, &path); err != nil {
				return err
			}
			if run.seen[id] || !contains(s.path, string(path)) {
				return nil
			}
			if dir, m := run.unmounted(string(path)); m != nil && !m.there {
				kept[dir]++
				return nil
			}
			for _, b := range run.broken {
				if contains(b, string(path)) {
					return nil
				}
			}
			if _, err := os.Lstat(string(path)); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
				return nil
			}
			gone = append(gone, id)
			return nil
		}, "SELECT id, path FROM files WHERE root = ?", s.root.id); err != nil {
			return err
		}
	}
	for first := 0; first < len(gone); first += forgetFiles {
		some := gone[first:min(len(gone), first+forgetFiles)]
		if err := run.forget(ctx, some, func(*sql.Tx) error { return nil }); err != nil {
			return err
		}
		run.count(func(s *Summary) { s.Removed += len(some) })
	}
	return run.settle(ctx, scopes, kept)
}
