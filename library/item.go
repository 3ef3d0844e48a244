package library

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// An Item is what the catalogue knows of a file.
type Item struct {
	ID       int64     `json:"id"`
	Path     string    `json:"path"`
	Root     string    `json:"root"`
	Kind     string    `json:"kind"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Width    int       `json:"width,omitempty"`
	Height   int       `json:"height,omitempty"`
	Duration float64   `json:"duration,omitempty"` // seconds
	Taken    time.Time `json:"taken,omitzero"`
	Camera   string    `json:"camera,omitempty"`
	Lat      *float64  `json:"lat,omitempty"`
	Lon      *float64  `json:"lon,omitempty"`
	Place    string    `json:"place,omitempty"`
	Tags     []string  `json:"tags,omitempty"`
	Caption  string    `json:"caption,omitempty"`
	Error    string    `json:"error,omitempty"`
	Hash     []byte    `json:"-"`       // SHA-256 of the content
	Version  string    `json:"version"` // changes with the content

	PathBytes []byte `json:"path_bytes,omitempty"` // the path where it is not UTF-8, which JSON cannot hold
	Words     []Word `json:"words,omitempty"`      // what the model saw in it, where that was asked for
}

// Item is a file by its id. The error wraps [fs.ErrNotExist] if there is none.
func (l *Library) Item(ctx context.Context, id int64) (Item, error) {
	items, err := l.items(ctx, []int64{id})
	if err == nil && len(items) == 0 {
		err = fmt.Errorf("there is no item %d: %w", id, fs.ErrNotExist)
	}
	if err != nil {
		return Item{}, fmt.Errorf("library: %w", err)
	}
	return items[0], nil
}

// itemsAtOnce is how many items a query asks for.
const itemsAtOnce = 512

// items are files by their ids, in rising order; those that there are not are left out.
func (l *Library) items(ctx context.Context, ids []int64) (out []Item, err error) {
	for some := range slices.Chunk(slices.Sorted(slices.Values(ids)), itemsAtOnce) {
		first := len(out)
		if err := each(ctx, l.db, func(scan func(...any) error) error {
			it, err := scanItem(scan)
			out = append(out, it)
			return err
		}, `SELECT f.id, f.path, r.path, f.kind, f.size, f.modified, f.width, f.height, f.duration, f.taken, f.camera, f.lat, f.lon, f.place, f.error, f.hash,
			coalesce((SELECT caption FROM words WHERE rowid = f.id), '') FROM files f JOIN roots r ON r.id = f.root WHERE f.id IN (`+marks(len(some))+") ORDER BY f.id", anys(some)...); err != nil {
			return nil, err
		}
		if err := each(ctx, l.db, func(scan func(...any) error) error {
			var id int64
			var tag string
			err := scan(&id, &tag)
			for first < len(out) && out[first].ID < id {
				first++
			}
			if first < len(out) && out[first].ID == id {
				out[first].Tags = append(out[first].Tags, tag)
			}
			return err
		}, "SELECT file, tag FROM tags WHERE file IN ("+marks(len(some))+") ORDER BY file, tag", anys(some)...); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// scanItem reads a row of items.
func scanItem(scan func(...any) error) (it Item, err error) {
	var path, root []byte
	var modified int64
	var taken, width, height sql.NullInt64
	var duration sql.NullFloat64
	var camera, place, failed sql.NullString
	err = scan(&it.ID, &path, &root, &it.Kind, &it.Size, &modified, &width, &height, &duration, &taken, &camera, &it.Lat, &it.Lon, &place, &failed, &it.Hash, &it.Caption)
	it.Path, it.PathBytes = text(path)
	it.Root, it.Modified, it.Version, it.Caption = string(root), time.Unix(0, modified), versionOf(it.Hash), joined(it.Caption)
	if taken.Valid {
		it.Taken = time.Unix(taken.Int64, 0)
	}
	it.Width, it.Height, it.Duration = int(width.Int64), int(height.Int64), duration.Float64
	it.Camera, it.Place, it.Error = camera.String, place.String, failed.String
	return it, err
}

// Tag gives a file tags, texts in UTF-8 that are not blank, and takes some away. Those that the file itself names come back when it changes.
func (l *Library) Tag(ctx context.Context, id int64, add, remove []string) error {
	it, err := l.Item(ctx, id)
	if err != nil {
		return err
	}
	for _, t := range add {
		if strings.TrimSpace(t) == "" || !utf8.ValidString(t) {
			return fmt.Errorf("library: tag %.200q: want a text in UTF-8 that is not blank", t)
		}
	}
	err = l.change(ctx, func(tx *sql.Tx) error {
		for _, t := range tidyTags(add) {
			if _, err := tx.ExecContext(ctx, "INSERT INTO tags VALUES(?, ?, 'person') ON CONFLICT DO UPDATE SET source = 'person'", id, t); err != nil {
				return err
			}
		}
		for _, t := range remove {
			if _, err := tx.ExecContext(ctx, "DELETE FROM tags WHERE file = ? AND tag = ?", id, t); err != nil {
				return err
			}
		}
		tags, err := tagsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE words SET tags = ? WHERE rowid = ?", separate(tagWords(tags, it.Place, it.Camera)), id)
		return err
	})
	return err
}

// Find is the id of a file of the library by its path. No other file is to be shown to anybody.
func (l *Library) Find(ctx context.Context, path string) (id int64, ok bool) {
	err := l.db.QueryRowContext(ctx, "SELECT id FROM files WHERE path = ?", []byte(path)).Scan(&id)
	return id, err == nil
}

// A State says what changes of a library while it is watched.
type State struct {
	Generation int64          `json:"generation"` // of the catalogue
	Files      map[string]int `json:"files"`      // by kind
	Failed     int            `json:"failed"`
}

// Generation counts the changes of the catalogue: while it stays, every answer does.
func (l *Library) Generation(ctx context.Context) (int64, error) {
	n, err := l.generation(ctx)
	if err != nil {
		return 0, fmt.Errorf("library: %w", err)
	}
	return n, nil
}

// State counts files.
func (l *Library) State(ctx context.Context) (s State, err error) {
	s.Generation, err = l.generation(ctx)
	if err == nil {
		s.Files, err = l.kinds(ctx)
	}
	if err == nil {
		err = l.db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM files WHERE error IS NOT NULL) + (SELECT count(*) FROM faults)").Scan(&s.Failed)
	}
	if err != nil {
		err = fmt.Errorf("library: %w", err)
	}
	return s, err
}

// kinds is how many files there are of each kind.
func (l *Library) kinds(ctx context.Context) (map[string]int, error) {
	f, err := l.filter(ctx, Space{}, &Query{}, false)
	if err != nil {
		return nil, err
	}
	t, err := l.columns(ctx, "file")
	if err != nil {
		return nil, err
	}
	return l.values("file", countTerms(f.readable, t["file"], 2)), nil
}

// Info describes a library.
type Info struct {
	Dir     string         `json:"dir"`
	Roots   []Root         `json:"roots"`
	Files   map[string]int `json:"files"` // by kind
	Failed  int            `json:"failed"`
	Vectors int            `json:"vectors"` // of all spaces

	Unsupported map[string]int `json:"unsupported,omitempty"` // files in formats that are not read, by their extensions

	Spaces []Space `json:"spaces"`
	Bytes  int64   `json:"bytes"` // on disk
}

// Info describes the library.
func (l *Library) Info(ctx context.Context) (i Info, err error) {
	i.Dir = l.dir
	if i.Roots, err = l.Roots(ctx); err != nil {
		return i, err
	}
	if i.Spaces, err = l.Spaces(ctx); err != nil {
		return i, err
	}
	i.Roots, i.Spaces = append([]Root{}, i.Roots...), append([]Space{}, i.Spaces...) // of an empty one lists too, for JSON
	state, err := l.State(ctx)
	if err != nil {
		return i, err
	}
	i.Files, i.Failed = state.Files, state.Failed
	if err := l.db.QueryRowContext(ctx, "SELECT count(*) FROM pieces").Scan(&i.Vectors); err != nil {
		return i, fmt.Errorf("library: %w", err)
	}
	if err := each(ctx, l.db, func(scan func(...any) error) error {
		var ext string
		var n int
		err := scan(&ext, &n)
		if i.Unsupported == nil {
			i.Unsupported = map[string]int{}
		}
		i.Unsupported[ext] = n
		return err
	}, "SELECT format, sum(files) FROM unread GROUP BY format"); err != nil {
		return i, fmt.Errorf("library: %w", err)
	}
	err = filepath.WalkDir(l.dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // files come and go
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			i.Bytes += info.Size()
		}
		return nil
	})
	return i, err
}

// Compact gives back the room of vectors that were deleted.
func (l *Library) Compact(ctx context.Context) error {
	if l.opts.ReadOnly {
		return fmt.Errorf("library: %w", ErrReadOnly)
	}
	spaces, err := l.Spaces(ctx)
	if err != nil {
		return err
	}
	for _, s := range spaces {
		x, err := l.vectors(ctx, s)
		if err == nil {
			err = x.Compact(ctx)
		}
		if err != nil {
			return fmt.Errorf("library: %w", err)
		}
	}
	return nil
}
