package library

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	stdimage "image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/chiasm/chiasm"
	"github.com/chiasm/chiasm/index"
	"github.com/chiasm/chiasm/media/image"
)

const (
	imageBatch = 16 // pictures that go through the model together
	soundBatch = 8
	commitJobs = 256 // files that are written together at most …
	commitRows = 4096
	commitTime = time.Second // … and how long they wait at most
)

// read reads files, one after the other.
func (run *ingest) read() error {
	r := &reader{model: run.model, exact: run.o.Exact, budget: run.budget}
	if !run.o.NoThumbs {
		r.thumb = run.prepare
	}
	for j := range run.todo {
		if run.ctx.Err() != nil {
			return nil
		}
		j.left = 1
		if err := run.file(r, j); err != nil {
			if run.ctx.Err() != nil {
				return nil
			}
			if vanished(j, err) {
				j.nothing, err = true, nil
			}
			j.mu.Lock()
			j.err = err
			j.mu.Unlock()
		}
		if err := run.finish(j); err != nil {
			return err
		}
	}
	return nil
}

// vanished reports whether nothing could be read of a file because it is not there any more. The next run sees what that means.
func vanished(j *job, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) || j.count > 0 {
		return false
	}
	_, err = os.Lstat(j.path)
	return errors.Is(err, fs.ErrNotExist)
}

// file reads one file. A decoder's bug is that file's failure.
func (run *ingest) file(r *reader, j *job) (err error) {
	defer func() {
		if v := recover(); v != nil {
			r.pictures = image.Decoder{}
			err = fmt.Errorf("the decoder failed: %v", v)
		}
	}()
	data, err := r.open(j)
	if err != nil {
		return err
	}
	if j.kind == "" && j.file == 0 && filepath.Ext(j.path) == "" {
		j.nothing = true // a name without an extension promised nothing
		return nil
	}
	if err := run.recognise(j); err != nil || j.done {
		if err == nil && j.retold {
			r.describe(run.ctx, j, data)
		}
		return err
	}
	if err := run.halves(j); err != nil {
		return err
	}
	if ok, err := run.copy(r, j, data); ok || err != nil {
		return err
	}
	return r.pieces(run.ctx, j, data, func(p piece) error { return run.give(p) })
}

// recognise finds a file's content in the catalogue: where it was only touched, or lay elsewhere, its vectors are kept.
func (run *ingest) recognise(j *job) error {
	if j.file != 0 {
		var hash []byte
		var failed sql.NullString
		if err := run.statements.scan(run.ctx, "SELECT hash, error FROM files WHERE id = ?", []any{j.file}, &hash, &failed); err != nil {
			return err
		}
		j.known = bytes.Equal(hash, j.hash)
		j.done = j.done && j.known && !failed.Valid
		return nil
	}
	places, err := run.places(j.hash, fewPlaces)
	if err != nil {
		return err
	}
	j.alone = len(places) == 0
	if len(places) == fewPlaces {
		if places, err = run.left(j.hash); err != nil {
			return err
		}
	}
	for _, p := range places {
		if !run.gone(p) || !run.claim(p) {
			continue
		}
		j.file, j.known, j.moved, j.done = p.id, true, true, p.embedded
		return nil
	}
	return nil
}

// A place is where the catalogue has some content.
type place struct {
	id       int64
	path     string
	embedded bool
	missing  bool // with its root
}

// fewPlaces is how many places of a content are looked up for each file that has it.
const fewPlaces = 8

// places are the first so many of a content, -1 for all.
func (run *ingest) places(hash []byte, most int) (out []place, err error) {
	err = each(run.ctx, run.statements, func(scan func(...any) error) error {
		var p place
		var path []byte
		err := scan(&p.id, &path, &p.embedded, &p.missing)
		p.path = string(path)
		out = append(out, p)
		return err
	}, `SELECT id, path, EXISTS (SELECT 1 FROM embedded WHERE file = files.id AND space = ?), root IN (SELECT id FROM roots WHERE missing) FROM files
		WHERE hash = ? ORDER BY id LIMIT ?`, run.space.id, hash, most)
	return out, err
}

// gone reports whether no file is at a place any more.
func (run *ingest) gone(p place) bool {
	if p.missing {
		return false
	}
	_, err := os.Lstat(p.path)
	return errors.Is(err, fs.ErrNotExist) && !run.away(p.path)
}

// claim takes a place whose file has moved, and reports whether no other one had it.
func (run *ingest) claim(p place) bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	taken := run.claimed[p.id]
	run.claimed[p.id], run.seen[p.id] = true, true
	return !taken
}

// left is the next place, if there is one, that a content which many files have is gone from. They are looked for once, by whom others wait for:
// what is added in this run is there.
func (run *ingest) left(hash []byte) ([]place, error) {
	run.searching.Lock()
	defer run.searching.Unlock()
	places, known := run.vacant[string(hash)]
	if !known {
		all, err := run.places(hash, -1)
		if err != nil {
			return nil, err
		}
		places = slices.DeleteFunc(all, func(p place) bool { return !run.gone(p) })
	}
	next := places[:min(1, len(places))]
	run.vacant[string(hash)] = places[len(next):]
	return next, nil
}

// copy takes the vectors of another file of the same content, if there is one, so that a copy costs no second look.
func (run *ingest) copy(r *reader, j *job, data []byte) (ok bool, err error) {
	if j.alone {
		return false, nil
	}
	var twin int64
	var m Metadata
	err = run.statements.scan(run.ctx, `SELECT id, coalesce(width, 0), coalesce(height, 0), coalesce(duration, 0) FROM files
		WHERE hash = ? AND id <> ? AND kind = ? AND size > 0 AND EXISTS (SELECT 1 FROM embedded WHERE file = files.id AND space = ?) ORDER BY id LIMIT 1`,
		[]any{j.hash, j.file, j.kind, run.space.id}, &twin, &m.Width, &m.Height, &m.Duration)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	made, whole, err := run.made(twin, run.space, run.index, "")
	if err != nil || !whole || len(made.vectors) == 0 {
		return false, err
	}
	r.describe(run.ctx, j, data)
	j.meta.Width, j.meta.Height, j.meta.Duration = m.Width, m.Height, m.Duration
	j.take(made)
	return true, nil
}

// Parts are the vectors of pieces of a file, with their times.
type parts struct {
	vectors [][]float32
	times   [][2]float64 // seconds
	heard   []bool       // they are of sound
}

// made is the vectors that a space has of a file, all of them or those of some pieces, and whether they are all there.
func (run *ingest) made(file int64, of Space, x *index.Index, some string) (v parts, whole bool, err error) {
	whole = true
	err = each(run.ctx, run.statements, func(scan func(...any) error) error {
		var id uint64
		var sound bool
		var start, end sql.NullFloat64
		err := scan(&id, &sound, &start, &end)
		vector := x.Get(id)
		whole = whole && vector != nil
		v.vectors, v.times, v.heard = append(v.vectors, vector), append(v.times, [2]float64{start.Float64, end.Float64}), append(v.heard, sound)
		return err
	}, "SELECT id, sound, start, stop FROM pieces WHERE file = ? AND space = ? "+some+" ORDER BY id", file, of.id)
	return v, whole && err == nil, err
}

// take gives a job vectors that were made before.
func (j *job) take(v parts) {
	j.vectors, j.times, j.heard = append(j.vectors, v.vectors...), append(j.times, v.times...), append(j.heard, v.heard...)
	j.count = len(j.vectors)
}

// away reports whether a path's root is not there.
func (run *ingest) away(path string) bool {
	var root []byte
	err := run.db.QueryRowContext(run.ctx, "SELECT roots.path FROM roots JOIN files ON files.root = roots.id WHERE files.path = ?", []byte(path)).Scan(&root)
	if err != nil {
		return true
	}
	if dir, m := run.unmounted(path); m != nil {
		empty, err := isEmpty(dir)
		return err != nil || empty
	}
	empty, err := isEmpty(string(root))
	return err != nil && !errors.Is(err, syscall.ENOTDIR) || empty && !run.sameDevice(string(root))
}

// isEmpty reports whether a folder holds nothing. It reads one of its names, where there may be many.
func isEmpty(dir string) (bool, error) {
	f, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer f.Close()
	_, err = f.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

func (run *ingest) sameDevice(root string) bool {
	var was sql.NullInt64
	err := run.db.QueryRowContext(run.ctx, "SELECT device FROM roots WHERE path = ?", []byte(root)).Scan(&was)
	return err == nil && was.Int64 != 0 && was.Int64 == device(root)
}

// give hands a piece to the model.
func (run *ingest) give(p piece) error {
	j := p.job
	j.mu.Lock()
	p.number = j.count
	j.count++
	j.left++
	j.vectors, j.times = append(j.vectors, nil), append(j.times, [2]float64{p.start, p.end})
	j.heard = append(j.heard, p.sound != nil)
	j.mu.Unlock()
	select {
	case run.pieces <- p:
		return nil
	case <-run.ctx.Done():
		return context.Cause(run.ctx)
	}
}

// finish notes that a piece of a job, or its reading, has come to an end.
func (run *ingest) finish(j *job) error {
	j.mu.Lock()
	j.left--
	last := j.left == 0
	j.mu.Unlock()
	if !last {
		return nil
	}
	run.budget.settle(j, 0)
	select {
	case run.ready <- j:
		return nil
	case <-run.ctx.Done():
		return context.Cause(run.ctx)
	}
}

// embed turns pieces into vectors, several at once as far as they are there.
func (run *ingest) embed() error {
	var held []piece // of the other kind than the batch before
	for {
		batch := held
		held = nil
		if len(batch) == 0 {
			p, ok := <-run.pieces
			if !ok {
				return nil
			}
			batch = append(batch, p)
		}
		for full := false; !full; {
			select {
			case p, ok := <-run.pieces:
				if !ok {
					full = true
				} else if (p.sound != nil) != (batch[0].sound != nil) {
					held, full = append(held, p), true
				} else {
					batch = append(batch, p)
					full = len(batch) >= imageBatch || p.sound != nil && len(batch) >= soundBatch
				}
			default:
				full = true
			}
		}
		if run.ctx.Err() != nil {
			continue // what is left is drained
		}
		run.batch(batch)
		if run.ctx.Err() != nil {
			continue // what it said may be of that
		}
		for _, p := range batch {
			if err := run.finish(p.job); err != nil {
				run.cancel(err)
			}
		}
	}
}

// batch embeds pieces of one kind. Where together they fail, each is tried by itself.
func (run *ingest) batch(batch []piece) {
	out, err := run.vectorsOf(batch)
	if err != nil && len(batch) > 1 && run.ctx.Err() == nil {
		for i := range batch {
			run.batch(batch[i : i+1])
		}
		return
	}
	for i, p := range batch {
		p.job.mu.Lock()
		if err != nil {
			p.job.err = err
		} else {
			p.job.vectors[p.number] = out[i].Values
		}
		p.job.mu.Unlock()
	}
}

func (run *ingest) vectorsOf(batch []piece) (out []chiasm.Embedding, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the model failed: %v", r)
		}
	}()
	if batch[0].sound != nil {
		sounds := make([]chiasm.Sound, len(batch))
		for i, p := range batch {
			sounds[i] = *p.sound
		}
		return run.model.EmbedAudios(run.ctx, sounds)
	}
	imgs := make([]stdimage.Image, len(batch))
	for i, p := range batch {
		imgs[i] = p.img
	}
	return run.model.EmbedImages(run.ctx, imgs)
}

// write commits jobs, several at once.
func (run *ingest) write() error {
	var jobs []*job
	rows := 0
	tick := time.NewTicker(commitTime)
	defer tick.Stop()
	flush := func() error {
		if len(jobs) == 0 {
			return nil
		}
		// What has been made is kept also when the run was ended from outside.
		err := run.commit(context.WithoutCancel(run.ctx), jobs)
		jobs, rows = nil, 0
		if err == nil && run.ctx.Err() == nil { // while others are being read
			_, err = run.words.some(run.ctx)
		}
		return err
	}
	for {
		select {
		case j, ok := <-run.ready:
			if !ok {
				return flush()
			}
			if j.nothing {
				run.tell(func(p *Progress) { p.Found-- })
				continue
			}
			jobs = append(jobs, j)
			if rows += j.count; len(jobs) < commitJobs && rows < commitRows {
				continue
			}
		case <-tick.C:
		}
		if err := flush(); err != nil {
			return err
		}
	}
}
