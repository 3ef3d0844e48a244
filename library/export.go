package library

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// What an export holds: a tar file of the catalogue and, for each space, its vectors: the id, then the values, little-endian.
const (
	exportCatalogue = "catalogue.db"
	exportVectors   = "vectors/%d"
	importRows      = 1024
)

// Export writes the catalogue and the vectors as they are at one moment; another process may write meanwhile.
func (l *Library) Export(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp("", "chiasm-export")
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := l.export(ctx, w, filepath.Join(dir, exportCatalogue)); err != nil && ctx.Err() == nil {
		return fmt.Errorf("library: %w", err)
	}
	return ctx.Err()
}

func (l *Library) export(ctx context.Context, w io.Writer, copied string) error {
	if _, err := l.db.ExecContext(ctx, "VACUUM INTO ?", copied); err != nil {
		return err
	}
	spaces, err := l.spaces(ctx)
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	f, err := os.Open(copied)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: exportCatalogue, Mode: 0o644, Size: info.Size()}); err != nil {
		return err
	}
	if _, err := io.Copy(t, f); err != nil {
		return err
	}
	for _, s := range spaces {
		if err := l.exportVectors(ctx, t, s); err != nil {
			return err
		}
	}
	return t.Close()
}

func (l *Library) exportVectors(ctx context.Context, t *tar.Writer, s Space) error {
	x, err := l.vectors(ctx, s)
	if err != nil {
		return err
	}
	known, err := l.piecesOf(ctx, s)
	if err != nil {
		return err
	}
	var there []uint64
	x.Each(func(id uint64, _ []float32) bool {
		if known[id] {
			there = append(there, id)
		}
		return true
	})
	slices.Sort(there)
	row := make([]byte, 8+4*s.Dimension)
	if err := t.WriteHeader(&tar.Header{Name: fmt.Sprintf(exportVectors, s.id), Mode: 0o644, Size: int64(len(there)) * int64(len(row))}); err != nil {
		return err
	}
	for _, id := range there {
		v := x.Get(id)
		if v == nil {
			return errors.New("the library changed while it was exported: try again")
		}
		binary.LittleEndian.PutUint64(row, id)
		for i, f := range v {
			binary.LittleEndian.PutUint32(row[8+4*i:], math.Float32bits(f))
		}
		if _, err := t.Write(row); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Import makes a library in dir, which must hold none, of what [Library.Export] wrote.
func Import(ctx context.Context, dir string, r io.Reader) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("library: importing into %s: %w", dir, err)
		}
	}()
	path := filepath.Join(dir, exportCatalogue)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, errors.New("there is a library already: want a folder without"))
	}
	t := tar.NewReader(r)
	h, err := t.Next()
	if err != nil || h.Name != exportCatalogue {
		return errors.Join(err, errors.New("want a file that chiasm library export wrote"))
	}
	_, missing := os.Lstat(dir)
	fresh := errors.Is(missing, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	defer func() {
		if err != nil { // so that it can be tried again
			for _, name := range []string{exportCatalogue, exportCatalogue + "-wal", exportCatalogue + "-shm"} {
				_ = os.Remove(filepath.Join(dir, name)) // err says more
			}
			if fresh {
				_ = os.RemoveAll(dir)
			}
		}
	}()
	if err := keepFile(path, t); err != nil {
		return err
	}
	l, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.setFact(ctx, "dirty", "1"); err != nil {
		return err
	}
	spaces, err := l.spaces(ctx)
	if err != nil {
		return err
	}
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		i := slices.IndexFunc(spaces, func(s Space) bool { return fmt.Sprintf(exportVectors, s.id) == h.Name })
		if i < 0 {
			return fmt.Errorf("unknown part %q", h.Name)
		}
		if err := l.importVectors(ctx, spaces[i], t); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	for _, s := range spaces {
		if err := l.mend(ctx, s); err != nil { // what did not come is made again
			return err
		}
	}
	return l.setFact(ctx, "dirty", "")
}

func keepFile(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

func (l *Library) importVectors(ctx context.Context, s Space, r io.Reader) error {
	x, err := l.vectors(ctx, s)
	if err != nil {
		return err
	}
	b := bufio.NewReader(r)
	row := make([]byte, 8+4*s.Dimension)
	var ids []uint64
	var values []float32
	for {
		_, err := io.ReadFull(b, row)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		end := err != nil
		if !end {
			ids = append(ids, binary.LittleEndian.Uint64(row))
			for i := range s.Dimension {
				values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(row[8+4*i:])))
			}
		}
		if len(ids) >= importRows || end && len(ids) > 0 {
			if err := x.Append(ids, values); err != nil {
				return err
			}
			ids, values = ids[:0], values[:0]
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if end {
			return x.Sync()
		}
	}
}
