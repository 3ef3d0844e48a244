package dataset

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// A file is open and may be read at any place. One that is packed by gzip has been expanded into a temporary file without a name.
type file struct {
	*os.File
	size int64
	temp string // to be removed at the end, where a file in use keeps its name
	cut  error  // why the rest of it could not be expanded
}

const (
	defaultExpanded = 64 << 30
	longestRecord   = 64 << 20 // bytes of a line, and of texts and numbers within shards
)

// openFile opens a file for reading at any place.
func openFile(path string, o *Options) (*file, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("expected a file")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	if name := lower(path); !strings.HasSuffix(name, ".gz") && !strings.HasSuffix(name, ".tgz") {
		return &file{File: f, size: info.Size()}, nil
	}
	defer f.Close()
	return expandFile(f, o.Expanded)
}

// expandFile unpacks f. If that fails in the middle, what came before is kept.
func expandFile(f *os.File, limit int64) (*file, error) {
	if limit <= 0 {
		limit = defaultExpanded
	}
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	temp, err := os.CreateTemp("", "chiasm-expanded-*")
	if err != nil {
		return nil, err
	}
	out := &file{File: temp}
	if os.Remove(temp.Name()) != nil { // systems that keep the names of open files
		out.temp = temp.Name()
	}
	out.size, out.cut = io.Copy(temp, io.LimitReader(z, limit))
	if out.size == limit && out.cut == nil {
		out.cut = fmt.Errorf("expected at most %d bytes once expanded", limit)
	}
	var full *os.PathError // what is written, not what is read
	if errors.As(out.cut, &full) {
		return nil, errors.Join(full, out.Close())
	}
	return out, nil
}

// Close releases the file and what it was expanded to.
func (f *file) Close() error {
	err := f.File.Close()
	if f.temp != "" {
		err = errors.Join(err, os.Remove(f.temp))
	}
	return err
}

// part is the bytes from one place to another.
func (f *file) part(from, to int64) ([]byte, error) {
	if to-from > longestRecord {
		return nil, fmt.Errorf("expected at most %d bytes, got %d", longestRecord, to-from)
	}
	b := make([]byte, to-from)
	if _, err := f.ReadAt(b, from); err != nil {
		return nil, err
	}
	return b, nil
}
