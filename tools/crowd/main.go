// Crowd makes a large library of a small one, for trials of the page and the server: the files of the small one again and again, as links with
// names, dates and vectors of their own. It exports the small library, adds to the catalogue and the vectors, and imports that.
//
//	go run ./tools/crowd -files 100000 SMALL LARGE LINKS
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/chiasm/chiasm/library"
)

func main() {
	n := flag.Int("files", 100_000, "how many files the large library has more")
	flag.Parse()
	if flag.NArg() != 3 || *n < 1 {
		fmt.Fprintln(os.Stderr, "crowd: want a library, a folder for the new one, and one for its files")
		os.Exit(2)
	}
	if err := run(context.Background(), *n, flag.Arg(0), flag.Arg(1), flag.Arg(2)); err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		os.Exit(1)
	}
}

// A file of the small library, and its first vector.
type file struct {
	id, space int64
	path      []byte
	kind      string
	vector    []float32
}

func run(ctx context.Context, n int, small, large, links string) error {
	links, err := filepath.Abs(links)
	if err != nil {
		return err
	}
	l, err := library.Open(small, library.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	var exported bytes.Buffer
	if err := errors.Join(l.Export(ctx, &exported), l.Close()); err != nil {
		return err
	}
	parts := map[string][]byte{}
	var names []string
	for t := tar.NewReader(&exported); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		names = append(names, h.Name)
		if parts[h.Name], err = io.ReadAll(t); err != nil {
			return err
		}
	}
	if len(names) != 2 {
		return fmt.Errorf("%s has %d spaces, want one", small, len(names)-1)
	}
	if parts[names[0]], parts[names[1]], err = crowd(parts[names[0]], parts[names[1]], n, links); err != nil {
		return err
	}
	var made bytes.Buffer
	t := tar.NewWriter(&made)
	for _, name := range names {
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(parts[name]))}); err != nil {
			return err
		}
		if _, err := t.Write(parts[name]); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return library.Import(ctx, large, &made)
}

// crowd adds n files to a catalogue and their vectors to the vectors: rows of an id and float32 values.
func crowd(catalogue, vectors []byte, n int, links string) ([]byte, []byte, error) {
	dir, err := os.MkdirTemp("", "crowd")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "catalogue.db")
	if err := os.WriteFile(path, catalogue, 0o644); err != nil {
		return nil, nil, err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return nil, nil, err
	}
	if vectors, err = fill(tx, vectors, n, links); err != nil {
		return nil, nil, errors.Join(err, tx.Rollback())
	}
	if err := errors.Join(tx.Commit(), db.Close()); err != nil {
		return nil, nil, err
	}
	catalogue, err = os.ReadFile(path)
	return catalogue, vectors, err
}

func fill(tx *sql.Tx, vectors []byte, n int, links string) ([]byte, error) {
	var dimension int
	if err := tx.QueryRow("SELECT dimension FROM spaces").Scan(&dimension); err != nil {
		return nil, err
	}
	size := 8 + 4*dimension
	known := map[uint64][]byte{}
	for row := vectors; len(row) >= size; row = row[size:] {
		known[binary.LittleEndian.Uint64(row)] = row[8:size]
	}
	files, err := pictures(tx, known)
	if err != nil {
		return nil, err
	}
	root, err := tx.Exec("INSERT INTO roots(path, include, exclude) SELECT ?, include, exclude FROM roots LIMIT 1", []byte(links))
	if err != nil {
		return nil, err
	}
	id, err := root.LastInsertId()
	if err != nil {
		return nil, err
	}
	into, err := prepare(tx)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 2))
	begin := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range n {
		of := files[i%len(files)]
		folder := filepath.Join(links, fmt.Sprintf("%03d", i/1000))
		if i%1000 == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return nil, err
			}
		}
		path := filepath.Join(folder, fmt.Sprintf("%06d%s", i, filepath.Ext(string(of.path))))
		if err := os.Link(string(of.path), path); err != nil {
			return nil, err
		}
		taken := begin.Add(-time.Duration(i) * time.Hour)
		r, err := into.files.Exec(id, []byte(path), taken.Unix(), of.id)
		if err != nil {
			return nil, err
		}
		if vectors, err = into.embed(r, of, vectors, random); err != nil {
			return nil, err
		}
	}
	return vectors, nil
}

// pictures are the catalogued ones that have a vector.
func pictures(tx *sql.Tx, known map[uint64][]byte) (files []file, err error) {
	rows, err := tx.Query("SELECT f.id, f.path, f.kind, p.space, p.id FROM files f JOIN pieces p ON p.file = f.id WHERE f.kind = 'image' AND f.error IS NULL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f file
		var piece uint64
		if err := rows.Scan(&f.id, &f.path, &f.kind, &f.space, &piece); err != nil {
			return nil, err
		}
		for v := known[piece]; len(v) >= 4; v = v[4:] {
			f.vector = append(f.vector, math.Float32frombits(binary.LittleEndian.Uint32(v)))
		}
		if f.vector != nil {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		err = errors.New("the library holds no pictures")
	}
	return files, errors.Join(err, rows.Err())
}

// Statements add a file like another one.
type statements struct{ files, embedded, seen, pieces *sql.Stmt }

func prepare(tx *sql.Tx) (s statements, err error) {
	for _, p := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&s.files, `INSERT INTO files(root, path, size, modified, hash, kind, width, height, taken)
			SELECT ?, ?, size, modified, hash, kind, width, height, ? FROM files WHERE id = ?`},
		{&s.embedded, "INSERT INTO embedded SELECT ?, space, described FROM embedded WHERE file = ? AND space = ?"},
		{&s.seen, "INSERT INTO seen SELECT ?, space, word, probability FROM seen WHERE file = ?"},
		{&s.pieces, "INSERT INTO pieces(file, space, sound) VALUES(?, ?, 0)"},
	} {
		if *p.to, err = tx.Prepare(p.sql); err != nil {
			return s, err
		}
	}
	return s, nil
}

// embed gives a new file a vector near to that of the file that it is a link to.
func (s *statements) embed(inserted sql.Result, of file, vectors []byte, random *rand.Rand) ([]byte, error) {
	id, err := inserted.LastInsertId()
	if err != nil {
		return nil, err
	}
	if _, err := s.embedded.Exec(id, of.id, of.space); err != nil {
		return nil, err
	}
	if _, err := s.seen.Exec(id, of.id); err != nil {
		return nil, err
	}
	r, err := s.pieces.Exec(id, of.space)
	if err != nil {
		return nil, err
	}
	piece, err := r.LastInsertId()
	if err != nil {
		return nil, err
	}
	var length float64
	near := make([]float64, len(of.vector))
	for i, x := range of.vector {
		near[i] = float64(x) + random.NormFloat64()*0.3/math.Sqrt(float64(len(near)))
		length += near[i] * near[i]
	}
	vectors = binary.LittleEndian.AppendUint64(vectors, uint64(piece))
	for _, x := range near {
		vectors = binary.LittleEndian.AppendUint32(vectors, math.Float32bits(float32(x/math.Sqrt(length))))
	}
	return vectors, nil
}
