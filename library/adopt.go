package library

import (
	"context"
	"database/sql"

	"github.com/chiasm/chiasm/index"
)

// adoptFiles is how many files are adopted together.
const adoptFiles = 1024

// adopt gives a space that is being built the vectors that others have and that its model would make again: of pictures where the tower of
// pictures is the same, of sounds where that of sounds is. Videos have both: see halves.
func (run *ingest) adopt(ctx context.Context) error {
	if run.space.State != Building {
		return nil
	}
	all, err := run.spaces(ctx)
	if err != nil {
		return err
	}
	for _, from := range all {
		if from.id == run.space.id || from.Dimension != run.space.Dimension {
			continue
		}
		for _, of := range []struct{ kind, theirs, ours string }{{Image, from.image, run.space.image}, {Audio, from.audio, run.space.audio}} {
			if of.ours != "" && of.theirs == of.ours {
				if err := run.adoptKind(ctx, from, of.kind); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// adoptKind adopts the files of a kind from another space, some at a time.
func (run *ingest) adoptKind(ctx context.Context, from Space, kind string) error {
	x, err := run.vectors(ctx, from)
	if err != nil {
		return err
	}
	for last := int64(0); ; {
		var files []int64
		if err := each(ctx, run.db, func(scan func(...any) error) error {
			files = append(files, 0)
			return scan(&files[len(files)-1])
		}, `SELECT file FROM embedded WHERE space = ? AND file > ? AND EXISTS (SELECT 1 FROM files WHERE id = file AND kind = ? AND error IS NULL)
			AND NOT EXISTS (SELECT 1 FROM embedded AS ours WHERE ours.file = embedded.file AND ours.space = ?) ORDER BY file LIMIT ?`,
			from.id, last, kind, run.space.id, adoptFiles); err != nil || len(files) == 0 {
			return err
		}
		last = files[len(files)-1]
		if err := run.adoptSome(ctx, from, x, files); err != nil {
			return err
		}
	}
}

// adoptSome copies the vectors of files, then what the catalogue says of them. A file whose vectors are not all there is left to be read.
func (run *ingest) adoptSome(ctx context.Context, from Space, x *index.Index, files []int64) error {
	type row struct {
		file        int64
		sound       bool
		start, stop sql.NullFloat64
		vector      []float32
	}
	var rows []row
	whole := map[int64]bool{}
	for _, f := range files {
		whole[f] = true
	}
	if err := each(ctx, run.db, func(scan func(...any) error) error {
		var r row
		var id uint64
		err := scan(&id, &r.file, &r.sound, &r.start, &r.stop)
		if r.vector = x.Get(id); r.vector == nil {
			whole[r.file] = false
		}
		rows = append(rows, r)
		return err
	}, "SELECT id, file, sound, start, stop FROM pieces WHERE space = ? AND file IN ("+marks(len(files))+") ORDER BY id", append([]any{from.id}, anys(files)...)...); err != nil {
		return err
	}
	var ids []uint64
	var vectors []float32
	first := run.next
	for _, r := range rows {
		if whole[r.file] {
			ids, vectors = append(ids, uint64(run.next)), append(vectors, r.vector...)
			run.next++
		}
	}
	if len(ids) > 0 {
		if err := run.index.Add(ids, vectors); err != nil {
			return err
		}
	}
	n := 0
	if err := run.change(ctx, func(tx *sql.Tx) error {
		id := first
		for _, r := range rows {
			if !whole[r.file] {
				continue
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO pieces(id, file, space, sound, start, stop) VALUES(?, ?, ?, ?, ?, ?)", id, r.file, run.space.id, r.sound, r.start, r.stop); err != nil {
				return err
			}
			id++
		}
		for _, f := range files {
			if !whole[f] {
				continue
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO embedded(file, space) VALUES(?, ?)", f, run.space.id); err != nil {
				return err
			}
			n++
		}
		return nil
	}); err != nil {
		return err
	}
	run.count(func(s *Summary) { s.Adopted += n })
	run.tell(func(p *Progress) { p.Found += n; p.Done += n })
	return nil
}

// halves takes what is seen or what is heard of a video from another space whose tower for it is the same, so that only the rest of it is read.
func (run *ingest) halves(j *job) error {
	if run.space.State != Building || j.kind != Video || !j.known {
		return nil
	}
	all, err := run.spaces(run.ctx)
	if err != nil {
		return err
	}
	for _, from := range all {
		if from.id == run.space.id || from.Dimension != run.space.Dimension {
			continue
		}
		for _, half := range []struct {
			theirs, ours string
			sound        bool
			has          *bool
		}{{from.image, run.space.image, false, &j.looked}, {from.audio, run.space.audio, true, &j.listened}} {
			if half.ours != "" && half.theirs == half.ours && !*half.has {
				if *half.has, err = run.half(j, from, half.sound); err != nil {
					return err
				}
			}
		}
	}
	if j.looked || j.listened {
		return run.statements.scan(run.ctx, "SELECT coalesce(width, 0), coalesce(height, 0), coalesce(duration, 0) FROM files WHERE id = ?", []any{j.file},
			&j.before.Width, &j.before.Height, &j.before.Duration)
	}
	return nil
}

// half gives a job the vectors of sounds or of frames that a space has of its file, if it has the file whole.
func (run *ingest) half(j *job, from Space, sound bool) (ok bool, err error) {
	if err := run.statements.scan(run.ctx, "SELECT EXISTS (SELECT 1 FROM embedded WHERE file = ? AND space = ?)", []any{j.file, from.id}, &ok); err != nil || !ok {
		return false, err
	}
	x, err := run.vectors(run.ctx, from)
	if err != nil {
		return false, err
	}
	some := "AND NOT sound"
	if sound {
		some = "AND sound"
	}
	v, ok, err := run.made(j.file, from, x, some)
	if ok {
		j.take(v)
	}
	return ok, err
}
