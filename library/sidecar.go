package library

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A sidecar is a file beside another one that says something of it: dog.jpg.xmp or dog.xmp of dog.jpg.
var sidecars = []struct {
	suffix string
	read   func([]byte) Metadata
}{
	{".txt", readCaption},
	{".xmp", readXMP},
	{".XMP", readXMP},
	{".json", readTakeout},
	{".supplemental-metadata.json", readTakeout},
}

// mostSidecar is how many bytes of a sidecar are read.
const mostSidecar = 1 << 20

// isSidecar tells sidecars by their names.
func isSidecar(path string) bool {
	return slices.ContainsFunc([]string{".txt", ".xmp", ".json"}, func(ext string) bool { return strings.EqualFold(filepath.Ext(path), ext) })
}

// beside is what is said of a file by those beside it.
func beside(path string) (m Metadata) {
	for _, s := range sidecars {
		for _, stem := range stems(path) {
			if data, err := readSome(stem + s.suffix); err == nil {
				m = m.and(s.read(data))
				break
			}
		}
	}
	return m
}

// stems are what sidecars of a file may be called by: its whole name first.
func stems(path string) []string { return []string{path, strings.TrimSuffix(path, filepath.Ext(path))} }

// readSome is a small regular file.
func readSome(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrInvalid
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostSidecar))
}

// and is what one source says, and where it says nothing or more may be said another one.
func (m Metadata) and(o Metadata) Metadata {
	if m.Taken.IsZero() {
		m.Taken = o.Taken
	}
	if !m.Located {
		m.Lat, m.Lon, m.Located = o.Lat, o.Lon, o.Located
	}
	m.Camera, m.Place = cmp.Or(m.Camera, o.Camera), cmp.Or(m.Place, o.Place)
	if m.Caption != o.Caption {
		m.Caption = strings.TrimSpace(m.Caption + "\n" + o.Caption)
	}
	m.Tags = tidyTags(append(slices.Clip(m.Tags), o.Tags...))
	return m
}

// readCaption reads a text, which is the caption.
func readCaption(data []byte) (m Metadata) {
	if !bytes.ContainsRune(data, 0) {
		m.Caption = clip(strings.TrimSpace(strings.ToValidUTF8(string(data), "\uFFFD")), mostText)
	}
	return m
}

// readTakeout reads what Google Photos says of a file when it is exported.
func readTakeout(data []byte) (m Metadata) {
	var said struct {
		Description string
		Taken       struct{ Timestamp string } `json:"photoTakenTime"`
		Where       struct {
			Latitude, Longitude float64
		} `json:"geoData"`
		People []struct{ Name string }
	}
	if json.Unmarshal(data, &said) != nil || said.Taken.Timestamp == "" {
		return m
	}
	if t, err := strconv.ParseInt(said.Taken.Timestamp, 10, 64); err == nil {
		m.Taken = sensible(time.Unix(t, 0))
	}
	m.locate(said.Where.Latitude, said.Where.Longitude)
	m.Caption = clip(strings.TrimSpace(said.Description), mostText)
	for _, p := range said.People {
		m.Tags = append(m.Tags, p.Name)
	}
	return m
}

// beside notes a sidecar that a walk met. Those that are new or have changed are told again by the end.
func (run *ingest) beside(path string, info fs.FileInfo) error {
	var id, size, modified int64
	err := run.statements.scan(run.ctx, "SELECT id, size, modified FROM sidecars WHERE path = ?", []any{[]byte(path)}, &id, &size, &modified)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err == nil {
		run.beheld[id] = true
	}
	if err != nil || size != info.Size() || modified != info.ModTime().UnixNano() {
		run.besides = append(run.besides, sidecar{path, info.Size(), info.ModTime().UnixNano(), true})
	}
	return nil
}

// A sidecar is one that was found, or one that is gone.
type sidecar struct {
	path           string
	size, modified int64
	there          bool
}

// retell reads again what is said of files whose sidecars are new, have changed or are gone, but not of those that were read in this run since.
func (run *ingest) retell(ctx context.Context, scopes []scope) error {
	for _, s := range scopes {
		if err := run.lostSidecars(ctx, s); err != nil {
			return err
		}
	}
	if len(run.besides) == 0 {
		return nil
	}
	if err := run.through(ctx, func() error {
		for _, s := range run.besides {
			if err := run.retellOf(s); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return inTransaction(ctx, run.db, func(tx *sql.Tx) error {
		w := run.statements.in(tx)
		for _, s := range run.besides {
			query, args := "INSERT OR REPLACE INTO sidecars(path, size, modified) VALUES(?, ?, ?)", []any{[]byte(s.path), s.size, s.modified}
			if !s.there {
				query, args = "DELETE FROM sidecars WHERE path = ?", args[:1]
			}
			if err := w.exec(ctx, query, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// lostSidecars adds those of a scope that are gone.
func (run *ingest) lostSidecars(ctx context.Context, s scope) error {
	if s.root.Missing {
		return nil
	}
	return each(ctx, run.db, func(scan func(...any) error) error {
		var id int64
		var path []byte
		if err := scan(&id, &path); err != nil || run.beheld[id] || !contains(s.path, string(path)) {
			return err
		}
		if _, err := os.Lstat(string(path)); errors.Is(err, fs.ErrNotExist) {
			run.besides = append(run.besides, sidecar{path: string(path)})
		}
		return nil
	}, "SELECT id, path FROM sidecars WHERE path >= ? AND path < ?", []byte(s.path), append([]byte(s.path), 0xff))
}

// retellOf sends the files that a sidecar tells of to be described again.
func (run *ingest) retellOf(s sidecar) error {
	var stem string
	for _, k := range sidecars {
		if len(s.path) > len(k.suffix) && strings.EqualFold(s.path[len(s.path)-len(k.suffix):], k.suffix) {
			stem = s.path[:len(s.path)-len(k.suffix)]
		}
	}
	var jobs []*job
	if err := each(run.ctx, run.statements, func(scan func(...any) error) error {
		j := &job{done: true, retold: true}
		var r Root
		var path, root []byte
		if err := scan(&j.file, &path, &j.kind, &r.id, &root); err != nil {
			return err
		}
		j.path, r.Path, j.root = string(path), string(root), &r
		if slices.Contains(stems(j.path), stem) && run.retells(j, s.modified) {
			jobs = append(jobs, j)
		}
		return nil
	}, "SELECT f.id, f.path, f.kind, r.id, r.path FROM files f JOIN roots r ON r.id = f.root WHERE f.error IS NULL AND (f.path = ? OR f.path > ? AND f.path < ?)",
		[]byte(stem), []byte(stem+"."), []byte(stem+"/")); err != nil {
		return err
	}
	for _, j := range jobs {
		if err := run.send(j); err != nil {
			return err
		}
	}
	return nil
}

// retells reports whether a file was not described in this run after a time of its sidecar, in nanoseconds, and notes that it is now.
func (run *ingest) retells(j *job, modified int64) bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	again, before := run.told[j.file]
	run.told[j.file] = true
	j.again = before || run.claimed[j.file]
	return !again && !(before && modified != 0 && modified < run.began.Add(-clockGrain).UnixNano())
}

// clockGrain is how far the times of files may lie behind the clock.
const clockGrain = 2 * time.Second
